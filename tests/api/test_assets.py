"""The library over the API: lists, uploads by ticket, changes."""

import pytest
from django.core.files.base import ContentFile

from apps.api.keys import make_key
from apps.assets.models import Asset, Status
from apps.workspaces.models import Membership
from tests.factories import AssetFactory, GenerationFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_folder(settings, tmp_path):
    """Uploads of this test alone."""
    settings.DATA_DIR = tmp_path


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    """No worker runs here, so nothing is waited for."""
    monkeypatch.setattr("apps.api.routes.assets.wait_until_checked", lambda assets: False)


def test_a_ticket_takes_the_bytes_and_is_registered(api, client, settings):
    made = api("POST", "assets/upload", {"fileName": "talk.mp4", "contentType": "video/mp4", "size": 6})
    ticket = made.json()
    assert (made.status_code, ticket["expiresIn"]) == (201, 86400)
    where = ticket["uploadUrl"].removeprefix("http://testserver")
    early = api("POST", "assets", {"url": ticket["url"], "type": "VIDEO"})
    assert (early.status_code, early.json()["errorCode"]) == (422, "uploaded_file_not_found")
    assert client.put(where, b"abc", content_type="video/mp4").json() == {"received": 3, "size": 6}
    assert api("POST", "assets", {"url": ticket["url"]}).json()["errorCode"] == "upload_incomplete"
    assert client.put(where, b"abcdef", content_type="video/mp4").json()["received"] == 6
    asset = api("POST", "assets", {"url": ticket["url"], "type": "VIDEO", "name": "My talk"})
    assert (asset.status_code, asset.json()["name"], asset.json()["size"]) == (201, "My talk", 6)
    row = Asset.objects.get()
    assert (row.status, row.file.read()) == (Status.CHECKING, b"abcdef")
    again = client.put(where, b"abcdef", content_type="video/mp4")
    assert (again.status_code, again.json()["errorCode"]) == (409, "upload_offset_conflict")


def test_a_ticket_holds_to_its_size(api, client):
    ticket = api("POST", "assets/upload", {"fileName": "talk.mp4", "size": 4}).json()
    over = client.put(ticket["uploadUrl"].removeprefix("http://testserver"), b"abcdef", content_type="video/mp4")
    assert (over.status_code, over.json()["errorCode"]) == (413, "upload_too_long")


def test_an_upload_of_another_workspace_is_none(api, outsider):
    theirs = Membership.objects.select_related("workspace", "user").get(user=outsider)
    _, key = make_key(membership=theirs, name="theirs")
    ticket = api("POST", "assets/upload", {"fileName": "talk.mp4", "size": 4}, key=key).json()
    answer = api("POST", "assets", {"url": ticket["url"]})
    assert answer.json()["errorCode"] == "uploaded_file_not_found"


def test_a_private_address_is_not_fetched(api):
    answer = api("POST", "assets", {"url": "http://127.0.0.1/film.mp4", "type": "AUDIO"})
    assert (answer.status_code, answer.json()["errorCode"]) == (422, "generation_input_audio_inaccessible")
    assert "private network" in answer.json()["message"]


def test_lists_are_filtered_and_ordered(api, workspace):
    film = AssetFactory(workspace=workspace, video=True, name="Harbour", size=5)
    tone = AssetFactory(workspace=workspace, audio=True, name="anchor", size=9)
    AssetFactory(video=True)
    take = GenerationFactory(workspace=workspace)
    assert api("GET", "assets?limit=100").json()["totalCount"] == 4
    for query, names in (
        ('types=["AUDIO"]&searchQuery=anch', ["anchor"]),
        ("types=VIDEO,AUDIO&sortBy=sizeAsc&searchQuery=a", [film.name, tone.name]),
        ("types=VIDEO&types=AUDIO&sortBy=sizeDesc&searchQuery=a", [tone.name, film.name]),
    ):
        assert [item["name"] for item in api("GET", f"assets?{query}").json()["items"]] == names
    of_project = api("GET", f"assets?projectId={take.project_id}").json()["items"]
    assert {item["id"] for item in of_project} == {str(take.video_id), str(take.audio_id)}
    for bad in ("sortBy=size", "types=SONG", "limit=0", "cursor=x"):
        assert api("GET", f"assets?{bad}").status_code == 400


def test_an_asset_has_its_facts_and_addresses(api, client, workspace):
    film = AssetFactory(workspace=workspace, video=True, name="Harbour.mp4", sha256="d" * 64)
    film.file.save("assets/h.mp4", ContentFile(b"film"))
    film.thumbnail.save("assets/h.webp", ContentFile(b"webp"))
    body = api("GET", f"assets/{film.pk}").json()
    assert (body["format"], body["type"], body["inputType"], body["height"]) == ("mp4", "VIDEO", "UPLOAD", 360)
    for link, data in ((body["url"], b"film"), (body["thumbnailUrl"], b"webp")):
        answer = client.get(link.removeprefix("http://testserver"))
        assert b"".join(answer.streaming_content) == data
    assert body["url"].split("/")[-1] == "Harbour.mp4"


def test_changes(api, workspace, owner, teammate):
    film = AssetFactory(workspace=workspace, video=True, created_by=owner)
    assert api("PATCH", f"assets/{film.pk}", {"name": "New"}).json()["name"] == "New"
    assert api("PATCH", f"assets/{film.pk}", {"visibility": "USER"}).json()["visibility"] == "USER"
    assert api("PATCH", f"assets/{film.pk}", {"visibility": "ORGANIZATION"}).json()["visibility"] == "ORGANIZATION"
    member = Membership.objects.select_related("workspace", "user").get(user=teammate)
    _, key = make_key(membership=member, name="theirs", scope="manage")
    refused = api("DELETE", f"assets/{film.pk}", key=key)
    assert (refused.status_code, refused.json()["errorCode"]) == (403, "asset_forbidden")
    assert api("DELETE", f"assets/{film.pk}").json() == {"id": str(film.pk)}
    assert api("GET", f"assets/{film.pk}").status_code == 404


def test_projects(api, workspace):
    own = "11111111-1111-4111-8111-111111111111"
    made = api("POST", "projects", {"name": "Film", "id": own})
    assert (made.status_code, made.json()["id"]) == (201, own)
    assert api("POST", "projects", {"name": "Film", "id": own}).status_code == 200
    api("POST", "projects", {"name": "Second"})
    page = api("GET", "projects?limit=1&sortBy=name").json()
    assert ([item["name"] for item in page["items"]], page["nextCursor"]) == (["Film"], "1")
    assert api("PATCH", f"projects/{own}", {"name": "Long film"}).json()["name"] == "Long film"
    GenerationFactory(workspace=workspace, project_id=own, project=None)
    assert api("DELETE", f"projects/{own}").json()["errorCode"] == "project_busy"
    assert api("GET", "projects?searchQuery=long").json()["items"][0]["id"] == own


def test_parts_that_are_not_here(api):
    for method, path, code in (
        ("POST", "transcriptions", "feature_unavailable"),
        ("POST", "dialogue-edits", "feature_unavailable"),
    ):
        assert api(method, path, {} if method == "POST" else None).json()["errorCode"] == code
