"""Admission, money and endings of takes."""

import threading
from unittest.mock import patch

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection, connections, transaction
from kombu.exceptions import OperationalError as QueueAway

from apps.assets.models import Asset
from apps.assets.models import Status as AssetStatus
from apps.billing import ledger
from apps.billing.models import Account, Transaction
from apps.billing.plans import current_plan, load_plans, subscribe
from apps.generations import queue, signals
from apps.generations.models import Event, Generation, Status
from apps.generations.proof import wrong_outcomes
from apps.generations.services import (
    begin,
    cancel_generation,
    complete,
    end_without_result,
    estimate,
    note_stage,
    retry_generation,
    submit_generation,
)
from apps.generations.states import advance
from apps.projects.services import set_visibility
from apps.workspaces.access import membership_for
from apps.workspaces.models import Visibility
from studio.errors import StudioError
from tests.factories import AssetFactory, GenerationFactory, ProjectFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def creator_plan(settings, request):
    settings.BILLING = True
    if "workspace" in request.fixturenames:
        subscribe(workspace=request.getfixturevalue("workspace"), plan=current_plan("creator"))


@pytest.fixture
def sent():
    """Ids handed to the workers."""
    with patch.object(queue.celery_app, "send_task") as send:
        yield lambda: [call.kwargs["args"][0] for call in send.call_args_list if not call.args[0].startswith("billing")]


@pytest.fixture
def draft(workspace):
    return {
        "project": ProjectFactory(workspace=workspace),
        "video": AssetFactory(workspace=workspace, video=True, duration_s=12.0),
        "audio": AssetFactory(workspace=workspace, audio=True, duration_s=10.0),
        "model": "lipsync-2",
        "sync_mode": "cut_off",
        "options": {"temperature": "0.7"},
    }


def code_of(**changes) -> str:
    with pytest.raises(StudioError) as refused:
        submit_generation(**changes)
    return refused.value.code


def test_a_submit_writes_the_row_holds_the_price_and_sends_it_on_commit(
    membership, draft, sent, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        take = submit_generation(membership=membership, **draft)
        assert sent() == []
    assert sent() == [str(take.pk)]
    assert (take.status, take.number, take.quoted_seconds, take.quoted_micros) == ("PENDING", 1, 10.0, 500_000)
    assert take.options == {
        "temperature": 0.7,
        "occlusion_detection_enabled": False,
        "active_speaker_detection": False,
    }
    assert ledger.balance(take.workspace, Account.HELD) == 500_000
    assert Event.objects.get(generation=take).what == "PENDING"


def test_the_sound_of_a_film_is_quoted_by_its_own_length(workspace, membership, draft):
    """It may go on long after the picture, also beyond what a plan allows."""
    film = AssetFactory(workspace=workspace, video=True, audio_codec="aac", duration_s=1.0, sound_s=30.0)
    draft |= {"audio": film, "sync_mode": "loop"}
    assert submit_generation(membership=membership, **draft).quoted_seconds == 30.0
    row = {"start_s": 1.0, "end_s": 9.0, "audio": str(film.pk)}
    assert submit_generation(membership=membership, **draft, segments=[row]).quoted_seconds == 8.0
    Asset.objects.filter(pk=film.pk).update(sound_s=10 * 3600.0)
    film.refresh_from_db()
    assert code_of(membership=membership, **draft) == "generation_plan_duration_exceeded"


def test_a_queue_that_is_away_loses_no_take(membership, draft, django_capture_on_commit_callbacks):
    away = patch.object(queue.celery_app, "send_task", side_effect=QueueAway("no Redis"))
    with away, django_capture_on_commit_callbacks(execute=True):
        take = submit_generation(membership=membership, **draft)
    waiting = Generation.objects.waiting().get(pk=take.pk)  # a later round sends it
    assert waiting.status == Status.PENDING


def test_takes_are_numbered_within_their_project(membership, draft, sent, workspace):
    numbers = [submit_generation(membership=membership, **draft).number for _ in range(2)]
    other = submit_generation(membership=membership, **draft | {"project": ProjectFactory(workspace=workspace)})
    assert (numbers, other.number) == ([1, 2], 1)


def test_it_refuses_what_cannot_run_and_leaves_no_trace(membership, draft, sent, workspace, outsider):
    checking = AssetFactory(workspace=workspace, status=AssetStatus.CHECKING)
    refused = AssetFactory(workspace=workspace, status=AssetStatus.REJECTED, error_code="broken", error_message="Bad.")
    photo = AssetFactory(workspace=workspace, kind="image")
    foreign = AssetFactory(workspace=outsider.workspaces.get(), video=True)
    long = AssetFactory(workspace=workspace, audio=True, duration_s=301.0)
    cases = {
        "generation_video_missing": {"video": None},
        "generation_audio_missing": {"audio": None},
        "asset_not_ready": {"video": checking},
        "broken": {"audio": refused},
        "generation_input_asset_type_mismatch": {"video": photo},
        "asset_not_found": {"video": foreign},
        "generation_unsupported_model": {"model": "lipsync-9"},
        "generation_input_validation_failed": {"options": {"temperature": "hot"}},
        "generation_plan_duration_exceeded": {"audio": long, "sync_mode": "loop"},
    }
    for code, change in cases.items():
        assert code_of(membership=membership, **draft | change) == code
    silent_video = AssetFactory(workspace=workspace, video=True)
    assert code_of(membership=membership, **draft | {"audio": silent_video}) == "generation_input_asset_type_mismatch"
    assert code_of(membership=membership, **draft | {"sync_mode": "sideways"}) == "generation_input_validation_failed"
    assert (Generation.objects.count(), Transaction.objects.count(), sent()) == (0, 0, [])


def test_viewers_and_outsiders_cannot_submit(workspace, viewer, outsider, draft):
    with pytest.raises(PermissionDenied):
        submit_generation(membership=membership_for(viewer, workspace), **draft)
    elsewhere = membership_for(outsider, outsider.workspaces.get())
    assert code_of(membership=elsewhere, **draft) == "asset_not_found"


def test_the_plan_limits_takes_at_once(membership, draft, sent):
    for _ in range(3):
        last = submit_generation(membership=membership, **draft)
    assert code_of(membership=membership, **draft) == "concurrency_limit_reached"
    cancel_generation(membership=membership, generation=last)
    submit_generation(membership=membership, **draft)


@pytest.mark.django_db(transaction=True)
def test_many_submits_at_once_do_not_pass_the_limit(membership, draft, sent):
    if connection.vendor == "sqlite" and connection.is_in_memory_db():
        pytest.skip("an SQLite database in memory has one connection")
    results: list[str] = []

    def submit() -> None:
        try:
            submit_generation(membership=membership, **draft)
            results.append("admitted")
        except StudioError as error:
            results.append(error.code)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=submit) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["admitted"] * 3 + ["concurrency_limit_reached"] * 5
    assert Generation.objects.count() == 3


