"""The worker command: what it serves, that it signs the list of workers, and how it stops."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connections, transaction

from apps.assets.models import Asset, Origin
from apps.assets.models import Status as AssetStatus
from apps.generations import workers
from apps.generations.models import Generation, Status
from apps.generations.queue import hand_to_workers
from apps.inference.management.commands.worker import worker_command
from studio import logs
from studio.celery import app as celery_app
from tests.conftest import ROOT
from tests.inference import fake
from tests.inference.stepping import scratch

PATIENCE_S = 60


class SlowServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, *given) -> None:
        super().__init__(*given)
        self.asked, self.ended = threading.Event(), threading.Event()


class SlowAnswer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000000")
        self.end_headers()
        self.server.asked.set()
        with contextlib.suppress(OSError):  # whoever asked is gone
            while not self.server.ended.wait(0.1):
                self.wfile.write(b"x")

    def log_message(self, *words) -> None: ...


@pytest.mark.parametrize("queues", ["cpu,gpuu", "", " , "])
def test_queues_that_do_not_exist_are_refused(queues):
    with pytest.raises(CommandError, match="queue"):
        call_command("worker", queues=queues)


def test_only_waiting_is_done_in_threads():
    for queues in (["remote"], ["fetch"]):
        assert "custom" in worker_command(queues, 8)
    for queues in (["cpu"], ["io"], ["cpu", "remote"], ["io", "fetch"]):
        assert "prefork" in worker_command(queues, 2)


@pytest.fixture
def stopped_worker(request, transactional_db, fake_engine) -> Iterator[subprocess.Popen[bytes]]:
    """A worker of a queue, as an operator starts it, on the test's database; killed at the end where it still runs."""
    if connections["default"].vendor != "sqlite":
        pytest.skip("the worker of these tests is set up for SQLite")
    database = f"sqlite:///{connections['default'].settings_dict['NAME']}"
    environment = os.environ | {
        "DATABASE_URL": database,
        "STUDIO_BACKENDS": f"lipsync-2={fake.PATH}",
        "STUDIO_LOG": "json",
        "STUDIO_PRIVATE_URLS": "1",
    }
    with (settings.DATA_DIR / "stopped.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "worker", "--queues", request.param, "--slots", "2"],
            cwd=ROOT,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    yield process
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(timeout=10)


def until(condition, what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        log = (settings.DATA_DIR / "stopped.log").read_text()[-3000:]
        assert time.monotonic() < deadline, f"not within {PATIENCE_S} s: {what}\n{log}"
        time.sleep(0.05)


@pytest.mark.parametrize("stopped_worker", ["cpu"], indirect=True)
def test_on_term_a_worker_finishes_what_it_can_and_hands_the_rest_back(stopped_worker, make_take, fake_engine):
    name = f"cpu-{stopped_worker.pid}@"
    until(lambda: [w for w in workers.present() if w.name.startswith(name)], "the worker signs")
    (signed,) = [w for w in workers.present() if w.name.startswith(name)]
    assert (signed.slots, "lipsync-2" in signed.models) == (2, True)

    # Both pieces at once: one needs a second and is finished, the other a minute and is handed back.
    # Names of its own, so that no piece that another test has drawn of the same files is found.
    fake_engine.tell(wait_s=60, wait_in="render-10", made_from=["first of the stopped", "second of the stopped"])
    take = make_take()
    with logs.noted(request_id="click-1"), transaction.atomic():
        hand_to_workers(take.pk)
    until(lambda: "render-10" in fake_engine.calls(), "the long piece begins")
    os.kill(stopped_worker.pid, signal.SIGTERM)
    assert stopped_worker.wait(timeout=PATIENCE_S) == 0

    take.refresh_from_db()
    assert take.status == Status.PROCESSING
    with celery_app.connection_for_read() as connection:
        client = connection.default_channel.client
        (message,) = client.lrange("cpu", 0, -1)
        client.delete("cpu")
    assert b'"redelivered": true' in message
    assert fake_engine.calls().count("render-10") == 1
    assert Generation.objects.get(pk=take.pk).attempts == 1
    assert Generation.objects.get(pk=take.pk).busy_s > 0

    lines = [
        json.loads(line)
        for line in (settings.DATA_DIR / "stopped.log").read_text().splitlines()
        if line.startswith("{")
    ]
    steps = [line for line in lines if line["logger"] == "apps.inference.measuring"]
    # Every step says which take it is of and which click it came from, over all hand-overs between steps.
    assert {(line["generation_id"], line["request_id"]) for line in steps} == {(str(take.pk), "click-1")}
    told = [line["message"].rpartition(" after ")[0] for line in steps]
    assert "render 0000000-0000010 done" in told
    assert "render 0000010-0000025 handed back" in told


@pytest.fixture
def slow_server() -> Iterator[SlowServer]:
    """Gives a byte each 0.1 s, for ever."""
    server = SlowServer(("127.0.0.1", 0), SlowAnswer)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.ended.set()
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("stopped_worker", ["fetch"], indirect=True)
def test_on_term_a_fetch_is_handed_back(stopped_worker, slow_server, workspace, owner):
    until(lambda: [w for w in workers.present() if w.name.startswith(f"fetch-{stopped_worker.pid}@")], "it signs")
    asset = Asset.objects.create(workspace=workspace, created_by=owner, name="slow.mp4", origin=Origin.URL)
    address = f"http://127.0.0.1:{slow_server.server_address[1]}/slow.mp4"
    celery_app.send_task("desk.fetch_file", args=[str(asset.pk), address])
    until(slow_server.asked.is_set, "the worker asks for the file")
    os.kill(stopped_worker.pid, signal.SIGTERM)
    assert stopped_worker.wait(timeout=PATIENCE_S) == 0
    asset.refresh_from_db()
    assert asset.status == AssetStatus.CHECKING
    with celery_app.connection_for_read() as connection:
        client = connection.default_channel.client
        (message,) = client.lrange("fetch", 0, -1)
        client.delete("fetch")
    assert str(asset.pk) in json.loads(message)["headers"]["argsrepr"]
    # by its process: tests before this one kill workers, whose folders are swept later
    assert [folder.name for folder in scratch() if f"-{stopped_worker.pid}-" in folder.name] == []
