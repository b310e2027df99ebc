"""The library over the API: lists, uploads by ticket, changes."""

import pytest
from django.core.files.base import ContentFile
from django.utils import timezone

from apps.api.keys import make_key
from apps.api.links import batch_url, file_url, thumbnail_url
from apps.api.models import Batch
from apps.api.routes import projects
from apps.assets.models import Asset
from apps.assets.models import Status as AssetStatus
from apps.generations.models import Status
from apps.projects.services import create_project, restore_project
from apps.workspaces.models import Membership, Workspace
from tests.factories import AssetFactory, GenerationFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_folder(settings, tmp_path):
    """Uploads of this test alone."""
    settings.DATA_DIR = tmp_path


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    """No worker runs here, so nothing is waited for."""
    monkeypatch.setattr("apps.api.routes.assets.wait_until_checked", lambda assets, *, seconds: False)


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
    assert (row.status, row.file.read()) == (AssetStatus.CHECKING, b"abcdef")
    again = client.put(where, b"abcdef", content_type="video/mp4")
    assert (again.status_code, again.json()["errorCode"]) == (409, "upload_offset_conflict")


def test_the_same_bytes_by_two_tickets_are_one_file_that_each_may_register_again(api, client):
    tickets = [api("POST", "assets/upload", {"fileName": "talk.mp4", "size": 4}).json() for _ in range(2)]
    for ticket in tickets:
        client.put(ticket["uploadUrl"].removeprefix("http://testserver"), b"film", content_type="video/mp4")
    answers = [api("POST", "assets", {"url": ticket["url"]}) for ticket in tickets * 2]
    assert [answer.status_code for answer in answers] == [201] * 4
    assert {answer.json()["id"] for answer in answers} == {str(Asset.objects.get().pk)}


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


def test_no_signed_address_leads_into_a_closed_workspace(api, client, workspace, owner):
    ticket = api("POST", "assets/upload", {"fileName": "talk.mp4", "size": 4}).json()
    film = AssetFactory(workspace=workspace, video=True)
    batch = Batch.objects.create(workspace=workspace, user=owner)
    Workspace.objects.update(closed_at=timezone.now())
    for address in (file_url("", film), thumbnail_url("", film), batch_url("", batch.pk)):
        assert client.get(address).status_code == 404
    sent = client.put(ticket["uploadUrl"].removeprefix("http://testserver"), b"abcd", content_type="video/mp4")
    assert sent.status_code == 410


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


@pytest.mark.parametrize("order", ["nameAsc", "dateDesc", "durationAsc", "durationDesc", "sizeDesc", "kindAsc"])
def test_whoever_deletes_page_by_page_passes_nothing_over(api, workspace, order):
    for number in range(6):
        AssetFactory(
            workspace=workspace, video=True, name="🎬" * 255 if number % 2 else "a", duration_s=number // 2 or None
        )
    seen, cursor = [], ""
    while cursor is not None:
        page = api("GET", f"assets?limit=2&sortBy={order}&cursor={cursor}").json()
        seen += [item["id"] for item in page["items"]]
        for item in page["items"]:
            assert api("DELETE", f"assets/{item['id']}").status_code == 200
        cursor = page["nextCursor"]
    assert len(seen) == 6 and not Asset.objects.filter(deleted_at=None).exists()


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


def test_a_project_asked_for_twice_at_once_is_made_once(api, membership, monkeypatch):
    own = "11111111-1111-4111-8111-111111111111"
    look = projects._made

    def made_meanwhile(*args):
        monkeypatch.setattr(projects, "_made", look)
        create_project(membership=membership, name="Film", identity=own)

    monkeypatch.setattr(projects, "_made", made_meanwhile)
    again = api("POST", "projects", {"name": "Film", "id": own})
    assert (again.status_code, again.json()["id"]) == (200, own)


def test_projects(api, workspace):
    own = "11111111-1111-4111-8111-111111111111"
    made = api("POST", "projects", {"name": "Film", "id": own})
    assert (made.status_code, made.json()["id"]) == (201, own)
    assert api("POST", "projects", {"name": "Film", "id": own}).status_code == 200
    api("POST", "projects", {"name": "Second"})
    page = api("GET", "projects?limit=1&sortBy=name").json()
    assert [item["name"] for item in page["items"]] == ["Film"]
    rest = api("GET", f"projects?limit=1&sortBy=name&cursor={page['nextCursor']}").json()
    assert ([item["name"] for item in rest["items"]], rest["nextCursor"]) == (["Second"], None)
    assert api("GET", f"projects?limit=1&cursor={page['nextCursor']}").json()["field"] == "cursor"  # of another order
    assert api("PATCH", f"projects/{own}", {"name": "Long film"}).json()["name"] == "Long film"
    GenerationFactory(workspace=workspace, project_id=own, project=None)
    assert api("DELETE", f"projects/{own}").json()["errorCode"] == "project_busy"
    assert api("GET", "projects?searchQuery=long").json()["items"][0]["id"] == own


