"""Hand-over between steps on a local disk and in a bucket (moto's S3)."""

from concurrent.futures import ThreadPoolExecutor

import boto3
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from moto import mock_aws

from apps.assets import bucket, files
from apps.inference import work

DISK = {"BACKEND": "django.core.files.storage.FileSystemStorage"}
BUCKET = {
    "BACKEND": "storages.backends.s3.S3Storage",
    "OPTIONS": {"bucket_name": "studio", "region_name": "us-east-1", "file_overwrite": True},
}


@pytest.fixture(params=["disk", "bucket"])
def storage(request, settings, tmp_path, monkeypatch):
    settings.DATA_DIR = tmp_path
    if request.param == "disk":
        options = {"OPTIONS": {"location": tmp_path / "media", "allow_overwrite": True}}
        settings.STORAGES = settings.STORAGES | {"default": DISK | options}
        yield default_storage
        return
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with mock_aws():
        boto3.client("s3", region_name="us-east-1").create_bucket(Bucket="studio")
        settings.STORAGES = settings.STORAGES | {"default": BUCKET}
        yield default_storage


def made(tmp_path, text: str):
    folder = tmp_path / f"scratch-{text}" / "made"
    (folder / "inner").mkdir(parents=True)
    (folder / "inner" / "a.txt").write_text(text)
    return folder


def test_a_folder_is_kept_whole_and_once(storage, tmp_path):
    name = work.analysis_name("footage", "ab" * 32, "native-1")
    assert not work.has_folder(name)
    work.keep_folder(made(tmp_path, "one"), name)
    assert work.has_folder(name)
    with work.open_folder(name) as folder:
        assert (folder / "inner" / "a.txt").read_text() == "one"


def test_a_second_folder_of_the_same_name_does_no_harm(storage, tmp_path):
    for text in ("one", "two"):
        work.keep_folder(made(tmp_path, text), "work/x/plan")
    with work.open_folder("work/x/plan") as folder:
        assert (folder / "inner" / "a.txt").read_text() in ("one", "two")
    assert not list(tmp_path.glob("media/work/x/.plan*"))


def test_a_missing_folder_is_said_to_be_missing(storage):
    with pytest.raises(work.Missing), work.open_folder("work/none/plan"):
        pass


def test_files_come_back_as_paths_and_leave_no_copy(storage, tmp_path):
    (tmp_path / "piece.mp4").write_bytes(b"piece")
    name = "assets/a/piece.mp4"
    assert files.put(tmp_path / "piece.mp4", name, move=True) == name
    assert not (tmp_path / "piece.mp4").exists()
    with files.as_path(name) as path:
        assert path.read_bytes() == b"piece"
    assert not list((tmp_path / "tmp").glob("scratch-*")) if (tmp_path / "tmp").exists() else True


@pytest.mark.parametrize("storage", ["bucket"], indirect=True)
def test_a_file_of_the_bucket_is_written_once(storage, settings, tmp_path, monkeypatch):
    """Into its scratch folder and nowhere else, and not at all where the disk has no room for it."""
    settings.FILE_UPLOAD_TEMP_DIR = tmp_path / "elsewhere"  # where Django's storage would keep a copy of its own
    storage.save("assets/a/film.mp4", ContentFile(b"film" * 10_000))
    with files.as_path("assets/a/film.mp4") as path:
        copies = [found for found in tmp_path.rglob("*") if found.is_file()]
        assert copies == [path] and path.read_bytes() == b"film" * 10_000
    with pytest.raises(FileNotFoundError), files.as_path("assets/a/none.mp4"):
        pass
    monkeypatch.setattr(files, "DISK_RESERVE", 10**18)
    monkeypatch.setattr(bucket, "fetch", lambda *given: pytest.fail("it was fetched"))
    with pytest.raises(OSError, match="no room"), files.as_path("assets/a/film.mp4"):
        pass
    assert not [found for found in tmp_path.rglob("*") if found.is_file()]


@pytest.mark.parametrize("storage", ["bucket"], indirect=True)
def test_a_fetch_that_breaks_off_leaves_nothing(storage, tmp_path, monkeypatch):
    storage.save("assets/a/film.mp4", ContentFile(b"film" * 10_000))

    def broken(key, target):
        target.write_bytes(b"half")
        raise ConnectionError("gone")

    monkeypatch.setattr(bucket, "fetch", broken)
    with pytest.raises(ConnectionError), files.as_path("assets/a/film.mp4"):
        pass
    assert not [found for found in tmp_path.rglob("*") if found.is_file()]


@pytest.mark.parametrize("storage", ["disk"], indirect=True)  # in a bucket this is the store's own promise
def test_two_may_put_the_same_file_at_once(storage, tmp_path):
    def put(index: int) -> None:
        source = tmp_path / f"source-{index}"
        source.write_bytes(bytes([index]) * 100_000)
        files.put(source, "work/x/peaks.json", move=index % 2 == 0)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(put, range(24)))
    with files.as_path("work/x/peaks.json") as path:
        assert len(set(path.read_bytes())) == 1
    assert not [path for path in tmp_path.glob("media/work/x/*") if path.name != "peaks.json"]


def test_a_copy_that_fails_leaves_nothing(storage, tmp_path):
    with pytest.raises(FileNotFoundError):
        files.put(tmp_path / "missing", "work/x/peaks.json")
    assert not list(tmp_path.glob("media/work/x/*"))
    assert not default_storage.exists("work/x/peaks.json")


def test_everything_of_a_take_is_forgotten(storage, tmp_path):
    work.keep_folder(made(tmp_path, "one"), f"{work.TAKES}/key/notes")
    work.keep_folder(made(tmp_path, "plan"), work.plan_name("key"))
    assert work.left_behind() == ["key"]
    assert work.size_of("key") >= len("one" + "plan")
    work.forget("key")
    assert work.left_behind() == []
    assert work.size_of("key") == 0
    assert not work.has_folder(work.plan_name("key"))


def test_nothing_left_behind_in_an_empty_storage(storage):
    assert work.left_behind() == []
    work.forget("key")
    work.forget_parts("work/analysis/footage/none/native-1")
