"""Segments, several sounds, photos and chosen faces over the API, and the code that asks for them again."""

import http.server
import json
import threading

import pytest

from apps.api.admitting import admit
from apps.api.fetching import fetch
from apps.api.models import Call, CallState
from apps.api.schemas import CreateGeneration
from apps.api.snippets import request_of, snippets_of
from apps.api.wishes import wish_of
from apps.assets.models import Asset, Kind, Status
from apps.generations.models import Generation
from tests.factories import AssetFactory, GenerationFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def files(workspace) -> dict:
    """A video of ten seconds and two sounds of ten."""
    names = {"video": "video", "first": "audio", "second": "audio"}
    return {name: AssetFactory(workspace=workspace, **{kind: True}) for name, kind in names.items()}


@pytest.fixture
def wish(files) -> dict:
    sounds = [{"type": "audio", "assetId": str(files[name].pk), "refId": name} for name in ("first", "second")]
    return {
        "model": "lipsync-2",
        "input": [{"type": "video", "assetId": str(files["video"].pk)}, *sounds],
        "segments": [
            {"startTime": 6, "endTime": 8, "audioInput": {"refId": "second", "startTime": 1, "endTime": 3}},
            {"startTime": 1, "endTime": 3, "audioInput": {"refId": "first"}, "optionsOverride": {"temperature": 0.9}},
        ],
    }


def test_each_range_gets_its_sound(api, wish, files):
    answer = api("POST", "generate", wish)
    assert answer.status_code == 201, answer.json()
    body, row = answer.json(), Generation.objects.get()
    told = [(part["start_s"], part["end_s"], part["audio"], part["audio_start_s"], part["audio_end_s"])
            for part in row.segments]  # fmt: skip
    assert told == [(1.0, 3.0, str(files["first"].pk), 0.0, None), (6.0, 8.0, str(files["second"].pk), 1.0, 3.0)]
    assert row.segments[0]["options"] == {"temperature": 0.9} and row.quoted_seconds == 4.0
    assert [part["startTime"] for part in body["segments"]] == [6, 1]
    assert all(item["url"].startswith("http") for item in body["input"]) and len(body["input"]) == 3
    assert len(body["warnings"]) == 1 and "8.0 s longer" in body["warnings"][0]
    assert api("GET", f"generate/{row.pk}").json()["warnings"] == body["warnings"]
    assert api("POST", "analyze/cost", wish).json()[0]["estimatedFrameCount"] == 100


def test_ranges_can_stay_as_they_are(api, wish, files):
    wish |= {"input": wish["input"][:2], "segments": [{"startTime": 2, "endTime": 4, "lipsync": False}]}
    assert api("POST", "generate", wish).status_code == 201
    row = Generation.objects.get()
    assert (row.segments[0]["lipsync"], row.quoted_seconds, row.audio) == (False, 8.0, files["first"])


def test_the_older_ranges_of_a_video_are_segments_of_the_soundtrack(api, wish):
    wish["input"] = wish["input"][:2]
    wish["input"][0] |= {"segments_secs": [[1, 2], [4, 5.5]], "segments_frames": [[0, 10]]}
    del wish["segments"]
    warnings = api("POST", "generate", wish).json()["warnings"]
    row = Generation.objects.get()
    assert [(part["start_s"], part["end_s"], part["audio"]) for part in row.segments] == [(1, 2, None), (4, 5.5, None)]
    assert warnings == ["segments_frames is not used. Send segments, in seconds."]


def test_a_face_is_chosen_for_a_range(api, wish):
    for face, kept in (
        ({"auto_detect": True}, {"kind": "active_speaker"}),
        ({"auto_detect": False}, {"kind": "auto"}),
        ({"kind": "person", "id": 1}, {"kind": "person", "id": 1}),
        ({"frame_number": 3, "coordinates": [4, 5]}, {"kind": "point", "frame": 3, "x": 4, "y": 5}),
    ):
        wish["segments"][0]["optionsOverride"] = {"active_speaker_detection": face}
        made = api("POST", "generate", wish).json()
        assert Generation.objects.get(pk=made["id"]).segments[1]["face"] == kept


