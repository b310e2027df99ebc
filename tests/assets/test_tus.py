"""The upload protocol as a browser speaks it, by an owner, a teammate, a viewer, an outsider and a stranger."""

import base64
import hashlib

import pytest
from django.test import Client
from django.urls import reverse

from apps.assets.models import Asset, Upload
from apps.assets.tus import parse_metadata

pytestmark = pytest.mark.django_db
BYTES = b"\x00\x01film" * 1000
TUS = {"Tus-Resumable": "1.0.0"}
PIECE = "application/offset+octet-stream"


@pytest.fixture(autouse=True)
def own_folder(settings, tmp_path, workspace):
    settings.DATA_DIR = tmp_path


def create(client: Client, size: int | str = len(BYTES), name: str = "film ü.mp4", body: bytes = b"", **headers):
    encoded = base64.b64encode(name.encode()).decode()
    return client.post(
        reverse("assets:tus_create", args=["harbour"]),
        body,
        content_type=PIECE if body else "application/octet-stream",
        headers=TUS
        | {"Upload-Length": str(size), "Upload-Metadata": f"filename {encoded},filetype dmlkZW8="}
        | headers,
    )


def patch(client: Client, url: str, offset: int, body: bytes, **headers):
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.patch(url, body, content_type=PIECE, headers=TUS | {"Upload-Offset": str(offset)} | headers)


def test_it_uploads_in_pieces_and_answers_with_the_asset(as_person, owner):
    client = as_person(owner)
    begun = create(client)
    assert (begun.status_code, begun["Tus-Resumable"]) == (201, "1.0.0")
    assert begun["Upload-Expires"].endswith("GMT")
    url = begun["Location"]
    first = patch(client, url, 0, BYTES[:2000])
    assert (first.status_code, first["Upload-Offset"]) == (204, "2000")
    assert "X-Asset" not in first
    asked = client.head(url, headers=TUS)
    assert (asked["Upload-Offset"], asked["Upload-Length"], asked["Cache-Control"]) == ("2000", "6000", "no-store")
    last = patch(client, url, 2000, BYTES[2000:])
    asset = Asset.objects.get(pk=last["X-Asset"])
    assert (asset.name, asset.size, asset.sha256) == ("film ü.mp4", 6000, hashlib.sha256(BYTES).hexdigest())
    assert client.head(url, headers=TUS)["X-Asset"] == str(asset.pk)


def test_it_takes_the_whole_file_with_the_creation(as_person, owner):
    answer = create(as_person(owner), body=BYTES)
    assert (answer.status_code, answer["Upload-Offset"]) == (201, str(len(BYTES)))
    assert Asset.objects.get(pk=answer["X-Asset"]).size == len(BYTES)


def test_it_tells_what_it_can_do(as_person, owner, settings):
    answer = as_person(owner).options(reverse("assets:tus_create", args=["harbour"]))
    assert answer.status_code == 204
    assert set(answer["Tus-Extension"].split(",")) >= {"creation", "termination", "checksum", "expiration"}
    assert answer["Tus-Max-Size"] == str(settings.UPLOAD_LIMIT)
    assert "sha1" in answer["Tus-Checksum-Algorithm"]


def test_a_damaged_piece_answers_460_and_can_be_sent_again(as_person, owner):
    client = as_person(owner)
    url = create(client)["Location"]
    right = "sha1 " + base64.b64encode(hashlib.sha1(BYTES[:100]).digest()).decode()
    assert patch(client, url, 0, b"?" * 100, Upload_Checksum=right).status_code == 460
    assert patch(client, url, 0, BYTES[:100], Upload_Checksum=right)["Upload-Offset"] == "100"
    assert patch(client, url, 100, b"x", Upload_Checksum="crc32 AAAA").status_code == 400


@pytest.mark.parametrize(
    ("headers", "status"),
    [({"Tus-Resumable": "0.2.2"}, 412), ({"Upload-Offset": "7"}, 409), ({"Upload-Offset": "x"}, 400)],
)
def test_it_refuses_what_is_not_the_protocol(as_person, owner, headers, status):
    client = as_person(owner)
    url = create(client)["Location"]
    answer = client.patch(url, b"abc", content_type=PIECE, headers=TUS | {"Upload-Offset": "0"} | headers)
    assert answer.status_code == status
    assert client.head(url, headers=TUS)["Upload-Offset"] == "0"


def test_it_refuses_another_content_type_and_method(as_person, owner):
    client = as_person(owner)
    url = create(client)["Location"]
    wrong_type = client.patch(url, b"abc", content_type="text/plain", headers=TUS | {"Upload-Offset": "0"})
    assert (wrong_type.status_code, wrong_type.json()["code"]) == (415, "upload_wrong_type")
    assert client.put(url, b"abc", headers=TUS).status_code == 405


def test_an_empty_file_is_refused_in_words(as_person, owner):
    answer = create(as_person(owner), size=0, name="take.mov")
    assert answer.status_code == 422
    assert answer.json() == {"code": "asset_empty", "message": "take.mov is empty.", "advice": "Choose the file again."}
    assert create(as_person(owner), size="many").status_code == 400


def test_an_upload_can_be_given_up(as_person, owner):
    client = as_person(owner)
    url = create(client)["Location"]
    assert client.delete(url, headers=TUS).status_code == 204
    assert client.head(url, headers=TUS).status_code == 404
    assert not Upload.objects.exists()


def test_nobody_else_reaches_an_upload(as_person, owner, teammate, viewer, outsider):
    url = create(as_person(owner))["Location"]
    for person, status in ((teammate, 404), (viewer, 403), (outsider, 404)):
        client = as_person(person)
        assert client.head(url, headers=TUS).status_code == status
        assert patch(client, url, 0, b"x").status_code == status
        assert client.delete(url, headers=TUS).status_code == status
    assert Client().head(url, headers=TUS).status_code == 401
    assert Upload.objects.get().offset == 0


def test_only_editors_of_the_workspace_begin_uploads(as_person, teammate, viewer, outsider):
    assert create(as_person(teammate)).status_code == 201
    assert create(as_person(viewer)).status_code == 403
    assert create(as_person(outsider)).status_code == 404
    signed_out = create(Client())
    assert (signed_out.status_code, signed_out.json()["code"]) == (401, "signed_out")
    assert Upload.objects.count() == 1


def test_a_forged_form_cannot_upload(owner):
    from django.conf import settings

    client = Client(enforce_csrf_checks=True)
    client.force_login(owner, backend=settings.AUTHENTICATION_BACKENDS[0])
    assert create(client).status_code == 403
    assert not Upload.objects.exists()


def test_unreadable_metadata_is_left_out():
    assert parse_metadata("filename Zg==, broken %%%,empty ,") == {"filename": "f", "empty": ""}
