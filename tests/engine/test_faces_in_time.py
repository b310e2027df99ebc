"""Which frames count as showing the speaker, and where shots end."""

import cv2
import numpy as np
import pytest

from apps.inference.engine.analysis import is_steady
from apps.inference.engine.face.landmarks import OUTER_LIPS
from apps.inference.engine.face.picture import Picture
from apps.inference.engine.faces_in_time import JITTER, follow_face, in_view, runs, usable_frames
from apps.inference.engine.people import FaceRows
from apps.inference.engine.shots import CutDetector, jump_cuts, leaps, thumbnail

from .synthetic import SIZE, paint, talking_landmarks

ONE_SHOT = np.zeros(100, np.int64)
TIMES = np.arange(100) / 25


def seen(*gaps):
    mask = np.ones(100, bool)
    for first, last in gaps:
        mask[first:last] = False
    return mask


def test_short_gaps_are_bridged_and_long_ones_are_not():
    usable = usable_frames(seen((20, 30), (50, 70)), TIMES, ONE_SHOT)
    assert usable[:50].all()
    assert not usable[50:70].any()
    assert usable[70:].all()


def test_a_gap_at_a_cut_is_not_bridged():
    shot = (np.arange(100) >= 25).astype(np.int64)
    assert not usable_frames(seen((20, 30)), TIMES, shot)[20:30].any()


def test_a_face_seen_for_a_moment_is_no_speaker():
    mask = np.zeros(100, bool)
    mask[40:48] = True
    assert not usable_frames(mask, TIMES, ONE_SHOT).any()


def test_a_face_seen_all_through_a_short_shot_counts():
    shot = (np.arange(100) >= 40).astype(np.int64) + (np.arange(100) >= 48)
    mask = np.zeros(100, bool)
    mask[40:48] = True
    assert np.flatnonzero(usable_frames(mask, TIMES, shot)).tolist() == list(range(40, 48))
    mask[40] = False
    assert not usable_frames(mask, TIMES, shot).any()


def test_a_mouth_that_the_border_cuts_off_is_not_in_view():
    """Nor are the moments between in which it comes back for less than can be driven."""
    points = talking_landmarks(60)
    lips = points[0, OUTER_LIPS, 1].max()
    low, (width, _) = round(float(lips)) + 10, SIZE
    assert not in_view(points, TIMES[:60], ONE_SHOT[:60], (width, low + 4))[1].any()
    points[20:26, :, 1] += 12
    points[33:40, :, 1] += 40
    usable, cut_off = in_view(points, TIMES[:60], ONE_SHOT[:60], (width, low + 4))
    assert np.flatnonzero(cut_off).tolist() == list(range(20, 40))
    assert np.flatnonzero(~usable).tolist() == list(range(20, 40))
    cut = (np.arange(60) >= 26).astype(np.int64) + (np.arange(60) >= 33)
    assert not in_view(points, TIMES[:60], cut, (width, low + 4))[1][26:33].any(), "another shot"
    assert not in_view(points, TIMES[:60], ONE_SHOT[:60], None)[1].any()
    points[..., 0] -= points[:, OUTER_LIPS, 0].min(1, keepdims=True)
    assert in_view(points, TIMES[:60], ONE_SHOT[:60], SIZE)[1].all(), "to the side as well"


def test_a_single_picture_of_a_face_counts():
    assert usable_frames(np.ones(1, bool), np.zeros(1), np.zeros(1, np.int64)).all()


def test_runs_end_at_shots():
    shot = np.array([0, 0, 0, 1, 1, 1])
    assert runs(np.array([0, 1, 1, 1, 0, 1], bool), shot) == [(1, 3), (3, 4), (5, 6)]


def test_smoothing_does_not_reach_across_a_cut():
    landmarks = talking_landmarks(40, opening=0.0)
    landmarks[20:] = talking_landmarks(40, opening=0.3)[5]  # from shut to wide open
    shot = (np.arange(40) >= 20).astype(np.int64)
    opening = follow_face(landmarks, TIMES[:40], shot).params[:, 0]
    assert opening[18:20] == pytest.approx(opening[10], abs=0.005)
    assert opening[20:22] == pytest.approx(opening[30], abs=0.005)
    joined = follow_face(landmarks, TIMES[:40], ONE_SHOT[:40]).params[:, 0]
    assert abs(joined[20] - joined[30]) > 0.02


