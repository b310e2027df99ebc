"""A large film that is torn off again and again on its way: does it arrive whole, and what does the server hold?

    python -m benchmarks.upload [--megabytes 2048] [--breaks 5] [--seed 1]    # media on this disk, by tus
    python -m benchmarks.upload --bucket                                      # media in a bucket, by signed parts
    python -m benchmarks.upload --endpoint http://127.0.0.1:4566              # the same at a store that runs already

The web server is the one `make run` starts, with a worker beside it; the bucket is moto's server, a process of its own.
moto copies the whole object for each range that is read of it: films above 512 MB want another store.
Resident memory of web server and worker is read from /proc all the time. The command fails where the hash in the
library or the bytes read back differ from what was sent, or where the web server grew more than ``--most`` MB.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil

from benchmarks.studio_stack import ROOT, START_S, studio, workers
from benchmarks.upload_client import Browser, Film

MB = 1024**2
LOOK_EVERY_S = 0.02
WARM_UPS, WARM_BYTES = 8, 17 * MB
CHECKED_WITHIN_S = 300


class Memory(threading.Thread):
    """Resident bytes of processes with their children, added up: at the start, the most, at the end."""

    def __init__(self, pids: list[int]) -> None:
        super().__init__(daemon=True)
        self._roots = [psutil.Process(pid) for pid in pids]
        self._stopped = threading.Event()
        self.start_bytes = self.peak = self.end = self._look()
        self.start()

    def run(self) -> None:
        while not self._stopped.wait(LOOK_EVERY_S):
            self.end = self._look()
            self.peak = max(self.peak, self.end)

    def stop(self) -> None:
        self._stopped.set()
        self.join()

    def _look(self) -> int:
        found = 0
        for process in [one for root in self._roots for one in (root, *root.children(recursive=True))]:
            try:
                found += process.memory_info().rss
            except psutil.NoSuchProcess:
                continue
        return found

    def __str__(self) -> str:
        begun, most, left = (round(found / MB) for found in (self.start_bytes, self.peak, self.end))
        return f"{begun} MB at the start, {most} at most, {left} at the end"


def main(arguments: list[str] | None = None) -> int:
    """Measure one way, print it, and say by the exit status whether it held."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=2048)
    parser.add_argument("--breaks", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--most", type=int, default=32, help="megabytes the web server may grow by")
    parser.add_argument("--bucket", action="store_true")
    parser.add_argument(
        "--endpoint", default="", help="a store that speaks S3; takes any credentials, or those of AWS_…"
    )
    given = parser.parse_args(arguments)
    given.bucket = given.bucket or bool(given.endpoint)
    with (
        tempfile.TemporaryDirectory(prefix="film-") as scratch,
        bucket(given.endpoint) if given.bucket else nullcontext({}) as place,
        studio(**place) as folder,
        web(folder) as (address, server),
        workers(folder, 1) as hands,
    ):
        return _measure(given, Path(scratch), folder, address, server, hands)


def _measure(given: Any, scratch: Path, folder: Path, address: str, server: int, hands: list[int]) -> int:
    browser, slug = _signed_in(address)
    send = browser.past_the_studio if given.bucket else browser.through_the_studio
    for number in range(WARM_UPS):  # so that what is loaded at first use is there before the start is noted
        _checked(send(slug, Film(scratch, WARM_BYTES, mark=number + 1), []))
    film = Film(scratch, given.megabytes * MB)
    cuts = sorted(random.Random(given.seed).sample(range(MB, film.size - MB), given.breaks))
    browser.sent, memory, worker = 0, Memory([server]), Memory(hands)
    began = time.monotonic()
    asset = _checked(send(slug, film, cuts))
    taken = time.monotonic() - began
    memory.stop()
    worker.stop()
    right = film.sha256().hexdigest()
    arrived = asset.sha256 == right == _read_back(asset)
    grown = (memory.peak - memory.start_bytes) / MB
    torn = ", ".join(f"{at / MB:.1f}" for at in browser.breaks)
    print(f"{film.size / MB:.0f} MB {'into a bucket' if given.bucket else 'through the studio'}, torn at {torn} MB")
    verdict = "right" if arrived else "WRONG"
    print(f"SHA-256 {verdict}, {asset.kind}, {asset.status}; in all {browser.sent / MB:.1f} MB sent")
    print(f"web server: {memory} (+{grown:.0f})")
    print(f"worker: {worker}")
    print(f"{taken:.0f} s with hashing and examination; {len(browser.breaks)} breaks")
    return 0 if arrived and asset.status == "ready" and grown <= given.most else 1


def _signed_in(address: str) -> tuple[Browser, str]:
    from django.core.management import call_command
    from django.test import Client

    from apps.accounts.models import User
    from apps.workspaces.services import create_workspace

    call_command("load_plans", verbosity=0)
    owner = User.objects.create_user("bench@studio.example", "open-the-studio-1")
    workspace = create_workspace(name="Bench", owner=owner)
    client = Client(headers={"host": "localhost"})
    client.force_login(owner)
    return Browser(address, client.cookies["sessionid"].value), workspace.slug


def _checked(asset_id: str) -> Any:
    """The asset once a worker has examined it."""
    from apps.assets.models import Asset, Status

    deadline = time.monotonic() + CHECKED_WITHIN_S
    while (asset := Asset.objects.get(pk=asset_id)).status == Status.CHECKING:
        if time.monotonic() > deadline:
            raise TimeoutError("No worker has examined the film.")
        time.sleep(0.2)
    return asset


def _read_back(asset: Any) -> str:
    """SHA-256 of what lies in the store now."""
    from apps.assets import bucket as store

    if store.available():
        return store.sha256_of(asset.file.name)
    with asset.file.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def web(folder: Path) -> Iterator[tuple[str, int]]:
    """The web server as `make run` starts it: its address and process number."""
    from studio.processes import web_command

    place = f"127.0.0.1:{_free_port()}"
    with _running(web_command(bind=place), folder / "web.log", f"http://{place}/healthz") as process:
        yield f"http://{place}", process.pid


@contextmanager
def bucket(endpoint: str = "") -> Iterator[dict[str, str]]:
    """An empty bucket, at ``endpoint`` or at a store of its own: what the studio's environment needs for it."""
    import boto3

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        os.environ.setdefault(name, "test")
    with nullcontext(endpoint) if endpoint else _moto() as address:
        name = f"studio-{uuid4().hex[:8]}"
        store = boto3.resource("s3", endpoint_url=address, region_name="us-east-1").Bucket(name)
        store.create()
        try:
            yield {"S3_BUCKET": name, "S3_ENDPOINT": address}
        finally:
            store.objects.delete()
            store.delete()


@contextmanager
def _moto() -> Iterator[str]:
    port, log = _free_port(), Path(tempfile.gettempdir()) / f"bucket-{os.getpid()}.log"
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with _running(command, log, f"{address}/moto-api/"):
        yield address
    log.unlink()


@contextmanager
def _running(command: list[str], log: Path, answers: str) -> Iterator[subprocess.Popen[bytes]]:
    """A server, from its first answer on."""
    with log.open("wb") as lines:
        process = subprocess.Popen(command, cwd=ROOT, stdout=lines, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + START_S
        while not _answers(answers):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{command[2]} did not start:\n{log.read_text()}")
            time.sleep(0.2)
        yield process
    finally:
        process.terminate()
        process.wait(timeout=30)


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    sys.exit(main())
