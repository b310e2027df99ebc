"""Progress: it never goes back, it tells no fairy tales, and it works without its cache."""

import time
from datetime import timedelta
from unittest.mock import MagicMock, patch

import pytest
from django.core.cache import cache
from django.utils import timezone
from redis.exceptions import ConnectionError as RedisAway

from apps.generations import progress, signals
from apps.generations.models import Generation
from apps.generations.services import begin, complete, end_without_result, note_stage
from apps.generations.states import Status
from studio.errors import StudioError
from tests.factories import GenerationFactory

pytestmark = pytest.mark.django_db
AWAY = ("get.side_effect", "get_many.side_effect", "set.side_effect")


@pytest.fixture
def take():
    take = GenerationFactory()
    begin(take.pk)
    take.refresh_from_db()
    return take


def at(take: Generation, stage: str, done: int = 0, total: int = 1) -> progress.ProgressView:
    note_stage(take.pk, stage)
    signals.set_mark(take.pk, stage, done, total)
    take.refresh_from_db()
    return progress.read(take)


def states(view: progress.ProgressView) -> list[str]:
    return [step.state for step in view.steps]


def test_the_shares_add_up():
    assert sum(progress.SHARES.values()) == 100


def test_a_queued_take():
    view = progress.read(GenerationFactory())
    assert (view.percent, view.stage_label, view.seconds_left) == (0, "Queued", None)
    assert states(view) == ["now"] + ["waiting"] * 6


def test_a_stage_counts_by_its_share(take):
    signals.set_parts(take.pk, {"first": 1.0, "second": 1.0})
    signals.set_part(take.pk, "first", 1.0)
    assert at(take, "read").percent == 15
    assert at(take, "speech").percent == 30
    assert at(take, "plan", 1, 2).percent == 37
    assert at(take, "proof", 1, 2).percent == 94


def test_rendering_counts_the_frames_of_all_pieces(take):
    signals.set_pieces(take.pk, [0, 100], 200)
    signals.set_piece(take.pk, 0, 100)
    signals.set_piece(take.pk, 100, 50)
    view = at(take, "lipsync")
    assert (view.frames_done, view.frames_total, view.percent) == (150, 200, 73)


def test_speed_and_time_left_come_from_the_frames(take):
    with patch.object(time, "time", return_value=1000.0):
        signals.set_pieces(take.pk, [0], 200)
        signals.set_piece(take.pk, 0, 150)
    note_stage(take.pk, "lipsync")
    take.refresh_from_db()
    with patch.object(time, "time", return_value=1030.0):
        view = progress.read(take)
    assert view.fps == pytest.approx(5.0)
    assert view.seconds_left == pytest.approx(10 + 40 * 16 / 44)  # 50 frames, then the last stages


@pytest.mark.parametrize(("silent_s", "known"), [(10, True), (20, False)])
def test_what_is_left_is_not_told_while_no_worker_signs(take, silent_s, known):
    with patch.object(time, "time", return_value=1000.0):
        signals.set_pieces(take.pk, [0], 200)
        signals.set_piece(take.pk, 0, 150)
    with patch.object(time, "time", return_value=1030.0):
        signals.sign_of_life(take.pk)
    note_stage(take.pk, "lipsync")
    take.refresh_from_db()
    with patch.object(time, "time", return_value=1030.0 + silent_s):
        assert (progress.read(take).seconds_left is not None) is known


def test_it_never_goes_back(take):
    assert at(take, "plan", 1, 1).percent == 40
    signals.set_mark(take.pk, "read", 0, 10)  # a step that runs again
    assert progress.read(take).percent == 40
    assert not note_stage(take.pk, "read")


def test_steps_tell_how_long_each_took(take):
    at(take, "read")
    for back, event in zip((30, 20, 8), take.events.order_by("pk"), strict=False):
        event.at = timezone.now() - timedelta(seconds=back)
        event.save()
    Generation.objects.filter(pk=take.pk).update(created_at=timezone.now() - timedelta(seconds=40))
    at(take, "speech")
    view = progress.read(take)
    assert states(view) == ["done", "done", "now"] + ["waiting"] * 4
    assert view.steps[0].seconds == pytest.approx(20, abs=1)
    assert view.steps[1].seconds == pytest.approx(20, abs=1)


def test_a_finished_take_needs_no_cache(take):
    at(take, "proof")
    complete(generation_id=take.pk, result=None, lipsynced_s=1, report={"frames": 214})
    cache.clear()
    take.refresh_from_db()
    view = progress.read(take)
    assert (view.percent, view.frames_done, view.frames_total, view.seconds_left) == (100, 214, 214, None)
    assert states(view) == ["done"] * 7


def test_a_failed_take_shows_where(take):
    at(take, "plan")
    end_without_result(take.pk, Status.FAILED, StudioError("x", "y"))
    take.refresh_from_db()
    view = progress.read(take)
    assert states(view) == ["done", "done", "done", "failed", "waiting", "waiting", "waiting"]
    assert (view.stage_label, view.seconds_left) == ("Failed", None)


def test_a_cache_that_is_away_is_no_fault_of_the_take(take, caplog):
    at(take, "speech", 1, 1)
    with (
        patch.object(cache, "get", side_effect=RedisAway),
        patch.object(cache, "set", side_effect=RedisAway),
        patch.object(cache, "get_many", side_effect=RedisAway),
    ):
        signals.set_mark(take.pk, "speech", 1, 1)
        signals.sign_of_life(take.pk)
        assert not signals.asked_to_stop(take.pk)
        view = progress.read(take)
    assert (view.stage, states(view)[2]) == ("speech", "now")
    assert "the cache is away" in caplog.text


@pytest.mark.parametrize(("stage", "percent"), [("lipsync", 40), ("assemble", 84), ("proof", 88)])
def test_without_a_cache_the_stage_alone_tells_how_far_it_is(take, stage, percent):
    at(take, stage)
    with patch("apps.generations.signals.cache", MagicMock(**dict.fromkeys(AWAY, RedisAway))):
        assert progress.read(take).percent == percent


def test_progress_costs_the_same_for_each_look(take, django_assert_max_num_queries):
    at(take, "read", 1, 2)
    with django_assert_max_num_queries(2):
        progress.read(take)
