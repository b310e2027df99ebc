"""The disk is full, or the bucket does not answer, for a while: the take waits and goes on with what it has."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import boto3
import pytest
import requests
from moto.server import ThreadedMotoServer

from apps.assets.checking import check_asset
from apps.assets.services import import_file
from apps.generations.models import Generation, Status
from apps.inference import drawn, running, work
from studio.redis_server import free_port
from tests.factories import write_audio, write_video
from tests.faults import engine
from tests.faults.stack import Workers, check_the_books, ended, started, until
from tests.inference import fake

pytestmark = pytest.mark.django_db(transaction=True)

# Beside these tests' files there is room for two rendered pieces and a result, all of some kilobytes.
DISK = "1m"


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A file system of a megabyte, which really says that no space is left."""
    folder.mkdir(parents=True, exist_ok=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "none", folder], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"only root may mount a small disk: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def fill(folder: Path) -> Path:
    """A file that takes the last byte there is."""
    path = folder / "filler"
    with path.open("wb", buffering=0) as file:
        block = 4096
        while block:
            try:
                file.write(b"x" * block)
            except OSError:
                block //= 2
    return path


def is_kept(take: Generation, number: int) -> bool:
    """Whether a piece lies in the storage, which is some moments after it was drawn."""
    take.refresh_from_db()
    pieces = drawn.pieces_of(take)
    return len(pieces) > number and work.has_folder(drawn.folder_of(take, pieces[number]))


@pytest.fixture
def disk(settings) -> Iterator[Path]:
    with small_disk(settings.DATA_DIR / "media") as folder:
        yield folder


def test_a_disk_that_is_full_for_a_while(disk, workers: Workers, make_take):
    engine.hold_in("render-10")
    take = started(make_take())
    until(lambda: engine.is_held() and is_kept(take, 0), "the first piece is kept, the second is being drawn")
    filler = fill(disk)
    engine.go_on()
    until(lambda: fake.calls().count("render-10") == 2, "the piece that found no room is drawn again")
    assert Generation.objects.get(pk=take.pk).status == Status.PROCESSING
    filler.unlink()
    assert ended(take).status == Status.COMPLETED
    assert fake.calls().count("render-0") == fake.calls().count("plan") == 1
    check_the_books(take)


def test_a_disk_that_stays_full_ends_the_take_and_leaves_no_halves(disk, workers: Workers, make_take, monkeypatch):
    monkeypatch.setenv("FAULTS_IMPATIENT", "1")
    workers.start()
    engine.hold_in("render-10")
    take = started(make_take())
    until(lambda: engine.is_held() and is_kept(take, 0), "the first piece is kept, the second is being drawn")
    filler = fill(disk)
    engine.go_on()
    take = ended(take)
    assert (take.status, take.error_code) == (Status.FAILED, "generation_infra_storage_error")
    assert 1 < fake.calls().count("render-10") <= running.MAX_RETRIES + 1
    filler.unlink()
    check_the_books(take)


@pytest.fixture
def bucket(settings, monkeypatch) -> Iterator[ThreadedMotoServer]:
    """A store that speaks S3, and the studio set up for it."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
    server.start()
    # All servers of moto in one process share their buckets: what another test put there goes first.
    requests.post(f"{address}/moto-api/reset", timeout=10)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    boto3.client("s3", endpoint_url=address, region_name="us-east-1").create_bucket(Bucket="studio")
    options = {"bucket_name": "studio", "endpoint_url": address, "region_name": "us-east-1", "file_overwrite": True}
    storage = {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options}
    settings.STORAGES = settings.STORAGES | {"default": storage}
    monkeypatch.setenv("S3_BUCKET", "studio")
    monkeypatch.setenv("S3_ENDPOINT", address)
    yield server
    server.stop()


def test_a_bucket_that_refuses_for_a_while(bucket, workers: Workers, make_take):
    engine.hold_in("render-10")
    take = started(make_take())
    until(lambda: engine.is_held() and is_kept(take, 0), "the first piece is kept, the second is being drawn")
    bucket.stop()
    engine.go_on()
    until(lambda: " again in " in worker_log(), "the step is put off")
    bucket.start()
    assert ended(take).status == Status.COMPLETED
    assert fake.calls().count("render-0") == fake.calls().count("plan") == 1
    check_the_books(take)


def worker_log() -> str:
    return (Path(os.environ["STUDIO_DATA"]) / "worker.log").read_text()


def test_a_bucket_that_is_away_leaves_an_upload_for_later(bucket, workspace, owner, tmp_path, transactional_db):
    assets = [
        import_file(workspace=workspace, user=owner, path=path, name=path.name)
        for path in (write_video(tmp_path / "talk.mp4"), write_audio(tmp_path / "voice.wav"))
    ]
    bucket.stop()
    with pytest.raises(Exception, match="Could not connect"):
        check_asset(assets[0].pk)
    bucket.start()
    assert check_asset(assets[0].pk) == "ready"
