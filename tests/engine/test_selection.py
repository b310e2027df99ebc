"""Which moments lend their mouths: the picture moves on as footage does, whichever way the mouth goes."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from apps.inference.engine.motion.joins import LONGEST_STEP, find_joins
from apps.inference.engine.motion.selection import (
    AROUND,
    GAP,
    GAP_OF_SMALL,
    ExemplarPool,
    Wanted,
    bearable_gap,
    select_exemplars,
)
from apps.inference.engine.motion.softening import soften
from apps.inference.engine.planning import blurredness


@dataclass
class Shades:
    """Mouth pictures of which only one number matters."""

    shade: np.ndarray

    def knows(self, frames):
        return np.ones(np.shape(frames), bool)

    def among(self, frames):
        return np.abs(self.shade[frames][:, None] - self.shade[frames][None])

    def natural_step(self, frames):
        return 0.01


def pool(opening, shade=None):
    count = len(opening)
    params = np.zeros((count, 6))
    params[:, 0] = opening
    shade = opening if shade is None else shade
    return ExemplarPool(
        np.arange(count), opening[:, None] * 10, params, np.zeros((count, 4)), np.zeros(count, int), np.zeros(count),
        Shades(shade),
    )  # fmt: skip


def wanted(opening):
    params = np.zeros((len(opening), 6))
    params[:, 0] = opening
    return Wanted(opening[:, None] * 10, params, np.zeros((len(opening), 4)))


OPENS = np.linspace(0.0, 0.15, 20)


def test_a_mouth_that_only_opened_is_played_backward_to_close():
    exemplars = pool(OPENS)
    chosen = select_exemplars(wanted(np.concatenate([OPENS, OPENS[::-1]])), exemplars)
    assert np.abs(exemplars.params[chosen, 0] - np.concatenate([OPENS, OPENS[::-1]])).max() < 0.02
    assert len(find_joins(chosen, np.ones(20, bool), exemplars.shot).starts) == 0
    assert (np.diff(chosen)[22:36] < 0).mean() > 0.8


def test_a_held_vowel_does_not_freeze():
    """The footage stays open for a second and breathes a little; the sound asks for one and the same opening."""
    opening = np.concatenate([OPENS, np.full(25, 0.15) + 0.004 * np.sin(np.arange(25)), OPENS[::-1]])
    rng = np.random.default_rng(1)
    chosen = select_exemplars(wanted(np.full(40, 0.15)), pool(opening, opening + 0.001 * rng.random(len(opening))))
    held = np.diff(chosen) == 0
    assert held.mean() < 0.25


def test_nothing_trembles_between_two_frames_of_a_quick_movement():
    """The only mouths of the wanted opening lie within a jump of the footage: better held than shaken."""
    opening = np.concatenate([np.zeros(15), [0.05, 0.11], np.full(15, 0.16)])
    chosen = select_exemplars(wanted(np.full(12, 0.08)), pool(opening, opening * 0.46))
    steps = np.sign(np.diff(chosen))
    steps = steps[steps != 0]
    assert (steps[1:] != steps[:-1]).sum() <= 2


def test_no_teeth_flash_up_for_one_frame():
    """Of the half open mouths one is somewhat wider and shows other teeth; the sound asks for a little more, once."""
    half_open = 0.09 + 0.002 * np.sin(np.arange(14))
    opening = np.concatenate([OPENS[:12], half_open, [0.15], half_open, OPENS[:12][::-1]])
    shade = opening * 0.3 + 0.2 * (opening == 0.15)
    asked = np.concatenate([np.full(8, 0.09), [0.115, 0.14, 0.115], np.full(8, 0.09)])
    chosen = select_exemplars(wanted(asked), pool(opening, shade))
    assert not (opening[chosen] == 0.15).any()


def test_teeth_may_come_into_sight_where_the_lips_part_quickly():
    """The same change of picture is the footage's own way to open: it is followed, not avoided."""
    opening = np.tile(np.concatenate([np.zeros(8), [0.06, 0.12], np.full(8, 0.15), [0.12, 0.06]]), 3)
    exemplars = pool(opening, opening * 0.5)
    chosen = select_exemplars(wanted(opening[:40]), exemplars)
    assert np.abs(opening[chosen] - opening[:40]).max() < 0.01


def test_a_mouth_that_opens_little_is_lent_mouths_as_open_as_wanted():
    """Those that smile as wanted open by half as much only, and none of them is far off in eye distances."""
    asked = np.concatenate([np.linspace(0.02, 0.07, 10), np.linspace(0.07, 0.02, 10)])
    opening = np.concatenate([asked[:10], np.linspace(0.035, 0.055, 10)])
    exemplars = replace(pool(opening, 0 * opening), code=np.repeat([[0.0], [1.0]], 10, axis=0))
    chosen = select_exemplars(replace(wanted(asked), code=np.ones((20, 1))), exemplars)
    assert np.polyfit(asked, opening[chosen], 1)[0] > 0.85


