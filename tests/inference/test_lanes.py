"""Lanes: how many messages of one take are in the queue at once."""

import pytest

from apps.generations import workers
from apps.inference import tasks
from studio import redis_client
from tests.factories import GenerationFactory

pytestmark = pytest.mark.django_db


def frames_of(lane) -> list[int]:
    """First frames of the pieces of a lane, in order."""
    return [step.args[2] for step in getattr(lane, "tasks", [lane])]


@pytest.fixture
def slots():
    """``slots(n)``: workers that render n steps at once."""
    yield lambda count: workers.sign("cpu@test", ["cpu"], count, ["lipsync-2"])
    redis_client.client().delete(workers.KEY)


@pytest.mark.parametrize(("at_once", "pieces", "lanes"), [(4, 10, 4), (4, 3, 3), (1, 10, 2), (1, 1, 1)])
def test_a_take_has_as_many_lanes_as_steps_can_run(slots, at_once, pieces, lanes):
    slots(at_once)
    parts = [tasks.render_chunk.si("id", 1, first * 200, first * 200 + 200) for first in range(pieces)]
    found = tasks._lanes(str(GenerationFactory().pk), parts)
    assert len(found) == lanes
    # Every piece once; the first pieces of all lanes are the first of the film.
    assert sorted(first for lane in found for first in frames_of(lane)) == [first * 200 for first in range(pieces)]
    assert [frames_of(lane)[0] for lane in found] == [lane * 200 for lane in range(lanes)]
