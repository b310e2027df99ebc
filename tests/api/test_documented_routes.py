"""The documented API as a table: each route and its variants with what it answers, asked for one after the other.

What a route needs is named in braces: a generation that is done or waits, a film, a sound, a project.
"""

import pytest
from django.core.files.base import ContentFile

from apps.generations.models import Status
from tests.factories import AssetFactory, GenerationFactory

pytestmark = pytest.mark.django_db

UNKNOWN = "00000000-0000-4000-8000-000000000000"
GENERATION = {
    *("id", "createdAt", "status", "model", "input", "options", "segments", "outputUrl", "outputMediaUrl"),
    *("outputDuration", "segmentOutputUrl", "error", "error_code", "errorCode", "webhookUrl", "projectId"),
    *("outputFileName", "synthesizedAudioUrl", "warnings"),
}
ASSET = {
    *("id", "createdAt", "updatedAt", "name", "url", "size", "format", "type", "inputType", "durationSeconds"),
    *("thumbnailUrl", "visibility", "width", "height"),
}
MODEL = {"id", "name", "type", "version", "description", "deprecatedAt"}
PROJECT = {"id", "name", "createdAt", "updatedAt", "visibility", "defaultWorkflow"}
COST = {"estimatedFrameCount", "estimatedGenerationCost"}
FAILURE = {"statusCode", "message", "error", "errorCode", "suggestion", "field", "requestId"}
WISH = {
    "model": "lipsync-2",
    "input": [{"type": "video", "assetId": "{film}"}, {"type": "audio", "assetId": "{sound}"}],
}
MODES = ("bounce", "loop", "cut_off", "silence", "remap")
POINT = {"frame_number": 0, "coordinates": [9, 9]}
UPLOAD = {"fileName": "a.mp4", "contentType": "video/mp4", "size": 9}


def wish(**changes) -> dict:
    return WISH | changes


def options(**given) -> dict:
    return wish(options=given)