def test_a_finished_take_is_charged_for_what_was_lipsynced(workspace):
    take = GenerationFactory(workspace=workspace, price_micros_per_frame=2000, quoted_micros=500_000)
    result = AssetFactory(workspace=workspace, video=True)
    assert begin(take.pk)
    for done in (True, False):
        assert complete(generation_id=take.pk, result=result, lipsynced_s=6.5, report={"frames": 250}) is done
    take.refresh_from_db()
    assert (take.status, take.charged_seconds, take.charged_micros, take.result) == ("COMPLETED", 6.5, 324_000, result)
    assert ledger.balance(workspace) == -324_000
    assert ledger.balance(workspace, Account.HELD) == 0


@pytest.mark.database
@pytest.mark.django_db(transaction=True)
def test_a_project_that_is_hidden_while_its_take_ends_hides_the_result_too(workspace, membership, draft, sent):
    take = submit_generation(membership=membership, **draft)
    begin(take.pk)
    result = AssetFactory(workspace=workspace, video=True)
    ending = threading.Event()

    def hide() -> None:
        ending.wait(10)
        try:
            set_visibility(membership=membership, project=take.project, visibility=Visibility.PRIVATE)
        finally:
            connection.close()

    capture = ledger.capture

    def slow(**what):
        ending.set()
        hiding.join(0.5)  # done by now where nothing holds it up
        return capture(**what)

    hiding = threading.Thread(target=hide)
    hiding.start()
    with patch.object(ledger, "capture", slow):
        complete(generation_id=take.pk, result=result, lipsynced_s=1, report={})
    hiding.join()
    result.refresh_from_db()
    assert result.visibility == Visibility.PRIVATE


def test_nobody_pays_more_than_was_held(workspace):
    take = GenerationFactory(workspace=workspace, price_micros_per_frame=2000, quoted_micros=500_000)
    begin(take.pk)
    complete(generation_id=take.pk, result=None, lipsynced_s=99.0, report={})
    assert ledger.balance(workspace, Account.REVENUE) == 500_000


