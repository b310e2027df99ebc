"""One worker for all these tests, started again where a test has killed it."""

import shutil
from collections.abc import Iterator

import pytest
from django.db import connections

from apps.inference.backends import registry
from tests.faults import engine
from tests.faults.stack import Workers
from tests.inference import fake
from tests.inference.conftest import make_take, media  # noqa: F401 - fixtures


@pytest.fixture(scope="package")
def _workers(django_db_setup) -> Iterator[Workers]:
    if connections["default"].vendor != "sqlite":
        pytest.skip("the workers of these tests are set up for SQLite")
    workers = Workers()
    yield workers
    workers.kill()


@pytest.fixture
def workers(_workers: Workers, settings) -> Workers:
    """Running, with nothing to do, in an empty studio: analyses of earlier tests are gone."""
    shutil.rmtree(settings.DATA_DIR / "media", ignore_errors=True)
    settings.INFERENCE_BACKENDS = {"lipsync-2": engine.PATH}
    registry.load.cache_clear()
    fake.tell()
    _workers.start()
    return _workers
