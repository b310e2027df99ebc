"""The steps one by one: each leaves its result, finds what is done already, and tells how far it is."""

from types import SimpleNamespace
from unittest.mock import MagicMock, patch

import pytest
from celery import Signature
from django.conf import settings
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from apps.assets import files
from apps.assets.models import Asset, Origin
from apps.billing import ledger
from apps.generations import signals
from apps.generations.models import Event, Generation, Status
from apps.generations.proof import wrong_outcomes
from apps.generations.services import begin, cancel_generation
from apps.inference import drawn, steps, tasks, work
from apps.inference.backends import Piece
from apps.inference.watch import Watch
from apps.projects.models import Project
from apps.workspaces.models import Visibility
from tests.factories import WorkspaceFactory
from tests.inference.stepping import Task, planned, rendered, run, scratch, whole_run

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_storage", "fake_engine")]


def test_a_whole_run(take, fake_engine, workspace):
    assert whole_run(take) is True
    take.refresh_from_db()
    assert fake_engine.calls() == [
        *("footage-a", "footage-b", "speech", "join", "plan"),
        *("render-0", "render-10", "assemble", "proof"),
    ]
    assert (take.status, take.backend, take.stage) == ("COMPLETED", "fake", "proof")
    assert take.result.name == f"Harbour film, take {take.number}.mp4"
    assert (take.result.status, take.result.origin, take.result.has_sound) == ("ready", Origin.RESULT, True)
    assert (take.charged_seconds, take.charged_micros, ledger.balance(workspace)) == (0.8, 40_000, -40_000)
    assert take.report["backend"] == "fake 1"
    assert set(take.report["timings_s"]) == {"read", "speech", "plan", "lipsync", "assemble", "proof"}
    assert wrong_outcomes() == []
    assert not scratch()


def test_footage_and_speech_are_analysed_once_for_all_takes(make_take, fake_engine):
    whole_run(make_take())
    fake_engine.tell()
    whole_run(make_take(options={"temperature": 0.9}))
    assert fake_engine.calls() == ["plan", "render-0", "render-10", "assemble", "proof"]


def test_a_take_of_the_same_inputs_draws_nothing_anew(make_take, fake_engine):
    first, again = make_take(), make_take()
    whole_run(first)
    fake_engine.tell()
    whole_run(again)
    assert fake_engine.calls() == ["plan", "assemble", "proof"]
    first.refresh_from_db(), again.refresh_from_db()
    assert first.report["pieces"] == {"count": 2, "kept": 0, "frames": 25, "frames_kept": 0}
    assert again.report["pieces"] == {"count": 2, "kept": 2, "frames": 25, "frames_kept": 25}


def test_of_a_changed_take_only_changed_pieces_are_drawn(make_take, fake_engine):
    fake_engine.tell(made_from=["a", "b"])
    whole_run(make_take())
    fake_engine.tell(made_from=["a", "another b"])
    changed = make_take(options={"temperature": 0.9})
    whole_run(changed)
    assert fake_engine.calls() == ["plan", "render-10", "assemble", "proof"]
    changed.refresh_from_db()
    assert changed.report["pieces"] == {"count": 2, "kept": 1, "frames": 25, "frames_kept": 10}
    assert changed.status == Status.COMPLETED


@pytest.mark.parametrize("difference", ["video", "engine"])
def test_pieces_of_another_video_or_engine_are_not_taken(make_take, fake_engine, media, difference, monkeypatch):
    fake_engine.tell(made_from=["a", "b"])
    whole_run(make_take())
    if difference == "video":
        Asset.objects.filter(pk=media[0].pk).update(sha256="c" * 64)
        media[0].refresh_from_db()
    else:
        monkeypatch.setattr(fake_engine.FakeBackend, "version", "2")
    fake_engine.tell(made_from=["a", "b"])
    whole_run(make_take())
    assert {"render-0", "render-10"} <= set(fake_engine.calls())


def test_what_was_drawn_before_is_offered_to_the_plan(make_take, fake_engine):
    fake_engine.tell(made_from=["a", "b"])
    whole_run(make_take())
    second = make_take(options={"temperature": 0.9})
    assert drawn.before(second, fake_engine.FakeBackend()) == [Piece(0, 10, "a"), Piece(10, 25, "b")]
    assert drawn.before(make_take(model="sync-3"), fake_engine.FakeBackend()) == []
    elsewhere = make_take()
    elsewhere.workspace = WorkspaceFactory()
    assert drawn.before(elsewhere, fake_engine.FakeBackend()) == []


def test_a_step_that_runs_again_redoes_only_what_is_missing(take, fake_engine):
    begin(take.pk)
    first, second = planned(take)
    rendered(take, first)
    fake_engine.tell()
    assert planned(take) == [second]
    rendered(take, first)
    assert fake_engine.calls() == []
    rendered(take, second)
    assert planned(take) == []
    assert run(take, "assemble", steps.assemble) is True
    assert run(take, "assemble", steps.assemble) is None  # finished by the first
    assert Asset.objects.filter(origin=Origin.RESULT).count() == 1
    assert Generation.objects.get(pk=take.pk).result.deleted_at is None


def test_of_the_footage_only_missing_parts_are_looked_at_again(take, fake_engine):
    begin(take.pk)
    looks = run(take, "prepare", steps.prepare)
    assert looks == ["footage/a", "footage/b", "speech"]
    for part in ("footage/a", "speech"):
        run(take, part, lambda g, w, p=part: steps.look(g, p, w), part=part)
    fake_engine.tell()
    assert run(take, "prepare", steps.prepare) == ["footage/b"]
    planned(take)
    assert fake_engine.calls() == ["footage-b", "join", "plan"]
    assert not list((settings.DATA_DIR / "media").glob("work/analysis/footage/*/*.parts"))