def test_how_far_an_opening_may_be_off_grows_with_the_range_of_the_mouth():
    gaps = [bearable_gap(np.linspace(0.02, 0.02 + opens, 50)) for opens in (0.04, 0.07, 0.08, 0.1, 0.13, 0.3)]
    assert gaps[:2] == [GAP_OF_SMALL] * 2
    assert gaps[-2:] == [GAP] * 2
    assert np.all(np.diff(gaps[1:5]) > 0)


def test_only_a_mouth_duller_than_others_as_open_counts_as_blurred():
    """Open mouths show more edges than shut ones: a shut one is not dull for that."""
    opening = np.repeat([0.0, 0.1], 40)
    sharpness = np.repeat([100.0, 400.0], 40)
    sharpness[[10, 60]] = [50, 200]
    dull = blurredness(sharpness, opening, np.delete(np.arange(80), 5))
    assert dull[[10, 60]] == pytest.approx([0.5, 0.5])
    assert np.delete(dull, [10, *range(26, 54), 60]).max() < 0.01, "where both kinds meet they are compared"
    assert dull[5] == 0


@pytest.mark.parametrize("way", [1, -1])
def test_a_fade_carries_the_ending_run_on_the_way_it_went(way):
    ending = 30 + way * np.arange(8)
    chosen = np.concatenate([ending, 70 + np.arange(8)])
    joins = find_joins(chosen, np.ones(100, bool), np.zeros(100, int))
    assert joins.starts.tolist() == [8]
    assert joins.other[8:10].tolist() == [ending[-1] + way, ending[-1] + 2 * way]
    assert joins.other[6:8].tolist() == [68, 69]


def choices_changed(unit, same):
    """How often, of twenty lines, the choice for the first 20 frames changes with what follows after ``same`` more."""
    changed = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        exemplars, first, then = pool(rng.uniform(0, 0.15, 60)), rng.uniform(0, 0.15, 20), rng.uniform(0, 0.15, 20)
        orders = then, np.concatenate([then[:same], then[same:][::-1]])
        one, other = (select_exemplars(wanted(np.append(first, order)), exemplars, unit)[:20] for order in orders)
        changed += one.tolist() != other.tolist()
    return changed


def test_units_are_independent_but_for_the_frames_around_their_borders():
    assert choices_changed(20, same=AROUND) == 0
    assert choices_changed(20, same=0) > 0
    assert choices_changed(None, same=AROUND) > 0


def test_what_went_before_a_unit_does_not_change_it():
    """But for the frames around its border: a unit's mouths come out the same whoever chooses them, in any order."""
    changed = {20: 0, None: 0}
    for seed in range(20):
        rng = np.random.default_rng(seed)
        exemplars, before, rest = pool(rng.uniform(0, 0.15, 60)), rng.uniform(0, 0.15, 20), rng.uniform(0, 0.15, 20)
        other = np.concatenate([before[: 20 - AROUND - 1][::-1], before[20 - AROUND - 1 :]])
        for unit in changed:
            one, two = (
                select_exemplars(wanted(np.append(each, rest)), exemplars, unit)[20:] for each in (before, other)
            )
            changed[unit] += one.tolist() != two.tolist()
    assert changed[20] == 0
    assert changed[None] > 0


@pytest.mark.parametrize("unit", [10, 13])
def test_no_mouth_gives_way_to_another_at_the_border_between_two_units(unit):
    """Two takes open alike, one with teeth; the head's pose favours one in the first unit, the other in the second."""
    opening = 0.08 + 0.01 * np.sin(np.arange(26))
    shade = np.concatenate([opening * 0.1, opening * 0.1 + 0.3])
    pose = np.zeros((52, 4))
    pose[26:, 0] = 4.0
    takes = replace(pool(np.tile(opening, 2), shade), pose=pose)
    line = wanted(opening)
    line.pose[unit:, 0] = 4.0
    assert (select_exemplars(line.part(slice(unit, 26)), takes) >= 26).all(), "alone it would begin with the other"
    assert (select_exemplars(line.part(slice(0, unit)), takes) < 26).all()
    chosen = select_exemplars(line, takes, unit)
    assert abs(chosen[unit] - chosen[unit - 1]) <= LONGEST_STEP


