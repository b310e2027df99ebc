"""Takes with real media, and the fake engine for every model."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.db import connections

from apps.assets.checking import check_asset
from apps.assets.services import import_file
from apps.generations.models import Generation
from apps.inference.backends import registry
from apps.projects.models import Project
from tests.conftest import ROOT, WORKER_COMMAND, wait_for_worker
from tests.factories import GenerationFactory, write_audio, write_video
from tests.inference import fake


@pytest.fixture
def fake_engine(settings):
    """lipsync-2 runs on the fake engine."""
    settings.INFERENCE_BACKENDS = {"lipsync-2": fake.PATH}
    registry.load.cache_clear()
    fake.tell()
    return fake


@pytest.fixture(scope="module")
def worker(django_db_setup) -> Iterator[None]:
    """One real Celery worker for all tests of a module: it takes ten seconds to start, longer than most of them."""
    address = f"sqlite:///{connections['default'].settings_dict['NAME']}"
    if connections["default"].vendor != "sqlite":
        pytest.skip("the worker of these tests is set up for SQLite")
    environment = os.environ | {"DATABASE_URL": address, "STUDIO_BACKENDS": f"lipsync-2={fake.PATH}"}
    log = settings.DATA_DIR / "worker.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *WORKER_COMMAND],
            cwd=ROOT,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    wait_for_worker(process)
    yield
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(timeout=10)


@pytest.fixture
def media(workspace, owner, tmp_path):
    """A video and a soundtrack of one second, checked."""
    assets = []
    for path in (write_video(tmp_path / "talk.mp4"), write_audio(tmp_path / "voice.wav")):
        asset = import_file(workspace=workspace, user=owner, path=path, name=path.name)
        check_asset(asset.pk)
        asset.refresh_from_db()
        assets.append(asset)
    return assets


@pytest.fixture
def make_take(workspace, owner, media):
    """``make_take()`` gives a queued take with its hold, not sent to any worker."""
    project = Project.objects.create(workspace=workspace, name="Harbour film", created_by=owner)

    def make(**fields) -> Generation:
        return GenerationFactory(
            workspace=workspace,
            project=project,
            video=media[0],
            audio=media[1],
            quoted_seconds=1.0,
            price_micros_per_frame=2000,
            quoted_micros=50_000,
            **fields,
        )

    return make


@pytest.fixture
def take(make_take) -> Generation:
    return make_take()


@pytest.fixture
def own_storage(settings, tmp_path):
    """Media and scratch of this test alone; the orders for the fake engine lie there too."""
    settings.STORAGES = settings.STORAGES | {
        "default": settings.STORAGES["default"] | {"OPTIONS": {"location": tmp_path / "media", "allow_overwrite": True}}
    }
