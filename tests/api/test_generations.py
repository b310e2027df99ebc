"""Generations over the API, with files that are in the library already."""

import json
from datetime import timedelta
from threading import BoundedSemaphore

import pytest
import time_machine
from django.core.files.base import ContentFile
from django.utils import timezone

from apps.api import looking
from apps.api.models import Call, CallState
from apps.api.schemas import CreateGeneration
from apps.api.wishes import options_of
from apps.billing import ledger
from apps.billing.plans import current_plan, subscribe
from apps.generations.models import Generation, Status
from apps.projects.models import Project
from tests.factories import AssetFactory, GenerationFactory, ProjectFactory

pytestmark = pytest.mark.django_db


def test_it_makes_a_generation_in_the_project_of_the_api(api, wish, owner):
    answer = api("POST", "generate", wish | {"outputFileName": "talk", "options": {"temperature": 0.7}})
    assert answer.status_code == 201
    body = answer.json()
    row = Generation.objects.get(pk=body["id"])
    assert (row.status, row.created_by, row.project.name) == (Status.PENDING, owner, "API")
    assert (body["status"], body["options"]) == ("PENDING", {"sync_mode": "bounce", "temperature": 0.7})
    assert (body["outputFileName"], body["projectId"], body["warnings"]) == ("talk", str(row.project_id), [])
    assert api("POST", "generate", wish).json()["projectId"] == body["projectId"]
    assert Project.objects.count() == 1


def test_it_goes_into_the_named_project(api, wish, workspace):
    project = ProjectFactory(workspace=workspace)
    assert api("POST", "generate", wish | {"projectId": str(project.pk)}).json()["projectId"] == str(project.pk)
    other = api("POST", "generate", wish | {"projectId": str(ProjectFactory().pk)})
    assert (other.status_code, other.json()["errorCode"]) == (422, "project_not_found")


def test_a_film_is_no_image(api, wish):
    film = {"type": "image", "assetId": wish["input"][0]["assetId"]}
    sent = wish | {"model": "sync-3", "input": [film, wish["input"][1]]}
    for path in ("generate", "analyze/cost"):
        answer = api("POST", path, sent)
        assert (answer.status_code, answer.json()["field"]) == (422, "input"), path
        assert answer.json()["errorCode"] == "generation_input_asset_type_mismatch"
    assert not Generation.objects.exists()


def test_options_that_a_model_lacks_are_named(api, wish):
    options = {"temperature": 0.9, "prompt": "happy", "reasoningEnabled": True, "reasoning_enabled": None}
    body = api("POST", "generate", wish | {"model": "lipsync-1.9.0-beta", "options": options}).json()
    assert len(body["warnings"]) == 3
    assert "prompt" in body["warnings"][0]
    assert not {"temperature", "prompt", "reasoning_enabled"} & set(Generation.objects.get().options)


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ({"auto_detect": True}, True),
        ({"frame_number": 3, "coordinates": [4, 5]}, {"kind": "point", "frame": 3, "x": 4, "y": 5}),
        ({"bounding_boxes": [None, [1, 2, 3, 4]]}, {"kind": "boxes", "boxes": [None, [1, 2, 3, 4]]}),
        ({"kind": "person", "id": 2}, {"kind": "person", "id": 2}),
        ({"kind": "all"}, {"kind": "all"}),
        (True, True),
    ],
)
def test_speaker_detection_is_read_in_its_forms(sent, read, wish):
    body = CreateGeneration.model_validate(wish | {"options": {"active_speaker_detection": sent}})
    assert options_of(body.options) == ({"active_speaker_detection": read}, [])


def test_a_face_chosen_in_two_ways_is_refused(api, wish):
    options = {"active_speaker_detection": {"auto_detect": True, "bounding_boxes": [[1, 2, 3, 4]]}}
    answer = api("POST", "generate", wish | {"options": options})
    assert (answer.status_code, answer.json()["errorCode"]) == (422, "generation_input_face_selection_invalid")


