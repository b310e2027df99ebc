"""Uploads straight to a bucket: signed parts, taken up where they stopped, joined, hashed, kept once."""

# ruff: noqa: F811  (the bucket is an imported fixture)

import base64
import hashlib
from datetime import timedelta
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from django.urls import reverse
from django.utils import timezone

from apps.assets import bucket, direct, tasks, uploads
from apps.assets.checking import check_asset
from apps.assets.models import Asset, Upload
from apps.assets.services import import_file
from studio.errors import StudioError
from tests.assets.bucket import Bucket, bucket_server  # noqa: F401  (a fixture)
from tests.factories import write_video

pytestmark = pytest.mark.django_db
SMALL = 5 * 1024**2  # the least that S3 takes for a part that is not the last


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    monkeypatch.setattr(bucket, "PART_BYTES", SMALL)


@pytest.fixture
def web(as_person, owner, workspace, bucket_server):
    """``web("POST", address, data)``: what the page asks, as the owner."""
    client = as_person(owner)

    def ask(method: str, address: str, data: dict | None = None):
        return client.generic(method, address, **({"data": _json(data)} if data else {}))

    return ask


def _json(data: dict) -> str:
    import json

    return json.dumps(data)


BEGIN = reverse("assets:direct_begin", args=["harbour"])


def put(target: dict, body: bytes) -> None:
    headers = target["headers"] | {"Content-Type": "application/octet-stream"}
    with urlopen(Request(target["url"], data=body, method="PUT", headers=headers)) as answer:
        assert answer.status == 200


def send_part(web, address: str, number: int, body: bytes) -> None:
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    answer = web("POST", f"{address}part/", {"number": number, "sha256": digest})
    assert answer.status_code == 200, answer.content
    assert answer.json()["headers"] == {"x-amz-checksum-sha256": digest}
    put(answer.json(), body)


def film(folder: Path) -> bytes:
    """A real film, with bytes behind it that players skip, so that it has three parts."""
    path = write_video(folder / "film.mp4", seconds=1, sound=True)
    padding = b"\x00\x00\x00\x00free"
    wanted = 2 * SMALL + 1000
    size = wanted - path.stat().st_size
    return path.read_bytes() + size.to_bytes(4, "big") + padding[4:] + bytes(size - 8)


def test_a_film_goes_to_the_bucket_in_parts_and_is_taken_up_where_it_stopped(web, bucket_server: Bucket, tmp_path):
    whole = film(tmp_path)
    begun = web("POST", BEGIN, {"name": "film.mp4", "size": len(whole), "type": "video/mp4"})
    assert begun.status_code == 201
    address = begun.json()["address"]
    assert begun.json()["partBytes"] == SMALL and begun.json()["arrived"] == []
    send_part(web, address, 2, whole[SMALL : 2 * SMALL])
    send_part(web, address, 1, whole[:SMALL])
    early = web("POST", f"{address}finish/", {})
    assert early.status_code == 409 and early.json()["code"] == "upload_incomplete"
    later = web("GET", address).json()  # another visit asks what is there
    assert later["arrived"] == [1, 2] and Upload.objects.get().offset == 2 * SMALL
    send_part(web, address, 3, whole[2 * SMALL :])
    assert web("POST", f"{address}finish/", {}).status_code == 202
    assert web("POST", f"{address}finish/", {}).status_code == 202
    assert web("GET", address).json()["closing"] and not Asset.objects.exists()
    tasks.settle(str(Upload.objects.get().pk))
    tasks.settle(str(Upload.objects.get().pk))
    asset = Asset.objects.get()
    assert web("GET", address).json()["assetId"] == str(asset.pk)
    assert asset.sha256 == hashlib.sha256(whole).hexdigest() and asset.size == len(whole)
    assert bucket_server.names() == [asset.file.name]
    assert check_asset(asset.pk) == "ready"
    assert not uploads.part_file(Upload.objects.get()).exists()  # the studio's disk never saw it


