"""The face tracker on a public-domain portrait: where the points are, and whom it follows."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from django.conf import settings

from apps.inference.engine.face.appearance import describe, likeness
from apps.inference.engine.face.detector import Detection, FaceDetector
from apps.inference.engine.face.from_the_front import mean_face
from apps.inference.engine.face.head_reader import Reading
from apps.inference.engine.face.landmarks import (
    ANCHORS,
    CODE_POINTS,
    EYE_CORNERS,
    FREE_POINTS,
    LIPS,
    POINTS,
    RIGID,
    WARP_POINTS,
)
from apps.inference.engine.face.mesh import region_around
from apps.inference.engine.face.picture import Picture
from apps.inference.engine.face.tracker import MEMORY_FRAMES, FaceChoice, FaceTracker
from apps.inference.engine.model_files import PORTRAIT, model_path

MODELS = Path(settings.MODELS_DIR)
BACKGROUND = (96, 110, 120)


@pytest.fixture(scope="module")
def portrait() -> np.ndarray:
    """Head and shoulders, RGB, 240 x 240; the eyes are about 60 px apart."""
    bgr = cv2.imread(str(model_path(MODELS, PORTRAIT)))
    return cv2.cvtColor(bgr[0:240, 100:340], cv2.COLOR_BGR2RGB)


@pytest.fixture(scope="module")
def other_person(portrait) -> np.ndarray:
    """A face of other proportions and colours."""
    narrow = cv2.resize(portrait, (190, 240), interpolation=cv2.INTER_AREA)
    padded = cv2.copyMakeBorder(narrow, 0, 0, 25, 25, cv2.BORDER_REPLICATE)
    darker = padded[..., [1, 0, 2]].astype(np.float32) * np.array([0.5, 0.45, 0.7])
    return darker.astype(np.uint8)


def scene(*faces: tuple[np.ndarray, float, int, int], size: tuple[int, int] = (640, 480)) -> np.ndarray:
    """A picture with faces placed at (x, y), scaled."""
    picture = np.full((size[1], size[0], 3), BACKGROUND, np.uint8)
    for face, scale, x, y in faces:
        shown = cv2.resize(face, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        picture[y : y + shown.shape[0], x : x + shown.shape[1]] = shown
    return picture


def planar(rgb: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(rgb, cv2.COLOR_RGB2YUV_I420)


def centre(points: np.ndarray | None) -> np.ndarray:
    assert points is not None
    return points[:, :2].mean(0)


def test_index_lists_name_points_of_the_mesh_once():
    for points in (LIPS, RIGID, WARP_POINTS, CODE_POINTS, ANCHORS):
        assert len(set(points)) == len(points)
        assert all(0 <= point < POINTS for point in points)
    assert not set(FREE_POINTS) & set(ANCHORS)
    assert set(LIPS) <= set(FREE_POINTS)


def test_landmarks_lie_on_the_face_and_move_with_it(portrait):
    tracker = FaceTracker(MODELS)
    first = tracker.track(scene((portrait, 1.0, 100, 100)))
    moved = tracker.track(scene((portrait, 1.0, 112, 106)))
    assert first is not None
    assert first.shape == (tracker.points, 3)
    assert first.dtype == np.float32
    left, right = first[EYE_CORNERS[0], :2], first[EYE_CORNERS[1], :2]
    assert 40 < right[0] - left[0] < 90, "the eye corners are apart, the first to the left"
    assert first[LIPS, 1].mean() > max(left[1], right[1]) + 20, "the lips lie below the eyes"
    np.testing.assert_allclose(centre(moved) - centre(first), [12, 6], atol=1.5)


def test_planar_and_rgb_pictures_agree_and_scale_leads_back_to_the_source(portrait):
    rgb = scene((portrait, 1.0, 200, 120))
    from_rgb = FaceTracker(MODELS).track(rgb)
    from_planes = FaceTracker(MODELS).track(planar(rgb))
    np.testing.assert_allclose(from_rgb, from_planes, atol=2.5)
    half = cv2.resize(rgb, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    from_half = FaceTracker(MODELS).track(half, scale=2.0)
    assert np.linalg.norm(centre(from_half) - centre(from_rgb)) < 4


@pytest.mark.parametrize("scale", [1.7, 0.9, 0.3])
def test_a_patch_of_planes_has_its_colours_in_their_place(scale):
    """Colour rises evenly to the right and downward, a level a pixel, so that half a pixel aside is a colour aside."""
    side = 256
    blue, red = np.mgrid[: side // 2, : side // 2] * 2
    planes = [np.full((side, side), 120), blue, red]
    picture = np.concatenate([plane.ravel() for plane in planes]).astype(np.uint8).reshape(-1, side)
    turn = cv2.getRotationMatrix2D((side / 2, side / 2), 30, scale).astype(np.float32)
    turn[:, 2] += 32 - side / 2
    back = cv2.invertAffineTransform(turn)
    x, y = back[:, :2] @ np.mgrid[:64, :64][::-1].reshape(2, -1) + back[:, 2:]
    shown = (255 * Picture(picture).patch(turn, 64))[16:48, 16:48].mean((0, 1))
    middle = (slice(16, 48), slice(16, 48))
    for channel, place, share in ((0, x, 1.403), (2, y, 1.773)):
        truth = (120 + share * (place - 0.5 - 128) - 16) * 255 / 219
        assert shown[channel] == pytest.approx(truth.reshape(64, 64)[middle].mean(), abs=0.6)


def test_a_large_picture_is_averaged_before_it_is_sampled(portrait):
    rgb = scene((portrait, 1.0, 200, 120))
    points = FaceTracker(MODELS).track(rgb)
    big = cv2.resize(rgb, None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC)
    large = FaceTracker(MODELS).track(planar(big), scale=0.25)
    assert np.abs(large[:, :2] - points[:, :2]).mean() < 1.0


def test_frames_without_a_face_are_none_and_the_face_is_found_again(portrait):
    tracker = FaceTracker(MODELS)
    empty = scene()
    assert tracker.track(empty) is None
    shown = scene((portrait, 1.0, 150, 100))
    seen = [tracker.track(shown) is not None for _ in range(6)]
    assert seen[-1], "found again after at most five frames"
    assert tracker.track(empty) is None
    assert tracker.track(shown) is not None


def test_the_large_face_is_followed_not_the_inset(portrait):
    tracker = FaceTracker(MODELS)
    for _ in range(3):
        points = tracker.track(scene((portrait, 1.5, 40, 60), (portrait, 0.4, 520, 360)))
    assert centre(points)[0] < 400


def test_a_large_face_that_comes_up_later_takes_over_from_an_inset(portrait, other_person):
    tracker = FaceTracker(MODELS)
    inset = (portrait, 0.45, 500, 330)
    assert centre(tracker.track(scene(inset)))[0] > 480
    both = scene((other_person, 1.6, 30, 40), inset)
    for _ in range(60):
        points = tracker.track(both)
    assert centre(points)[0] < 400


def test_a_short_loss_does_not_hand_over_to_somebody_else(portrait, other_person):
    tracker = FaceTracker(MODELS)
    one, other = (portrait, 1.0, 20, 100), (other_person, 1.0, 380, 100)
    tracker.track(scene(one))
    hidden = scene(other)
    assert [tracker.track(hidden) for _ in range(3)] == [None, None, None]
    assert centre(tracker.track(scene(one, other)))[0] < 300


def test_the_same_person_is_found_on_the_other_side_after_a_long_loss(portrait, other_person):
    tracker = FaceTracker(MODELS)
    before = scene((portrait, 1.1, 20, 100), (other_person, 1.0, 380, 100))
    assert centre(tracker.track(before))[0] < 320
    for _ in range(MEMORY_FRAMES + 1):
        assert tracker.track(scene()) is None
    after = scene((other_person, 1.1, 20, 100), (portrait, 1.0, 380, 100))
    assert centre(tracker.track(after))[0] > 320


def test_a_face_upside_down_is_read_the_right_way_up(portrait):
    """The detector takes it for an upright one, whose eyes are a mouth."""
    upright = scene((portrait, 1.2, 180, 100))
    expected = FaceTracker(MODELS).track(upright)
    seen = FaceTracker(MODELS).track(np.ascontiguousarray(upright[::-1, ::-1]))
    assert seen is not None
    back = np.array([639, 479]) - seen[:, :2]
    eyes = np.linalg.norm(expected[33, :2] - expected[263, :2])
    assert np.linalg.norm(back - expected[:, :2], axis=1).mean() < 0.06 * eyes


def test_a_point_chooses_the_face(portrait, other_person):
    both = scene((portrait, 1.1, 20, 100), (other_person, 1.0, 380, 100))
    tracker = FaceTracker(MODELS)
    assert centre(tracker.track(both))[0] < 320, "the larger one"
    tracker.look_at(FaceChoice(500, 200))
    assert centre(tracker.track(both))[0] > 320
    tracker.look_at(FaceChoice(320, 440))
    assert tracker.track(both) is None, "no face is there"


def test_small_faces_in_tall_pictures_are_found(portrait):
    tall = scene((portrait, 0.75, 60, 900), size=(360, 1280))
    found = FaceDetector(MODELS).detect(Picture(planar(tall)))
    assert len(found) == 1
    assert 900 < found[0].y < 1100


def test_a_square_full_of_cheek_is_no_face_but_a_small_face_in_it_is(portrait, monkeypatch):
    def seen(detector, picture, x, y, side, least=0.5):
        def face(x: float, y: float, size: float, score: float) -> Detection:
            return Detection(x, y, size, 0.0, score, np.zeros((6, 2)))

        if side == 480:  # the whole picture: one face in its middle
            return [face(240, 240, 200, 0.9)]
        return [face(x, y, 0.99 * side, 0.52)] if x < 240 else [face(420, 60, 30, 0.7)]

    monkeypatch.setattr(FaceDetector, "_look", seen)
    found = FaceDetector(MODELS).detect_all(Picture(scene((portrait, 1, 0, 0), size=(480, 480))), 2)
    assert [(face.x, face.size) for face in found] == [(240, 200), (420, 30)]


def test_looks_tell_people_apart(portrait, other_person):
    tracker = FaceTracker(MODELS)
    picture = scene((portrait, 1.0, 100, 100))
    known = describe(Picture(picture), tracker.track(picture))
    smaller = scene((portrait, 0.8, 300, 150))
    stranger = scene((other_person, 1.0, 100, 100))
    same = likeness(known, describe(Picture(smaller), FaceTracker(MODELS).track(smaller)))
    different = likeness(known, describe(Picture(stranger), FaceTracker(MODELS).track(stranger)))
    assert same > different + 0.3


@pytest.mark.parametrize("shape", [(10, 10, 4), (11, 10), (9, 7)])
def test_other_picture_layouts_are_refused(shape):
    with pytest.raises(ValueError, match="picture"):
        Picture(np.zeros(shape, np.uint8))


@pytest.mark.parametrize(("size", "is_one"), [(1.0, True), (0.7, True), (0.2, False), (3.0, False)])
def test_a_reading_that_fills_its_square_like_no_face_is_none(size, is_one):
    """Whatever the net is sure of: the next square would be laid about it, and lose the face for good."""
    picture = Picture(np.zeros((400, 400, 3), np.uint8))
    face = (mean_face() * [80, 80, 80] + [200, 180, 0]).astype(np.float32)
    region = region_around(face)
    read = ((face - face.mean(0)) * size + face.mean(0)).astype(np.float32)
    assert Reading(read, presence=1.0).is_face(picture, region) is is_one