@pytest.mark.parametrize(
    "ways",
    [
        {"kind": "person", "id": 1, "auto_detect": True},
        {"kind": "all", "frame_number": 0, "coordinates": [4, 5]},
        {"bounding_boxes": [[1, 2, 3, 4]], "bounding_boxes_url": "https://boxes.example/"},
    ],
)
def test_ways_of_this_studio_are_ways_too(api, wish, ways):
    answer = api("POST", "generate", wish | {"options": {"active_speaker_detection": ways}})
    assert (answer.status_code, answer.json()["errorCode"]) == (422, "generation_input_face_selection_invalid")


def test_parts_of_a_choice_that_are_not_known_are_named(api, wish):
    options = {"active_speaker_detection": {"autoDetect": True, "v3": True}}
    made = api("POST", "generate", wish | {"options": options})
    assert made.status_code == 201
    assert made.json()["warnings"] == [
        f"active_speaker_detection.{name} is not used; this studio does not have it." for name in ("autoDetect", "v3")
    ]


@pytest.mark.parametrize("depth", [90, 200, 300, 700])
def test_what_is_nested_deeply_is_refused(api, wish, depth):
    options = '{"x": ' * depth + "1" + "}" * depth
    answer = api("POST", "generate", json.dumps(wish)[:-1] + f', "options": {options}}}')
    assert answer.status_code == (201 if depth < 100 else 400)


def test_a_face_with_a_number_beyond_all_numbers_is_refused(api, wish):
    options = {"active_speaker_detection": {"frame_number": 10**400, "coordinates": [4, 5]}}
    answer = api("POST", "generate", wish | {"options": options})
    assert (answer.status_code, answer.json()["errorCode"]) == (422, "generation_input_face_selection_invalid")


@pytest.mark.parametrize(
    "part",
    [
        {"dubParams": {"targetLang": "de"}},
        {"dialogueEdit": {"id": "x"}},
    ],
)
def test_parts_that_are_not_here_are_refused(api, wish, part):
    answer = api("POST", "generate", wish | part)
    assert (answer.status_code, answer.json()["errorCode"]) == (422, "feature_unavailable")
    assert answer.json()["field"] in part and not Generation.objects.exists()


def test_as_many_at_once_as_the_plan_allows(api, wish, workspace):
    subscribe(workspace=workspace, plan=current_plan("hobbyist"))
    assert api("POST", "generate", wish).status_code == 201
    answer = api("POST", "generate", wish)
    body = answer.json()
    assert (answer.status_code, body["errorCode"]) == (429, "concurrency_limit_reached")
    assert (body["activeGenerations"], body["concurrencyLimit"], body["retryAfterSeconds"]) == (1, 1, 30)
    assert body["upgradeUrl"].endswith("/w/harbour/billing/") and answer["Retry-After"] == "30"
    assert Generation.objects.count() == Call.objects.count() == 1


def test_waiting_calls_are_shown_and_counted(api, wish, workspace, owner):
    call = Call.objects.create(workspace=workspace, user=owner, body=wish | {"options": {}}, warnings=["Slow."])
    body = api("GET", f"generate/{call.pk}").json()
    assert (body["status"], body["warnings"]) == ("PENDING", ["Slow."])
    Call.objects.update(state=CallState.REFUSED, error_code="generation_input_video_invalid", error_message="Broken.")
    body = api("GET", f"generate/{call.pk}").json()
    assert (body["status"], body["error_code"], body["error"]) == (
        "REJECTED",
        "generation_input_video_invalid",
        "Broken.",
    )
    assert [row["id"] for row in api("GET", "generations?status=REJECTED").json()] == [str(call.pk)]
    assert api("GET", "generations/count?status=PENDING").json() == {"count": 0}


@pytest.fixture
def five(workspace) -> list[str]:
    """Ids of five generations, newest first: two finished, one cancelled, two queued."""
    rows = [GenerationFactory(workspace=workspace) for _ in range(5)]
    for row, status in zip(rows, ["COMPLETED", "COMPLETED", "CANCELLED", "PENDING", "PENDING"], strict=True):
        Generation.objects.filter(pk=row.pk).update(status=status)
    GenerationFactory()
    return [str(row.pk) for row in reversed(rows)]


