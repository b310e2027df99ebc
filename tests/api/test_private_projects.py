"""Projects that somebody keeps to themselves: through the API, too, only their maker and administrators see them."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection

from apps.api.admitting import admit
from apps.api.batches import go_on, results
from apps.api.calls import project_for
from apps.api.keys import make_key
from apps.api.models import Batch, Call, CallState
from apps.assets.models import Asset
from apps.generations.models import Generation, SegmentSound
from apps.projects.models import Project
from apps.workspaces.models import Membership, Visibility
from tests.factories import AssetFactory, GenerationFactory, ProjectFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def theirs(teammate) -> str:
    """A key of an editor that may do all that its person may."""
    member = Membership.objects.select_related("workspace", "user").get(user=teammate)
    return make_key(membership=member, name="theirs", scope="manage")[1]


@pytest.fixture
def secret(workspace, owner) -> Project:
    """A project that the owner keeps to themselves."""
    return ProjectFactory(workspace=workspace, created_by=owner, visibility=Visibility.PRIVATE)


@pytest.fixture
def wish(workspace) -> dict:
    video, audio = AssetFactory(workspace=workspace, video=True), AssetFactory(workspace=workspace, audio=True)
    items = [{"type": "video", "assetId": str(video.pk)}, {"type": "audio", "assetId": str(audio.pk)}]
    return {"model": "lipsync-2", "input": items}


def waiting(workspace, owner, project: Project) -> Call:
    return Call.objects.create(
        workspace=workspace, user=owner, project=project, body={"model": "lipsync-2", "input": []}
    )


def test_neither_takes_nor_calls_of_it_are_seen_by_others(api, workspace, owner, theirs, secret):
    take, call = GenerationFactory(workspace=workspace, project=secret), waiting(workspace, owner, secret)
    for row in (take, call):
        for method, path in (
            ("GET", f"generate/{row.pk}"),
            ("POST", f"generations/{row.pk}/cancel"),
            ("DELETE", f"generations/{row.pk}"),
            ("GET", f"generations/{row.pk}/costs"),
        ):
            assert api(method, path, key=theirs).status_code == 404, (method, path)
        assert api("GET", f"generate/{row.pk}").status_code == 200
    assert api("GET", "generations", key=theirs).json() == []
    assert api("GET", "generations/count", key=theirs).json() == {"count": 0}
    assert api("GET", "generations/count").json() == {"count": 2}
    call.refresh_from_db()
    assert call.state == CallState.WAITING


def test_nobody_else_is_told_which_files_it_uses(api, workspace, theirs, secret):
    take = GenerationFactory(workspace=workspace, project=secret)
    sound = AssetFactory(workspace=workspace, audio=True)
    SegmentSound.objects.create(generation=take, asset=sound)
    listed = api("GET", f"assets?projectId={secret.pk}").json()["items"]
    assert {item["id"] for item in listed} == {str(take.video_id), str(take.audio_id), str(sound.pk)}
    assert api("GET", f"assets?projectId={secret.pk}", key=theirs).json()["items"] == []


def test_others_put_nothing_into_it(api, wish, theirs, secret):
    refused = api("POST", "generate", wish | {"projectId": str(secret.pk)}, key=theirs)
    assert (refused.status_code, refused.json()["errorCode"]) == (422, "project_not_found")
    assert api("POST", "generate", wish | {"projectId": str(secret.pk)}).status_code == 201


@pytest.mark.database
@pytest.mark.django_db(transaction=True)
def test_the_first_requests_of_a_program_at_once_make_one_project_of_the_api(workspace, membership):
    together = threading.Barrier(4)

    def ask(_: int) -> Project:
        together.wait()
        try:
            return project_for(membership, None)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as threads:
        made = set(threads.map(ask, range(4)))
    assert len(made) == Project.objects.count() == 1


def test_the_project_of_the_api_is_one_that_the_caller_sees(api, wish, theirs, secret):
    secret.name = "API"
    secret.save()
    made = api("POST", "generate", wish, key=theirs).json()
    assert made["projectId"] != str(secret.pk)
    assert api("GET", f"generate/{made['id']}", key=theirs).status_code == 200
    assert api("POST", "generate", wish).json()["projectId"] in (str(secret.pk), made["projectId"])


def test_a_batch_that_works_in_it_is_not_seen_by_others(api, client, key, wish, theirs, secret):
    row = {"endpoint": "/v2/generate", "payload": wish | {"projectId": str(secret.pk)}}
    text = "\n".join(json.dumps(row | {"request_id": str(number)}) for number in range(20))
    file = SimpleUploadedFile("batch.jsonl", text.encode())
    made = client.post("/v2/batch", {"input": file}, headers={"x-api-key": key}).json()["id"]
    go_on()
    admit(Call.objects.first().pk)
    assert Generation.objects.filter(project=secret).exists()
    assert api("GET", f"batch/{made}").json()["id"] == made
    assert api("GET", f"batch/{made}", key=theirs).json()["errorCode"] == "batch_not_found"
    assert api("GET", "batch", key=theirs).json() == []


@pytest.mark.parametrize("with_segments", [False, True])
def test_a_take_gives_no_address_of_a_file_that_another_keeps_private(
    api, workspace, owner, theirs, wish, with_segments
):
    """Whoever sees the take sees its result; the original is its owner's and the administrators'."""
    made = api("POST", "generate", wish).json()
    take = Generation.objects.get(pk=made["id"])
    video, sound = take.video, take.audio
    if with_segments:
        take.segments, sound = [{"audio": str(sound.pk)}], AssetFactory(workspace=workspace, audio=True)
        take.segment_sounds.create(asset=sound)
        Call.objects.update(body=wish | {"input": [wish["input"][0], {"type": "audio", "assetId": str(sound.pk)}]})
    Asset.objects.filter(pk__in=(video.pk, sound.pk)).update(visibility=Visibility.PRIVATE, created_by=owner)
    take.result = AssetFactory(workspace=workspace, video=True, created_by=owner, file="result.mp4")
    take.save()
    Call.objects.update(assets={"audio": str(sound.pk)}, speeches={"audio": made["id"]})
    for path in (f"generate/{take.pk}", f"generate/{take.pk}?wait=true&timeout=1", "generations"):
        for key, seen in ((None, True), (theirs, False)):
            found = api("GET", path, **({"key": key} if key else {})).json()
            found = found if isinstance(found, dict) else found[0]
            assert found["outputUrl"]
            assert [("url" in item) for item in found["input"]] == [seen, seen], path
            assert [item["assetId"] for item in found["input"]] == [str(video.pk), str(sound.pk)]
            assert bool(found["synthesizedAudioUrl"]) is seen
    Asset.objects.update(visibility=Visibility.WORKSPACE)
    assert all("url" in item for item in api("GET", f"generate/{take.pk}", key=theirs).json()["input"])


def test_the_results_of_a_batch_give_no_address_of_a_private_file(api, client, key, wish, owner):
    text = "\n".join(
        json.dumps({"endpoint": "/v2/generate", "payload": wish, "request_id": str(number)}) for number in range(20)
    )
    client.post("/v2/batch", {"input": SimpleUploadedFile("batch.jsonl", text.encode())}, headers={"x-api-key": key})
    go_on()
    admit(Call.objects.get(batch_line__number=1).pk)
    take = Generation.objects.get()
    Asset.objects.filter(pk=take.video_id).update(visibility=Visibility.PRIVATE)
    told = json.loads(next(results(Batch.objects.get(), "https://studio.example")))["response"]
    assert [("url" in item) for item in told["input"]] == [False, True]


def test_a_file_of_another_keeps_its_name_when_its_bytes_come_again(api, client, theirs, monkeypatch):
    # No worker runs here, so nothing is waited for.
    monkeypatch.setattr("apps.api.routes.assets.wait_until_checked", lambda assets, *, seconds: False)

    def sent(name: str, key: str | None = None) -> dict:
        given = {"key": key} if key else {}
        ticket = api("POST", "assets/upload", {"fileName": "a.bin", "size": 4}, **given).json()
        client.put(ticket["uploadUrl"].partition("testserver")[2], b"abcd", content_type="application/octet-stream")
        return api("POST", "assets", {"url": ticket["url"], "name": name}, **given).json()

    first = sent("the owner's")
    second = sent("mine", theirs)
    assert second["id"] == first["id"] and second["name"] == first["name"]