def test_bytes_that_are_there_already_are_kept_once(web, bucket_server: Bucket, workspace, owner, tmp_path):
    path = write_video(tmp_path / "film.mp4", seconds=1)
    known = import_file(workspace=workspace, user=owner, path=path, name="first.mp4")
    body = path.read_bytes()
    address = web("POST", BEGIN, {"name": "again.mp4", "size": len(body)}).json()["address"]
    send_part(web, address, 1, body)
    web("POST", f"{address}finish/", {})
    tasks.settle(str(Upload.objects.get().pk))
    assert web("GET", address).json()["assetId"] == str(known.pk)
    assert Asset.objects.count() == 1 and bucket_server.names() == [known.file.name]


def test_a_part_of_the_wrong_size_does_not_count(web, tmp_path):
    address = web("POST", BEGIN, {"name": "film.mp4", "size": SMALL + 10}).json()["address"]
    put(web("POST", f"{address}part/", {"number": 2}).json(), b"short")
    assert web("GET", address).json()["arrived"] == []
    put(web("POST", f"{address}part/", {"number": 2}).json(), b"ten bytes!")
    assert web("GET", address).json()["arrived"] == [2]


def test_an_upload_that_is_given_up_leaves_nothing(web, bucket_server: Bucket):
    address = web("POST", BEGIN, {"name": "film.mp4", "size": 10}).json()["address"]
    put(web("POST", f"{address}part/", {"number": 1}).json(), b"ten bytes!")
    assert bucket_server.unfinished() == 1
    assert web("DELETE", address).status_code == 204
    assert bucket_server.unfinished() == 0 and not Upload.objects.exists()
    web("POST", BEGIN, {"name": "film.mp4", "size": 10})
    for left in uploads.folder().glob("*.part"):  # of other tests, whose rows are gone
        left.unlink()
    assert uploads.forget_stale_uploads(now=timezone.now() + timedelta(days=3)) == 1
    assert bucket_server.unfinished() == 0


@pytest.mark.parametrize(
    ("path", "data", "status"),
    [
        ("", {"name": "film.mp4", "size": 0}, 422),
        ("", {"name": "film.mp4", "size": 10**18}, 413),
        ("", {"name": "film.mp4", "size": "10"}, 400),
        ("", {"size": 10}, 400),
        ("part/", {"number": 0}, 400),
        ("part/", {"number": 2}, 400),
        ("part/", {"number": "1"}, 400),
        ("part/", {"number": 1, "sha256": "no digest"}, 400),
        ("part/", {"sha256": ""}, 400),
    ],
)
def test_wrong_wishes_are_refused_in_words(web, path, data, status):
    address = web("POST", BEGIN, {"name": "film.mp4", "size": 10}).json()["address"]
    answer = web("POST", f"{address}{path}" if path else BEGIN, data)
    assert answer.status_code == status and answer.json()["message"] and answer.json()["advice"]


def test_others_do_not_reach_an_upload(web, as_person, teammate, outsider, viewer):
    address = web("POST", BEGIN, {"name": "film.mp4", "size": 10}).json()["address"]
    for person, status in ((teammate, 404), (outsider, 404), (viewer, 403)):
        assert as_person(person).get(address).status_code == status
        assert as_person(person).delete(address).status_code == status
    tus = address.replace("/direct/", "/uploads/")
    assert web("GET", tus).status_code == 412 and Upload.objects.count() == 1


def test_lost_settling_is_begun_again(web, monkeypatch):
    address = web("POST", BEGIN, {"name": "film.mp4", "size": 10}).json()["address"]
    put(web("POST", f"{address}part/", {"number": 1}).json(), b"ten bytes!")
    web("POST", f"{address}finish/", {})
    sent: list[str] = []
    monkeypatch.setattr(tasks.settle, "delay", sent.append)
    tasks.settle_lost()
    assert sent == []
    long_ago = timezone.now() - 2 * tasks.SETTLE_LOST_AFTER
    Upload.objects.update(completed_at=long_ago, updated_at=long_ago)
    tasks.settle_lost()
    tasks.settle_lost()
    assert sent == [str(Upload.objects.get().pk)]


def test_without_a_bucket_files_come_through_the_studio(as_person, owner, workspace):
    answer = as_person(owner).post(BEGIN, {"name": "a", "size": 1}, content_type="application/json")
    assert answer.status_code == 409 and answer.json()["code"] == "upload_direct_unavailable"
    assert "data-direct" not in as_person(owner).get("/w/harbour/library/").content.decode()
    with pytest.raises(StudioError):
        direct.begin(workspace=workspace, user=owner, name="a", size=1)
