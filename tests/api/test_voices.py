"""Voices and spoken text by the API: lists, jobs, the synchronous answer, and texts as inputs of generations."""

import pytest

from apps.api.admitting import admit
from apps.api.models import Call, CallState
from apps.assets.models import Asset
from apps.billing import ledger
from apps.billing.models import Account
from apps.billing.plans import current_plan, subscribe
from apps.generations.models import Generation
from apps.voices import keys, speaking
from apps.voices.models import SpeechJob
from apps.voices.registry import provider
from studio.errors import StudioError
from tests.factories import AssetFactory
from tests.voices.conftest import KEY, beeper, service  # noqa: F401  (fixtures)

pytestmark = pytest.mark.django_db
WISH = {"provider": "beeper", "voiceId": "low", "script": "Good morning, harbour."}


def text(**change) -> dict:
    return {
        "type": "text",
        "provider": {"name": "beeper", "voiceId": "low", "script": "Good morning, harbour."} | change,
    }


def spoken_take(film: Asset) -> dict:
    return {"model": "lipsync-2", "input": [{"type": "video", "assetId": str(film.pk)}, text()]}


@pytest.fixture
def film(workspace) -> Asset:
    return AssetFactory(workspace=workspace, video=True)


def test_without_a_provider_every_route_says_so(api, settings):
    settings.VOICE_PROVIDERS = []
    assert api("GET", "voices").json() == []
    for method, path, code in (
        ("GET", "voices/x", "voice_not_found"),
        ("GET", "voices?provider=elevenlabs", "voice_provider_unknown"),
        ("POST", "voices", "tts_not_configured"),
        ("POST", "tts", "tts_not_configured"),
        ("POST", "tts/jobs", "tts_not_configured"),
    ):
        answer = api(method, path, {} if method == "POST" else None)
        assert answer.json()["errorCode"] == code, path
    settings.VOICE_PROVIDERS = ["elevenlabs"]
    answer = api("GET", "voices?provider=elevenlabs")
    assert answer.status_code == 422 and answer.json()["errorCode"] == "tts_not_configured"
    assert "key" in answer.json()["message"]


def test_voices_are_listed_and_found(api, beeper):  # noqa: F811
    listed = api("GET", "voices").json()
    assert [(voice["id"], voice["provider"]) for voice in listed] == [("low", "beeper"), ("high", "beeper")]
    assert api("GET", "voices?provider=beeper").json() == listed
    assert api("GET", "voices/high").json() == listed[1]
    assert api("GET", "voices/none?provider=beeper").status_code == 404
    assert api("DELETE", "voices/high").json()["errorCode"] == "voice_not_deletable"
    refused = api("POST", "voices", {"provider": "beeper", "name": "Anna", "assetId": "x"})
    assert refused.json()["errorCode"] == "invalid_asset_id_format"


def test_a_voice_is_cloned_and_deleted(api, service, membership, tmp_path):  # noqa: F811
    from apps.assets.services import import_file
    from tests.factories import write_audio

    keys.set_key(membership=membership, provider=provider("elevenlabs"), key=KEY)
    sound = import_file(
        workspace=membership.workspace,
        user=membership.user,
        path=write_audio(tmp_path / "anna.wav", seconds=31),
        name="anna.wav",
    )
    made = api("POST", "voices", {"provider": "elevenlabs", "name": "Anna", "assetId": str(sound.pk)})
    assert made.status_code == 201 and made.json()["id"] == "v3" and made.json()["cloned"]
    assert api("DELETE", "voices/v3").json() is True
    assert api("DELETE", "voices/v3").status_code == 404
    assert api("POST", "voices", {"provider": "elevenlabs", "name": "Anna"}).status_code == 400


def test_a_job_is_begun_once_for_a_key_and_followed(api, beeper):  # noqa: F811
    first = api("POST", "tts/jobs", WISH, **{"Idempotency-Key": "a"})
    assert first.status_code == 202 and first.json()["status"] == "PENDING"
    place = first.headers["Location"].removeprefix("/v2/")
    assert api("GET", place).headers["Retry-After"] == "3"
    assert api("POST", "tts/jobs", WISH, **{"Idempotency-Key": "a"}).json()["id"] == first.json()["id"]
    other = api("POST", "tts/jobs", WISH | {"script": "Other."}, **{"Idempotency-Key": "a"})
    assert other.status_code == 409 and other.json()["errorCode"] == "IDEMPOTENCY_KEY_CONFLICT"
    speaking.speak(first.json()["id"])
    done = api("GET", place)
    assert "Retry-After" not in done.headers
    found = done.json()
    assert found["status"] == "SUCCESS" and found["duration"] > 0.5 and found["startedAt"] and found["finishedAt"]
    assert "/v2/files/" in found["url"]
    asset = api("GET", f"assets/{found['assetId']}").json()
    assert asset["inputType"] == "TTS" and asset["speech"]["script"] == WISH["script"]


