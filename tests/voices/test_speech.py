"""From a text to a sound of the library: asked for once, spoken by a worker, paid when it was."""

import threading
import time

import pytest
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from apps.assets.models import Asset, Origin, Status
from apps.billing import ledger
from apps.billing.models import Account
from apps.voices import speaking
from apps.voices.models import SpeechJob, SpeechState
from apps.voices.providers.base import Busy
from apps.voices.services import SCRIPT_LIMIT, order_of, request_speech
from apps.workspaces.access import membership_for
from studio.errors import StudioError
from tests.voices.conftest import Beeper

pytestmark = pytest.mark.django_db


@pytest.fixture
def ask(membership, beeper):
    def asked(script: str = "Good morning.", voice: str = "low", who=None, **options) -> SpeechJob:
        who = who or membership
        order = order_of(membership=who, provider="beeper", voice_id=voice, script=script, options=options)
        return request_speech(membership=who, order=order)

    return asked


def run(job: SpeechJob) -> SpeechJob:
    speaking.speak(job.pk)
    job.refresh_from_db()
    return job


def test_a_text_becomes_a_sound_of_the_library(ask, beeper: Beeper):
    job = run(ask("  Good morning,\r\nsaid the harbour master to the very first of all ships. ", speed=1.5))
    assert job.state == SpeechState.SUCCESS
    asset = job.asset
    assert (asset.origin, asset.status, asset.kind) == (Origin.TTS, Status.READY, "audio")
    assert asset.name == "Good morning, said the harbour master to the… (Low).wav"
    assert asset.spoken["script"].startswith("Good morning,\nsaid") and asset.spoken["voice"] == "Low"
    assert asset.spoken["settings"] == {"speed": 1.5} and asset.duration_s > 0.5
    assert beeper.spoken[0].settings == {"speed": 1.5}


def test_the_same_text_is_spoken_once(ask, beeper: Beeper):
    first = ask()
    assert ask() == first  # on its way
    run(first)
    assert ask() == first  # ready
    assert ask(speed=1.2) != first and ask(voice="high") != first and ask("Good evening.") != first
    run(first)
    assert len(beeper.spoken) == 1
    Asset.objects.filter(pk=first.asset_id).update(deleted_at=timezone.now())
    assert ask() != first  # its sound is gone


def test_another_persons_private_sound_is_not_handed_out(ask, teammate, workspace):
    first = run(ask(who=membership_for(teammate, workspace)))
    Asset.objects.filter(pk=first.asset_id).update(visibility="private")
    third = type(teammate).objects.create_user("kim@studio.example", "open-the-studio-1")
    workspace.memberships.create(user=third, role="editor")
    assert ask(who=membership_for(teammate, workspace)) == first
    assert ask(who=membership_for(third, workspace)) != first


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"script": "  "}, "tts_script_empty"),
        ({"script": "a" * (SCRIPT_LIMIT + 1)}, "generation_text_length_exceeded"),
        ({"script": "a\x00b"}, "tts_script_unspeakable"),
        ({"voice": "none"}, "voice_not_found"),
        ({"speed": 9.0}, "generation_input_option_invalid"),
        ({"speed": float("nan")}, "generation_input_option_invalid"),
    ],
)
def test_what_cannot_be_spoken_is_refused(ask, change, code):
    with pytest.raises(StudioError) as refusal:
        ask(**change)
    assert refusal.value.code == code and refusal.value.advice
    assert not SpeechJob.objects.exists()


def test_viewers_may_not(ask, viewer, workspace):
    with pytest.raises(PermissionDenied):
        ask(who=membership_for(viewer, workspace))


def test_a_failure_leaves_a_clear_state_and_can_be_tried_again(ask, beeper: Beeper):
    beeper.trouble = [StudioError("elevenlabs_quota_exceeded", "Nothing left.", "Wait.")]
    failed = run(ask())
    assert (failed.state, failed.error_code, failed.error_advice) == ("FAILED", "elevenlabs_quota_exceeded", "Wait.")
    assert failed.finished_at and not Asset.objects.exists()
    again = ask()
    assert again != failed and run(again).state == SpeechState.SUCCESS


