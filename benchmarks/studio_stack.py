"""A studio of its own for measurements: Redis, SQLite and workers in a temporary folder."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
START_S = 120


@contextmanager
def studio(**environment: str) -> Iterator[Path]:
    """An empty studio with its Redis, Django set up for it; gives its folder, which goes in the end."""
    from studio.redis_server import RedisServer

    folder = Path(tempfile.mkdtemp(prefix="studio-bench-"))
    os.environ.setdefault("STUDIO_MODELS", str(ROOT / "var" / "models"))
    os.environ |= {"STUDIO_DATA": str(folder), "DJANGO_SETTINGS_MODULE": "studio.settings"} | environment
    redis = RedisServer(folder / "redis")
    redis.start()
    os.environ["REDIS_URL"] = redis.url
    try:
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        yield folder
    finally:
        redis.stop()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def workers(folder: Path, count: int) -> Iterator[list[int]]:
    """So many workers of one process each, ready; every one keeps to one core. Gives their process numbers."""
    cores = sorted(os.sched_getaffinity(0))
    running = []
    try:
        for place in range(count):
            log = folder / f"worker-{place}.log"
            command = ["celery", "-A", "studio", "worker", "-n", f"bench-{place}@%h", "-Q", "cpu,io", "-c", "1"]
            running.append(
                subprocess.Popen(
                    [sys.executable, "-m", *command, "-l", "INFO", "--without-gossip"],
                    cwd=ROOT, stdout=log.open("wb"), stderr=subprocess.STDOUT, process_group=0,
                )
            )  # fmt: skip
            os.sched_setaffinity(running[-1].pid, {cores[place % len(cores)]})
        for place in range(count):
            _wait_for(folder / f"worker-{place}.log")
        yield [worker.pid for worker in running]
    finally:
        for worker in running:
            os.killpg(worker.pid, signal.SIGKILL)
            worker.wait()


def _wait_for(log: Path) -> None:
    deadline = time.monotonic() + START_S
    while b" ready." not in log.read_bytes():
        if time.monotonic() > deadline:
            raise TimeoutError(f"A worker did not start:\n{log.read_text()}")
        time.sleep(0.1)


def make_take(video: Path, sound: Path, model: str, number: int) -> Any:
    """A queued take of two files, which are put into the library."""
    from apps.accounts.models import User
    from apps.assets.checking import check_asset
    from apps.assets.services import import_file
    from apps.billing import ledger
    from apps.catalog.registry import clean_options
    from apps.generations.models import Generation
    from apps.workspaces.models import Workspace
    from apps.workspaces.services import create_workspace
    from studio.celery import app as celery_app

    owner = User.objects.first() or User.objects.create_user("bench@studio.example", "open-the-studio-1")
    workspace = Workspace.objects.first() or create_workspace(name="Bench", owner=owner)
    assets = []
    for path in (video, sound):
        asset = import_file(workspace=workspace, user=owner, path=path, name=path.name)
        check_asset(asset.pk)
        asset.refresh_from_db()
        assets.append(asset)
    take = Generation.objects.create(
        workspace=workspace, number=number, created_by=owner, video=assets[0], audio=assets[1], model=model,
        sync_mode="cut_off", options=clean_options(model, {})[0], quoted_seconds=assets[0].duration_s or 0.0,
    )  # fmt: skip
    ledger.hold(workspace=workspace, subject=take.pk, micros=0)
    with (
        celery_app.connection() as connection
    ):  # the checks of both files, which would make the analysis beside the take
        for queue in ("cpu", "io"):
            connection.default_channel.queue_purge(queue)
    return take


def made(take: Any) -> float:
    """Send a take, wait until it has ended, and return the seconds between; raises where it did not finish."""
    from apps.generations.models import Status
    from apps.generations.queue import hand_to_workers

    began = time.monotonic()
    hand_to_workers(take.pk)
    while not take.is_final:
        time.sleep(0.05)
        take.refresh_from_db()
    taken = time.monotonic() - began
    if take.status != Status.COMPLETED:
        raise RuntimeError(f"The take ended as {take.status}: {take.error_message}")
    return taken


def forget_work(folder: Path) -> None:
    """Remove kept analyses and pieces, so that the next take begins from nothing."""
    shutil.rmtree(folder / "media" / "work", ignore_errors=True)
