"""Batches: checked as a whole, run a few at a time, told when they end."""

import json
import sys

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import TestCase

from apps.api import admitting, batches
from apps.api.models import Batch, BatchState, Call, CallState, Delivery
from apps.billing.plans import current_plan, subscribe
from apps.generations.models import Generation, Status
from apps.voices import speaking
from apps.voices.models import SpeechJob
from studio.celery import app as celery_app
from tests.factories import AssetFactory
from tests.voices.conftest import beeper  # noqa: F401  (fixture)

pytestmark = pytest.mark.django_db


@pytest.fixture
def payload(workspace) -> dict:
    video, audio = AssetFactory(workspace=workspace, video=True), AssetFactory(workspace=workspace, audio=True)
    items = [{"type": "video", "assetId": str(video.pk)}, {"type": "audio", "assetId": str(audio.pk)}]
    return {"model": "lipsync-2", "input": items}


def lines(payload: dict, count: int = 20, **changes) -> list[dict]:
    row = {"endpoint": "/v2/generate", "payload": payload} | changes
    return [{"request_id": f"r{number}"} | row for number in range(count)]


def go_on() -> int:
    """What the clock begins every few seconds, and what a worker does of it; returns how many lines were started."""
    started = batches.go_on()
    for call_id in Call.objects.filter(state=CallState.WAITING).values_list("pk", flat=True):
        admitting.admit(call_id)
    return started


@pytest.fixture
def post(client, key):
    """``post(rows, dry_run="true")`` sends a batch; rows may be text."""

    def send(rows, **fields):
        text = rows if isinstance(rows, str) else "\n".join(json.dumps(row) for row in rows)
        file = SimpleUploadedFile("batch.jsonl", text.encode())
        return client.post("/v2/batch", {"input": file} | fields, headers={"x-api-key": key})

    return send


def test_a_dry_run_only_checks(post, payload):
    answer = post(lines(payload), dry_run="true")
    assert (answer.status_code, answer.json()) == (200, {"status": "VALIDATED"})
    assert not Batch.objects.exists()


def test_the_mark_that_some_editors_begin_a_file_with_is_read_over(post, payload):
    text = "\ufeff" + "\n".join(json.dumps(row) for row in lines(payload))
    assert post(text, dry_run="true").json() == {"status": "VALIDATED"}


def broken(payload: dict, how: str) -> list[dict] | str:
    rows = lines(payload)
    return {
        "few": rows[:19],
        "many": lines(payload, 501),
        "json": "\n".join([*[json.dumps(row) for row in rows], "{"]),
        "twice": [*rows, rows[3]],
        "endpoint": [*rows, {"request_id": "x", "endpoint": "/v2/tts", "payload": payload}],
        "name": [*rows, {"endpoint": "/v2/generate", "payload": payload}],
        "payload": [*rows, {"request_id": "x", "endpoint": "/v2/generate", "payload": {"model": "lipsync-2"}}],
        "model": [*rows, {"request_id": "x", "endpoint": "/v2/generate", "payload": payload | {"model": "none"}}],
        "large": " " * (batches.FILE_LIMIT + 1),
    }[how]


