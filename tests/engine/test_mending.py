"""`reasoning` finds faults that were planted in drawn mouths, and draws these stretches another way."""

from dataclasses import replace
from fractions import Fraction

import cv2
import numpy as np
import pytest

from apps.inference.engine.artefacts import DOUBLE_TEETH, DRIFT, FLICKER, POP, SEAM, Usual
from apps.inference.engine.face.from_the_front import mean_face
from apps.inference.engine.face.landmarks import WARP_POINTS
from apps.inference.engine.mending import BLOCK, Mender, is_mixed, lips_wanted, whole_blocks
from apps.inference.engine.plan import DRIVEN, MotionPlan
from apps.inference.engine.render.mesh import INNER, LOWER_LINE, OUTER, UPPER_LINE
from apps.inference.engine.settings import EngineSettings

EYES, COUNT, FRAMES, SIDE = 100.0, 50, 90, 320
USUAL = Usual(6.0, 3.0)


def lips():
    points = mean_face()[WARP_POINTS, :2] * EYES + [160.0, 110.0]
    points[LOWER_LINE[1:-1], 1] += 12
    return points.astype(np.float32)


def made_plan(**changed):
    """Exemplar k + 5 in frame k; everything else as quiet as can be."""
    plan = MotionPlan(
        settings=EngineSettings(model="lipsync-2-pro", reasoning=True), fps=Fraction(25), size=(SIDE, SIDE),
        duration_s=COUNT / 25, interior="whole", source=np.arange(COUNT), times=np.arange(COUNT) / 25,
        passed=np.full(COUNT, DRIVEN, np.uint8), strength=np.ones(COUNT, np.float32),
        own=np.stack([lips()] * FRAMES), eyes=np.full(FRAMES, EYES, np.float32), target=np.stack([lips()] * COUNT),
        exemplar=np.arange(COUNT) + 5, other=np.full(COUNT, -1, np.int64), weight=np.ones(COUNT, np.float32),
        inside=np.ones(COUNT, np.float32),
        joins=np.empty(0, np.int64), params=np.zeros((COUNT, 6), np.float32),
        own_params=np.zeros((FRAMES, 6), np.float32), triangles=np.zeros((0, 3), np.int64),
        opens=np.zeros((len(WARP_POINTS), 2), np.float32),
    )  # fmt: skip
    return replace(plan, **changed)