def test_a_fault_of_ours_shows_no_insides(ask, beeper: Beeper):
    beeper.trouble = [RuntimeError("secret path")]
    failed = run(ask())
    assert failed.error_code == "generation_pipeline_failed" and "secret" not in failed.error_message


def test_a_busy_provider_is_asked_again_and_not_for_ever(ask, beeper: Beeper):
    busy = Busy(StudioError("elevenlabs_service_unavailable", "It does not work now."))
    beeper.trouble = [busy, busy]
    job = ask()
    assert speaking.speak(job.pk) == 6.0
    assert speaking.speak(job.pk) == 12.0
    assert run(job).state == SpeechState.SUCCESS
    other = ask("Something else.")
    beeper.trouble = [busy] * 9
    waits = [speaking.speak(other.pk) for _ in range(speaking.MOST_TRIES)]
    assert waits[-1] is None
    other.refresh_from_db()
    assert (other.state, other.error_code) == ("FAILED", "elevenlabs_service_unavailable")


def test_a_message_that_comes_twice_speaks_once(ask, beeper: Beeper):
    job = ask()
    SpeechJob.objects.filter(pk=job.pk).update(state=SpeechState.PROCESSING, started_at=timezone.now())
    assert run(job).state == SpeechState.PROCESSING and not beeper.spoken


def test_lost_work_is_taken_up_and_a_killer_given_up(ask, beeper: Beeper, monkeypatch):
    sent: list[SpeechJob] = []
    monkeypatch.setattr(speaking, "send", sent.append)
    job = ask()
    assert speaking.take_up_lost() == 0
    long_ago = timezone.now() - 2 * speaking.LOST_AFTER
    SpeechJob.objects.filter(pk=job.pk).update(state=SpeechState.PROCESSING, started_at=long_ago, sent_at=long_ago)
    assert speaking.take_up_lost() == 1 and sent == [job] and speaking.take_up_lost() == 0
    SpeechJob.objects.filter(pk=job.pk).update(tries=speaking.MOST_TRIES)
    assert run(job).error_code == "generation_pipeline_failed" and not beeper.spoken


def test_a_price_is_held_then_earned_or_given_back(ask, beeper: Beeper, workspace, settings):
    settings.BILLING = True
    from apps.billing.plans import plan_of

    plan = plan_of(workspace)
    type(plan).objects.filter(pk=plan.pk).update(speech_micros=1_000_000, prepaid=False)
    job = ask("a" * 100)
    assert ledger.balance(workspace, Account.HELD) == job.price_micros == 100_000
    run(job)
    assert (ledger.balance(workspace, Account.HELD), ledger.balance(workspace, Account.REVENUE)) == (0, 100_000)
    beeper.trouble = [StudioError("tts_refused", "No.")]
    run(ask("b" * 100))
    assert (ledger.balance(workspace, Account.HELD), ledger.balance(workspace, Account.REVENUE)) == (0, 100_000)


@pytest.mark.django_db(transaction=True)
def test_two_who_ask_at_once_get_one_job(ask):
    found: list[SpeechJob] = []
    gate = threading.Barrier(2)

    def asking() -> None:
        from django.db import connection

        gate.wait()
        found.append(ask())
        connection.close()

    threads = [threading.Thread(target=asking) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 2 and found[0] == found[1] and SpeechJob.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_real_worker_speaks_with_the_local_voice(membership, settings, live_worker):
    settings.VOICE_PROVIDERS = ["local"]
    order = order_of(membership=membership, provider="local", voice_id="heart", script="Good morning, harbour.")
    job = request_speech(membership=membership, order=order)
    ends = time.monotonic() + 60
    while not job.is_final and time.monotonic() < ends:
        time.sleep(0.2)
        job.refresh_from_db()
    assert job.state == SpeechState.SUCCESS, job.error_message
    assert 1.0 < job.asset.duration_s < 4.0 and job.asset.sample_rate == 24000
