"""The track that pages follow with a close-up."""

from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest

from apps.inference.engine.face.landmarks import WARP_POINTS
from apps.inference.engine.mouth_track import MOST, RATE, mouth_track
from apps.inference.engine.plan import DRIVEN, NO_FACE
from apps.inference.engine.render.mesh import ALL_LIPS


def plan_of(seconds, fps=25):
    """A plan whose mouth wanders from x = 100 to the right by a pixel each frame, in 400 × 200 pixels."""
    count = round(seconds * fps)
    own = np.zeros((count, len(WARP_POINTS), 2), np.float32)
    own[:, ALL_LIPS] = np.stack([100 + np.arange(count), np.full(count, 150)], 1)[:, None]
    plan = SimpleNamespace(
        own=own, eyes=np.full(count, 40.0), source=np.arange(count), times=np.arange(count) / fps,
        duration_s=float(seconds), size=(400, 200), fps=Fraction(fps), passed=np.full(count, DRIVEN),
        foremost=np.zeros(count, int),
    )  # fmt: skip
    plan.layers = [plan]
    return plan


def test_the_middle_of_the_lips_is_followed():
    track = mouth_track(plan_of(2))
    assert track["rate"] == RATE
    assert len(track["at"]) == 10
    assert track["at"][0] == [pytest.approx(0.25), pytest.approx(0.75), pytest.approx(0.1)]
    assert track["at"][5] == [pytest.approx(0.25 + 25 / 400), pytest.approx(0.75), pytest.approx(0.1)]


def test_frames_without_a_face_have_no_place():
    plan = plan_of(1)
    plan.own[5:10] = np.nan
    assert [place is None for place in mouth_track(plan)["at"]] == [False, True, False, False, False]


def test_frames_that_the_plan_only_bridges_have_no_place():
    plan = plan_of(1)
    plan.passed[5:10] = NO_FACE
    assert [place is None for place in mouth_track(plan)["at"]] == [False, True, False, False, False]


def test_of_two_faces_the_one_that_is_driven_is_followed():
    plan, other = plan_of(1), plan_of(1)
    plan.foremost[10:] = 1
    other.own[..., 0] += 200
    plan.layers = [plan, other]
    assert [place[0] > 0.5 for place in mouth_track(plan)["at"]] == [False, False, True, True, True]


def test_a_long_film_has_few_places():
    track = mouth_track(plan_of(1000, fps=2))
    assert len(track["at"]) <= MOST + 1
    assert track["rate"] == pytest.approx(2)