def test_points_stay_on_the_lips_where_a_film_leaves_out_frames():
    landmarks = talking_landmarks(40)
    landmarks[20:, :, 0] += 12
    track = follow_face(landmarks, TIMES[:40], ONE_SHOT[:40])
    away = np.linalg.norm((track.faces.landmarks - landmarks)[..., :2], axis=2)
    assert away.max() <= 1.01 * JITTER * 70  # pixels between the eyes


def test_jitter_of_the_landmarks_is_smoothed():
    still = np.repeat(talking_landmarks(1), 40, axis=0)
    read = still + np.random.default_rng(1).normal(0, 0.1, still.shape)
    track = follow_face(read, TIMES[:40], ONE_SHOT[:40])
    assert (track.faces.landmarks - still)[2:-2].std() < 0.75 * 0.1


def test_the_opening_is_read_off_the_landmarks():
    landmarks = talking_landmarks(50, opening=0.1)
    opening = follow_face(landmarks, TIMES[:50], ONE_SHOT[:50]).params[:, 0]
    real = np.linalg.norm(landmarks[:, 13] - landmarks[:, 14], axis=1) / 70
    assert np.corrcoef(opening, real)[0, 1] > 0.98


def test_a_new_picture_is_a_cut_and_movement_is_not():
    is_cut = CutDetector()
    landmarks = talking_landmarks(6)
    other = np.full((384, 256), 30, np.uint8)
    other[256:] = 150
    other = Picture(other)
    verdicts = [is_cut(Picture(paint(points))) for points in landmarks] + [is_cut(other), is_cut(other)]
    assert verdicts == [False] * 6 + [True, False]


def test_a_flash_is_no_cut_and_startles_nobody():
    """Nor is it movement; a picture of as much light that shows something else is a cut."""
    is_cut = CutDetector()
    pictures = [paint(points) for points in talking_landmarks(20)]
    bright = [np.clip(picture * np.float32(1.5), 0, 255).astype(np.uint8) for picture in pictures]
    told = []
    for at in range(20):
        told.append((is_cut(Picture(bright[at] if at in (9, 10) else pictures[at])), is_cut.startled))
        assert is_cut.motion < 3
    assert told == [(False, False)] * 20
    assert is_cut(Picture(np.ascontiguousarray(bright[19][::-1])))


def test_a_film_that_begins_in_the_middle_of_a_movement_startles_nobody():
    is_cut = CutDetector()
    for at in range(6):
        assert not is_cut(shown(np.roll(np.add.outer(np.zeros(256), np.linspace(0, 250, 256)), 6 * at, axis=1)))
        assert not is_cut.startled
    assert is_cut.motion > 4


def shown(luma):
    """An I420 picture of this luma (256, 256), without colour."""
    return Picture(np.concatenate([np.clip(luma, 0, 255), np.full((128, 256), 128)]).astype(np.uint8))


def hilly(seed):
    """(256, 256) luma with soft hills."""
    small = np.random.default_rng(seed).uniform(20, 235, (9, 9)).astype(np.float32)
    return cv2.resize(small, (256, 256), interpolation=cv2.INTER_CUBIC)


@pytest.mark.parametrize("length", [6, 12, 25])
def test_a_dissolve_is_a_cut_where_it_ends(length):
    is_cut, one, other = CutDetector(), hilly(1), hilly(2)
    shares = np.concatenate([np.zeros(35), np.arange(1, length + 1) / (length + 1), np.ones(35)])
    cuts = [at for at, share in enumerate(shares) if is_cut(shown((1 - share) * one + share * other))]
    assert len(cuts) == 1
    assert 0 <= cuts[0] - (35 + length) <= 1


@pytest.mark.parametrize("length", [6, 12, 25])
@pytest.mark.parametrize("shape", ["from the left", "from the middle"])
def test_a_wipe_is_a_cut_where_it_ends(shape, length):
    is_cut, one, other = CutDetector(), hilly(1), hilly(2)
    rows, columns = np.mgrid[:256, :256] / 256
    when = columns if shape == "from the left" else np.hypot(rows - 0.5, columns - 0.5) * 2**0.5
    shares = np.concatenate([np.zeros(35), np.arange(1, length + 1) / (length + 1), np.ones(35)])
    cuts = [at for at, share in enumerate(shares) if is_cut(shown(np.where(when < share, other, one)))]
    assert len(cuts) == 1
    assert abs(cuts[0] - (35 + length)) <= 2
    is_cut, half = CutDetector(), 35 + length // 2
    late = [(is_cut(shown(np.where(when < share, other, one))), is_cut.late)[1] for share in shares]
    assert abs(cuts[0] - late[cuts[0]] - half) <= 2 + length // 6, "where most of the picture is new"
    assert sum(late) == late[cuts[0]]