def test_a_failed_job_says_why(api, beeper):  # noqa: F811
    beeper.trouble = [StudioError("elevenlabs_quota_exceeded", "Nothing left.", "Wait.")]
    job = api("POST", "tts/jobs", WISH).json()
    speaking.speak(job["id"])
    found = api("GET", f"tts/jobs/{job['id']}").json()
    assert (found["status"], found["errorCode"], found["suggestion"]) == (
        "FAILED",
        "elevenlabs_quota_exceeded",
        "Wait.",
    )
    assert found["url"] is None


def test_jobs_of_others_are_not_there(api, beeper, outsider):  # noqa: F811
    elsewhere = SpeechJob.objects.create(
        workspace=outsider.memberships.get().workspace, user=outsider, provider="beeper", voice_id="low", digest="0"
    )
    for wrong in (elsewhere.pk, "none"):
        assert api("GET", f"tts/jobs/{wrong}").json()["errorCode"] == "tts_job_not_found"


def test_the_synchronous_answer_waits_for_the_worker(api, beeper, monkeypatch):  # noqa: F811
    def worker_meanwhile(seconds: float) -> None:
        for job in SpeechJob.objects.filter(state="PENDING"):
            speaking.speak(job.pk)

    with monkeypatch.context() as waiting:
        waiting.setattr("apps.api.speech.time.sleep", worker_meanwhile)
        answer = api("POST", "tts", WISH)
    assert answer.status_code == 200 and answer.json()["duration"] > 0.5 and answer.json()["url"]
    assert api("POST", "tts", WISH).json() == answer.json() | {"url": api("POST", "tts", WISH).json()["url"]}
    monkeypatch.setattr("apps.api.speech.WAIT_S", 0.1)
    late = api("POST", "tts", WISH | {"script": "Nobody speaks this."})
    assert late.status_code == 504 and "tts/jobs/" in late.json()["suggestion"]


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"script": ""}, 400),
        ({"script": "a" * 5001}, 400),
        ({"script": "   "}, 422),
        ({"stability": 2}, 400),
        ({"speed": 3}, 422),
        ({"provider": "nobody"}, 422),
        ({"voiceId": "nobody"}, 404),
    ],
)
def test_wrong_wishes_are_refused(api, beeper, change, status):  # noqa: F811
    answer = api("POST", "tts/jobs", WISH | change)
    assert answer.status_code == status, answer.json()


def test_a_generation_waits_for_its_speech(api, beeper, film):  # noqa: F811
    made = api(
        "POST", "generate", {"model": "lipsync-2", "input": [{"type": "video", "assetId": str(film.pk)}, text()]}
    )
    assert made.status_code == 201 and made.json()["status"] == "PENDING", made.json()
    call = Call.objects.get()
    assert call.state == CallState.WAITING and admit(call.pk) == 2.0
    speaking.speak(SpeechJob.objects.get().pk)
    assert admit(call.pk) is None
    found = api("GET", f"generate/{made.json()['id']}").json()
    assert "/v2/files/" in found["synthesizedAudioUrl"]
    assert found["input"][1]["provider"]["script"] == "Good morning, harbour."
    assert Generation.objects.get().audio.origin == "tts"
    # the same text again is spoken already: nothing to wait for
    again = api(
        "POST", "generate", {"model": "lipsync-2", "input": [{"type": "video", "assetId": str(film.pk)}, text()]}
    )
    assert again.json()["synthesizedAudioUrl"] and len(beeper.spoken) == 1


def test_texts_speak_in_segments(api, beeper, film):  # noqa: F811
    inputs = [
        {"type": "video", "assetId": str(film.pk)},
        text() | {"refId": "a"},
        text(script="And good night.", voiceId="high") | {"refId": "b"},
    ]
    segments = [
        {"startTime": 0, "endTime": 2, "audioInput": {"refId": "a"}},
        {"startTime": 4, "endTime": 6, "audioInput": {"refId": "b"}},
    ]
    made = api("POST", "generate", {"model": "lipsync-2", "input": inputs, "segments": segments})
    assert made.status_code == 201, made.json()
    for job in SpeechJob.objects.all():
        speaking.speak(job.pk)
    assert admit(Call.objects.get().pk) is None
    assert Generation.objects.get().segment_sounds.count() >= 1


