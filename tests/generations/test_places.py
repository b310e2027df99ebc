"""Place and time: from what these workers were measured at, and never made up."""

from unittest.mock import patch

import pytest
from django.utils import timezone
from redis.exceptions import ConnectionError as RedisAway

from apps.generations import places, progress, signals, speed, workers
from apps.generations.models import Generation, Status
from apps.generations.places import place_of, place_of_new
from studio import redis_client
from tests.factories import AssetFactory, GenerationFactory

pytestmark = pytest.mark.django_db
# The factory's video: 640 × 360 at 25 fps, 10 s.
TAKE_MPX = 640 * 360 * 250 / 1e6


@pytest.fixture(autouse=True)
def two_slots():
    workers.sign("cpu@test", ["cpu"], 2, ["lipsync-2"])
    yield
    redis_client.client().delete(workers.KEY)


def finished(busy_s: float, **fields) -> Generation:
    take = GenerationFactory(status=Status.COMPLETED, busy_s=busy_s, **fields)
    take.result = AssetFactory(video=True, workspace=take.workspace)
    take.save()
    return take


def running(**fields) -> Generation:
    return GenerationFactory(status=Status.PROCESSING, **fields)


def test_the_pace_is_the_median_of_what_was_measured():
    assert speed.pace("lipsync-2") is None
    for busy in (10.0, 20.0, 400.0):
        finished(busy)
    finished(5000.0, model="sync-3")
    GenerationFactory(status=Status.FAILED, busy_s=900.0)
    assert speed.pace("lipsync-2") == pytest.approx(20.0 / TAKE_MPX)


def test_takes_that_found_their_pieces_made_do_not_count():
    for busy in (30.0, 1.0, 2.0):
        finished(busy, work_key="same")
    finished(20.0, work_key="another")
    finished(3.0, work_key="a third", report={"pieces": {"count": 4, "kept": 3}})
    assert speed.pace("lipsync-2") == pytest.approx(25.0 / TAKE_MPX)


def test_a_larger_picture_takes_longer_in_proportion():
    finished(20.0)
    large = AssetFactory(video=True, width=1280, height=720)
    assert speed.work_s("lipsync-2", large, 10.0) == pytest.approx(80.0)
    assert speed.work_s("lipsync-2", AssetFactory(kind="image", width=640, height=360), 10.0) == pytest.approx(20.0)
    assert speed.work_s("lipsync-2", AssetFactory(kind="image"), 10.0) is None


def test_what_is_split_is_shared_between_workers():
    assert speed.run_s(100.0, 60.0, 1) == pytest.approx(100.0)
    assert speed.run_s(100.0, 60.0, 2) == pytest.approx(63.0)
    assert speed.run_s(100.0, 4.0, 8) == pytest.approx(100.0)  # too short to be split


def test_nothing_is_said_before_anything_was_measured():
    running(), running()
    place = place_of(GenerationFactory())
    assert (place.ahead, place.starts_in_s, place.ready_in_s) == (0, None, None)
    assert place.in_words == "Next in line, time not known yet"


def test_a_free_worker_starts_at_once_measured_or_not():
    place = place_of(GenerationFactory())
    assert (place.starts_in_s, place.ready_in_s, place.in_words) == (0.0, None, "Starts now")


def test_the_wait_is_the_work_before_it_over_all_workers():
    finished(20.0)
    first, _ = running(), running()
    signals.raise_percent(first.pk, 50)
    ahead, take = GenerationFactory(), GenerationFactory()
    place = place_of(take)
    assert place.ahead == 1
    assert place.starts_in_s == pytest.approx((10 + 20 + 20) / 2)
    assert place.ready_in_s == pytest.approx(25 + 20)
    assert place.in_words == "1 take comes first, starts in about 25 s"
    assert place_of(ahead).ahead == 0


def test_a_take_that_was_sent_is_next():
    finished(20.0)
    GenerationFactory.create_batch(3)
    running(), running()
    place = place_of(GenerationFactory(sent_at=timezone.now()))
    assert (place.ahead, place.starts_in_s) == (0, pytest.approx(20.0))


def test_takes_for_other_workers_do_not_count():
    finished(20.0)
    workers.sign("gpu@test", ["gpu"], 1, ["sync-3"])
    for _ in range(3):
        running(model="sync-3")
        GenerationFactory(model="sync-3")
    place = place_of(GenerationFactory())
    assert (place.ahead, place.starts_in_s) == (0, 0.0)


def test_without_a_worker_it_says_so(workspace):
    finished(20.0)
    redis_client.client().delete(workers.KEY)
    place = place_of(GenerationFactory())
    assert (place.served, place.ready_in_s) == (False, None)
    assert place.in_words == "No worker for this model is running. It starts when one is."
    with patch.object(workers, "present", side_effect=RedisAway("no Redis")):
        assert not place_of_new(workspace, "lipsync-2", AssetFactory(video=True), 5.0).served


def test_a_new_take_is_placed_by_what_its_workspace_had(workspace):
    GenerationFactory.create_batch(3, workspace=GenerationFactory().workspace)
    assert place_of_new(workspace, "lipsync-2", AssetFactory(video=True), 5.0).ahead == 1


def test_progress_tells_the_place_while_a_take_waits():
    finished(20.0)
    view = progress.read(GenerationFactory())
    assert view.place is not None
    assert (view.place.ahead, view.seconds_left) == (0, pytest.approx(20.0))


@pytest.mark.parametrize(
    ("seconds", "words"), [(2, "5 s"), (44, "45 s"), (100, "2 min"), (3000, "50 min"), (9000, "2.5 h")]
)
def test_spans_in_words(seconds, words):
    assert places.about(seconds) == words