def _first(**changes):
    return lambda wish: wish["segments"][0].update(changes)


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        (_first(audioInput={"refId": "third"}), 422, "generation_input_segments_invalid"),
        (_first(endTime=6), 422, "generation_input_segments_invalid"),
        (_first(startTime=2), 422, "generation_input_segments_invalid"),
        (_first(startTime=60, endTime=70), 422, "generation_input_segments_invalid"),
        (
            _first(audioInput={"refId": "second", "startTime": 3, "endTime": 2}),
            422,
            "generation_input_segments_invalid",
        ),
        (_first(lipsync=False), 422, "generation_input_segments_invalid"),
        (_first(startTime=-1), 400, "generation_input_validation_failed"),
        (_first(endTime=1e300), 422, "generation_input_segments_invalid"),
        (_first(optionsOverride={"temperature": 7}), 400, "generation_input_validation_failed"),
        (_first(optionsOverride={"sync_mode": "sideways"}), 400, "generation_input_validation_failed"),
        (lambda wish: wish["input"][2].update(refId="first"), 422, "generation_input_segments_invalid"),
        (lambda wish: wish.pop("segments"), 422, "generation_input_segments_invalid"),
        (lambda wish: wish["segments"].extend(wish["segments"] * 30), 422, "generation_input_segments_invalid"),
    ],
)
def test_segments_that_cannot_be_are_refused(api, wish, change, status, code):
    change(wish)
    answer = api("POST", "generate", wish)
    assert (answer.status_code, answer.json()["errorCode"]) == (status, code), answer.json()
    assert not Generation.objects.exists() and not Call.objects.exists()


def test_what_is_not_used_is_named(wish):
    wish["segments"] = wish["segments"][1:]
    wish["segments"][0]["optionsOverride"] = {"reasoning_enabled": True, "prompt": "happy"}
    found = wish_of(CreateGeneration.model_validate(wish))
    assert set(found.items) == {"video", "audio"} and len(found.warnings) == 3
    assert any("prompt" in sentence for sentence in found.warnings)
    assert "The sound second is not used; no segment names it." in found.warnings


def test_a_first_sound_that_nothing_follows_is_named_too(wish):
    wish["segments"] = wish["segments"][:1]
    body = CreateGeneration.model_validate(wish)
    assert wish_of(body).warnings == ["The sound first is not used; no segment names it."]
    body.input[1].refId = None
    assert wish_of(body).warnings == ["A sound without a refId is not used; no segment names it."]
    body.segments[0].audioInput = None  # which then speaks the first sound
    assert wish_of(body).warnings == ["The sound second is not used; no segment names it."]


def test_a_second_look_at_a_segment_alone_is_not_had(wish):
    wish["model"] = "lipsync-2-pro"
    wish["segments"][0]["optionsOverride"] = {"reasoning_enabled": True, "temperature": 0.2}
    found = wish_of(CreateGeneration.model_validate(wish))
    assert found.warnings == ["Second look is not used for a segment alone. Choose it for the whole take."]


def test_a_sound_of_another_workspace_does_not_exist(api, wish):
    wish["input"][2]["assetId"] = str(AssetFactory(audio=True).pk)
    answer = api("POST", "generate", wish)
    assert (answer.status_code, answer.json()["errorCode"]) == (404, "asset_not_found")


def test_a_call_that_waits_for_its_files_keeps_its_segments(wish, workspace, owner, files):
    call = Call.objects.create(workspace=workspace, user=owner, body=wish | {"options": {"sync_mode": "cut_off"}})
    assert admit(call.pk) is None
    row = Generation.objects.get(pk=call.pk)
    assert [part["audio"] for part in row.segments] == [str(files["first"].pk), str(files["second"].pk)]


def test_a_photo_talks_with_sync_3_alone(api, files, workspace):
    photo = AssetFactory(workspace=workspace, kind=Kind.IMAGE, width=640, height=480)
    sound = {"type": "audio", "assetId": str(files["first"].pk)}
    wish = {"model": "sync-3", "input": [{"type": "image", "assetId": str(photo.pk)}, sound]}
    body = api("POST", "generate", wish).json()
    row = Generation.objects.get()
    assert (row.video, row.quoted_seconds, body["input"][0]["type"]) == (photo, 10.0, "image")
    assert request_of(row)["input"][0] == {"type": "image", "assetId": str(photo.pk)}
    answer = api("POST", "generate", wish | {"model": "lipsync-2"})
    assert (answer.status_code, answer.json()["errorCode"]) == (422, "generation_input_asset_type_mismatch")


