"""The fake engine with more orders: it stops in a step until it may go on, and files can kill the worker's probe."""

import json
import os
import signal
import sys
import time
from pathlib import Path
from uuid import UUID

from django.conf import settings

from apps.assets import checking, tasks
from apps.assets.models import Asset, Status
from apps.inference import running
from apps.inference.backends.base import Watching
from tests.inference import fake

PATH = "tests.faults.engine.HeldBackend"
POISON_NAME = "poison.wav"
LONGEST_HOLD_S = 60


def hold_in(step: str, **orders: object) -> None:
    """Orders for the engine: stop when ``step`` begins for the first time, until :func:`go_on`."""
    fake.tell(hold_in=step, **orders)
    for name in ("held", "go_on"):
        _sign(name).unlink(missing_ok=True)


def is_held() -> bool:
    return _sign("held").exists()


def go_on() -> None:
    _sign("go_on").touch()


def _sign(name: str) -> Path:
    return Path(settings.DATA_DIR) / f"fake.{name}"


class HeldBackend(fake.FakeBackend):
    def _step(self, step: str, watch: Watching, stage: str, frames: int = 4) -> None:
        orders = json.loads((Path(settings.DATA_DIR) / "fake.json").read_text())
        super()._step(step, watch, stage, frames)
        if step == orders.get("hold_in") and fake.calls().count(step) == 1:
            _sign("held").touch()
            deadline = time.monotonic() + LONGEST_HOLD_S
            while not _sign("go_on").exists() and time.monotonic() < deadline:
                time.sleep(0.05)


def _check(asset_id: UUID) -> Status:
    """The probe of this worker, which a certain file kills as a crash in a codec would."""
    if Asset.objects.get(pk=asset_id).name == POISON_NAME:
        with (Path(settings.DATA_DIR) / "fake.log").open("a") as log:
            log.write("poison\n")
        os.kill(os.getpid(), signal.SIGKILL)
    return checking.check_asset(asset_id)


def poison_the_probe() -> None:
    """To be called in a worker only."""
    tasks.check_asset = _check


if sys.argv[0].endswith("celery/__main__.py"):
    poison_the_probe()
if "FAULTS_IMPATIENT" in os.environ:  # a minute of patience is too long for a test
    running.BACKOFF_S = 0.1
