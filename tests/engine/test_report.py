"""What the report measures."""

from types import SimpleNamespace

import numpy as np
import pytest

from apps.inference.engine.report import agreement, planned_opening

TIMES = np.arange(100) / 25
OPENING = 0.05 + 0.04 * np.sin(2 * np.pi * 2.1 * TIMES) + 0.02 * np.sin(2 * np.pi * 0.7 * TIMES)
ALL = np.ones(100, bool)


@pytest.mark.parametrize("late_ms", [-80, 0, 40, 120])
def test_a_shift_between_plan_and_picture_is_found(late_ms):
    seen = np.interp(TIMES - late_ms / 1000, TIMES, OPENING)
    value, offset = agreement(TIMES, OPENING, seen, ALL)
    assert offset == pytest.approx(late_ms, abs=15)
    assert (value > 0.98) == (late_ms == 0)


def test_stillness_has_no_agreement():
    assert agreement(TIMES, np.full(100, 0.02), OPENING, ALL) == (None, None)
    assert agreement(TIMES, OPENING, OPENING, TIMES < 0.2) == (None, None)


def test_the_wrong_mouth_does_not_agree():
    other = np.roll(OPENING, 37)[::-1]
    assert agreement(TIMES, OPENING, other, ALL)[0] < 0.5


def test_where_the_mouth_goes_over_to_its_own_movement_it_is_asked_for_both():
    plan = SimpleNamespace(
        params=np.full((5, 6), 0.1), own_params=np.full((3, 6), 0.02), source=np.array([0, 2, 2, 2, 1]),
        strength=np.array([1, 0.75, 0.25, 0, 0]), driven=np.array([True, True, True, True, False]),
    )  # fmt: skip
    plan.layers, plan.foremost = [plan], np.zeros(5, int)
    plan.own_params[1] = np.nan  # not seen there
    plan.own_params[0] = 0.04
    assert planned_opening(plan) == pytest.approx([0.1, 0.08, 0.04, 0.02, 0.1])
