"""The steps one by one: each leaves its result, finds what is done, and ends the take where it cannot go on."""

import time
from types import SimpleNamespace
from unittest.mock import MagicMock, patch

import pytest
from celery.exceptions import Retry, SoftTimeLimitExceeded
from django.conf import settings
from django.core.files.storage import default_storage

from apps.assets import files
from apps.assets.models import Asset, Origin
from apps.billing import ledger
from apps.generations import signals
from apps.generations.models import Event, Generation, Status
from apps.generations.proof import wrong_outcomes
from apps.generations.services import begin, cancel_generation
from apps.inference import running, steps, tasks, work
from apps.inference.engine.errors import Cancelled
from apps.inference.watch import Watch

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fake_engine")]


@pytest.fixture(autouse=True)
def own_storage(settings, tmp_path):
    """Media and scratch of this test alone; the orders for the fake engine lie there too."""
    settings.STORAGES = settings.STORAGES | {
        "default": settings.STORAGES["default"] | {"OPTIONS": {"location": tmp_path / "media", "allow_overwrite": True}}
    }


class Task:
    """Stands for the bound Celery task."""

    def __init__(self, retries: int = 0, redelivered: bool = False) -> None:
        self.request = SimpleNamespace(retries=retries, delivery_info={"redelivered": redelivered})
        self.countdown = 0.0

    def retry(self, *, countdown: float, **options) -> Retry:
        self.countdown = countdown
        return Retry()


def whole_run(take: Generation) -> bool | None:
    """All steps in order, in this process."""
    if not begin(take.pk):
        return None
    pieces = running.run_step(Task(), str(take.pk), "prepare", steps.prepare)
    for piece in pieces or []:
        running.run_step(
            Task(), str(take.pk), piece.name, lambda g, w, p=piece: steps.render(g, p, w), piece=piece.first
        )
    return running.run_step(Task(), str(take.pk), "assemble", steps.assemble)


def scratch() -> list:
    return list((settings.DATA_DIR / "tmp").glob(f"{files.SCRATCH_PREFIX}*"))


def test_a_whole_run(take, fake_engine, workspace):
    assert whole_run(take) is True
    take.refresh_from_db()
    assert fake_engine.calls() == ["footage", "speech", "plan", "render-0", "render-10", "assemble", "proof"]
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
    whole_run(make_take())
    assert fake_engine.calls() == ["plan", "render-0", "render-10", "assemble", "proof"]


def test_a_step_that_runs_again_redoes_only_what_is_missing(take, fake_engine):
    begin(take.pk)
    with Watch(take.pk) as watch:
        first, second = steps.prepare(take, watch)
        steps.render(take, first, watch)
        fake_engine.tell()
        assert steps.prepare(take, watch) == [second]
        steps.render(take, first, watch)
        assert fake_engine.calls() == []
        steps.render(take, second, watch)
        assert steps.prepare(take, watch) == []
        assert steps.assemble(take, watch) is True
        assert steps.assemble(take, watch) is False  # finished by the first
    assert Asset.objects.filter(origin=Origin.RESULT).count() == 1
    assert Generation.objects.get(pk=take.pk).result.deleted_at is None


def test_a_take_that_was_cancelled_meanwhile_keeps_no_result(take, membership, workspace):
    begin(take.pk)
    with Watch(take.pk) as watch:
        for piece in steps.prepare(take, watch):
            steps.render(take, piece, watch)
    cancel_generation(membership=membership, generation=take)
    too_late_to_hear = SimpleNamespace(progress=lambda *args: None, cancelled=lambda: False)
    assert steps.assemble(take, too_late_to_hear) is False
    assert not Asset.objects.filter(origin=Origin.RESULT).exists()
    assert ledger.balance(workspace) == 0


@pytest.mark.parametrize("step", ["footage", "speech", "plan", "render-10", "assemble", "proof"])
@pytest.mark.parametrize(
    ("how", "status", "code"),
    [
        ("engine", Status.REJECTED, "generation_input_video_no_face"),
        ("bug", Status.FAILED, "generation_pipeline_failed"),
    ],
)
def test_a_fault_in_any_step_ends_the_take_and_leaves_nothing(take, fake_engine, workspace, step, how, status, code):
    fake_engine.tell(fail_in=step, how=how)
    assert whole_run(take) is None
    take.refresh_from_db()
    assert (take.status, take.error_code) == (status, code)
    assert take.error_message
    assert ledger.balance(workspace) == 0
    assert work.left_behind() == []
    assert not scratch()
    assert wrong_outcomes() == []