class World:
    """Mouths by number, as pictures: what ``strange`` says of some of them, they show."""

    def __init__(self, strange=None):
        self.strange = strange or {}
        ground = np.add.outer(np.linspace(120, 150, SIDE), np.linspace(0, 20, SIDE))
        self.ground = np.concatenate([ground, np.full((SIDE // 2, SIDE), 128)])
        self.inside, self.around = np.zeros((SIDE, SIDE), np.uint8), np.zeros((SIDE, SIDE), np.uint8)
        cv2.fillPoly(self.inside, [lips()[INNER].astype(np.int32)], 1)
        cv2.fillPoly(self.around, [cv2.convexHull(lips()[OUTER]).astype(np.int32)], 1)
        self.around = cv2.dilate(self.around, np.ones((27, 27), np.uint8))
        self.teeth = int(lips()[UPPER_LINE[5], 1]) + 4

    def mouth(self, number):
        """Luma of the picture with this mouth in it."""
        luma = self.ground[:SIDE].copy()
        luma[self.inside > 0] = 40
        row = self.teeth + (9 if self.strange.get(number) == "lower teeth" else 0)
        band = np.zeros_like(self.inside)
        band[row : row + 3] = 1
        luma[(self.inside & band) > 0] = 200
        if self.strange.get(number) == "bright":
            luma[self.inside > 0] += 50
        if self.strange.get(number) == "pasted":
            luma[self.around > 0] += 45
        return luma

    def draw(self, plan, start, stop):
        for index in range(start, stop):
            picture = self.ground.copy()
            if plan.driven[index]:
                picture[:SIDE] = self.mouth(int(plan.exemplar[index]))
                if plan.other[index] >= 0:
                    share = plan.weight[index]
                    picture[:SIDE] = share * picture[:SIDE] + (1 - share) * self.mouth(int(plan.other[index]))
            yield index, np.round(picture).astype(np.uint8)

    def mender(self, plan, off=0.0):
        """``off``: how far from their place the lips of strange mouths are seen, in eye distances."""

        bright = self.mouth(0)[self.inside > 0].mean() + 25

        def seen(index, picture):
            strange = picture[:SIDE].astype(int)[self.inside > 0].mean() > bright
            return lips_wanted(plan, index) + np.array([off * EYES * strange, 0])

        return Mender(self.draw, np.ones(FRAMES, bool), USUAL, seen)


def mended(strange, off=0.0, **changed):
    plan, world = made_plan(**changed), World(strange)
    return plan, *world.mender(plan, off).mend(plan, 0, COUNT)


def test_nothing_is_found_in_a_quiet_film_and_nothing_changes():
    plan, after, found = mended({})
    assert found == []
    np.testing.assert_array_equal(after.exemplar, plan.exemplar)


def test_two_sets_of_teeth_at_once_are_switched_hard():
    """Four frames fade from mouths with upper teeth to mouths with lower ones."""
    other, weight = np.full(COUNT, -1, np.int64), np.ones(COUNT, np.float32)
    other[10:14], weight[10:14] = 70, [0.8, 0.55, 0.45, 0.2]
    exemplar = np.arange(COUNT) + 5
    exemplar[14:] = 71 + np.arange(COUNT - 14) % 5
    usual = dict.fromkeys(range(70, 76), "lower teeth")
    plan, after, found = mended(usual, other=other, weight=weight, exemplar=exemplar)
    assert is_mixed(plan).sum() == 4
    teeth = [one for one in found if DOUBLE_TEETH in one.found]
    assert len(teeth) == 1
    assert teeth[0].first <= 11 < 12 < teeth[0].last
    assert teeth[0].done == "hard_switch"
    assert not is_mixed(after)[11:13].any()
    assert after.exemplar[11] == plan.exemplar[11]
    assert after.exemplar[12] == 70


def test_where_a_loop_glides_over_no_mouth_is_looked_at():
    """A join amid such frames ended the whole take."""
    other, weight, glide = np.full(COUNT, -1, np.int64), np.ones(COUNT, np.float32), np.full(COUNT, -1, np.int64)
    other[10:14], weight[10:14], glide[9:15] = 70, [0.8, 0.55, 0.45, 0.2], 60
    usual = dict.fromkeys(range(70, 76), "lower teeth")
    plan, after, found = mended(usual, other=other, weight=weight, glide=glide, glide_share=np.full(COUNT, 0.5))
    assert found == []
    np.testing.assert_array_equal(after.other, plan.other)


def test_a_mouth_that_pops_is_replaced_by_another():
    plan, after, found = mended({25 + 5: "bright"})
    assert [(one.found, one.done) for one in found] == [([POP], "other_exemplars")]
    assert found[0].first == 25  # blocks are mended each by itself
    assert 30 not in after.exemplar
    np.testing.assert_array_equal(after.exemplar[: found[0].first], plan.exemplar[: found[0].first])
    np.testing.assert_array_equal(after.exemplar[found[0].last :], plan.exemplar[found[0].last :])
    facts = found[0].facts(plan)
    assert (facts["start_s"], facts["found"], facts["done"]) == (1.0, ["pop"], "other_exemplars")


def test_a_mouth_with_a_visible_border_is_replaced_by_another():
    _, after, found = mended(dict.fromkeys(range(12, 18), "pasted"))
    assert len(found) == 1
    assert SEAM in found[0].found
    assert FLICKER not in found[0].found or found[0].done
    assert not set(after.exemplar) & set(range(12, 18))


def test_lips_that_drift_from_their_place_are_replaced():
    _, after, found = mended(dict.fromkeys(range(10, 20), "bright"), off=0.08)
    assert any(DRIFT in one.found for one in found)
    drifting = next(one for one in found if DRIFT in one.found)
    assert drifting.done == "other_exemplars"
    assert not set(after.exemplar[drifting.first : drifting.last]) & set(range(10, 20))


def test_what_no_other_way_improves_is_kept_and_told():
    plan, after, found = mended(dict.fromkeys(range(FRAMES), "pasted"))
    assert {one.done for one in found} == {""}
    assert found[0].facts(plan)["done"] is None
    np.testing.assert_array_equal(after.exemplar, plan.exemplar)


@pytest.mark.parametrize(("first", "last"), [(0, 30), (30, 41), (41, COUNT)])
def test_pieces_are_mended_as_the_whole(first, last):
    strange = {12: "bright", 40: "pasted", 41: "pasted", 48: "bright"}
    _, whole, _ = mended(strange)
    plan, world = made_plan(), World(strange)
    begin, end = whole_blocks(first, last, COUNT)
    assert begin % BLOCK == 0
    piece, _ = world.mender(plan).mend(plan, begin, end)
    np.testing.assert_array_equal(piece.exemplar[first:last], whole.exemplar[first:last])