def test_a_run_leaves_no_frame_out_where_the_picture_would_leap():
    """The mouth opens steadily, its inside brightens within three frames; the sound asks to skip one of them."""
    opening = np.linspace(0, 0.15, 30)
    shade = opening * 0.3 + np.interp(np.arange(30), [13, 16], [0, 0.12])
    asked = np.delete(opening, 15)
    chosen = select_exemplars(wanted(asked), pool(opening, shade))
    steps = np.diff(chosen)
    assert (steps == 2).sum() == 1, "the frame is caught up with"
    assert np.abs(np.diff(shade[chosen])).max() < 0.05, "but where little changes"


class Footage(Shades):
    """Mouths that change by one level a frame, with what ``soften`` asks of them; ``double`` holds for every pair."""

    double = 0.0

    def between(self, one, other):
        return np.abs(self.shade[one] - self.shade[other])

    def usual_step(self, percentile):
        return 1.0

    def doubled(self, one, other):
        return self.double


def softened(chosen, jump=40.0, double=0.0):
    """``chosen`` of 60 mouths, whose insides change by ``jump`` levels at the fortieth."""
    shade = np.arange(60.0)
    shade[40:] += jump
    textures = Footage(shade)
    textures.double = double
    return soften(find_joins(np.array(chosen), np.ones(60, bool), np.zeros(60, int)), np.array(chosen), textures)


def test_a_pop_within_a_run_is_spread_over_two_frames():
    soft = softened(range(30, 50))
    assert soft.other[9:11].tolist() == [40, 39]
    assert soft.inside[9:11] == pytest.approx([2 / 3, 2 / 3])
    assert (np.delete(soft.other, [9, 10]) == -1).all()
    assert (np.delete(soft.inside, [9, 10]) == 1).all()


def test_what_flashes_up_for_one_frame_is_seen_by_half():
    soft = softened([37, 38, 39, 40, 39, 38, 37])
    assert soft.other.tolist() == [-1, -1, -1, 39, -1, -1, -1]
    assert soft.inside.tolist() == [1, 1, 1, 0.5, 1, 1, 1]


def test_what_comes_and_goes_is_softened_sooner_than_what_stays():
    shade = np.arange(60.0)
    shade[40:] += 40
    textures = Footage(shade)
    textures.usual_step = lambda percentile: {75: 20.0, 95: 60.0}[percentile]

    def seen(chosen):
        return soften(find_joins(np.array(chosen), np.ones(60, bool), np.zeros(60, int)), np.array(chosen), textures)

    assert seen([37, 38, 39, 40, 39, 38, 37]).inside.tolist() == [1, 1, 1, 0.5, 1, 1, 1]
    assert (seen([37, 38, 39, 40, 41, 42, 43]).inside == 1).all()


def test_a_pop_beside_a_join_is_spread_as_well():
    """The larger of two changes counts where both would want the same frame."""
    soft = softened([19, 20, 21, 38, 39, 40, 41, 42])
    assert soft.other.tolist() == [-1, 36, 37, 22, 40, 39, -1, -1]
    assert soft.inside == pytest.approx([1, 1, 2 / 3, 2 / 3, 2 / 3, 2 / 3, 1, 1])


def test_a_quick_run_is_no_flash():
    """Two large steps one after the other, in one direction."""
    shade = np.arange(60.0)
    shade[40:] += 40
    shade[41:] += 20
    chosen = np.arange(37, 45)
    soft = soften(find_joins(chosen, np.ones(60, bool), np.zeros(60, int)), chosen, Footage(shade))
    assert soft.inside == pytest.approx([1, 1, 2 / 3, 2 / 3, 1, 1, 1, 1])


def test_a_join_is_spread_between_its_own_two_mouths():
    soft = softened([10, 11, 12, 13, 50, 51, 52, 53])
    assert soft.other[2:6].tolist() == [48, 49, 14, 15]
    assert soft.inside[2:6] == pytest.approx([1, 2 / 3, 2 / 3, 1])


def test_two_rows_of_teeth_are_never_shown_at_once():
    assert (softened(range(30, 50), double=20.0).other == -1).all()


def test_what_nobody_sees_stays_as_it_is():
    assert (softened(range(30, 50), jump=8.0).other == -1).all()


def test_what_the_footage_itself_does_now_and_then_stays_hard():
    class Lively(Footage):
        def usual_step(self, percentile):
            return float(np.percentile(np.abs(np.diff(self.shade)), percentile))

    steps = np.ones(60)
    steps[::10] = 40  # one of ten
    chosen = np.arange(35, 45)
    joins = find_joins(chosen, np.ones(60, bool), np.zeros(60, int))
    assert (soften(joins, chosen, Lively(np.cumsum(steps))).other == -1).all()