def test_a_full_disk_is_tried_again_with_patience_and_then_given_up(take, fake_engine):
    fake_engine.tell(fail_in="footage", how="disk")
    begin(take.pk)
    waits = []
    for retries in range(running.MAX_RETRIES):
        task = Task(retries=retries)
        with pytest.raises(Retry):
            running.run_step(task, str(take.pk), "prepare", steps.prepare)
        waits.append(task.countdown)
        assert Generation.objects.get(pk=take.pk).status == Status.PROCESSING
    assert all(later > sooner for sooner, later in zip(waits, waits[2:], strict=False))
    running.run_step(Task(retries=running.MAX_RETRIES), str(take.pk), "prepare", steps.prepare)
    take.refresh_from_db()
    assert (take.status, take.error_code) == ("FAILED", "generation_infra_storage_error")


def test_a_disk_that_recovers_lets_the_take_go_on(take, fake_engine):
    fake_engine.tell(fail_in="footage", how="disk", times=1)
    begin(take.pk)
    with pytest.raises(Retry):
        running.run_step(Task(), str(take.pk), "prepare", steps.prepare)
    assert len(running.run_step(Task(retries=1), str(take.pk), "prepare", steps.prepare)) == 2


def test_a_storage_that_refuses_the_piece_is_a_transient_fault(take, monkeypatch):
    begin(take.pk)
    piece, _ = running.run_step(Task(), str(take.pk), "prepare", steps.prepare)
    monkeypatch.setattr(files, "put", MagicMock(side_effect=OSError("refused")))
    with pytest.raises(Retry):
        running.run_step(Task(), str(take.pk), "render", lambda g, w: steps.render(g, piece, w))
    assert not scratch()


def test_a_step_that_takes_too_long_fails_the_take(take):
    begin(take.pk)
    running.run_step(Task(), str(take.pk), "prepare", MagicMock(side_effect=SoftTimeLimitExceeded))
    take.refresh_from_db()
    assert (take.status, take.error_code) == ("FAILED", "generation_timeout")


def test_a_step_that_kills_its_worker_is_not_tried_for_ever(take):
    begin(take.pk)

    class Killed(BaseException):
        """The process is gone: nothing after it runs."""

    for _ in range(running.MAX_DEATHS):
        with pytest.raises(Killed):
            running.run_step(Task(), str(take.pk), "prepare", MagicMock(side_effect=Killed))
    assert running.run_step(Task(), str(take.pk), "prepare", steps.prepare) is None
    take.refresh_from_db()
    assert (take.status, take.error_code) == ("FAILED", "generation_pipeline_failed")
    assert "broke its worker" in take.error_message


def test_a_cancelled_take_is_not_worked_on(take, fake_engine, membership):
    begin(take.pk)
    running.run_step(Task(), str(take.pk), "prepare", steps.prepare)
    cancel_generation(membership=membership, generation=take)
    fake_engine.tell()
    assert running.run_step(Task(), str(take.pk), "render", steps.prepare) is None
    assert fake_engine.calls() == []
    assert work.left_behind() == []


def test_the_engine_hears_a_cancel_in_the_middle_of_a_step(take, membership):
    begin(take.pk)
    seen = []

    def engine(generation, watch):
        cancel_generation(membership=membership, generation=generation)
        for _ in range(100):
            if watch.cancelled():
                seen.append("stopped")
                raise Cancelled
            time.sleep(0.02)

    running.run_step(Task(), str(take.pk), "prepare", engine)
    assert seen == ["stopped"]
    assert Generation.objects.get(pk=take.pk).status == Status.CANCELLED


def test_only_one_worker_prepares_a_take(take):
    task = Task()
    assert tasks._claimed(task, take.pk)
    signals.sign_of_life(take.pk)
    assert not tasks._claimed(task, take.pk)  # a second message, while a worker is at it
    assert tasks._claimed(Task(retries=1), take.pk)  # its own retry
    assert tasks._claimed(Task(redelivered=True), take.pk)  # handed out before, to a worker that died
    with patch.object(signals, "SILENT_AFTER_S", -1.0):
        assert tasks._claimed(task, take.pk)  # its worker is gone


def test_progress_writes_no_row_for_each_frame(take, django_assert_num_queries):
    begin(take.pk)
    with Watch(take.pk) as watch:
        watch.progress("read", 0, 1000)
        with django_assert_num_queries(0):
            for frame in range(1, 1000):
                watch.progress("read", frame, 1000)
    assert Event.objects.filter(generation=take, what="stage").count() == 1


def test_pieces_are_named_by_their_frames(take):
    begin(take.pk)
    with Watch(take.pk) as watch:
        first, _ = steps.prepare(take, watch)
        steps.render(take, first, watch)
    assert default_storage.exists(f"work/{take.pk}/pieces/0000000-0000010.mp4")
