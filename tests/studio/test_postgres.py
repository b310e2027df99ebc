"""The tests that depend on the database's own behaviour run a second time, on a real PostgreSQL."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection

from tests import postgres

ROOT = Path(__file__).resolve().parents[2]
LIMIT_S = 420


@pytest.mark.skipif(bool(os.environ.get("DATABASE_URL")), reason="this run is on a named database already")
def test_what_depends_on_the_database_holds_on_postgresql() -> None:
    if postgres.programs() is None:
        if os.environ.get("CI"):
            pytest.fail("PostgreSQL's server is missing; .ci/run installs it.")
        pytest.skip("PostgreSQL's server is not installed on this machine")
    pytest_command = [sys.executable, "-m", "pytest", "-q", "-m", "database", "-p", "no:cacheprovider", "-n", "0"]
    done = subprocess.run(
        [sys.executable, "-m", "tests.postgres", *pytest_command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


@pytest.mark.database
@pytest.mark.django_db
def test_the_named_database_is_the_one_in_use() -> None:
    wanted = "postgresql" if os.environ.get("DATABASE_URL", "").startswith("postgres") else "sqlite"
    assert connection.vendor == wanted
