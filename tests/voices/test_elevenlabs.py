"""ElevenLabs by its own SDK, against a server on this machine that answers as theirs does."""

import pytest

from apps.voices import cloning, keys, listing, speaking
from apps.voices.models import ProviderKey
from apps.voices.providers.base import Busy, SpeechRequest
from apps.voices.providers.elevenlabs import ElevenLabsVoices
from apps.voices.registry import provider
from apps.voices.services import order_of, request_speech
from apps.workspaces.models import Activity
from studio.errors import StudioError
from studio.sealing import SealBroken, unseal
from tests.factories import write_audio, write_video
from tests.voices.conftest import KEY, Service

pytestmark = pytest.mark.django_db


@pytest.fixture
def labs(service, membership) -> ElevenLabsVoices:
    found = provider("elevenlabs")
    keys.set_key(membership=membership, provider=found, key=f" {KEY} ")
    return found


def refused(code: str):
    return pytest.raises(StudioError, check=lambda error: error.code == code and bool(error.advice))


def test_a_text_is_spoken_with_the_workspaces_key(labs, service: Service, membership):
    order = order_of(
        membership=membership, provider="elevenlabs", voice_id="v2", script="Hello.", options={"stability": 0.2}
    )
    job = request_speech(membership=membership, order=order)
    speaking.speak(job.pk)
    job.refresh_from_db()
    assert job.state == "SUCCESS" and job.asset.duration_s == pytest.approx(1.5, abs=0.1)
    method, path, body = service.asked[-1]
    assert (method, path.partition("?")[0]) == ("POST", "/v1/text-to-speech/v2")
    assert body["text"] == "Hello." and body["voice_settings"]["stability"] == 0.2
    assert body["voice_settings"]["similarity_boost"] == 0.75


def test_voices_are_listed_own_ones_first_and_kept_for_minutes(labs, service: Service, workspace):
    found = listing.voices_of(workspace, labs)
    assert [(voice.id, voice.own) for voice in found] == [("v2", True), ("v1", False)]
    assert found[1].description == "Female, british" and found[1].preview_url.endswith("anna.mp3")
    asked = len(service.asked)
    listing.voices_of(workspace, labs)
    assert len(service.asked) == asked


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (401, {"detail": {"status": "quota_exceeded", "message": "You have 3 left."}}, "elevenlabs_quota_exceeded"),
        (401, {"detail": {"status": "invalid_api_key", "message": "Invalid"}}, "elevenlabs_api_key_invalid"),
        (403, {"detail": {"status": "missing_permissions"}}, "elevenlabs_api_key_invalid"),
        (404, {"detail": {"status": "voice_not_found"}}, "voice_not_found"),
        (400, {"detail": {"status": "voice_not_found"}}, "voice_not_found"),
        (422, {"detail": [{"msg": "text too odd"}]}, "tts_refused"),
        (400, "no json at all", "tts_refused"),
    ],
)
def test_refusals_become_our_codes(labs, service: Service, tmp_path, status, body, code):
    service.failure = (status, body if isinstance(body, dict) else body.encode())
    wish = SpeechRequest("v1", "Hello.", {"speed": 1.0, "stability": 0.5, "similarityBoost": 0.75})
    with refused(code):
        labs.speak(wish, KEY, tmp_path)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_what_may_pass_is_tried_again(labs, service: Service, tmp_path, status):
    service.failure = (status, {"detail": {"status": "system_busy", "message": "busy"}})
    wish = SpeechRequest("v1", "Hello.", {"speed": 1.0, "stability": 0.5, "similarityBoost": 0.75})
    with pytest.raises(Busy) as busy:
        labs.speak(wish, KEY, tmp_path)
    assert busy.value.error.code == "elevenlabs_service_unavailable" and busy.value.error.status == 503


def test_a_service_that_is_away_is_said_so(labs, settings, workspace):
    settings.ELEVENLABS_URL = "http://127.0.0.1:9"
    with refused("elevenlabs_service_unavailable"):
        listing.voices_of(workspace, labs)


def test_the_key_is_sealed_tested_and_removed(labs, service: Service, membership, workspace, settings):
    kept = ProviderKey.objects.get()
    assert KEY not in kept.sealed and kept.hint == KEY[-4:] and kept.added_by == membership.user
    assert keys.test_key(membership=membership, provider=labs) == {"used": 100, "limit": 1000}
    assert Activity.objects.filter(action="voices.key_set", subject="ElevenLabs").exists()
    with pytest.raises(SealBroken):
        unseal(kept.sealed, "something else")
    settings.SECRET_KEY = "another signing key, as after a move"
    with refused("tts_not_configured"):
        keys.key_for(workspace, labs)
    keys.remove_key(membership=membership, provider=labs)
    with refused("tts_not_configured"):
        keys.key_for(workspace, labs)


def test_a_wrong_key_is_found_by_the_test(service, membership):
    keys.set_key(membership=membership, provider=provider("elevenlabs"), key="sk_of-somebody-else")
    with refused("elevenlabs_api_key_invalid"):
        keys.test_key(membership=membership, provider=provider("elevenlabs"))


@pytest.mark.parametrize("text", ["", "short", "with a blank inside", "smörgås-key-1234", "x" * 500])
def test_what_is_no_key_is_not_kept(service, membership, text):
    with refused("voice_key_invalid"):
        keys.set_key(membership=membership, provider=provider("elevenlabs"), key=text)
    assert not ProviderKey.objects.exists()


def test_a_voice_is_cloned_from_a_film_and_deleted(labs, service: Service, membership, workspace, tmp_path):
    film = write_video(tmp_path / "film.mp4", seconds=31, sound=True)
    made = cloning.clone(membership=membership, provider=labs, name="New", source=film)
    assert made.id == "v3" and b"ID3" in service.asked[-1][2][:2000]
    assert [voice.id for voice in listing.voices_of(workspace, labs)] == ["v2", "v3", "v1"]
    cloning.delete(membership=membership, provider=labs, voice_id="v3")
    assert [voice.id for voice in listing.voices_of(workspace, labs)] == ["v2", "v1"]
    with refused("voice_not_deletable"):
        cloning.delete(membership=membership, provider=labs, voice_id="v1")


def test_samples_that_will_not_do_never_travel(labs, service: Service, membership, tmp_path):
    text = tmp_path / "text.wav"
    text.write_text("no sound")
    for sample, code in (
        (write_audio(tmp_path / "short.wav", seconds=5), "voice_sample_too_short"),
        (write_video(tmp_path / "mute.mp4", seconds=1), "voice_sample_type_unsupported"),
        (text, "voice_sample_type_unsupported"),
    ):
        with refused(code):
            cloning.clone(membership=membership, provider=labs, name="New", source=sample)
    assert not any(path == "/v1/voices/add" for _, path, _ in service.asked)


def test_a_list_of_other_files_is_no_sample(tmp_path):
    write_video(tmp_path / "other.mp4", seconds=31.0, fps=2, sound=True)
    (tmp_path / "list.mp4").write_text("ffconcat version 1.0\nfile other.mp4\n")
    with pytest.raises(StudioError) as refused:
        cloning.sample_of(tmp_path / "list.mp4", tmp_path / "sample.mp3")
    assert refused.value.code == "voice_sample_type_unsupported"
