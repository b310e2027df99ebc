"""Where a loop starts again the picture glides over instead of jumping; a bounce turns without a jump at all."""

import itertools

import numpy as np
import pytest

from apps.inference.engine.film_plan import plan_motion
from apps.inference.engine.media.morph import Morph
from apps.inference.engine.media.video_reader import VideoReader
from apps.inference.engine.pieces import drawn_frames
from apps.inference.engine.plan import MotionPlan
from apps.inference.engine.planning import make_plan
from apps.inference.engine.settings import EngineSettings
from apps.inference.engine.speaker import mouth_range, study_speaker
from apps.inference.engine.sync_modes import build_timeline

from .synthetic import make_footage, paint, talking_landmarks, wanted_mouth, with_another
from .test_segments import speech


@pytest.fixture(scope="module")
def talking(tmp_path_factory):
    return make_footage(tmp_path_factory.mktemp("loop"), 20)


@pytest.fixture(scope="module")
def looped(talking):
    _, footage = talking
    speaker = study_speaker(footage)
    line = build_timeline(footage.times, footage.end_s, 1.6, "loop", footage.fps)
    wanted = wanted_mouth(mouth_range(speaker, footage.fps).params, len(line))
    return make_plan(footage, speaker, line, wanted, EngineSettings(model="sync-3", sync_mode="loop"))


def jump(one, other):
    return float(np.abs(one.astype(int) - other).mean())


def test_only_a_loop_glides_and_only_where_it_starts_again():
    times = np.arange(20) / 25
    origin, share = build_timeline(times, 0.8, 2.0, "loop", 25.0).glides(25.0)
    assert np.flatnonzero(origin >= 0).tolist() == [*range(20, 25), *range(40, 45)]
    assert set(origin[origin >= 0]) == {19}
    assert (np.diff(share[20:25]) > 0).all()
    assert 0 < share[20] < 0.2 < 0.8 < share[24] < 1
    for mode in ("bounce", "remap", "silence", "cut_off"):
        assert (build_timeline(times, 0.8, 2.0, mode, 25.0).glides(25.0)[0] < 0).all()
    assert (build_timeline(np.zeros(1), 0.04, 2.0, "loop", 25.0).glides(25.0)[0] < 0).all()


def test_the_way_over_has_smaller_steps_than_the_jump(short_sample):
    """The talking portrait moves its head; from its last picture to its first ones in five steps."""
    with VideoReader(short_sample.video) as reader:
        frames = [frame.yuv.copy() for frame in reader]
    line = build_timeline(np.arange(len(frames)) / 25, len(frames) / 25, len(frames) / 25 + 1, "loop", 25.0)
    share = line.glides(25.0)[1][len(frames) :]
    way = [Morph(frames[-1], frames[k]).at(share[k]) for k in range(5)]
    steps = [jump(one, other) for one, other in itertools.pairwise([frames[-1], *way, frames[5]])]
    assert Morph(frames[-1], frames[0]).is_one_scene
    assert max(steps) < 0.6 * jump(frames[-1], frames[0])


def test_pieces_that_begin_within_a_glide_hold_the_same_pictures(talking, looped, tmp_path):
    whole = dict(drawn_frames(*talking, looped, 16, 28))
    looped.save(tmp_path)
    for index, picture in drawn_frames(*talking, MotionPlan.load(tmp_path), 22, 28):
        np.testing.assert_array_equal(picture, whole[index])


def test_where_one_of_two_faces_was_not_seen_at_the_end_the_picture_does_not_glide(talking, tmp_path):
    """A mouth was drawn on its way from where that face was seen last, across whatever is there."""
    settings = EngineSettings(model="sync-3", sync_mode="loop", face={"kind": "all"})
    for footage, glides in ((talking[1], True), (with_another(talking[1], range(15)), False)):
        plan = plan_motion(footage, speech(1.6), settings, tmp_path)
        assert all(layer.driven[20:25].all() for layer in plan.layers)
        assert [plan.glides_from(index) >= 0 for index in range(20, 25)] == [glides] * 5


def test_the_mouth_is_where_the_gliding_face_is(talking, looped):
    """Half-way, the drawn lips lie between those of the last and the first frame: dark pixels at their middle."""
    ((_, picture),) = drawn_frames(*talking, looped, 22, 23)
    assert looped.glides_from(22) == 19
    from apps.inference.engine.pieces import frame_job

    job = frame_job(talking[1], looped, 22, glides=True)
    low, high = sorted([looped.own[19][:, 0].mean(), looped.own[2][:, 0].mean()])
    assert low <= job.own[:, 0].mean() <= high
    assert picture.shape == (384, 256)


def test_two_scenes_are_not_morphed_into_each_other():
    points = talking_landmarks(1)[0]
    one, moved, other = paint(points), paint(points + np.float32([6, 0, 0])), paint(points, seed=9)
    other[:256] = 255 - other[:256]
    assert Morph(one, moved).is_one_scene
    assert not Morph(one, other).is_one_scene


def test_a_morph_begins_and_ends_with_its_pictures():
    points = talking_landmarks(1)[0]
    one, other = paint(points), paint(points + np.float32([5, 3, 0]))
    morph = Morph(one, other)
    np.testing.assert_array_equal(morph.at(0), one)
    np.testing.assert_array_equal(morph.at(1), other)
