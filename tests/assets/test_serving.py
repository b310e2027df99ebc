"""Bytes of assets: ranges as players ask for them, and only for members."""

import pytest
from django.core.files.base import ContentFile
from django.test import Client
from django.urls import reverse

from tests.factories import AssetFactory

pytestmark = pytest.mark.django_db
BYTES = bytes(range(256)) * 3000  # more than one block


@pytest.fixture
def asset(workspace):
    asset = AssetFactory(workspace=workspace, video=True, name="Talk “final”", sha256="a" * 64)
    asset.file.save(f"assets/{asset.pk}/original.mp4", ContentFile(BYTES))
    asset.thumbnail.save(f"assets/{asset.pk}/thumbnail.webp", ContentFile(b"webp"))
    asset.peaks.save(f"assets/{asset.pk}/peaks.json", ContentFile(b'{"rate":100,"peaks":[]}'))
    return asset


def address(asset, what: str = "file") -> str:
    return reverse(f"assets:{what}", args=[asset.workspace.slug, asset.pk])


def body(response) -> bytes:
    return b"".join(response.streaming_content) if response.streaming else response.content


def test_it_serves_the_whole_file(as_person, owner, asset):
    response = as_person(owner).get(address(asset))
    assert (response.status_code, response["Content-Type"], response["Accept-Ranges"]) == (200, "video/mp4", "bytes")
    assert body(response) == BYTES
    assert int(response["Content-Length"]) == len(BYTES)


@pytest.mark.parametrize(
    ("wanted", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=10-19", 10, 19),
        ("bytes=300000-", 300_000, len(BYTES) - 1),
        ("bytes=-5", len(BYTES) - 5, len(BYTES) - 1),
        ("bytes=5-999999999", 5, len(BYTES) - 1),
        ("bytes=-999999999", 0, len(BYTES) - 1),
    ],
)
def test_it_serves_a_range(as_person, owner, asset, wanted, first, last):
    response = as_person(owner).get(address(asset), headers={"Range": wanted})
    assert (response.status_code, response["Content-Range"]) == (206, f"bytes {first}-{last}/{len(BYTES)}")
    assert body(response) == BYTES[first : last + 1]
    assert int(response["Content-Length"]) == last + 1 - first


@pytest.mark.parametrize("wanted", [f"bytes={len(BYTES)}-", "bytes=9-3", "bytes=-0"])
def test_a_range_outside_the_file_answers_416(as_person, owner, asset, wanted):
    response = as_person(owner).get(address(asset), headers={"Range": wanted})
    assert (response.status_code, response["Content-Range"]) == (416, f"bytes */{len(BYTES)}")


@pytest.mark.parametrize("wanted", ["bytes=0-1,4-5", "bytes=-", "lines=1-2", "bytes=a-b"])
def test_a_range_it_does_not_know_gives_the_whole(as_person, owner, asset, wanted):
    response = as_person(owner).get(address(asset), headers={"Range": wanted})
    assert (response.status_code, body(response)) == (200, BYTES)


def test_a_changed_file_is_not_patched_together(as_person, owner, asset):
    client = as_person(owner)
    tag = client.get(address(asset))["ETag"]
    same = client.get(address(asset), headers={"Range": "bytes=0-3", "If-Range": tag})
    other = client.get(address(asset), headers={"Range": "bytes=0-3", "If-Range": '"other"'})
    assert (same.status_code, other.status_code) == (206, 200)
    assert client.get(address(asset), headers={"If-None-Match": tag}).status_code == 304


def test_head_tells_the_length_without_the_bytes(as_person, owner, asset):
    response = as_person(owner).head(address(asset))
    assert (response.status_code, response["Content-Length"], response.content) == (200, str(len(BYTES)), b"")


def test_a_download_has_the_assets_name(as_person, owner, asset):
    disposition = as_person(owner).get(address(asset, "download"))["Content-Disposition"]
    assert disposition == "attachment; filename*=utf-8''Talk%20%E2%80%9Cfinal%E2%80%9D.mp4"


def test_an_uploaded_page_is_never_served_as_a_page(as_person, owner, asset):
    asset.kind = ""
    asset.file.save(f"assets/{asset.pk}/original.html", ContentFile(b"<script>"))
    response = as_person(owner).get(address(asset))
    assert response["Content-Type"] == "application/octet-stream"
    assert response["X-Content-Type-Options"] == "nosniff"


def test_thumbnail_and_peaks(as_person, teammate, asset):
    client = as_person(teammate)
    assert body(client.get(address(asset, "thumbnail"))) == b"webp"
    assert client.get(address(asset, "peaks"))["Content-Type"] == "application/json"
    asset.thumbnail = ""
    asset.save()
    assert client.get(address(asset, "thumbnail")).status_code == 404


@pytest.mark.parametrize("what", ["file", "download", "thumbnail", "peaks"])
def test_only_members_get_bytes(as_person, viewer, outsider, asset, what):
    assert as_person(viewer).get(address(asset, what)).status_code == 200
    assert as_person(outsider).get(address(asset, what)).status_code == 404
    assert Client().get(address(asset, what)).status_code == 302
    by_their_own_door = reverse(f"assets:{what}", args=["elsewhere", asset.pk])
    assert as_person(outsider).get(by_their_own_door).status_code == 404


def test_a_deleted_asset_is_not_served(as_person, owner, asset):
    from apps.assets.services import delete_asset

    delete_asset(asset=asset)
    assert as_person(owner).get(address(asset)).status_code == 404


def test_bytes_that_are_gone_answer_404(as_person, owner, asset):
    asset.file.storage.delete(asset.file.name)
    assert as_person(owner).get(address(asset)).status_code == 404