def test_a_project_keeps_its_description_and_refuses_what_is_not_here(api):
    made = api("POST", "projects", {"name": "Film", "description": " All languages ", "mode": "CREATOR"}).json()
    assert (made["description"], made["mode"], made["defaultWorkflow"]) == ("All languages", "CREATOR", "lipsync")
    address = f"projects/{made['id']}"
    assert api("PATCH", address, {"description": ""}).json()["description"] is None
    for method, path in (("POST", "projects"), ("PATCH", address)):
        refused = api(method, path, {"name": "Film", "defaultWorkflow": "translate_and_dub"})
        assert (refused.status_code, refused.json()["errorCode"]) == (422, "feature_unavailable")
    for wrong in ({"mode": "VIEWER"}, {"visibility": "WORLD"}, {"defaultWorkflow": "paint"}, {"id": "no"}):
        assert api("POST", "projects", {"name": "Film"} | wrong).status_code == 400, wrong
    assert api("GET", "projects?sortBy=size").json()["field"] == "sortBy"


def test_files_are_put_to_a_project_and_taken_away(api, workspace):
    film = AssetFactory(workspace=workspace, video=True)
    project = api("POST", "projects", {"name": "Film"}).json()["id"]
    for _ in range(2):
        answer = api("POST", f"projects/{project}/assets", {"assetId": str(film.pk)})
        assert (answer.status_code, answer.content) == (204, b"")
    listed = f"assets?projectId={project}"
    assert [item["id"] for item in api("GET", listed).json()["items"]] == [str(film.pk)]
    for _ in range(2):
        assert api("DELETE", f"projects/{project}/assets/{film.pk}").status_code == 204
    assert api("GET", listed).json() == {"items": [], "nextCursor": None, "totalCount": 0}
    foreign = AssetFactory(video=True)
    for asset, status in ((str(foreign.pk), 404), ("x", 400)):
        assert api("POST", f"projects/{project}/assets", {"assetId": asset}).status_code == status


def test_an_upload_is_registered_into_a_project(api, client):
    project = api("POST", "projects", {"name": "Film"}).json()["id"]
    ticket = api("POST", "assets/upload", {"fileName": "a.txt", "contentType": "text/plain", "size": 4}).json()
    assert client.put(ticket["uploadUrl"].removeprefix("http://testserver"), b"text").status_code == 200
    unknown = "00000000-0000-4000-8000-000000000000"
    refused = api("POST", "assets", {"url": ticket["url"], "projectId": unknown})
    assert (refused.status_code, refused.json()["errorCode"]) == (422, "project_not_found")
    made = api("POST", "assets", {"url": ticket["url"], "projectId": project}).json()
    assert [item["id"] for item in api("GET", f"assets?projectId={project}").json()["items"]] == [made["id"]]


def test_generations_go_with_their_project_and_come_back_with_it(api, workspace, membership):
    take = GenerationFactory(workspace=workspace, status=Status.COMPLETED)
    other = GenerationFactory(workspace=workspace, status=Status.COMPLETED)
    assert api("DELETE", f"projects/{take.project_id}").json() == {"id": str(take.project_id)}
    assert api("GET", f"generate/{take.pk}").status_code == 404
    assert [row["id"] for row in api("GET", "generations").json()] == [str(other.pk)]
    assert api("GET", "generations/count").json() == {"count": 1}
    restore_project(membership=membership, project=take.project)
    assert api("GET", f"generate/{take.pk}").status_code == 200


def test_parts_that_are_not_here(api):
    for method, path, code in (
        ("POST", "transcriptions", "feature_unavailable"),
        ("POST", "dialogue-edits", "feature_unavailable"),
        ("POST", "device-auth/start", "feature_unavailable"),
        ("GET", "oauth/userinfo", "feature_unavailable"),
    ):
        assert api(method, path, {} if method == "POST" else None).json()["errorCode"] == code
