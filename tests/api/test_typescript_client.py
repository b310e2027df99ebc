"""The official TypeScript client, unchanged. It sends files in chunks without a length, before the fields, untyped."""

import json

from apps.billing.plans import current_plan, subscribe
from apps.generations.models import Generation, Status
from tests.factories import AssetFactory, GenerationFactory

UNKNOWN = "00000000-0000-4000-8000-000000000000"


def test_it_generates_from_files(typescript, clip, voice):
    made = typescript("files", clip, voice)["gave"]
    row = Generation.objects.get(pk=made["id"])
    assert (row.sync_mode, row.options["temperature"]) == ("loop", 0.8)
    assert (row.video.kind, row.audio.kind, row.video.size) == ("video", "audio", clip.stat().st_size)
    assert row.video.file.read() == clip.read_bytes()


def test_it_generates_from_a_file_and_an_id(typescript, clip, workspace):
    audio = AssetFactory(workspace=workspace, audio=True)
    made = typescript("fileAndInput", clip, audio.pk)["gave"]
    assert Generation.objects.get(pk=made["id"]).audio == audio


def test_it_creates_gets_and_estimates(typescript, workspace):
    video, audio = AssetFactory(workspace=workspace, video=True), AssetFactory(workspace=workspace, audio=True)
    made = typescript("create", video.pk, audio.pk)["gave"]
    assert made["status"] == "PENDING" and Generation.objects.get(pk=made["id"]).sync_mode == "cut_off"
    assert typescript("get", made["id"])["gave"]["id"] == made["id"]
    cost = typescript("cost", video.pk, audio.pk)["gave"]
    assert cost == [{"estimatedFrameCount": 250, "estimatedGenerationCost": 0}]


def test_it_lists_and_looks(typescript, workspace):
    done, queued = (
        GenerationFactory(workspace=workspace, status=Status.COMPLETED),
        GenerationFactory(workspace=workspace),
    )
    assert [row["id"] for row in typescript("list", done.pk, queued.pk)["gave"]] == [str(done.pk)]
    page = typescript("assets")["gave"]
    assert page["totalCount"] == 4 and {item["type"] for item in page["items"]} == {"VIDEO", "AUDIO"}
    assert typescript("asset", done.video_id)["gave"]["durationSeconds"] == 10
    assert "lipsync-2" in {model["id"] for model in typescript("models")["gave"]}


def test_failures_have_their_classes(typescript):
    stranger = typescript("models", key="lips_no_key")
    assert (stranger["refused"], stranger["status"]) == ("UnauthorizedError", 401)
    missing = typescript("get", UNKNOWN)
    assert (missing["refused"], missing["body"]["errorCode"]) == ("NotFoundError", "generation_not_found")


def test_batches(typescript, workspace, tmp_path):
    video, audio = AssetFactory(workspace=workspace, video=True), AssetFactory(workspace=workspace, audio=True)
    items = [{"type": "video", "assetId": str(video.pk)}, {"type": "audio", "assetId": str(audio.pk)}]
    row = {"endpoint": "/v2/generate", "payload": {"model": "lipsync-2", "input": items}}
    rows = [json.dumps(row | {"request_id": f"r{number}"}) for number in range(20)]
    few, file = tmp_path / "few.jsonl", tmp_path / "batch.jsonl"
    few.write_text(rows[0])
    file.write_text("\n".join(rows))
    short = typescript("batchCreate", few, "true")
    assert (short["refused"], short["body"]["errorCode"]) == ("BadRequestError", "batch_insufficient_records")
    assert typescript("batchCreate", file, "true")["gave"]["status"] == "VALIDATED"
    made = typescript("batchCreate", file, "false")["gave"]
    assert (made["status"], made["metrics"]["pending_count"]) == ("PENDING", 20)
    assert typescript("batchGet", made["id"])["gave"]["id"] == made["id"]
    assert [row["id"] for row in typescript("batchList", "PENDING", "2026-01-01T00:00:00Z")["gave"]] == [made["id"]]
    assert typescript("batchList", "PENDING", "2099-01-01T00:00:00Z")["gave"] == []
    assert typescript("batchGet", UNKNOWN)["refused"] == "NotFoundError"
    subscribe(workspace=workspace, plan=current_plan("creator"))
    assert typescript("batchCreate", file, "false")["refused"] == "PaymentRequiredError"
