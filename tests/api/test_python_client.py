"""The official Python client, unchanged, against a real studio: every method, happy and failing."""

import http.server
import json
import threading
from datetime import timedelta
from functools import partial

import httpx
import pytest
from django.core.files.base import ContentFile
from django.utils import timezone
from sync import Audio, GenerationOptions, Sync, Tts, TtsProviderConfig, Video
from sync.common.errors import (
    BadRequestError,
    NotFoundError,
    PaymentRequiredError,
    TooManyRequestsError,
)
from sync.core.api_error import ApiError

from apps.assets.models import Asset, Origin
from apps.billing.plans import current_plan, subscribe
from apps.generations.models import Generation, Status
from tests.factories import AssetFactory, GenerationFactory

UNKNOWN = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def sync(studio, key) -> Sync:
    return Sync(base_url=studio, api_key=key)


@pytest.fixture
def ready(workspace) -> tuple[Asset, Asset]:
    return AssetFactory(workspace=workspace, video=True), AssetFactory(workspace=workspace, audio=True)


@pytest.fixture
def inputs(ready) -> list:
    return [Video(asset_id=str(ready[0].pk)), Audio(asset_id=str(ready[1].pk))]


@pytest.fixture
def media_server(clip, voice, tmp_path):
    """A web server of this machine that holds the clip and the voice."""
    for path in (clip, voice):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=[0.05], daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def test_it_generates_from_files(sync, clip, voice):
    with clip.open("rb") as video, voice.open("rb") as audio:
        made = sync.generations.create_with_files(
            model="lipsync-2", video=video, audio=audio, options='{"sync_mode": "loop", "temperature": 0.8}'
        )
    assert made.status == "PENDING" and made.model == "lipsync-2"
    row = Generation.objects.get(pk=made.id)
    assert (row.sync_mode, row.options["temperature"], row.status) == ("loop", 0.8, Status.PENDING)
    assert (row.video.kind, row.audio.kind) == ("video", "audio")
    assert [item.type for item in made.input] == ["video", "audio"]
    assert httpx.get(made.input[0].url).content == clip.read_bytes()


def test_it_generates_from_urls(sync, media_server, clip):
    made = sync.generations.create(
        model="lipsync-2",
        input=[Video(url=f"{media_server}/talk.mp4"), Audio(url=f"{media_server}/voice.wav")],
        options=GenerationOptions(sync_mode="cut_off"),
        output_file_name="my-talk",
    )
    row = Generation.objects.get(pk=made.id)
    assert (row.video.origin, row.video.size, row.sync_mode) == (Origin.URL, clip.stat().st_size, "cut_off")
    assert made.input[0].url == f"{media_server}/talk.mp4"


def test_a_file_and_an_address_go_together(sync, media_server, clip):
    with clip.open("rb") as video:
        sound = json.dumps({"type": "audio", "url": f"{media_server}/voice.wav"})
        made = sync.generations.create_with_files(model="lipsync-2", video=video, input=[sound])
    assert [item.type for item in made.input] == ["video", "audio"]


def test_a_form_without_files_is_read(sync, ready):
    items = [json.dumps({"type": asset.kind, "assetId": str(asset.pk)}) for asset in ready]
    made = sync.generations.create_with_files(model="lipsync-2", input=items, options='{"sync_mode": "loop"}')
    assert Generation.objects.get(pk=made.id).sync_mode == "loop"


def test_it_generates_from_the_library_and_reads_the_result(sync, inputs, workspace):
    made = sync.generations.create(model="sync-3", input=inputs)
    assert Generation.objects.get(pk=made.id).sync_mode == "bounce"
    result = AssetFactory(workspace=workspace, video=True, duration_s=4.5)
    result.file.save("assets/out.mp4", ContentFile(b"film"))
    Generation.objects.filter(pk=made.id).update(status=Status.COMPLETED, result=result)
    done = sync.generations.get(made.id)
    assert (done.status, done.output_duration, done.error) == ("COMPLETED", 4.5, None)
    assert httpx.get(done.output_url).content == b"film"


def test_a_failure_has_its_code_under_the_clients_name(sync, workspace):
    row = GenerationFactory(
        workspace=workspace, status=Status.FAILED, error_code="generation_pipeline_failed", error_message="It broke."
    )
    got = sync.generations.get(str(row.pk))
    assert (got.status, got.error_code, got.error) == ("FAILED", "generation_pipeline_failed", "It broke.")


def test_it_lists(sync, workspace):
    rows = [GenerationFactory(workspace=workspace) for _ in range(3)]
    Generation.objects.filter(pk=rows[0].pk).update(status=Status.COMPLETED)
    Generation.objects.filter(pk=rows[1].pk).update(status=Status.FAILED)
    assert [row.id for row in sync.generations.list()] == [str(row.pk) for row in reversed(rows)]
    some = sync.generations.list(status=["COMPLETED", "FAILED"], ids=[str(rows[1].pk), str(rows[2].pk)])
    assert [row.id for row in some] == [str(rows[1].pk)]