def test_a_generation_whose_speech_fails_is_rejected_with_its_reason(api, beeper, film):  # noqa: F811
    beeper.trouble = [StudioError("elevenlabs_api_key_invalid", "The key does not work.", "Enter another.")]
    made = api(
        "POST", "generate", {"model": "lipsync-2", "input": [{"type": "video", "assetId": str(film.pk)}, text()]}
    )
    speaking.speak(SpeechJob.objects.get().pk)
    admit(Call.objects.get().pk)
    found = api("GET", f"generate/{made.json()['id']}").json()
    assert (found["status"], found["errorCode"]) == ("REJECTED", "elevenlabs_api_key_invalid")


def test_unusable_texts_are_refused_at_once(api, beeper, film):  # noqa: F811
    for change, code in (
        ({"voiceId": "nobody"}, "voice_not_found"),
        ({"name": "nobody"}, "voice_provider_unknown"),
    ):
        wish = {"model": "lipsync-2", "input": [{"type": "video", "assetId": str(film.pk)}, text(**change)]}
        for path in ("generate", "analyze/cost"):
            assert api("POST", path, wish).json()["errorCode"] == code
    assert not Call.objects.exists() and not SpeechJob.objects.exists()


def let_speech_cost(workspace, settings):
    settings.BILLING = True
    plan = current_plan("creator")
    type(plan).objects.filter(pk=plan.pk).update(speech_micros=1_000_000)
    subscribe(workspace=workspace, plan=plan)
    ledger.payment(workspace=workspace, micros=3_000_000, key="paid", memo="test")


def test_an_estimate_asks_no_money_for_what_was_spoken_already(api, beeper, film, settings, workspace):  # noqa: F811
    let_speech_cost(workspace, settings)
    (before,) = api("POST", "analyze/cost", spoken_take(film)).json()
    job = api("POST", "tts/jobs", WISH).json()
    speaking.speak(job["id"])
    (after,) = api("POST", "analyze/cost", spoken_take(film)).json()
    assert (before["estimatedSpeechCost"], after["estimatedSpeechCost"]) == (0.022, 0)
    assert api("POST", "generate", spoken_take(film)).status_code == 201
    assert ledger.balances(workspace)[Account.HELD] == after["estimatedGenerationCost"] * 1_000_000


def test_nothing_is_spoken_for_a_take_that_cannot_be(api, beeper, workspace):  # noqa: F811
    sound = AssetFactory(workspace=workspace, audio=True)
    answer = api("POST", "generate", spoken_take(sound))
    assert (answer.status_code, answer.json()["errorCode"]) == (422, "generation_input_asset_type_mismatch")
    assert not SpeechJob.objects.exists() and not Call.objects.exists()


def test_a_text_is_paid_by_the_one_that_had_it_spoken(api, beeper, film, settings, workspace):  # noqa: F811
    let_speech_cost(workspace, settings)
    wish = spoken_take(film)
    wish["input"] = [wish["input"][0], text() | {"refId": "a"}, text() | {"refId": "b"}]
    ranges = {"a": (0, 1), "b": (2, 3)}
    wish["segments"] = [
        {"startTime": start, "endTime": end, "audioInput": {"refId": name}} for name, (start, end) in ranges.items()
    ]
    first = api("POST", "generate", wish).json()["id"]
    speaking.speak(SpeechJob.objects.get().pk)
    assert admit(first) is None
    second = api("POST", "generate", wish).json()["id"]
    api("POST", f"generations/{first}/cancel")
    retried = api("POST", f"generations/{first}/retry").json()
    assert retried["synthesizedAudioUrl"]
    costs = [api("GET", f"generations/{made}/costs").json()["components"][1] for made in (first, second, retried["id"])]
    assert costs == [{"type": "speech_synthesis", "costUsd": cost} for cost in (0.022, 0, 0)]


def test_an_estimate_says_what_it_can(api, beeper, film):  # noqa: F811
    wish = {"model": "lipsync-2", "input": [{"type": "video", "assetId": str(film.pk)}, text()]}
    (before,) = api("POST", "analyze/cost", wish).json()
    assert before["estimatedSpeechSeconds"] == pytest.approx(len("Good morning, harbour.") / 15, abs=0.01)
    assert before["estimatedFrameCount"] == 36 and before["estimatedSpeechCost"] == 0
    assert not SpeechJob.objects.exists()
    job = api("POST", "tts/jobs", WISH).json()
    speaking.speak(job["id"])
    (after,) = api("POST", "analyze/cost", wish).json()
    assert after["estimatedSpeechSeconds"] == pytest.approx(0.72, abs=0.01)  # as it was really spoken