@pytest.mark.parametrize("encode", [json.dumps, ",".join, "&status=".join])
def test_lists_are_read_in_three_encodings(api, five, encode):
    found = api("GET", f"generations?status={encode(['COMPLETED', 'FAILED'])}").json()
    assert [row["id"] for row in found] == five[2:]
    assert [row["status"] for row in found] == ["FAILED", "COMPLETED", "COMPLETED"]
    assert found[0]["error_code"] == found[0]["errorCode"] == "generation_cancelled"
    ids = api("GET", f"generations?ids={encode([five[1], five[4]]).replace('status', 'ids')}").json()
    assert [row["id"] for row in ids] == [five[1], five[4]]


def test_pages_follow_the_cursor(api, five):
    seen, cursor = [], ""
    while page := api("GET", f"generations?limit=2{cursor}").json():
        seen += [row["id"] for row in page]
        cursor = f"&cursor={page[-1]['id']}"
    assert seen == five


def test_a_cursor_leads_on_when_its_row_no_longer_fits_the_filter(api, workspace):
    rows = [GenerationFactory(workspace=workspace) for _ in range(4)]
    first = api("GET", "generations?status=PENDING&limit=2").json()
    Generation.objects.filter(pk=first[-1]["id"]).update(status=Status.COMPLETED, deleted_at=timezone.now())
    rest = api("GET", f"generations?status=PENDING&limit=2&cursor={first[-1]['id']}").json()
    assert [row["id"] for row in rest] == [str(rows[1].pk), str(rows[0].pk)]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=x", "limit"),
        ("cursor=x&limit=3", "cursor"),
        ("cursor=x", "cursor"),
        ("status=DONE", "status"),
        ('status=["A"', "status"),
    ],
)
def test_bad_filters_are_named(api, query, field):
    answer = api("GET", f"generations?{query}")
    assert (answer.status_code, answer.json()["field"]) == (400, field)


def test_lists_ask_the_database_equally_often(api, workspace, django_assert_num_queries):
    GenerationFactory(workspace=workspace)
    api("GET", "generations")
    with django_assert_num_queries(3):  # key with membership, generations, waiting calls
        api("GET", "generations")
    GenerationFactory.create_batch(6, workspace=workspace)
    with django_assert_num_queries(3):
        assert len(api("GET", "generations").json()) == 7


def test_a_long_poll_says_so_and_ends_at_once_where_it_can(api, five):
    answer = api("GET", f"generate/{five[4]}?wait=true&timeout=10")
    assert answer.json()["status"] == "COMPLETED"
    assert (answer["Retry-After"], answer["X-Sync-Wait-Mode"]) == ("2", "long_poll")
    assert answer["X-Sync-Wait-Timeout-Seconds"] == "10"
    for query in ("wait=true&timeout=11", "wait=true&timeout=0", "wait=true&include=progress"):
        assert api("GET", f"generate/{five[0]}?{query}").status_code == 400


def test_those_who_wait_leave_threads_for_others(api, five, monkeypatch):
    monkeypatch.setattr(looking, "places_to_wait", BoundedSemaphore(1))
    naps = []
    monkeypatch.setattr(looking.time, "sleep", naps.append)
    with looking.places_to_wait:
        answer = api("GET", f"generate/{five[0]}?wait=true&timeout=1")
        assert (answer.json()["status"], answer["X-Sync-Wait-Mode"], naps) == ("PENDING", "long_poll", [])
    api("GET", f"generate/{five[0]}?wait=true&timeout=1")
    assert naps and looking.places_to_wait.acquire(blocking=False)


def test_what_is_no_yes_or_no_is_named(api, five):
    answer = api("GET", f"generate/{five[0]}?wait=perhaps")
    assert (answer.status_code, answer.json()["field"]) == (400, "wait")


def test_progress_is_included_on_demand(api, five):
    assert api("GET", f"generate/{five[4]}?include=progress").json()["progress"]["percent"] == 100
    assert "progress" not in api("GET", f"generate/{five[4]}").json()


def test_cancel_retry_and_delete(api, wish):
    made = api("POST", "generate", wish).json()["id"]
    refused = api("DELETE", f"generations/{made}")
    assert (refused.status_code, refused.json()["errorCode"]) == (409, "generation_not_deletable_while_processing")
    assert api("POST", f"generations/{made}/retry").json()["errorCode"] == "generation_conflict"
    cancelled = api("POST", f"generations/{made}/cancel").json()
    assert (cancelled["status"], cancelled["error_code"]) == ("FAILED", "generation_cancelled")
    assert Generation.objects.get(pk=made).status == Status.CANCELLED
    again = api("POST", f"generations/{made}/retry")
    assert (again.status_code, again.json()["status"]) == (201, "PENDING") and again.json()["id"] != made
    assert again.json()["input"][0]["assetId"] == wish["input"][0]["assetId"]
    assert api("DELETE", f"generations/{made}").json() == {"id": made}
    assert api("GET", f"generate/{made}").status_code == 404