@pytest.mark.parametrize("running", [False, True])
@pytest.mark.parametrize("status", [Status.FAILED, Status.REJECTED, Status.CANCELLED])
def test_an_ending_without_a_result_costs_nothing(workspace, status, running):
    take = GenerationFactory(workspace=workspace, quoted_micros=500_000)
    if running:
        begin(take.pk)
    error = StudioError("generation_timeout", "It took too long.", "Use shorter files.")
    assert [end_without_result(take.pk, status, error) for _ in range(2)] == [True, False]
    assert not complete(generation_id=take.pk, result=None, lipsynced_s=5, report={})
    take.refresh_from_db()
    assert (take.status, take.error_message, take.error_advice) == (status, "It took too long.", "Use shorter files.")
    assert (ledger.balance(workspace), take.charged_micros) == (0, None)


def test_cancelling_releases_the_hold_and_tells_the_workers(membership, workspace):
    take = GenerationFactory(workspace=workspace, quoted_micros=500_000)
    begin(take.pk)
    assert not signals.asked_to_stop(take.pk)
    assert cancel_generation(membership=membership, generation=take).status == Status.CANCELLED
    assert signals.asked_to_stop(take.pk)
    assert take.cancel_requested_at is not None
    assert ledger.balance(workspace) == 0


def test_a_take_that_begins_while_it_is_cancelled_ends_all_the_same(membership, workspace, monkeypatch):
    take = GenerationFactory(workspace=workspace)

    begun: list[bool] = []

    def first_try_too_early(pk, frm, to, **fields) -> bool:
        if begun:
            return advance(pk, frm, to, **fields)
        begun.append(advance(pk, Status.PENDING, Status.PROCESSING))  # a worker takes it just then
        return False

    monkeypatch.setattr("apps.generations.services.advance", first_try_too_early)
    assert cancel_generation(membership=membership, generation=take).status == Status.CANCELLED


def test_cancelling_a_finished_take_changes_nothing(membership, workspace):
    take = GenerationFactory(workspace=workspace)
    begin(take.pk)
    complete(generation_id=take.pk, result=None, lipsynced_s=1, report={})
    assert cancel_generation(membership=membership, generation=take).status == Status.COMPLETED
    assert take.cancel_requested_at is None


def test_viewers_cannot_cancel(workspace, viewer):
    take = GenerationFactory(workspace=workspace)
    with pytest.raises(PermissionDenied):
        cancel_generation(membership=membership_for(viewer, workspace), generation=take)


def test_a_retry_is_a_new_take_and_needs_an_ended_one(membership, draft, sent):
    first = submit_generation(membership=membership, **draft)
    with pytest.raises(StudioError, match="still runs"):
        retry_generation(membership=membership, generation=first)
    cancel_generation(membership=membership, generation=first)
    second = retry_generation(membership=membership, generation=first)
    assert (second.number, second.status, second.options) == (2, "PENDING", first.options)
    assert (second.video, second.audio, second.project) == (first.video, first.audio, first.project)


@pytest.mark.parametrize(("plan", "marks"), [("free", True), ("hobbyist", True), ("creator", False), ("scale", False)])
def test_the_plan_decides_about_the_mark_and_nobody_else(workspace, membership, draft, sent, plan, marks):
    subscribe(workspace=workspace, plan=current_plan(plan))
    ledger.credit(workspace=workspace, micros=5_000_000, key="test", memo="test")
    asked_away = draft | {"options": {"watermark": False}}
    assert code_of(membership=membership, **asked_away) == "generation_input_validation_failed"
    take = submit_generation(membership=membership, **draft)
    assert take.watermark is marks
    told = Event.objects.get(generation=take, what="PENDING").detail["warnings"]
    assert sum("lower right corner. The Creator plan has none." in line for line in told) == marks


def test_after_a_change_of_plan_the_next_take_has_no_mark_and_the_old_one_stays(workspace, membership, draft, sent):
    subscribe(workspace=workspace, plan=current_plan("free"))
    first = submit_generation(membership=membership, **draft)
    cancel_generation(membership=membership, generation=first)
    subscribe(workspace=workspace, plan=current_plan("creator"))
    second = retry_generation(membership=membership, generation=first)
    first.refresh_from_db()
    assert (first.watermark, second.watermark) == (True, False)


