"""How quickly the API answers many programs at once: gunicorn on PostgreSQL, clients that keep their connections.

    python -m benchmarks.api_load --clients 50 --seconds 10

The studio runs as ``make run`` starts it (workers and threads of ``studio.processes``) with an empty PostgreSQL and a
Redis of its own; its generations are ``--rows`` finished ones. Each client asks for one generation and for a page of
20 in turn: first once a second, as a program that waits for its film does, then without any pause, which shows what
this machine can do at most. Clients, studio, PostgreSQL and Redis share its cores.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import urlopen

import psutil

from benchmarks.api_clients import load, request_bytes
from benchmarks.studio_stack import ROOT, START_S, studio
from tests.postgres import server

PAGE = "generations?limit=20"
NO_LIMIT = "1000000000"
PAUSE_S, WARM_S = 1.0, 2.0
BAR_MS = 40.0


def world(rows: int) -> tuple[str, dict[str, str]]:
    """A workspace with so many finished generations: a key of it, and the two paths."""
    from apps.accounts.models import User
    from apps.api.keys import make_key
    from apps.api.models import Scope
    from apps.generations.models import Status
    from apps.workspaces.access import membership_for
    from apps.workspaces.services import create_workspace
    from tests.factories import AssetFactory, GenerationFactory

    owner = User.objects.create_user("ada@studio.example", "open-the-studio-1")
    workspace = create_workspace(name="Harbour films", owner=owner)
    video, audio = AssetFactory(workspace=workspace, video=True), AssetFactory(workspace=workspace, audio=True)
    made = {"workspace": workspace, "video": video, "audio": audio, "result": video, "status": Status.COMPLETED}
    takes = [GenerationFactory(**made) for _ in range(rows)]
    _, key = make_key(membership=membership_for(owner, workspace), name="load", scope=Scope.READ)
    return key, {"get": f"generate/{takes[0].pk}", "list": PAGE}


def queries_of(key: str, paths: dict[str, str]) -> dict[str, int]:
    """Database queries of one request of each kind, once the key's use of this minute is noted."""
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    found = {}
    for kind, path in paths.items():
        for _ in range(2):
            with CaptureQueriesContext(connection) as queries:
                Client().get(f"/v2/{path}", headers={"x-api-key": key, "host": "127.0.0.1"})
        found[kind] = len(queries)
    return found


def wait_for(web: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Until the server answers; raises where it ended or takes too long."""
    deadline = time.monotonic() + START_S
    while True:
        try:
            with urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2):
                return
        except OSError as error:
            if web.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"The web server did not answer:\n{log.read_text()}") from error
            time.sleep(0.1)


def processor_of(web: subprocess.Popen[bytes]) -> dict[str, float]:
    """Processor seconds so far of all parts that answer, by the name of their program."""
    found: dict[str, float] = {}
    ours = {process.pid for process in (process for pid in (web.pid, os.getpid()) for process in _family(pid))}
    for process in psutil.process_iter(["pid", "name", "cpu_times"]):
        name = "postgres" if "postgres" in process.info["name"] else "redis" if "redis" in process.info["name"] else ""
        if not name and process.info["pid"] in ours:
            name = "clients" if process.info["pid"] == os.getpid() else "web"
        if name and process.info["cpu_times"]:
            found[name] = found.get(name, 0.0) + process.info["cpu_times"].user + process.info["cpu_times"].system
    return found


def _family(pid: int) -> list[psutil.Process]:
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


def main() -> int:
    """Run it and print the figures; 1 where a request failed, or one client a second each waits longer than the bar."""
    parser = argparse.ArgumentParser(description="Many clients ask the API at once.")
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--rows", type=int, default=200)
    parser.add_argument("--port", type=int, default=8765)
    asked = parser.parse_args()
    limits = {"STUDIO_API_REQUESTS": NO_LIMIT, "STUDIO_API_CREATES": NO_LIMIT}
    with server() as database, studio(DATABASE_URL=database, **limits) as folder:
        from studio.processes import web_command

        key, paths = world(asked.rows)
        print(f"queries: {queries_of(key, paths)}", flush=True)
        requests = {kind: request_bytes(f"/v2/{path}", key) for kind, path in paths.items()}
        log = folder / "web.log"
        command = web_command(bind=f"127.0.0.1:{asked.port}")
        web = subprocess.Popen(command, cwd=ROOT, env=os.environ, stdout=log.open("wb"), stderr=subprocess.STDOUT)
        try:
            wait_for(web, asked.port, log)
            good = [measure(web, asked, requests, pause) for pause in (PAUSE_S, 0.0)]
        finally:
            web.terminate()
            web.wait(timeout=30)
            from django.db import connections

            connections.close_all()
    return 0 if all(good) else 1


def measure(web: subprocess.Popen[bytes], asked: argparse.Namespace, requests: dict[str, bytes], pause: float) -> bool:
    """One round, printed: milliseconds, answers and processor seconds a second, errors. False where it is not good."""
    load(asked.port, requests, clients=asked.clients, seconds=WARM_S, pause=pause)  # caches and connections
    before, began = processor_of(web), time.monotonic()
    seen = load(asked.port, requests, clients=asked.clients, seconds=asked.seconds, pause=pause)
    lasted, after = time.monotonic() - began, processor_of(web)
    used = {name: (after[name] - before.get(name, 0.0)) / seen.answers * 1000 for name in sorted(after)}
    print(f"\n{asked.clients} clients, {f'every {pause:g} s' if pause else 'without pause'}: "
          f"{seen.answers / lasted:.0f} answers a second")  # fmt: skip
    print("processor for an answer: " + ", ".join(f"{name} {ms:.1f} ms" for name, ms in used.items()))
    medians = [told(kind, seconds) for kind, seconds in seen.seconds.items()]
    print(f"errors: {dict(seen.errors) or 'none'}", flush=True)
    return not seen.errors and (not pause or max(medians) < BAR_MS)


def told(kind: str, seconds: list[float]) -> float:
    """Print how long one kind of answer took; returns the median in milliseconds."""
    median, slow = (statistics.quantiles(seconds, n=100)[place] * 1000 for place in (49, 94))
    print(f"{kind}: median {median:.0f} ms, 95th {slow:.0f} ms")
    return median


if __name__ == "__main__":
    sys.exit(main())