def test_the_result_of_a_private_project_is_private_before_the_take_is_finished(take, monkeypatch):
    Project.objects.filter(pk=take.project_id).update(visibility=Visibility.PRIVATE)
    begin(take.pk)
    for piece in planned(take):
        rendered(take, piece)
    shown = []
    monkeypatch.setattr(steps, "complete", lambda result, **_: shown.append(result.visibility))
    run(take, "assemble", steps.assemble)
    assert shown == [Visibility.PRIVATE]


def test_a_take_that_was_cancelled_meanwhile_keeps_no_result(take, membership, workspace):
    begin(take.pk)
    for piece in planned(take):
        rendered(take, piece)
    cancel_generation(membership=membership, generation=take)
    take.refresh_from_db()
    too_late_to_hear = SimpleNamespace(progress=lambda *args: None, cancelled=lambda: False)
    assert steps.assemble(take, too_late_to_hear) is False
    assert not Asset.objects.filter(origin=Origin.RESULT).exists()
    assert ledger.balance(workspace) == 0


def test_a_new_try_goes_on_with_the_finished_pieces(make_take, fake_engine):
    fake_engine.tell(fail_in="render-10", how="bug", times=1)
    assert whole_run(make_take()) is None
    fake_engine.tell()
    again = make_take()
    assert whole_run(again) is True
    assert fake_engine.calls() == ["render-10", "assemble", "proof"]
    assert work.left_behind() == []


@pytest.mark.parametrize(
    "change", [{"options": {"temperature": 0.9}}, {"sync_mode": "loop"}, {"model": "sync-3"}], ids=str
)
def test_a_take_with_other_inputs_begins_anew(make_take, fake_engine, settings, change):
    settings.INFERENCE_BACKENDS = {"lipsync-2": fake_engine.PATH, "sync-3": fake_engine.PATH}
    fake_engine.tell(fail_in="render-10", how="bug", times=1)
    whole_run(make_take())
    fake_engine.tell()
    assert whole_run(make_take(**change)) is True
    assert fake_engine.calls() == ["plan", "render-0", "render-10", "assemble", "proof"]


def test_two_takes_with_the_same_inputs_share_their_pieces(make_take, fake_engine):
    one, other = make_take(), make_take()
    begin(one.pk)
    begin(other.pk)
    for piece in planned(one):
        rendered(one, piece)
    fake_engine.tell()
    assert planned(other) == []
    assert run(one, "assemble", steps.assemble) is True
    assert run(other, "assemble", steps.assemble) is True  # the first one left the folder to the second
    assert fake_engine.calls() == ["assemble", "proof"] * 2
    assert work.left_behind() == []


def test_what_is_lost_on_the_way_is_made_again(take, fake_engine, django_capture_on_commit_callbacks):
    begin(take.pk)
    first, second = planned(take)
    rendered(take, first)
    rendered(take, second)
    files.remove_tree(drawn.folder_of(Generation.objects.get(pk=take.pk), second))
    with patch("apps.generations.queue.celery_app.send_task") as send, django_capture_on_commit_callbacks(execute=True):
        assert run(take, "assemble", steps.assemble) is None
        assert run(take, "assemble", steps.assemble) is None  # of the older attempt: void
    send.assert_called_once_with("inference.prepare", args=[str(take.pk), 2])
    assert tasks._claimed(Task(), take.pk, 2) == 2
    assert steps.plan(Generation.objects.get(pk=take.pk), MagicMock()) == [second]


def test_progress_writes_no_row_for_each_frame(take, django_assert_num_queries):
    begin(take.pk)
    with Watch(take.pk) as watch:
        watch.progress("read", 0, 1000)
        with django_assert_num_queries(0):
            for frame in range(1, 1000):
                watch.progress("read", frame, 1000)
    assert Event.objects.filter(generation=take, what="stage").count() == 1


def test_reading_is_told_over_all_parts(take):
    begin(take.pk)
    run(take, "prepare", steps.prepare)
    for part, done in (("footage/a", 40), ("footage/b", 10)):
        with Watch(take.pk, part=part) as watch:
            watch.progress("read", done, 100)
    assert signals.share_read(take.pk) == 0.25
    take.refresh_from_db()
    assert take.stage == "read"


def test_a_soundtrack_made_beside_the_plan_is_handed_on(take, fake_engine):
    assert begin(take.pk)
    pieces = planned(take)
    run(take, "sound", steps.encode_sound)
    run(take, "sound", steps.encode_sound)
    for piece in pieces:
        rendered(take, piece)
    assert run(take, "assemble", steps.assemble) is True
    assert fake_engine.calls().count("sound") == 1
    assert "assemble-with-sound" in fake_engine.calls()
    assert work.left_behind() == []


@pytest.mark.parametrize("fault", [OperationalError("away"), RedisError("away"), None])
def test_the_soundtrack_is_sent_for_once_all_is_seen_and_never_holds_the_plan_up(take, fake_engine, monkeypatch, fault):
    sent = []

    def send(self, **options):
        sent.append((self.task, work.left_behind()))
        if fault is not None:
            raise fault

    monkeypatch.setattr(Signature, "apply_async", send)
    begin(take.pk)
    for part in run(take, "prepare", steps.prepare):
        run(take, part, lambda g, w, p=part: steps.look(g, p, w), part=part)
    monkeypatch.setattr(tasks, "_lanes", lambda generation_id, parts: [])
    monkeypatch.setattr(tasks, "chord", lambda parts: lambda last: sent.append((last.task, "")))
    tasks.plan.run(str(take.pk), 1)
    assert sent == [("inference.encode_sound", []), ("inference.assemble", "")]