def test_a_retry_is_told_and_named_like_the_first(api, wish, monkeypatch):
    monkeypatch.setattr("apps.api.webhook_addresses.target_of", lambda url, **rest: None)  # no name is looked up
    sent = wish | {"webhookUrl": "https://receiver.example/", "outputFileName": "talk", "options": {"prompt": "happy"}}
    made = api("POST", "generate", sent).json()
    api("POST", f"generations/{made['id']}/cancel")
    again = api("POST", f"generations/{made['id']}/retry").json()
    same = ("webhookUrl", "outputFileName", "options", "warnings", "source", "model", "projectId")
    assert {name: again[name] for name in same} == {name: made[name] for name in same}
    assert api("GET", f"generations?ids={again['id']}&type=api").json()[0]["id"] == again["id"]


def test_a_retry_says_what_it_costs_itself(api, wish, settings, workspace):
    settings.BILLING = True
    subscribe(workspace=workspace, plan=current_plan("free"))
    ledger.payment(workspace=workspace, micros=3_000_000, key="paid", memo="test")
    made = api("POST", "generate", wish | {"options": {"prompt": "happy"}}).json()
    for left in (3, 2, 1, 0):
        free = [sentence for sentence in made["warnings"] if sentence.startswith("Free of charge")]
        assert free == ([f"Free of charge: {left} of 3 free takes of this month are left."] if left else [])
        assert any("prompt" in sentence for sentence in made["warnings"])
        Generation.objects.filter(pk=made["id"]).update(status=Status.COMPLETED)
        made = api("POST", f"generations/{made['id']}/retry").json()


def test_a_retry_of_a_take_of_the_pages_is_one_of_the_api(api, workspace):
    take = GenerationFactory(workspace=workspace, status=Status.FAILED, options={"temperature": 0.3})
    again = api("POST", f"generations/{take.pk}/retry").json()
    assert (again["source"], again["options"]["temperature"]) == ("api", 0.3)
    assert again["input"][0]["assetId"] == str(take.video_id)


@pytest.mark.parametrize("meanwhile", [False, True])
def test_a_retry_waits_for_a_place_like_a_create(api, wish, workspace, monkeypatch, meanwhile):
    """Also where another request takes the last place after the look whether there is one."""
    ended = GenerationFactory(workspace=workspace, status=Status.FAILED)
    subscribe(workspace=workspace, plan=current_plan("hobbyist"))
    if meanwhile:
        monkeypatch.setattr("apps.api.again.refuse_when_full", lambda workspace: None)
    assert api("POST", "generate", wish).status_code == 201
    refused = api("POST", f"generations/{ended.pk}/retry")
    assert (refused.status_code, refused["Retry-After"]) == (429, "30")
    assert refused.json().keys() >= {"activeGenerations", "concurrencyLimit", "retryAfterSeconds", "upgradeUrl"}


def test_the_result_is_downloaded_without_a_cookie_until_the_link_ends(api, client, five, workspace):
    assert api("GET", f"generations/{five[0]}/download").json()["errorCode"] == "generation_not_finished"
    film = AssetFactory(workspace=workspace, video=True, name="out.mp4", sha256="e" * 64)
    film.file.save("assets/out.mp4", ContentFile(b"0123456789"))
    Generation.objects.filter(pk=five[4]).update(result=film)
    answer = api("GET", f"generations/{five[4]}/download")
    link = answer.content.decode().removeprefix("http://testserver")
    assert answer["Content-Type"].startswith("text/plain") and link.endswith(".mp4")
    part = client.get(link, headers={"Range": "bytes=2-4"})
    assert (part.status_code, b"".join(part.streaming_content)) == (206, b"234")
    with time_machine.travel(timezone.now() + timedelta(days=7, minutes=1)):
        assert client.get(link).json()["errorCode"] == "link_expired"
    false = link.replace(link.split("/")[3][:8], "AAAAAAAA")
    assert client.get(false).status_code == 404


