"""Every failure has the same shape, its own status and a code of the catalogue."""

import ast
from pathlib import Path

import pytest
from pydantic import ValidationError

from apps.api import keys, routing
from apps.api.catalogue import ENTRIES
from apps.api.errors import ApiError
from apps.api.schemas import CreateGeneration
from apps.api.webhook_addresses import check_webhook_url
from apps.workspaces.models import Membership
from tests.conftest import ROOT
from tests.factories import AssetFactory, GenerationFactory

pytestmark = pytest.mark.django_db
FIELDS = {"statusCode", "message", "error", "errorCode", "suggestion", "requestId"}
UNKNOWN = "00000000-0000-4000-8000-000000000000"


def body_of(answer, status: int, code: str) -> dict:
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/json"
    body = answer.json()
    assert set(body) >= FIELDS and body["statusCode"] == status
    assert (body["errorCode"], body["requestId"]) == (code, answer["X-Request-Id"])
    assert body["message"] and body["suggestion"] and body["error"]
    return body


def test_without_a_key(api):
    body = body_of(api("GET", "models", key=None), 401, "unauthorized")
    assert (body["message"], body["error"]) == ("Either Cookie or x-api-key header must be provided", "Unauthorized")


def test_with_a_wrong_key(api):
    assert body_of(api("GET", "models", key="lips_x_y"), 401, "unauthorized")["message"] == "Unauthorized"


def test_a_key_ends_with_its_persons_membership(api, membership):
    assert api("GET", "models").status_code == 200
    Membership.objects.filter(pk=membership.pk).delete()
    body_of(api("GET", "models"), 401, "unauthorized")


def test_a_key_with_a_small_scope(api, membership):
    _, reading = keys.make_key(membership=membership, name="look", scope="read")
    assert api("GET", "models", key=reading).status_code == 200
    body = body_of(api("POST", "projects", {"name": "x"}, key=reading), 403, "forbidden")
    assert "read" in body["message"] and "generate" in body["message"]


def test_no_such_route_and_method(api):
    body_of(api("GET", "nothing/here"), 404, "route_not_found")
    body_of(api("GET", ""), 404, "route_not_found")
    answer = api("DELETE", "models")
    body_of(answer, 405, "method_not_allowed")
    assert answer["Allow"] == "GET, HEAD, OPTIONS"


def test_a_host_that_is_not_the_studios(api, client, key):
    body = body_of(client.get("/v2/models", headers={"host": "evil.example", "x-api-key": key}), 400, "request_invalid")
    assert "host" in body["message"] and body["requestId"]


def test_a_fault_before_any_view_has_the_shape_too(api, client, monkeypatch):
    def broken(self, request):
        raise RuntimeError("the words of a bug")

    client.raise_request_exception = False
    monkeypatch.setattr("apps.operations.visiting.VisitMiddleware.__call__", broken)
    answer = client.get("/v2/models")
    body_of(answer, 500, "internal_error")
    assert "bug" not in answer.content.decode()


@pytest.mark.parametrize("text", ["", "{", "[]", '"text"', "\xff"])
def test_a_body_that_is_no_object(api, text):
    body_of(api("POST", "generate", text.encode("latin-1") or b" "), 400, "request_invalid")


def test_a_body_that_does_not_fit_names_its_fields(api):
    body = body_of(
        api("POST", "generate", {"model": 3, "input": [{"type": "video"}, {"type": "song"}]}),
        400,
        "generation_input_validation_failed",
    )
    assert isinstance(body["message"], list) and len(body["message"]) == 3
    assert body["message"][0].startswith("model: ") and body["field"] == "model"
    assert body["message"][1] == "input.0: Give either url or assetId."


def test_what_another_workspace_has_is_not_there(api, workspace):
    theirs, film = GenerationFactory(), AssetFactory(video=True)
    for method, path, code in (
        ("GET", f"generate/{theirs.pk}", "generation_not_found"),
        ("POST", f"generations/{theirs.pk}/cancel", "generation_not_found"),
        ("DELETE", f"generations/{theirs.pk}", "generation_not_found"),
        ("GET", f"assets/{film.pk}", "asset_not_found"),
        ("DELETE", f"assets/{film.pk}", "asset_not_found"),
        ("GET", f"projects/{theirs.project_id}", "not_found"),
    ):
        body_of(api(method, path), 404, code)
    wish = {"model": "lipsync-2", "input": [{"type": "video", "assetId": str(film.pk)}]}
    wish["input"].append({"type": "audio", "assetId": str(AssetFactory(workspace=workspace, audio=True).pk)})
    body_of(api("POST", "generate", wish), 404, "asset_not_found")


def test_ids_that_are_none(api):
    body_of(api("GET", "generate/soon"), 400, "invalid_generation_id")
    body_of(api("GET", "assets/soon"), 400, "invalid_asset_id_format")
    body_of(api("GET", "files/token/name.mp4"), 404, "not_found")


