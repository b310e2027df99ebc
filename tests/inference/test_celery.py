"""The whole way through real Celery on a real Redis: finished, cancelled, failed, and with a worker killed."""

import time
from collections.abc import Callable

import pytest
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from apps.assets import files
from apps.assets.models import Asset, Origin
from apps.generations import progress
from apps.generations.models import Generation, Status
from apps.generations.proof import wrong_outcomes
from apps.generations.queue import hand_to_workers
from apps.generations.services import cancel_generation
from apps.inference import sweeping, work

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("worker", "fake_engine")]
PATIENCE_S = 60


@pytest.fixture(autouse=True)
def nothing_kept():
    """The rows of earlier tests are gone, and so shall be what was planned and drawn for them."""
    for folder in (work.TAKES, work.PIECES):
        files.remove_tree(folder)


def until(condition: Callable[[], object], what: str) -> None:
    """Return as soon as the condition holds; the worker's log tells why it does not."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        log = (settings.DATA_DIR / "worker.log").read_text()[-3000:]
        assert time.monotonic() < deadline, f"not within {PATIENCE_S} s: {what}\n{log}"
        time.sleep(0.05)


def started(take: Generation) -> Generation:
    with transaction.atomic():
        hand_to_workers(take.pk)
    return take


def ended(take: Generation) -> Generation:
    until(lambda: Generation.objects.get(pk=take.pk).is_final, "the take ends")
    take.refresh_from_db()
    return take


def test_a_take_is_prepared_rendered_and_assembled(make_take, fake_engine, workspace):
    fake_engine.tell(wait_s=0.5)
    take = started(make_take())
    percents, fresh = [], Generation.objects.get(pk=take.pk)
    while not fresh.is_final:
        percents.append(progress.read(fresh).percent)
        time.sleep(0.05)
        fresh = Generation.objects.get(pk=take.pk)
    assert (fresh.status, fresh.error_message, fresh.charged_micros) == ("COMPLETED", "", 40_000)
    assert percents == sorted(percents)
    assert len(set(percents)) > 3
    assert sorted(fake_engine.calls())[-5:] == ["proof", "render-0", "render-10", "sound", "speech"]
    view = progress.read(fresh)
    assert (view.percent, [step.state for step in view.steps]) == (100, ["done"] * 7)
    until(lambda: work.left_behind() == [], "the work folder goes")
    assert wrong_outcomes() == []


def test_a_cancel_stops_the_workers_within_two_seconds(make_take, fake_engine, membership):
    """Told by frames: both pieces together are drawn at 5 frames a second, so 2 s and a frame each are 12 of the 27."""
    fake_engine.tell(wait_s=5)
    take = started(make_take())
    until(lambda: fake_engine.frames_drawn() > 2, "rendering begins")
    cancel_generation(membership=membership, generation=take)
    fake_engine.tell()
    other = ended(started(make_take(options={"temperature": 0.9})))  # needs the workers that the cancelled take held
    assert other.status == Status.COMPLETED
    assert fake_engine.frames_drawn() - 27 <= 12
    take.refresh_from_db()
    assert (take.status, take.result) == ("CANCELLED", None)
    assert wrong_outcomes() == []


def test_a_refusal_reaches_the_row_in_words(make_take, fake_engine):
    fake_engine.tell(fail_in="render-10", how="engine")
    take = ended(started(make_take()))
    assert (take.status, take.error_message) == ("REJECTED", "There is no face in this video.")
    assert wrong_outcomes() == []


def test_a_worker_process_that_is_killed_loses_nothing(make_take, fake_engine):
    fake_engine.tell(fail_in="render-10", how="kill", times=1)
    take = ended(started(make_take()))
    assert take.status == Status.COMPLETED
    assert fake_engine.calls().count("render-10") == 2
    assert fake_engine.calls().count("plan") == 1
    assert Asset.objects.filter(origin=Origin.RESULT).count() == 1
    assert wrong_outcomes() == []


def test_a_message_that_came_twice_is_worked_on_once(make_take, fake_engine):
    fake_engine.tell(wait_s=0.5)
    take = make_take()
    started(take)
    started(take)
    assert ended(take).status == Status.COMPLETED
    assert fake_engine.calls().count("render-0") == 1


def test_the_sweeper_sends_a_lost_message_again(make_take, fake_engine, monkeypatch):
    take = make_take(sent_at=timezone.now())
    monkeypatch.setattr(sweeping, "LOST_IN_QUEUE_S", -1)
    assert sweeping.send_queued_again() == 1
    assert ended(take).status == Status.COMPLETED
    assert sweeping.send_queued_again() == 0
