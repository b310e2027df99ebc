"""Fixtures every room uses: the three people of each test, their workspace, and a real Celery worker."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connections
from django.db.backends.sqlite3.base import DatabaseOperations
from django.test import Client

from apps.accounts.models import User
from apps.workspaces.models import Membership, Role, Workspace
from apps.workspaces.services import create_workspace

ROOT = Path(__file__).resolve().parent.parent
PASSWORD = "open-the-studio-1"
WORKER_START_S = 60
WORKER_COMMAND = ["celery", "-A", "studio", "worker", "-Q", "cpu,io,fetch", "-c", "2", "-l", "INFO", "--without-gossip"]


@pytest.fixture(scope="session", autouse=True)
def tables_that_only_grow_can_be_emptied_between_tests():
    """SQLite empties a table by DELETE, which the triggers of append-only tables refuse: they step aside meanwhile."""
    flush = DatabaseOperations.execute_sql_flush

    def without_triggers(self, sql_list):
        with self.connection.cursor() as cursor:
            cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
            triggers = cursor.fetchall()
            for name, _ in triggers:
                cursor.execute(f"DROP TRIGGER {name}")
        flush(self, sql_list)
        with self.connection.cursor() as cursor:
            for _, statement in triggers:
                cursor.execute(statement)

    DatabaseOperations.execute_sql_flush = without_triggers
    yield
    DatabaseOperations.execute_sql_flush = flush


@pytest.fixture
def owner(db) -> User:
    """Owns the workspace."""
    return User.objects.create_user("ada@studio.example", PASSWORD, name="Ada Lind")


@pytest.fixture
def workspace(owner: User) -> Workspace:
    return create_workspace(name="Harbour films", owner=owner, slug="harbour")


@pytest.fixture
def teammate(workspace: Workspace) -> User:
    """An editor of the same workspace."""
    user = User.objects.create_user("emre@studio.example", PASSWORD, name="Emre Bay")
    Membership.objects.create(workspace=workspace, user=user, role=Role.EDITOR)
    return user


@pytest.fixture
def viewer(workspace: Workspace) -> User:
    """May look, not change."""
    user = User.objects.create_user("vera@studio.example", PASSWORD, name="Vera Look")
    Membership.objects.create(workspace=workspace, user=user, role=Role.VIEWER)
    return user


@pytest.fixture
def outsider(db) -> User:
    """Has a workspace of their own and must see nothing of ours."""
    user = User.objects.create_user("otto@elsewhere.example", PASSWORD, name="Otto Out")
    create_workspace(name="Elsewhere", owner=user, slug="elsewhere")
    return user


@pytest.fixture
def membership(workspace: Workspace, owner: User) -> Membership:
    return Membership.objects.select_related("workspace", "user").get(workspace=workspace, user=owner)


@pytest.fixture
def as_person(db):
    """``as_person(user)`` gives a signed-in test client."""

    def sign_in(user: User) -> Client:
        client = Client()
        client.force_login(user, backend=settings.AUTHENTICATION_BACKENDS[0])
        return client

    return sign_in


@pytest.fixture
def sample_media() -> Path:
    """Folder of real clips outside the repository; the test is skipped where it is missing."""
    folder = Path(os.environ.get("STUDIO_MEDIA_SAMPLES") or ROOT.parent / "shared" / "media")
    if not folder.is_dir():
        pytest.skip("the folder of real clips is not on this machine (STUDIO_MEDIA_SAMPLES)")
    return folder


@pytest.fixture
def models_dir() -> Path:
    """Folder of the unpacked nets; `make test` unpacks them before the suite starts."""
    if not settings.MODELS_DIR.is_dir():
        pytest.fail(f"The nets are not unpacked in {settings.MODELS_DIR}. Run `make models`.")
    return settings.MODELS_DIR


@pytest.fixture
def live_worker(transactional_db) -> Iterator[subprocess.Popen[bytes]]:
    """A real Celery worker process on the test's Redis and the test's database."""
    database = connections["default"].settings_dict
    address = database["NAME"]
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "studio.settings"}
    if database["ENGINE"].endswith("sqlite3"):
        environment["DATABASE_URL"] = f"sqlite:///{address}"
    else:
        environment["DATABASE_URL"] = (
            f"postgres://{database['USER']}:{database['PASSWORD']}@{database['HOST']}:{database['PORT']}/{address}"
        )
    worker = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "celery",
            "-A",
            "studio",
            "worker",
            "-Q",
            "cpu,io,fetch",
            "-c",
            "2",
            "-l",
            "INFO",
            "--without-gossip",
        ],
        cwd=ROOT,
        env=environment,
        stdout=(settings.DATA_DIR / "worker.log").open("wb"),
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    wait_for_worker(worker)
    yield worker
    if worker.poll() is None:
        os.killpg(worker.pid, signal.SIGTERM)
        try:
            worker.wait(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(worker.pid, signal.SIGKILL)
            worker.wait(timeout=10)


def wait_for_worker(worker: subprocess.Popen[bytes]) -> None:
    """Return when the worker's log says that it is ready."""
    log = settings.DATA_DIR / "worker.log"
    deadline = time.monotonic() + WORKER_START_S
    while b" ready." not in log.read_bytes():
        assert worker.poll() is None, f"the worker ended at once:\n{log.read_text()}"
        assert time.monotonic() < deadline, f"the worker was not ready within {WORKER_START_S} s:\n{log.read_text()}"
        time.sleep(0.1)
