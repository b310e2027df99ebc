"""Steps that cannot go on, or must not: each ends its take once, tries again with patience, or leaves it to others."""

import subprocess
import time
from unittest.mock import MagicMock

import pytest
from celery.exceptions import Ignore, Retry, SoftTimeLimitExceeded

from apps.assets import files
from apps.billing import ledger
from apps.generations import signals
from apps.generations.models import Generation, Status
from apps.generations.proof import wrong_outcomes
from apps.generations.services import begin, cancel_generation
from apps.inference import running, steps, tasks, work
from apps.inference.engine.errors import Cancelled
from tests.inference.stepping import Task, planned, rendered, run, scratch, whole_run

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_storage", "fake_engine")]


@pytest.mark.parametrize("step", ["footage-b", "speech", "plan", "render-10", "assemble", "proof"])
@pytest.mark.parametrize(
    ("how", "status", "code"),
    [
        ("engine", Status.REJECTED, "generation_input_video_no_face"),
        ("bug", Status.FAILED, "generation_pipeline_failed"),
    ],
)
def test_a_fault_in_any_step_ends_the_take(take, fake_engine, workspace, step, how, status, code):
    fake_engine.tell(fail_in=step, how=how)
    assert whole_run(take) is None
    take.refresh_from_db()
    assert (take.status, take.error_code) == (status, code)
    assert take.error_message
    assert ledger.balance(workspace) == 0
    assert work.left_behind() == [] or (status == Status.FAILED and step not in ("footage-b", "speech", "plan"))
    assert not scratch()
    assert wrong_outcomes() == []


def test_a_full_disk_is_tried_again_with_patience_and_then_given_up(take, fake_engine):
    fake_engine.tell(fail_in="plan", how="disk")
    begin(take.pk)
    with pytest.raises(Retry):
        planned(take)
    waits = []
    for retries in range(running.MAX_RETRIES):
        task = Task(retries=retries)
        with pytest.raises(Retry):
            run(take, "plan", steps.plan, task)
        waits.append(task.countdown)
        assert Generation.objects.get(pk=take.pk).status == Status.PROCESSING
    assert all(later > sooner for sooner, later in zip(waits, waits[2:], strict=False))
    run(take, "plan", steps.plan, Task(retries=running.MAX_RETRIES))
    take.refresh_from_db()
    assert (take.status, take.error_code) == ("FAILED", "generation_infra_storage_error")


def test_a_disk_that_recovers_lets_the_take_go_on(take, fake_engine):
    fake_engine.tell(fail_in="plan", how="disk", times=1)
    begin(take.pk)
    with pytest.raises(Retry):
        planned(take)
    assert len(run(take, "plan", steps.plan, Task(retries=1))) == 2


def test_a_storage_that_refuses_the_piece_is_a_transient_fault(take, monkeypatch):
    begin(take.pk)
    piece, _ = planned(take)
    monkeypatch.setattr(work, "keep_folder", MagicMock(side_effect=OSError("refused")))
    with pytest.raises(Retry):
        rendered(take, piece)
    assert not scratch()


def test_a_step_that_takes_too_long_fails_the_take(take):
    begin(take.pk)
    run(take, "prepare", MagicMock(side_effect=SoftTimeLimitExceeded))
    take.refresh_from_db()
    assert (take.status, take.error_code) == ("FAILED", "generation_timeout")


def test_a_step_that_kills_its_worker_is_not_tried_for_ever(take):
    begin(take.pk)

    class Killed(BaseException):
        """The process is gone: nothing after it runs."""

    for _ in range(running.MAX_DEATHS):
        with pytest.raises(Killed):
            run(take, "prepare", MagicMock(side_effect=Killed))
    assert run(take, "prepare", steps.prepare) is None
    take.refresh_from_db()
    assert (take.status, take.error_code) == ("FAILED", "generation_pipeline_failed")
    assert "broke its worker" in take.error_message


def test_tries_that_ended_in_words_are_no_deaths_whoever_tries_next(take, fake_engine):
    """A retry that its worker took along, or that came too late, is taken up by a new message without its count."""
    fake_engine.tell(fail_in="plan", how="disk", times=3)
    begin(take.pk)
    with pytest.raises(Retry):
        planned(take)
    for retries in (1, 2):
        with pytest.raises(Retry):
            run(take, "plan", steps.plan, Task(retries=retries))
    assert len(run(take, "plan", steps.plan, Task())) == 2


def test_a_cancelled_take_is_not_worked_on(take, fake_engine, membership):
    begin(take.pk)
    first, second = planned(take)
    rendered(take, first)
    cancel_generation(membership=membership, generation=take)
    fake_engine.tell()
    rendered(take, second)
    assert fake_engine.calls() == []


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

    run(take, "prepare", engine)
    assert seen == ["stopped"]
    assert Generation.objects.get(pk=take.pk).status == Status.CANCELLED


def test_only_one_worker_prepares_a_take(take):
    assert tasks._claimed(Task(), take.pk, 0) == 1
    assert tasks._claimed(Task(), take.pk, 0) is None  # a second message
    assert tasks._claimed(Task(retries=1), take.pk, 0) == 1  # its own retry
    assert tasks._claimed(Task(redelivered=True), take.pk, 0) == 1  # handed out before, to a worker that died
    Generation.objects.filter(pk=take.pk).update(attempts=3)  # taken up again since
    assert tasks._claimed(Task(redelivered=True), take.pk, 0) is None
    assert tasks._claimed(Task(), take.pk, 2) is None
    assert tasks._claimed(Task(), take.pk, 3) == 3


def test_a_message_of_an_older_attempt_is_void(take, fake_engine):
    begin(take.pk)
    piece, _ = planned(take)
    Generation.objects.filter(pk=take.pk).update(attempts=2)
    fake_engine.tell()
    rendered(take, piece)
    assert fake_engine.calls() == []


def test_a_step_somebody_is_at_is_left_to_them(take, fake_engine):
    begin(take.pk)
    with subprocess.Popen(["sleep", "60"]) as other:
        signals.hold_step(take.pk, "prepare", f"{files.this_machine()} {other.pid}")
        with pytest.raises(Ignore):
            run(take, "prepare", steps.prepare)
        other.kill()
    assert len(run(take, "prepare", steps.prepare)) == 3  # whoever was at it is dead
    assert signals.holder(take.pk, "prepare") is None


def test_a_step_that_is_handed_back_did_not_kill_its_worker(take):
    begin(take.pk)
    for _ in range(running.MAX_DEATHS + 1):
        with pytest.raises(SystemExit):
            run(take, "prepare", MagicMock(side_effect=SystemExit))
    assert run(take, "prepare", steps.prepare) is not None