@pytest.mark.parametrize(
    ("asked", "plan", "code"),
    [
        ({}, "free", "plan_feature_unavailable"),
        ({"segments": [{"start_s": 0.0, "end_s": 1.0}]}, "creator", "generation_input_segments_invalid"),
        (
            {"options": {"active_speaker_detection": {"kind": "person", "id": 1}}},
            "creator",
            "generation_input_face_selection_invalid",
        ),
    ],
)
def test_what_another_studio_cannot_be_asked_for_is_refused_at_submit(
    workspace, membership, draft, sent, settings, asked, plan, code
):
    subscribe(workspace=workspace, plan=current_plan(plan))
    ledger.credit(workspace=workspace, micros=5_000_000, key="test", memo="test")
    asked = draft | {"model": "sync-3", "options": {}} | asked
    settings.INFERENCE_BACKENDS = {"sync-3": "remote"}
    with pytest.raises(StudioError) as refused:
        submit_generation(membership=membership, **asked)
    assert refused.value.code == code
    assert not Generation.objects.exists() and not sent()
    settings.INFERENCE_BACKENDS = {}
    assert submit_generation(membership=membership, **asked).model == "sync-3"


def test_a_studio_without_bills_marks_nothing(workspace, membership, draft, sent, settings):
    subscribe(workspace=workspace, plan=current_plan("free"))
    settings.BILLING = False
    del draft["project"]
    assert not any("corner" in line for line in estimate(workspace=workspace, **draft).warnings)
    assert submit_generation(membership=membership, project=None, **draft).watermark is False


def test_stages_only_go_forward(workspace):
    take = GenerationFactory(workspace=workspace)
    assert not note_stage(take.pk, "read")  # queued takes have no stage
    begin(take.pk)
    assert [note_stage(take.pk, stage) for stage in ("read", "lipsync", "speech", "lipsync")] == [
        True,
        True,
        False,
        False,
    ]
    assert list(Event.objects.filter(what="stage").values_list("detail__stage", flat=True)) == ["read", "lipsync"]


def test_an_estimate_of_an_empty_draft_says_what_is_missing(workspace):
    found = estimate(workspace=workspace, video=None, audio=None, model="lipsync-2", sync_mode="cut_off", options={})
    assert [refusal.field for refusal in found.refusals] == ["video", "audio"]
    assert (found.seconds, found.quote.micros) == (0.0, 0)


@pytest.mark.parametrize(
    ("sync_mode", "seconds"), [("cut_off", 10.0), ("silence", 12.0), ("loop", 10.0), ("bounce", 10.0), ("remap", 10.0)]
)
def test_an_estimate_follows_the_sync_mode(draft, workspace, sync_mode, seconds):
    del draft["project"]
    found = estimate(workspace=workspace, **draft | {"sync_mode": sync_mode})
    assert (found.seconds, found.quote.micros, found.refusals) == (seconds, round(seconds * 50_000), [])
    assert bool(found.warnings) == (sync_mode == "cut_off")
    assert found.eta_s is None  # no worker was ever measured


def test_a_photo_lasts_as_long_as_the_sound_on_a_model_that_takes_photos(draft, workspace):
    del draft["project"]
    photo = AssetFactory(workspace=workspace, kind="image", duration_s=None)
    refused = estimate(workspace=workspace, **draft | {"video": photo})
    assert [refusal.code for refusal in refused.refusals] == ["generation_input_asset_type_mismatch"]
    assert refused.refusals[0].advice == "Choose a video, or sync-3 as the model."
    taken = estimate(workspace=workspace, **draft | {"video": photo, "model": "sync-3", "options": {}})
    assert (taken.seconds, taken.refusals, taken.warnings) == (10.0, [], [])


def test_an_estimate_counts_who_waits_before(draft, workspace):
    del draft["project"]
    alone = estimate(workspace=workspace, **draft)
    GenerationFactory()
    queued = estimate(workspace=workspace, **draft)
    assert (alone.queue_ahead, queued.queue_ahead) == (0, 1)


def test_the_proof_finds_a_take_without_its_outcome(workspace):
    load_plans()
    good, bad = GenerationFactory.create_batch(2, workspace=workspace, quoted_micros=500_000)
    end_without_result(good.pk, Status.CANCELLED)
    assert wrong_outcomes() == []
    Generation.objects.filter(pk=bad.pk).update(status=Status.FAILED)
    assert len(wrong_outcomes()) == 1
    with transaction.atomic():
        ledger.capture(workspace=workspace, subject=bad.pk, micros=1)
    assert "FAILED, but captured" in wrong_outcomes()[0]
