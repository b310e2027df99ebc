"""Every mouth is tried in miniature before it is drawn, and moved on where it would not look as open as it shall."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from apps.inference.engine import first_look
from apps.inference.engine.crops import Crop
from apps.inference.engine.face.detector import Region
from apps.inference.engine.first_look import FirstLook, looked_ahead, opening
from apps.inference.engine.media.video_reader import split_planes
from apps.inference.engine.plan import OUTSIDE_RANGE
from apps.inference.engine.render.compose import FrameJob, Mouth
from apps.inference.engine.render.miniature import miniature, small_points
from apps.inference.engine.settings import EngineSettings

from .test_second_look import COUNT, LANDMARKS, Eye, made_plan, off

PICTURE = np.zeros((480, 320), np.uint8)


@pytest.fixture(autouse=True)
def points_for_pictures(monkeypatch):
    """The drawn picture is its points; the eye sees these."""
    monkeypatch.setattr(first_look, "region_around", lambda known: Region(100.0, 150.0, 200.0, 0.0))
    monkeypatch.setattr(first_look, "miniature", lambda picture, job, corners: (job, job, np.zeros(2)))
    monkeypatch.setattr(first_look, "draw", lambda small, job, triangles: None)
    monkeypatch.setattr(first_look, "shrink_of", lambda eyes: 1)
    monkeypatch.setattr(first_look, "Picture", lambda job: job)


def moved(plan, eye, first=0, last=COUNT):
    look = FirstLook(plan, LANDMARKS, eye, lambda layer, index: (index, layer.target[index]))
    target = plan.target.copy()
    frames = ((i, PICTURE, False) for i in range(max(0, first - look.ahead), min(COUNT, last + look.ahead)))
    seen = []
    for index, _, _, (points,) in looked_ahead(frames, [look], first, last):
        target[index] = points
        seen.append(index)
    assert seen == list(range(first, last))
    return replace(plan, target=target)


def test_a_mouth_that_would_look_less_open_than_wanted_is_opened_further():
    plan = made_plan()
    after = moved(plan, Eye(lambda index: 0.7))
    assert off(plan, after, 0.7) < 0.5 * off(plan, plan, 0.7)


def test_what_would_look_as_wanted_stays_but_for_jitter():
    plan = made_plan()
    after = moved(plan, Eye(lambda index: 1.0, jitter=0.002))
    np.testing.assert_allclose(opening(after.target, plan.eyes), opening(plan.target, plan.eyes), atol=0.0025)
    np.testing.assert_array_equal(moved(plan, Eye(lambda index: 1.0)).target, plan.target)


@pytest.mark.parametrize("fps", [12, 25, Fraction(60000, 1001), 68, 120, 240])
def test_a_piece_drawn_before_is_told_by_all_frames_that_its_mouths_depend_on(fps):
    """At 120 frames a second those were 30 to either side, of which 16 told."""
    plan = replace(made_plan(), fps=Fraction(fps), settings=EngineSettings())
    look = FirstLook(plan, LANDMARKS, Eye(lambda index: 1.0), lambda layer, index: (index, layer.target[index]))
    told = plan.looked_at(30, 31)
    assert told.start <= max(0, 30 - look.ahead) and told.stop >= min(COUNT, 31 + look.ahead)


def test_one_misread_frame_moves_little():
    """A frame read three times as open as it is would shut the mouth by a tenth of an eye distance."""
    plan = made_plan()
    after = moved(plan, Eye(lambda index: 3.0 if index == 30 else 1.0))
    np.testing.assert_allclose(opening(after.target, plan.eyes), opening(plan.target, plan.eyes), atol=0.015)


def test_what_is_missed_grows_with_the_opening_even_where_no_frame_is_tried():
    plan = made_plan()
    eye = Eye(lambda index: 0.6)
    after = moved(plan, eye)
    wanted, drawn = opening(plan.target, plan.eyes), 0.6 * opening(after.target, plan.eyes)
    assert np.corrcoef(drawn, wanted)[0, 1] > 0.995
    untried = np.arange(COUNT) % FirstLook(plan, LANDMARKS, eye, lambda layer, index: None).step > 0
    assert np.abs(drawn - wanted)[untried].mean() < 0.4 * np.abs(0.6 * wanted - wanted)[untried].mean()


def test_pieces_are_moved_as_the_whole():
    plan, eye = made_plan(), Eye(lambda index: 0.6 + 0.3 * (index % 7) / 7)
    whole = moved(plan, eye)
    for first, last in ((0, 17), (17, 40), (40, COUNT)):
        np.testing.assert_array_equal(moved(plan, eye, first, last).target[first:last], whole.target[first:last])


def test_a_stretch_is_looked_at_by_itself_and_the_rest_stays():
    plan = made_plan()
    passed = plan.passed.copy()
    passed[20:26] = OUTSIDE_RANGE
    parted = replace(plan, passed=passed)
    one = moved(parted, Eye(lambda index: 0.7))
    other = moved(parted, Eye(lambda index: 0.7 if index < 23 else 1.4))
    np.testing.assert_array_equal(one.target[20:26], plan.target[20:26])
    np.testing.assert_array_equal(one.target[:20], other.target[:20])
    assert not np.array_equal(one.target[26:], other.target[26:])
    plain = EngineSettings(model="lipsync-2-pro")
    assert replace(parted, settings=plain).looked_at(0, 20) == slice(0, 21)
    assert replace(plan, settings=plain).looked_at(20, 30) == slice(4, 46)
    assert plan.looked_at(50, 55) == slice(2, COUNT)  # with `reasoning`: whole blocks are mended


def test_a_head_seen_from_the_side_is_left_as_planned():
    plan = made_plan()
    turned = replace(plan, own=plan.own * np.array([0.6, 1.0], np.float32))
    np.testing.assert_array_equal(moved(turned, Eye(lambda index: 0.7)).target, plan.target)


def test_a_miniature_shows_the_same_place():
    """A bright dot on the face and one on the lent mouth lie where their points say, whatever the size."""
    picture = np.full((960, 640), 16, np.uint8)
    split_planes(picture)[0][301:304, 201:204] = 235
    luma = np.full((60, 80), 16, np.uint8)
    luma[29:33, 41:45] = 235
    mouth = Mouth(Crop(luma, np.full((30, 40, 2), 128, np.uint8), 100, 50), np.array([[142.5, 80.5]]))
    job = FrameJob(np.array([[202.0, 302.0]]), np.array([[202.0, 302.0]]), 120.0, mouth)
    small, tiny, place = miniature(picture, job, np.array([[101.0, 205.0], [303.0, 411.0]]))
    assert tiny.eyes == 60
    for plane, points in ((split_planes(small)[0], tiny.own), (tiny.mouth.crop.luma, tiny.mouth.points)):
        y, x = np.indices(plane.shape)
        weight = plane.astype(float) - plane.min()
        centre = [(x * weight).sum() / weight.sum(), (y * weight).sum() / weight.sum()]
        np.testing.assert_allclose(points[0], centre, atol=0.1)
    np.testing.assert_allclose(small_points(np.array([202.0, 302.0]), place, 2), tiny.own[0])