def test_a_fault_of_ours_hides_its_words(api, monkeypatch, caplog):
    def broken(caller):
        raise RuntimeError("secret words")

    route = next(route for route in routing.ROUTES if route.path == "models")
    monkeypatch.setitem(route.__dict__, "handler", broken)
    answer = api("GET", "models")
    body_of(answer, 500, "internal_error")
    assert b"secret" not in answer.content and "secret words" in caplog.text


def test_the_catalogue_is_served_without_a_key(api):
    rows = api("GET", "errors", key=None).json()
    assert {row["code"] for row in rows} == set(ENTRIES)
    assert all(row["message"] and row["suggestion"] for row in rows)


# Codes of the pages and of the resumable upload, which no route of the API can answer with.
PAGES_ONLY = {
    "signed_out",
    "draft_video_is_sound",
    "draft_audio_is_photo",
    "draft_audio_is_silent_video",
    "asset_without_sound",
    "asset_sound_unreadable",
    "captions_unreadable",
    "plan_unchanged",
    "visibility_unknown",
    "voice_clone_limit_reached",
    "workspace_busy",
    "workspace_full",
}
PAGES_ONLY_BEGIN = ("key_", "upload_", "payment_")


def test_every_code_that_is_raised_is_in_the_catalogue():
    raised: dict[str, Path] = {}
    rooms = ("api", "assets", "billing", "catalog", "generations", "inference", "projects")
    for path in (path for room in rooms for path in (ROOT / "apps" / room).rglob("*.py")):
        for call in ast.walk(ast.parse(path.read_text())):
            if isinstance(call, ast.Call) and call.args and isinstance(call.args[0], ast.Constant):
                name = getattr(call.func, "id", getattr(call.func, "attr", ""))
                if name in ("StudioError", "ApiError", "EngineError"):
                    raised[call.args[0].value] = path
    assert len(raised) > 60
    ours = {code for code in raised if not code.startswith(PAGES_ONLY_BEGIN) and code not in PAGES_ONLY}
    missing = {code: str(raised[code].relative_to(ROOT)) for code in ours - set(ENTRIES)}
    assert not missing


@pytest.mark.parametrize(
    "sent",
    [
        '{"name": ' + "[" * 100_000,
        '{"name": "x", "more": ' + "[" * 100_000 + "]" * 100_000 + "}",
        '{"name": "x", "more": NaN}',
        '{"name": "x", "more": 1e999}',
        '{"name": "x", "more": ["\\u0000"]}',
        '{"name": "x", "\\ud800": 1}',
        b'{"name": "\xff"}',
    ],
)
def test_json_that_no_database_keeps_is_refused(api, sent):
    body_of(api("POST", "projects", sent), 400, "request_invalid")


def test_numbers_and_moments_beyond_the_calendar_are_refused(api):
    upload = {"fileName": "x.mp4", "size": 10**400}
    assert api("POST", "assets/upload", upload).json()["errorCode"] == "generation_input_validation_failed"
    for moment in ("0001-01-01T00:00:00%2B23:59", "9999-12-31T23:59:59-23:59"):
        answer = api("GET", f"batch?created_after={moment}")
        assert answer.json()["errorCode"] == "generation_input_validation_failed", moment
    assert api("GET", "generations?ids=" + "[" * 4000).json()["errorCode"] == "generation_input_validation_failed"


@pytest.mark.parametrize(
    "wrong",
    [
        {"segments": [0] * 50_000},
        {"options": {"active_speaker_detection": {"bounding_boxes": [0] * 50_000}}},
        {"options": {"active_speaker_detection": {"bounding_boxes": [["x"] * 50_000]}}},
        {"options": {"active_speaker_detection": {"coordinates": ["x"] * 50_000}}},
        {"input": [{"type": "video", "url": "https://site.example/x", "segments_secs": [0] * 50_000}]},
        {"input": [{"type": "video", "url": "https://site.example/x", "segments_frames": [["x"] * 50_000]}]},
    ],
)
def test_a_long_list_of_wrong_things_is_read_to_its_first(wrong):
    sent = {"model": "lipsync-2", "input": [{"type": "video", "url": "https://site.example/x"}]} | wrong
    with pytest.raises(ValidationError) as refused:
        CreateGeneration.model_validate(sent)
    assert refused.value.error_count() <= 3


def test_thousands_of_options_that_there_are_not_get_one_sentence():
    sent = {"model": "lipsync-2", "input": [], "options": {f"x{number}": 0 for number in range(5000)}}
    with pytest.raises(ValidationError, match="at most 50 options"):
        CreateGeneration.model_validate(sent)


def test_an_address_longer_than_its_column_is_refused():
    with pytest.raises(ApiError, match="bytes"):
        check_webhook_url("https://site.example/" + "x" * 2000)