def test_it_estimates(sync, inputs, settings):
    cost = sync.generations.estimate_cost(model="lipsync-2", input=inputs)
    assert [(item.estimated_frame_count, item.estimated_generation_cost) for item in cost] == [(250, 0.0)]


def test_it_reads_assets_and_models(sync, workspace, ready):
    page = sync.assets.list(limit=1, sort_by="dateDesc", types=["VIDEO", "AUDIO"])
    assert (len(page.items), page.total_count) == (1, 2)
    rest = sync.assets.list(limit=1, cursor=page.next_cursor)
    assert {page.items[0].id, rest.items[0].id} == {str(asset.pk) for asset in ready}
    video = sync.assets.get(str(ready[0].pk))
    assert (video.type, video.duration_seconds, video.width, video.visibility) == ("VIDEO", 10.0, 640, "ORGANIZATION")
    models = sync.models.list()
    assert {"sync-3", "lipsync-2-pro", "lipsync-2", "lipsync-1.9.0-beta"} == {model.id for model in models}
    assert all(model.type == "lipsync" and model.version for model in models)


def test_what_is_not_there_is_not_found(sync):
    with pytest.raises(NotFoundError) as refused:
        sync.generations.get(UNKNOWN)
    assert refused.value.body.errorCode == "generation_not_found"
    for get in (sync.assets.get, sync.batch.get):
        with pytest.raises(NotFoundError):
            get(UNKNOWN)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"model": "lipsync-99"}, "generation_unsupported_model"),
        ({"options": GenerationOptions(temperature=3)}, "generation_input_validation_failed"),
        ({"options": GenerationOptions(sync_mode="sideways")}, "generation_input_validation_failed"),
        ({"output_file_name": "no/slashes"}, "generation_input_validation_failed"),
    ],
)
def test_a_bad_request_has_its_own_class(sync, inputs, changes, code):
    with pytest.raises(BadRequestError) as refused:
        sync.generations.create(**{"model": "lipsync-2", "input": inputs} | changes)
    body = refused.value.body
    assert (body.errorCode, body.status_code) == (code, 400)
    assert not Generation.objects.exists()


def test_what_cannot_be_made_is_said_with_a_code(sync, inputs, media_server, voice):
    text = Tts(provider=TtsProviderConfig(name="elevenlabs", voice_id="v", script="Hello"))
    for wish, code in (
        ([inputs[0]], "generation_audio_missing"),
        ([inputs[1]], "generation_video_missing"),
        ([inputs[0], inputs[0], inputs[1]], "generation_input_too_many_visual"),
        ([inputs[0], text], "tts_not_configured"),
        ([Video(url=f"{media_server}/none.mp4"), inputs[1]], "generation_input_video_inaccessible"),
        ([Video(url=f"{media_server}/voice.wav"), inputs[1]], "generation_input_asset_type_mismatch"),
    ):
        with pytest.raises(ApiError) as refused:
            sync.generations.create(model="lipsync-2", input=wish)
        assert (refused.value.status_code, refused.value.body["errorCode"]) == (422, code)
    assert not Generation.objects.exists()


def batch_file(inputs: list, count: int) -> bytes:
    payload = {"model": "lipsync-2", "input": [{"type": item.type, "assetId": item.asset_id} for item in inputs]}
    rows = [{"request_id": f"r{n}", "endpoint": "/v2/generate", "payload": payload} for n in range(count)]
    return "\n".join(json.dumps(row) for row in rows).encode()


def test_batches(sync, inputs, workspace):
    assert sync.batch.create(input=batch_file(inputs, 20), dry_run=True).status == "VALIDATED"
    made = sync.batch.create(input=batch_file(inputs, 20))
    assert (made.status, made.metrics.pending_count) == ("PENDING", 20)
    assert sync.batch.get(made.id).id == made.id
    day = timezone.now() - timedelta(days=1)
    assert [row.id for row in sync.batch.list(status="PENDING", created_after=day)] == [made.id]
    assert sync.batch.list(created_before=day) == []


def test_refused_batches_have_their_classes(sync, inputs, workspace):
    with pytest.raises(BadRequestError) as refused:
        sync.batch.create(input=batch_file(inputs, 3))
    assert refused.value.body.errorCode == "batch_insufficient_records"
    sync.batch.create(input=batch_file(inputs, 20))
    with pytest.raises(TooManyRequestsError):
        sync.batch.create(input=batch_file(inputs, 20))
    subscribe(workspace=workspace, plan=current_plan("creator"))
    with pytest.raises(PaymentRequiredError):
        sync.batch.create(input=batch_file(inputs, 20))
