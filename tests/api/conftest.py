"""A real studio for the clients: gunicorn and a worker for files as processes of their own, on the test's database."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import connections
from django.test import Client

from apps.api.keys import make_key
from apps.api.models import Scope
from apps.workspaces.models import Membership
from tests.conftest import ROOT, wait_for_worker
from tests.factories import AssetFactory, write_audio, write_video

START_S = 60
TYPESCRIPT_CLIENT = "@sync.so/sdk@0.3.0"


@pytest.fixture(autouse=True)
def fresh_limits():
    """No test pays for the requests of another."""
    cache.clear()


@pytest.fixture
def key(membership: Membership) -> str:
    """A key of the owner that may do everything."""
    return make_key(membership=membership, name="test", scope=Scope.MANAGE)[1]


@pytest.fixture
def api(client: Client, key: str):
    """``api("POST", "generate", {...})``: a call with the owner's key through Django's test client."""

    def call(method: str, path: str, data=None, *, key: str | None = key, **headers: str):
        sent = {"x-api-key": key} if key else {}
        body = {} if data is None else {"data": data, "content_type": "application/json"}
        return client.generic(method, f"/v2/{path}", headers=sent | headers, **_encoded(body))

    return call


def _encoded(body: dict) -> dict:
    if not body:
        return {}
    data = body["data"]
    return {"data": data if isinstance(data, str | bytes) else json.dumps(data), "content_type": body["content_type"]}


def free_port() -> int:
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="package")
def studio_processes(django_db_setup, django_db_blocker) -> Iterator[str]:
    """Address of a studio that runs as in production: gunicorn with threads, and a worker for files alone.

    Generations stay queued, since no worker serves their queue. Private addresses are open: clients and inputs are on
    this machine.
    """
    with django_db_blocker.unblock():
        database = connections["default"].settings_dict["NAME"]
    port = free_port()
    environment = os.environ | {
        "DATABASE_URL": f"sqlite:///{database}",
        "STUDIO_PRIVATE_URLS": "1",
        "DJANGO_SETTINGS_MODULE": "studio.settings",
        "STUDIO_API_CREATES": "100000",
        "STUDIO_API_REQUESTS": "100000",
    }
    log = settings.DATA_DIR / "worker.log"
    web = [sys.executable, "-m", "gunicorn", "studio.wsgi", "--bind", f"127.0.0.1:{port}", "--worker-class", "gthread"]
    web += ["--workers", "1", "--threads", "8", "--log-level", "warning"]
    worker = [sys.executable, "-m", "celery", "-A", "studio", "worker", "-Q", "io,fetch", "-c", "1", "-l", "INFO"]
    log.write_bytes(b"")
    with log.open("ab") as lines, (settings.DATA_DIR / "web.log").open("wb") as web_lines:
        processes = [
            start([*worker, "--without-gossip", "--without-mingle"], environment, lines),
            start(web, environment, web_lines),
        ]
    try:
        wait_for_worker(processes[0])
        address = f"http://127.0.0.1:{port}"
        wait_for_web(address, processes[1])
        yield address
    finally:
        for process in processes:
            stop(process)


def start(command: list[str], environment: dict[str, str], output) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
    )


def stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(timeout=10)


def wait_for_web(address: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_S
    while True:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{address}/healthz", timeout=2) as answer:
            if answer.status == 200:
                return
        assert process.poll() is None, (settings.DATA_DIR / "web.log").read_text()
        assert time.monotonic() < deadline, "the web server did not answer"
        time.sleep(0.1)


@pytest.fixture
def studio(transactional_db, studio_processes: str) -> str:
    """Address of the running studio, whose database is this test's."""
    return studio_processes


@pytest.fixture(scope="session")
def clip(tmp_path_factory) -> Path:
    """Two seconds of video with sound."""
    return write_video(tmp_path_factory.mktemp("media") / "talk.mp4", seconds=2.0, sound=True)


@pytest.fixture(scope="session")
def voice(tmp_path_factory) -> Path:
    """One and a half seconds of sound."""
    return write_audio(tmp_path_factory.mktemp("media") / "voice.wav", seconds=1.5)


@pytest.fixture(scope="session")
def typescript_folder(tmp_path_factory) -> Path:
    """A throw-away folder with the client in it."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("npm is not on this machine, so the TypeScript client cannot be installed")
    folder = tmp_path_factory.mktemp("typescript")
    (folder / "package.json").write_text('{"type": "module"}')
    install = [npm, "install", TYPESCRIPT_CLIENT, "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
    done = subprocess.run(install, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"the TypeScript client cannot be fetched here: {done.stderr.strip()[:200]}")
    shutil.copy(Path(__file__).with_name("typescript_client.mjs"), folder)
    return folder


@pytest.fixture
def typescript(typescript_folder, studio, key):
    """``typescript("get", id)`` runs a step of the script and gives what it printed."""

    def step(name: str, *rest: object, key: str = key, base: str = studio) -> dict:
        command = ["node", "typescript_client.mjs", name, base, key, *map(str, rest)]
        done = subprocess.run(command, cwd=typescript_folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return step


@pytest.fixture
def wish(workspace) -> dict:
    """The body of a generation of two files of the library."""
    video, audio = AssetFactory(workspace=workspace, video=True), AssetFactory(workspace=workspace, audio=True)
    items = [{"type": "video", "assetId": str(video.pk)}, {"type": "audio", "assetId": str(audio.pk)}]
    return {"model": "lipsync-2", "input": items}
