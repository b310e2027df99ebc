"""How quickly the API answers many programs at once: gunicorn on PostgreSQL, clients that keep their connections.

    python -m benchmarks.api_load --clients 50 --seconds 10

The studio runs as ``make run`` starts it (workers and threads of ``studio.processes``) with an empty PostgreSQL and a
Redis of its own; its generations are ``--rows`` finished ones. Each client asks for one generation and for a page of
20 in turn, as soon as it has the last answer.
"""

import argparse
import http.client
import itertools
import os
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from urllib.request import urlopen

from benchmarks.studio_stack import ROOT, START_S, studio
from tests.postgres import server

PAGE = "generations?limit=20"
NO_LIMIT = "1000000000"


@dataclass
class Seen:
    """Seconds of the answers by what was asked for, and what else came: statuses above 399 and broken connections."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: {"get": [], "list": []})
    errors: Counter[str] = field(default_factory=Counter)


def ask(port: int, key: str, paths: dict[str, str], ends: float, seen: Seen) -> None:
    """One client: get and list in turn over one connection until ``ends`` (monotonic seconds)."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    for kind in itertools.cycle(paths):
        began = time.monotonic()
        if began >= ends:
            break
        try:
            connection.request("GET", f"/v2/{paths[kind]}", headers={"x-api-key": key})
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException) as error:
            seen.errors[type(error).__name__] += 1
            connection.close()
            continue
        seen.seconds[kind].append(time.monotonic() - began)
        if answer.status >= 400:
            seen.errors[str(answer.status)] += 1
    connection.close()


def load(port: int, key: str, paths: dict[str, str], *, clients: int, seconds: float) -> Seen:
    """So many clients at once for so long."""
    seen = Seen()
    ends = time.monotonic() + seconds
    threads = [threading.Thread(target=ask, args=(port, key, paths, ends, seen)) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return seen


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


def main() -> int:
    """Run it and print the figures; 1 where any request failed."""
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
        queries = queries_of(key, paths)
        log = folder / "web.log"
        command = web_command(bind=f"127.0.0.1:{asked.port}")
        web = subprocess.Popen(command, cwd=ROOT, env=os.environ, stdout=log.open("wb"), stderr=subprocess.STDOUT)
        try:
            wait_for(web, asked.port, log)
            load(asked.port, key, paths, clients=asked.clients, seconds=min(2.0, asked.seconds))  # caches, connections
            seen = load(asked.port, key, paths, clients=asked.clients, seconds=asked.seconds)
        finally:
            web.terminate()
            web.wait(timeout=30)
            from django.db import connections

            connections.close_all()
    return told(seen, queries, asked)


def told(seen: Seen, queries: dict[str, int], asked: argparse.Namespace) -> int:
    """Print what was seen: milliseconds, requests a second, queries, errors."""
    count = sum(map(len, seen.seconds.values()))
    print(f"{asked.clients} clients, {asked.seconds:g} s: {count} answers, {count / asked.seconds:.0f} a second")
    for kind, seconds in seen.seconds.items():
        median, slow = (statistics.quantiles(seconds, n=100)[place] * 1000 for place in (49, 94))
        print(f"{kind}: median {median:.0f} ms, 95th {slow:.0f} ms, {queries[kind]} queries")
    print(f"errors: {dict(seen.errors) or 'none'}")
    return 1 if seen.errors else 0


if __name__ == "__main__":
    sys.exit(main())