@pytest.mark.parametrize("change", ["fade", "pan"])
def test_a_fade_and_a_pan_are_no_dissolves(change):
    is_cut, hills = CutDetector(), np.tile(hilly(3), (1, 3))
    for at in range(90):
        luma = 16 + (hills[:, :256] - 16) * min(1, at / 40) if change == "fade" else hills[:, 5 * at : 5 * at + 256]
        assert not is_cut(shown(luma))


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (720, 1280), (90, 60)])
def test_a_thumbnail_is_the_whole_picture_shrunk(width, height):
    slopes = [
        np.add.outer(np.linspace(20, 120, rows), np.linspace(0, 100, columns)).astype(np.uint8)
        for rows, columns in ((height, width), (height // 2, width // 2))
    ]
    planes = [slopes[0], slopes[1], 255 - slopes[1]]
    yuv = np.concatenate([plane.ravel() for plane in planes]).reshape(-1, width)
    size = (64, 36) if width > height else (36, 64)
    luma, blue, red = (cv2.resize(plane, size, interpolation=cv2.INTER_AREA).astype(int) for plane in planes)
    assert np.abs(thumbnail(Picture(yuv)) - np.dstack([luma, red, blue])).max() <= 2


@pytest.mark.parametrize(("shift", "scale", "jumped"), [(5, 1.0, False), (50, 1.0, True), (0, 1.4, True)])
def test_a_face_that_jumps_is_another_shot(shift, scale, jumped):
    before = talking_landmarks(1)[0]
    pair = np.stack([before, (before * scale + [shift, 0, 0]).astype(np.float32)])
    leap = leaps(np.array([7, 8]), pair)
    assert bool(leap[1] > 1) is jumped
    assert leaps(np.array([7, 9]), pair)[1] == 0, "a frame in between shows no face"
    calm = np.full(2, 0.5)
    assert jump_cuts(calm, leap).tolist() == [False, jumped]


def test_half_a_leap_is_a_cut_only_where_the_whole_picture_changes():
    motion = np.full(60, 0.7)
    leap = np.zeros(60)
    leap[[20, 40]] = 0.54
    motion[[30, 40]] = 8.4
    assert np.flatnonzero(jump_cuts(motion, leap)).tolist() == [40]


def near_a_wall(times):
    """A small face before a plain wall, with so little noise as an encoder leaves, filmed from ``times`` as near."""
    picture = np.full((256, 256), 90, np.float32)
    cv2.ellipse(picture, (128, 110), (round(26 * times), round(34 * times)), 0, 0, 360, 150, -1)
    cv2.ellipse(picture, (128, 125), (round(9 * times), round(5 * times)), 0, 0, 360, 60, -1)
    return picture


def test_a_camera_that_comes_nearer_startles_before_a_plain_wall_too():
    """Little changes there in all, but far more than in the pictures before."""
    is_cut, told = CutDetector(), []
    for at in range(40):
        picture = near_a_wall(1.0 if at < 20 else 1.3) + np.random.default_rng(at).normal(0, 0.5, (256, 256))
        assert not is_cut(shown(picture))
        told.append(is_cut.startled)
        if at == 20:
            assert is_cut.motion < 4
    assert np.flatnonzero(told).tolist() == [20]
    motion, leap = np.full(60, 0.1), np.zeros(60)
    motion[[20, 40]], leap[[20, 30, 40]] = 1.4, (0.3, 0.6, 0.6)
    assert np.flatnonzero(jump_cuts(motion, leap)).tolist() == [40]


@pytest.mark.parametrize(("pushed", "grown", "kept"), [(0.1, 0.0, True), (0.3, 0.0, False), (0.0, 0.1, False)])
def test_a_face_that_is_pushed_into_the_picture_is_no_chance_find(pushed, grown, kept):
    """Chance finds leap in size."""
    points, frames = talking_landmarks(100), np.arange(100)
    for share, at in ((pushed, 0), (grown, 50)):
        moved = slice(at, at + round(100 * share))
        step = np.arange(1, round(100 * share) + 1)[:, None, None] % 2
        points[moved] = points[moved] + 50 * step if share == pushed else points[moved] * (1 + 0.5 * step)
    rows = FaceRows(frames, points.astype(np.float32), np.ones(100), np.ones(100), np.full((100, 5), -1))
    assert is_steady(rows) is kept