@pytest.fixture
def boxes(settings):
    """A web server of this machine with boxes, nonsense and nothing."""
    pages = {
        "/boxes": b'{"bounding_boxes": [[1, 2, 3, 4], null]}',
        "/text": b"[1]",
        "/words": b'{"bounding_boxes": "x"}',
    }

    class Site(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200 if self.path in pages else 404)
            self.end_headers()
            self.wfile.write(pages.get(self.path, b""))

        def log_message(self, *args):
            pass

    settings.PRIVATE_URLS = True
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site)
    threading.Thread(target=server.serve_forever, args=[0.05], daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_boxes_lie_at_an_address(api, wish, boxes):
    face = {"active_speaker_detection": {"bounding_boxes_url": f"{boxes}/boxes"}}
    wish["segments"][0]["optionsOverride"] = face
    body = api("POST", "generate", wish | {"options": face}).json()
    row, kept = Generation.objects.get(), {"kind": "boxes", "boxes": [[1, 2, 3, 4], None]}
    assert row.options["active_speaker_detection"] == row.segments[1]["face"] == kept
    assert body["options"]["active_speaker_detection"]["bounding_boxes_url"] == f"{boxes}/boxes"


@pytest.mark.parametrize("page", ["text", "words", "none"])
def test_an_address_without_boxes_is_refused(api, wish, boxes, page):
    options = {"active_speaker_detection": {"bounding_boxes_url": f"{boxes}/{page}"}}
    answer = api("POST", "generate", wish | {"options": options})
    assert (answer.status_code, answer.json()["errorCode"]) == (422, "generation_input_face_selection_invalid")


def test_boxes_are_fetched_when_all_else_is_here(wish, boxes, workspace, owner, files, monkeypatch):
    fetched = []
    monkeypatch.setattr(
        "apps.api.intake.fetch", lambda url, *rest, **more: fetched.append(url) or fetch(url, *rest, **more)
    )
    options = {"active_speaker_detection": {"bounding_boxes_url": f"{boxes}/boxes"}}
    call = Call.objects.create(workspace=workspace, user=owner, body=wish | {"options": options})
    Asset.objects.filter(pk=files["first"].pk).update(status=Status.CHECKING)
    assert [admit(call.pk), admit(call.pk), fetched] == [2.0, 2.0, []]
    Asset.objects.filter(pk=files["first"].pk).update(status=Status.READY)
    assert admit(call.pk) is None and len(fetched) == 1
    assert Generation.objects.get().options["active_speaker_detection"]["kind"] == "boxes"


def test_a_call_whose_boxes_are_gone_is_refused(wish, boxes, workspace, owner):
    options = {"active_speaker_detection": {"bounding_boxes_url": f"{boxes}/none"}}
    call = Call.objects.create(workspace=workspace, user=owner, body=wish | {"options": options})
    admit(call.pk)
    call.refresh_from_db()
    assert (call.state, call.error_code) == (CallState.REFUSED, "generation_input_face_selection_invalid")


@pytest.mark.parametrize(
    "face", [False, True, {"kind": "person", "id": 2}, {"kind": "all"}, {"kind": "point", "frame": 1, "x": 2, "y": 3}]
)
def test_the_code_of_a_take_asks_for_the_same_segments_and_face(api, wish, face):
    made = api("POST", "generate", wish).json()
    take = Generation.objects.get(pk=made["id"])
    take.options["active_speaker_detection"] = face
    take.save()
    asked = request_of(take)
    again = Generation.objects.get(pk=api("POST", "generate", asked).json()["id"])
    assert again.options["active_speaker_detection"] == face
    assert (again.segments, again.audio, request_of(again)) == (take.segments, take.audio, asked)
    python = next(snippet.text for snippet in snippets_of(asked, "http://x") if snippet.language == "python")
    compile(python, "snippet", "exec")
    assert python.count("Audio(") == 2 and "sound-2" in python


def test_takes_of_the_studio_show_their_segments(api, workspace, files):
    row = {"start_s": 1.0, "end_s": 2.0, "lipsync": True, "audio": None, "audio_start_s": 0.0, "audio_end_s": None}
    take = GenerationFactory(workspace=workspace, segments=[row | {"face": {"kind": "auto"}, "options": {}}])
    body = api("GET", f"generate/{take.pk}").json()
    override = {"active_speaker_detection": {"auto_detect": False}}
    assert body["segments"] == [{"startTime": 1.0, "endTime": 2.0, "optionsOverride": override}]
    assert json.dumps(body["input"]).count('"url"') == 2