@pytest.mark.parametrize(
    ("how", "status", "code"),
    [
        ("few", 400, "batch_insufficient_records"),
        ("many", 400, "batch_too_many_requests"),
        ("json", 400, "batch_invalid_jsonl"),
        ("twice", 400, "batch_duplicate_request_id"),
        ("endpoint", 400, "batch_invalid_endpoint"),
        ("name", 400, "batch_invalid_jsonl"),
        ("payload", 400, "generation_input_validation_failed"),
        ("model", 400, "generation_unsupported_model"),
        ("large", 413, "batch_file_too_large"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(post, payload, how, status, code):
    answer = post(broken(payload, how))
    assert (answer.status_code, answer.json()["errorCode"]) == (status, code)
    if how in ("json", "twice", "endpoint", "name", "payload", "model"):
        assert "Line 21" in answer.json()["message"]
    assert not Batch.objects.exists()


def test_the_plan_must_have_batches(post, payload, workspace):
    subscribe(workspace=workspace, plan=current_plan("creator"))
    answer = post(lines(payload))
    assert (answer.status_code, answer.json()["errorCode"]) == (402, "batch_plan_required")


def test_it_runs_two_at_a_time_to_its_end(api, post, payload, settings):
    settings.PRIVATE_URLS = True
    made = post(lines(payload), webhook_url="https://127.0.0.1/hook").json()
    assert (made["status"], made["metrics"]["pending_count"], made["outputUrl"]) == ("PENDING", 20, None)
    second = post(lines(payload))
    assert (second.status_code, second.json()["errorCode"]) == (429, "batch_concurrency_limit_reached")
    assert (go_on(), go_on()) == (2, 0)
    assert Generation.objects.count() == 2
    assert api("GET", f"batch/{made['id']}").json()["status"] == "PROCESSING"
    for round_ in range(10):
        status = Status.FAILED if round_ == 4 else Status.COMPLETED
        Generation.objects.filter(status=Status.PENDING).update(status=status)
        go_on()
    ended = api("GET", f"batch/{made['id']}").json()
    assert ended["status"] == "COMPLETED"
    assert ended["metrics"] == {"total_generations": 20, "success_count": 18, "failed_count": 2, "pending_count": 0}
    told = Delivery.objects.get(event="batch.ended")
    assert json.loads(told.body)["metrics"] == ended["metrics"] and told.url == "https://127.0.0.1/hook"
    file = api("GET", ended["outputUrl"].removeprefix("http://testserver/v2/"), key=None)
    rows = [json.loads(line) for line in b"".join(file.streaming_content).splitlines()]
    assert [row["request_id"] for row in rows] == [f"r{number}" for number in range(20)]
    assert rows[0]["response"]["status"] == "COMPLETED" and rows[0]["response"]["source"] == "batch"
    assert post(lines(payload)).status_code == 201


def test_a_line_that_cannot_run_fails_alone(post, payload, workspace):
    long = AssetFactory(workspace=workspace, video=True, duration_s=31.0)
    rows = lines(payload)
    for row, asset in ((rows[0], str(long.pk)), (rows[1], "00000000-0000-4000-8000-000000000000")):
        row["payload"] = payload | {"input": [{"type": "video", "assetId": asset}, payload["input"][1]]}
    assert post(rows).status_code == 201
    go_on()
    codes = set(Call.objects.filter(state=CallState.REFUSED).values_list("error_code", flat=True))
    assert codes == {"generation_input_duration_greater_than_max_duration", "asset_not_found"}
    assert go_on() == 2 and Generation.objects.count() == 2
    assert Batch.objects.get().state == BatchState.PROCESSING


def test_lines_wait_for_a_free_place(post, payload, workspace, monkeypatch):
    subscribe(workspace=workspace, plan=current_plan("scale"))
    plan = current_plan("scale")
    plan.max_concurrent = 1
    plan.save()
    post(lines(payload))
    go_on()
    assert list(Call.objects.order_by("created_at").values_list("state", flat=True)) == ["admitted", "waiting"]
    Generation.objects.update(status=Status.COMPLETED)
    go_on()
    assert Generation.objects.count() == 2


def test_the_texts_of_lines_are_spoken(post, payload, beeper):  # noqa: F811
    words = {"type": "text", "provider": {"name": "beeper", "voiceId": "low", "script": "Good morning, harbour."}}
    rows = lines(payload | {"input": [payload["input"][0], words]})
    nobody = words | {"provider": words["provider"] | {"voiceId": "nobody"}}
    rows[1] = rows[1] | {"payload": payload | {"input": [payload["input"][0], nobody]}}
    assert post(rows).status_code == 201
    assert (go_on(), Generation.objects.count()) == (2, 0)
    job = SpeechJob.objects.get()
    speaking.speak(job.pk)
    go_on()
    job.refresh_from_db()
    assert Generation.objects.get().audio == job.asset
    assert Call.objects.get(state=CallState.REFUSED).error_code == "voice_not_found"


def test_lists_are_filtered(api, post, payload):
    made = post(lines(payload)).json()
    ids = [row["id"] for row in api("GET", "batch?status=PENDING&created_after=2026-01-01T00:00:00Z").json()]
    assert ids == [made["id"]]
    assert api("GET", "batch?status=COMPLETED").json() == []
    assert api("GET", "batch?created_before=2020-01-01T00:00:00%2B00:00").json() == []
    assert api("GET", "batch?created_after=yesterday").json()["field"] == "created_after"
    assert api("GET", "batch/none").json()["errorCode"] == "batch_not_found"


def test_a_line_that_another_run_has_started_meanwhile_is_not_started_again(post, payload):
    post(lines(payload))
    batch = Batch.objects.get()
    stale = batch.lines.first()
    batches.start_line(batch, batch.lines.first())
    batches.start_line(batch, stale)
    assert Call.objects.count() == 1


def test_a_worker_that_dies_while_it_starts_a_line_leaves_none_without_a_project(post, payload, monkeypatch):
    post(lines(payload))
    with monkeypatch.context() as dying, pytest.raises(SystemExit):
        dying.setattr(batches, "project_for", lambda *args: sys.exit())
        go_on()
    go_on()
    assert {take.project.name for take in Generation.objects.all()} == {"API"}


def test_the_lines_of_a_person_who_left_are_refused_and_other_batches_go_on(post, payload, membership):
    post(lines(payload))
    membership.delete()
    assert go_on() == batches.AT_ONCE
    codes = Call.objects.values_list("state", "error_code").distinct()
    assert list(codes) == [(CallState.REFUSED, "forbidden")]


def test_a_line_separator_inside_a_name_ends_no_line(post, payload):
    rows = lines(payload)
    rows[0]["request_id"] = "one\u2028two"
    text = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    assert post(text, dry_run="true").status_code == 200


def test_lines_are_admitted_where_slow_addresses_hold_up_nobody_else(post, payload, monkeypatch):
    """Their files may take a quarter of an hour to fetch: neither the clock's run of the batches does it, nor the
    workers that check files and hand out takes.
    """
    sent = []
    monkeypatch.setattr(admitting.celery_app, "send_task", lambda name, args: sent.append((name, *args)))
    post(lines(payload))
    with TestCase.captureOnCommitCallbacks(execute=True):
        batches.go_on()
    assert sent == [("api.admit", str(call.pk)) for call in Call.objects.order_by("created_at")]
    routes = {name: celery_app.amqp.router.route({}, name)["queue"].name for name in ("api.admit", "desk.fetch_file")}
    assert routes == {"api.admit": "fetch", "desk.fetch_file": "fetch"}
    assert celery_app.amqp.router.route({}, "api.batches")["queue"].name == "io"