def test_files_that_were_deleted_have_no_address(api, wish, workspace):
    made = api("POST", "generate", wish).json()
    assert all("url" in item for item in made["input"])
    result = AssetFactory(workspace=workspace, video=True)
    result.file.save("assets/out.mp4", ContentFile(b"film"))
    Generation.objects.filter(pk=made["id"]).update(status=Status.COMPLETED, result=result)
    assert api("GET", f"generate/{made['id']}").json()["outputUrl"]
    for asset in (result.pk, wish["input"][0]["assetId"]):
        api("DELETE", f"assets/{asset}")
    found = api("GET", f"generate/{made['id']}").json()
    assert (found["status"], found["outputUrl"], found["outputMediaUrl"]) == ("COMPLETED", None, None)
    assert [sorted(item) for item in found["input"]] == [["assetId", "type"], ["assetId", "type", "url"]]
    answer = api("GET", f"generations/{made['id']}/download")
    assert (answer.status_code, answer.json()["errorCode"]) == (404, "asset_not_found")


def test_the_report_of_a_finished_one(api, five):
    Generation.objects.filter(pk=five[4]).update(report={"frames": 250}, charged_micros=500_000)
    body = api("GET", f"generations/{five[4]}/report").json()
    assert (body["report"], body["chargedUsd"], body["status"]) == ({"frames": 250}, 0.5, "COMPLETED")
    assert api("GET", f"generations/{five[0]}/report").status_code == 409


def test_usage_of_the_month(api, workspace):
    now = timezone.now()
    for days, status in ((0, Status.COMPLETED), (0, Status.COMPLETED), (0, Status.FAILED), (40, Status.COMPLETED)):
        GenerationFactory(
            workspace=workspace,
            status=status,
            finished_at=now - timedelta(days=days),
            charged_seconds=4.0,
            charged_micros=80_000,
        )
    GenerationFactory(workspace=workspace)
    body = api("GET", "usage").json()
    figures = {"totalGenerations": 2, "totalSeconds": 8.0, "totalFrames": 200, "totalCostCents": 16.0}
    assert body["usage"] == figures | {"totalTtsSeconds": 0.0}
    assert (body["plan"], body["activeGenerations"], body["freeMonthlyLimits"]) == ("unlimited", 1, {"generations": 0})


def test_usage_counts_the_frames_that_were_charged(api, workspace):
    """A frame that is only begun is free, in each take."""
    for _ in range(3):
        GenerationFactory(
            workspace=workspace, status=Status.COMPLETED, finished_at=timezone.now(), charged_seconds=4.03
        )
    assert api("GET", "usage").json()["usage"]["totalFrames"] == 300


def test_usage_tells_what_is_held(api, wish, settings, workspace):
    settings.BILLING = True
    subscribe(workspace=workspace, plan=current_plan("creator"))
    ledger.payment(workspace=workspace, micros=3_000_000, key="paid", memo="test")
    assert api("POST", "generate", wish).status_code == 201
    assert api("GET", "usage").json()["credits"] == {"balance": 3.0, "available": 2.5, "inFlight": 0.5}


def test_costs(api, wish, settings, workspace):
    settings.BILLING = True
    subscribe(workspace=workspace, plan=current_plan("creator"))
    assert api("POST", "analyze/cost", wish).json() == [{"estimatedFrameCount": 250, "estimatedGenerationCost": 0.5}]
    for path in ("generations/estimate", "generate/estimate-cost"):
        body = api("POST", path, {"model": "sync-3", "duration": 4}).json()
        assert body == {"estimatedFrameCount": 100, "estimatedGenerationCost": 0.534, "estimatedCredits": None}
    unknown = api("POST", "generations/estimate", {"model": "x", "duration": 4})
    assert (unknown.status_code, unknown.json()["errorCode"]) == (422, "cost_estimate_unavailable")


@pytest.mark.parametrize("text", ["%00", "[%22%5Cu0000%22]", "[%22%5Cud800%22]"])
def test_a_filter_that_is_no_text_is_refused(api, text):
    answer = api("GET", f"generations?source={text}")
    assert (answer.status_code, answer.json()["field"]) == (400, "source")