# Method, path, body, status, then the fields of the answer (of each of its items), or the code of the failure.
ROUTES = [
    # generations
    ("POST", "generate", wish(), 201, GENERATION),
    ("POST", "generate", wish(segments=[{"startTime": 1, "endTime": 2}], outputFileName="a_b-1"), 201, GENERATION),
    ("GET", "generate/{done}", None, 200, GENERATION),
    ("GET", "generate/{waiting}?wait=true&timeout=1", None, 200, GENERATION),
    ("GET", "generate/{done}?include=progress", None, 200, GENERATION | {"progress"}),
    ("GET", "generate/{done}?include=secrets", None, 400, "generation_input_validation_failed"),
    ("GET", "generate/{done}?wait=true&timeout=0", None, 400, "generation_input_validation_failed"),
    ("GET", "generate/{done}?wait=true&timeout=11", None, 400, "generation_input_validation_failed"),
    ("GET", "generate/{done}?wait=true&include=progress", None, 400, "generation_input_validation_failed"),
    ("GET", f"generate/{UNKNOWN}", None, 404, "generation_not_found"),
    ("GET", "generate/a", None, 400, "invalid_generation_id"),
    ("GET", "generations?status=COMPLETED,PENDING", None, 200, GENERATION),
    ("GET", 'generations?status=["COMPLETED"]&ids=["{done}"]', None, 200, GENERATION),
    ("GET", "generations?status=COMPLETED&status=PENDING&ids={done}&ids={waiting}", None, 200, GENERATION),
    ("GET", "generations?limit=1&cursor={waiting}&source=studio&projectId={project}", None, 200, GENERATION),
    ("GET", f"generations?projectId={UNKNOWN}", None, 200, []),
    ("GET", "generations?cursor={done}", None, 400, "generation_input_validation_failed"),
    ("GET", "generations?limit=101", None, 400, "generation_input_validation_failed"),
    ("GET", "generations?type=video", None, 400, "generation_input_validation_failed"),
    ("GET", "generations/count?status=FAILED&type=api&currentUserOnly=true", None, 200, {"count"}),
    ("GET", "generations/count?generationSource=chatgpt", None, 200, {"count"}),
    ("GET", "generations/{done}/download", None, 200, "text/plain"),
    ("GET", "generations/{waiting}/download", None, 409, "generation_not_finished"),
    ("GET", "generations/{done}/costs", None, 200, {"components", "totalCostUsd", "excludedCosts"}),
    ("DELETE", "generations/{waiting}", None, 409, "generation_not_deletable_while_processing"),
    ("DELETE", "generations/{done}", None, 200, {"id"}),
    # costs
    ("POST", "analyze/cost", wish(), 200, COST),
    ("POST", "generations/estimate", {"model": "sync-3", "duration": 4}, 200, COST | {"estimatedCredits"}),
    ("POST", "generate/estimate-cost", {"model": "sync-3", "duration": 4, "reasoningEnabled": True}, 200, COST),
    ("POST", "generations/estimate", {"model": "react-1", "duration": 4}, 422, "cost_estimate_unavailable"),
    # files
    ("GET", "assets?limit=100&types=VIDEO,AUDIO&sortBy=kindAsc&searchQuery=a", None, 200, {"items", "totalCount"}),
    ("GET", "assets/{film}", None, 200, ASSET),
    ("GET", "assets/{film}/download", None, 200, "text/plain"),
    ("POST", "assets/upload", UPLOAD, 201, {"uploadUrl", "url", "expiresIn"}),
    ("POST", "assets", {"url": f"http://x/v2/uploads/{UNKNOWN}", "type": "VIDEO"}, 422, "uploaded_file_not_found"),
    ("POST", "assets", {"url": "http://x/a", "projectId": UNKNOWN}, 422, "project_not_found"),
    ("PATCH", "assets/{film}", {"name": "b", "visibility": "USER"}, 200, ASSET),
    ("DELETE", f"assets/{UNKNOWN}", None, 404, "asset_not_found"),
    ("DELETE", "assets/{sound}", None, 200, {"id"}),
    # models, projects
    ("GET", "models", None, 200, MODEL),
    ("POST", "projects", {"name": "A", "id": UNKNOWN, "mode": "CREATOR", "defaultWorkflow": "lipsync"}, 201, PROJECT),
    ("POST", "projects", {"name": "A", "id": "{foreign}"}, 409, "project_conflict"),
    ("GET", "projects?limit=10&sortBy=name&searchQuery=a", None, 200, {"items", "nextCursor"}),
    ("GET", "projects/{project}", None, 200, PROJECT),
    ("PATCH", "projects/{project}", {"name": "C", "visibility": "USER"}, 200, PROJECT),
    ("POST", "projects/{project}/assets", {"assetId": "{film}"}, 204, None),
    ("DELETE", "projects/{project}/assets/{film}", None, 204, None),
    ("DELETE", "projects/{busy}", None, 409, "project_busy"),
    ("DELETE", "projects/{project}", None, 200, {"id"}),
    # the parts that are not here, and the rest
    ("POST", "transcriptions", {"sourceVideoUrl": "https://a/b"}, 422, "feature_unavailable"),
    ("POST", "dialogue-edits", {"edits": []}, 422, "feature_unavailable"),
    ("POST", "generate", wish(dubParams={"targetLang": "de"}), 422, "feature_unavailable"),
    ("POST", "generate", wish(dialogueEdit={"id": UNKNOWN}), 422, "feature_unavailable"),
    ("GET", "errors", None, 200, {"code", "message", "suggestion"}),
    ("GET", "healthcheck", None, 200, {"status"}),
    ("GET", "organizations/webhook/secret", None, 200, {"secret"}),
    ("GET", "usage", None, 200, {"credits", "freeMonthlyLimits", "usage"}),
    ("POST", "device-auth/start", {}, 422, "feature_unavailable"),
    ("POST", "batch", {}, 400, "request_invalid"),
    ("GET", "batch?status=PENDING&created_after=2026-01-01T00:00:00Z", None, 200, []),
    ("GET", f"batch/{UNKNOWN}", None, 404, "batch_not_found"),
    # what a generation may ask for
    *[("POST", "generate", options(sync_mode=mode), 201, GENERATION) for mode in MODES],
    ("POST", "generate", options(sync_mode="sideways"), 400, "generation_input_validation_failed"),
    ("POST", "generate", options(temperature=0), 201, GENERATION),
    ("POST", "generate", options(temperature=1.01), 400, "generation_input_validation_failed"),
    ("POST", "generate", options(occlusion_detection_enabled=True, reasoning_enabled=True), 201, GENERATION),
    ("POST", "generate", options(active_speaker_detection={"auto_detect": True}), 201, GENERATION),
    ("POST", "generate", options(active_speaker_detection=POINT), 201, GENERATION),
    ("POST", "generate", options(active_speaker_detection=POINT | {"auto_detect": True}), 422,
     "generation_input_face_selection_invalid"),
    ("POST", "generate", wish(model="react-1"), 400, "generation_unsupported_model"),
    ("POST", "generate", wish(webhookUrl="http://93.184.216.34/"), 400, "generation_input_validation_failed"),
    ("POST", "generate", wish(outputFileName="a.mp4"), 400, "generation_input_validation_failed"),
    ("POST", "generate", wish(outputFileName="a" * 256), 400, "generation_input_validation_failed"),
    ("POST", "generate", wish(projectId=UNKNOWN), 422, "project_not_found"),
    ("POST", "generate", wish(input=WISH["input"][:1]), 422, "generation_audio_missing"),
    ("POST", "generate", wish(input=[*WISH["input"], WISH["input"][0]]), 422, "generation_input_too_many_visual"),
    ("POST", "generate", wish(input=[*WISH["input"], WISH["input"][1]]), 422, "generation_input_segments_invalid"),
    ("POST", "generate", wish(input=[WISH["input"][1], {"type": "video", "assetId": "{sound}"}]), 422,
     "generation_input_asset_type_mismatch"),
]  # fmt: skip


