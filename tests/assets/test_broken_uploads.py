"""``benchmarks/upload.py`` on a smaller film: torn off five times, it arrives whole and the server does not grow."""

import os
import subprocess
import sys

import pytest

from tests.conftest import ROOT

MEGABYTES = 64


@pytest.mark.parametrize("way", [[], ["--bucket"]], ids=["through the studio", "into a bucket"])
def test_a_film_torn_off_five_times_arrives_whole(way):
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    command = [sys.executable, "-m", "benchmarks.upload", "--megabytes", str(MEGABYTES), *way]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600)
    print(done.stdout)
    assert done.returncode == 0, done.stderr
    assert f"{MEGABYTES} MB" in done.stdout and "SHA-256 right, video, ready" in done.stdout
    assert "5 breaks" in done.stdout


def test_what_is_read_from_a_bucket_is_not_held_in_memory():
    """Without the option the storage's reader keeps a whole film in memory, whatever its size."""
    environment = os.environ | {"S3_BUCKET": "studio", "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}
    asked = "from django.core.files.storage import default_storage as it; print(it.max_memory_size)"
    command = [sys.executable, "manage.py", "shell", "--no-imports", "-v", "0", "-c", asked]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    assert 0 < int(done.stdout) <= 64 * 1024**2
