"""Real workers that can be killed, a Redis that can go away, and the questions to ask afterwards."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable

from django.conf import settings
from django.db import connections, transaction

from apps.assets.models import Asset, Origin
from apps.billing.models import Transaction, TransactionKind
from apps.generations import signals
from apps.generations.models import Generation, Status
from apps.generations.proof import wrong_outcomes
from apps.generations.queue import hand_to_workers
from apps.inference import keeping, sweeping
from benchmarks.leftovers import orphans
from tests.conftest import ROOT, WORKER_COMMAND, wait_for_worker
from tests.faults import engine

PATIENCE_S = 150


class Workers:
    """Celery's worker of these tests: one main process with two children."""

    def __init__(self) -> None:
        self._environment: dict[str, str] = {}
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it where it does not run in the environment as it now is, and wait until it takes work."""
        environment = dict(os.environ)
        environment.pop("PYTEST_CURRENT_TEST", None)
        if self.process is not None and self.process.poll() is None and environment == self._environment:
            return
        self.kill()
        self._environment = environment
        address = f"sqlite:///{connections['default'].settings_dict['NAME']}"
        own = {"DATABASE_URL": address, "STUDIO_BACKENDS": f"lipsync-2={engine.PATH}"}
        with (settings.DATA_DIR / "worker.log").open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", *WORKER_COMMAND],
                cwd=ROOT,
                env=environment | own,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        wait_for_worker(self.process)

    def kill(self) -> None:
        """The machine loses power: main process and children are gone at once."""
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(timeout=10)


def until(condition: Callable[[], object], what: str, *, meanwhile: Callable[[], object] = lambda: None) -> None:
    """Return as soon as the condition holds; the worker's log tells why it does not."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        log = (settings.DATA_DIR / "worker.log").read_text()[-9000:]
        assert time.monotonic() < deadline, f"not within {PATIENCE_S} s: {what}\n{log}"
        meanwhile()
        time.sleep(0.1)


def started(take: Generation) -> Generation:
    with transaction.atomic():
        hand_to_workers(take.pk)
    return take


def ended(take: Generation, *, sweeps: bool = False) -> Generation:
    """The take once it has ended; with ``sweeps`` the sweeper looks for lost work all the while."""
    until(
        lambda: Generation.objects.get(pk=take.pk).is_final,
        "the take ends",
        meanwhile=sweeping.take_up_silent if sweeps else lambda: None,
    )
    take.refresh_from_db()
    return take


def lost_for_long(take: Generation) -> None:
    """As if the workers had been silent for longer than the sweeper waits: no test shall wait that long."""
    signals.sign_of_life(take.pk, ahead_s=-2 * signals.SILENT_AFTER_S)
    Generation.objects.filter(pk=take.pk).update(heartbeat_at=take.created_at.replace(year=2000))


def check_the_books(*takes: Generation) -> None:
    """Each take ended once and cost what it should, exactly once; nothing of it is left where nobody looks."""
    assert wrong_outcomes() == []
    for take in takes:
        charges = Transaction.objects.filter(subject=take.pk, kind=TransactionKind.CAPTURE).count()
        assert charges == (take.status == Status.COMPLETED), (take.status, charges)
        results = Asset.objects.filter(pk=keeping.result_id(take.pk), origin=Origin.RESULT).count()
        assert results == (take.status == Status.COMPLETED)
    try:
        until(lambda: not orphans(), "the last files go")
    except AssertionError as error:
        raise AssertionError(f"Left behind: {orphans()}") from error
