"""`reasoning`: what comes out less open than wanted is drawn again, what would not gain by it is left."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from apps.inference.engine import second_look
from apps.inference.engine.face.landmarks import WARP_POINTS
from apps.inference.engine.first_look import PAIRS, opening
from apps.inference.engine.plan import DRIVEN, OUTSIDE_RANGE, MotionPlan
from apps.inference.engine.render.mesh import POINT_COUNT
from apps.inference.engine.second_look import look_again
from apps.inference.engine.settings import EngineSettings

EYES, COUNT = 100.0, 60


def mouth(aperture):
    """(Q, 2) points of an upright face whose lower lip points lie ``aperture`` eye distances under the upper ones."""
    rng = np.random.default_rng(5)
    points = rng.uniform(0, 300, (POINT_COUNT + 4, 2))
    points[PAIRS[:, 0]] = points[PAIRS[:, 1]] = [[100, 200], [110, 200], [90, 200]]
    points[PAIRS[:, 1], 1] += aperture * EYES
    points[WARP_POINTS.index(33)], points[WARP_POINTS.index(263)] = [50, 100], [150, 100]
    return points.astype(np.float32)


def made_plan():
    wanted = 0.06 + 0.05 * np.sin(np.arange(COUNT) / 4)
    none = np.full(COUNT, -1, np.int64)
    opens = np.zeros((POINT_COUNT, 2), np.float32)
    opens[PAIRS[:, 1], 1], opens[PAIRS[:, 0], 1] = 0.85, -0.15
    return MotionPlan(
        settings=EngineSettings(model="lipsync-2-pro", reasoning=True), fps=Fraction(25), size=(320, 320),
        duration_s=COUNT / 25, interior="whole", source=np.arange(COUNT), times=np.arange(COUNT) / 25,
        passed=np.full(COUNT, DRIVEN, np.uint8), strength=np.ones(COUNT, np.float32),
        own=np.stack([mouth(0.02)] * COUNT), eyes=np.full(COUNT, EYES, np.float32),
        target=np.stack([mouth(value) for value in wanted]), exemplar=none, other=none,
        weight=np.ones(COUNT, np.float32), inside=np.ones(COUNT, np.float32), joins=none[:0],
        params=np.zeros((COUNT, 6), np.float32),
        own_params=np.zeros((COUNT, 6), np.float32), triangles=np.zeros((0, 3), np.int64),
        opens=opens,
    )  # fmt: skip


class Eye:
    """Sees the drawn points, but the opening only to some share."""

    def __init__(self, share, jitter=0.0):
        self.share, self.jitter, self.drawn = share, jitter, []

    def again(self, picture, region, known):
        index, target = picture
        seen = np.zeros((468, 3), np.float32)
        seen[WARP_POINTS, :2] = target[:POINT_COUNT]
        for upper, lower in second_look.APERTURE_PAIRS:
            gap = seen[lower, 1] - seen[upper, 1]
            jitter = self.jitter * EYES * (-1) ** index
            seen[lower, 1] = seen[upper, 1] + max(0.0, self.share(index) * gap + jitter)
        return seen


def draw(plan, start, stop):
    for index in range(start, stop):
        yield index, (index, plan.target[index])


@pytest.fixture(autouse=True)
def points_for_pictures(monkeypatch):
    monkeypatch.setattr(second_look, "Picture", lambda points: points)
    monkeypatch.setattr(second_look, "region_around", lambda landmarks: None)


LANDMARKS = np.zeros((COUNT, 468, 3))


def off(plan, moved, share):
    """Root mean square of what is missing of the opening the first plan wanted, in eye distances."""
    eyes = plan.eyes[plan.source]
    return float(np.sqrt(np.mean((opening(plan.target, eyes) - share * opening(moved.target, eyes)) ** 2)))


def test_a_mouth_seen_less_open_than_wanted_is_opened_further():
    plan = made_plan()
    moved = look_again(draw, plan, LANDMARKS, 0, COUNT, Eye(lambda index: 0.7))
    assert off(plan, moved, 0.7) < 0.5 * off(plan, plan, 0.7)
    np.testing.assert_allclose(moved.target[:, POINT_COUNT:], plan.target[:, POINT_COUNT:])


def test_what_comes_out_as_wanted_stays_as_it_is():
    plan = made_plan()
    moved = look_again(draw, plan, LANDMARKS, 0, COUNT, Eye(lambda index: 1.0, jitter=0.004))
    np.testing.assert_array_equal(moved.target, plan.target)


def test_a_second_drawing_that_is_no_better_is_not_kept():
    """Nothing that is drawn changes what is seen: as with lips behind a hand."""
    plan = made_plan()
    eye = Eye(lambda index: 0.5)
    first = eye.again
    eye.again = lambda picture, *where: first((picture[0], plan.target[picture[0]]), *where)
    moved = look_again(draw, plan, LANDMARKS, 0, COUNT, eye)
    np.testing.assert_array_equal(moved.target, plan.target)


def test_pieces_are_moved_as_the_whole():
    plan = made_plan()
    eye = Eye(lambda index: 0.6 + 0.3 * (index % 7) / 7)
    whole = look_again(draw, plan, LANDMARKS, 0, COUNT, eye)
    for first, last in ((0, 17), (17, 40), (40, COUNT)):
        piece = look_again(draw, plan, LANDMARKS, first, last, eye)
        np.testing.assert_allclose(piece.target[first:last], whole.target[first:last])


def test_frames_left_alone_are_not_touched():
    plan = made_plan()
    passed = plan.passed.copy()
    passed[20:30] = OUTSIDE_RANGE
    moved = look_again(draw, replace(plan, passed=passed), LANDMARKS, 0, COUNT, Eye(lambda index: 0.7))
    np.testing.assert_array_equal(moved.target[20:30], plan.target[20:30])
    assert not np.array_equal(moved.target[35], plan.target[35])


def test_only_pro_looks_again_and_its_pieces_have_names_of_their_own():
    plan = made_plan()
    assert not EngineSettings(model="sync-3", reasoning=True).looks_again
    assert plan.fingerprint(0, 10) != replace(plan, settings=EngineSettings(model="lipsync-2-pro")).fingerprint(0, 10)