@pytest.fixture
def there(workspace) -> dict[str, str]:
    """What the rows name."""
    film, sound = AssetFactory(workspace=workspace, video=True), AssetFactory(workspace=workspace, audio=True)
    film.file.save("assets/film.mp4", ContentFile(b"film"))
    done = GenerationFactory(workspace=workspace, status=Status.COMPLETED, result=film)
    waiting = GenerationFactory(workspace=workspace)
    return {
        "film": str(film.pk),
        "sound": str(sound.pk),
        "done": str(done.pk),
        "waiting": str(waiting.pk),
        "project": str(done.project_id),
        "busy": str(waiting.project_id),
        "foreign": str(GenerationFactory().project_id),
    }


def filled(value, there: dict[str, str]):
    """A path or body with the ids in place of names in braces."""
    if isinstance(value, dict):
        return {name: filled(item, there) for name, item in value.items()}
    if isinstance(value, list):
        return [filled(item, there) for item in value]
    if isinstance(value, str):
        for name, found in there.items():
            value = value.replace(f"{{{name}}}", found)
    return value


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "gives"), ROUTES, ids=[f"{row[0]} {row[1][:50]} {row[3]}" for row in ROUTES]
)
def test_a_documented_request_is_answered_as_documented(api, there, method, path, body, status, gives):
    answer = api(method, filled(path, there), filled(body, there))
    assert answer.status_code == status, answer.content
    if status == 204:
        assert answer.content == b""
    elif gives == "text/plain":
        assert answer["Content-Type"].startswith(gives) and answer.content.startswith(b"http://testserver/v2/files/")
    elif isinstance(gives, str):
        found = answer.json()
        assert set(found) >= FAILURE and (found["statusCode"], found["errorCode"]) == (status, gives)
    elif gives == []:
        assert answer.json() == []
    else:
        found = answer.json()
        rows = found if isinstance(found, list) else [found]
        assert rows and all(set(row) >= gives for row in rows), found


def test_a_second_try_of_a_project_with_an_id_gives_the_same(api):
    tries = [api("POST", "projects", {"name": "A", "id": UNKNOWN}) for _ in range(2)]
    assert [answer.status_code for answer in tries] == [201, 200]
    assert tries[0].json() == tries[1].json()


def test_options_that_are_not_used_are_named(api, there):
    older = {"model_mode": "lips", "prompt": "happy", "i2v_prompt": "nods", "fps": 25, "output_format": "mov"}
    made = api("POST", "generate", filled(options(**older), there)).json()
    assert all(any(name in warning for warning in made["warnings"]) for name in older), made["warnings"]
