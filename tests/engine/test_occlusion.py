"""Things in front of the mouth: found where they are, and nothing else taken for one."""

import numpy as np
import pytest

from apps.inference.engine.crops import CropStore, CropWriter, cut_out, even_box
from apps.inference.engine.face.landmarks import LIPS
from apps.inference.engine.media.video_reader import split_planes
from apps.inference.engine.render.mesh import OUTER
from apps.inference.engine.render.occlusion import CANVAS, _objects, find_obstructions, in_picture

from .synthetic import EYES_PX, SIZE, paint, talking_landmarks
from .test_render import MESH, mesh_points


def talking_crops(folder, hide=(), light=lambda frame: 1.0):
    """Crops of a talking face; in the frames ``hide`` a dark bar covers a third of mouth and cheek.

    ``light`` tells by which factor a frame is brighter than painted.
    """
    frames = talking_landmarks(60, 0.1)
    with CropWriter(folder / "crops.bin") as writer:
        for index, landmarks in enumerate(frames):
            yuv = paint(landmarks)
            if index in hide:
                x, y = landmarks[61, :2].astype(int)
                yuv[y - 26 : y + 26, x - 20 : x + 12] = 12
            for plane, black in zip(split_planes(yuv), (16, 128, 128), strict=True):
                plane[:] = np.clip(black + light(index) * (plane.astype(np.float32) - black), 0, 255)
            writer.add(cut_out(split_planes(yuv), even_box(landmarks[LIPS, :2], SIZE, 0.38 * EYES_PX)))
    points = np.stack([mesh_points(landmarks) for landmarks in frames])
    return CropStore(folder / "crops.bin", writer.index), points


def test_an_object_in_front_of_the_mouth_is_found_where_it_is(tmp_path):
    hidden = range(30, 42)
    crops, points = talking_crops(tmp_path, hidden)
    found = find_obstructions(crops, points, MESH, np.ones(60, bool))
    assert (found.share[31:41] > 0.02).all()
    assert not found.share[:25].any()
    assert found.alarm[27:45].all()
    shown = in_picture(found.masks[35], found.to_canvas, points[35], EYES_PX, (0, 0, 256, 256))
    x, y = points[35][OUTER[0]].astype(int)
    other_x, other_y = points[35][OUTER[10]].astype(int)
    assert shown[y, x - 6] > 0.9 > 0.1 > shown[other_y, other_x + 6]


def test_what_letters_stood_before_is_no_object_and_hides_none_elsewhere(tmp_path):
    crops, points = talking_crops(tmp_path, range(30, 42))
    x, y = points[35][OUTER[0]].astype(int).tolist()
    before = [[frame, x - 40, y - 40, 70, 80, 0] for frame in range(28, 44)]
    away = [[frame, x - 40, y + 60, 70, 20, 0] for frame in range(28, 44)]
    for lines, is_found in ((before, False), (away, True)):
        found = find_obstructions(crops, points, MESH, np.ones(60, bool), lettering=np.array(lines, np.int32))
        assert (found.share[31:41] > 0.02).all() == found.share.any() == is_found


def test_what_reaches_well_beyond_the_lips_is_an_object_and_an_open_mouth_is_none():
    """A microphone before the mouth lies between the lips for the most part, and yet goes on below them."""
    mouth = np.zeros((CANVAS, CANVAS), bool)
    mouth[26:46, 16:56] = True
    held, open_mouth = np.zeros((2, CANVAS, CANVAS), np.float32)
    held[28:46, 28:44] = held[46:60, 28:40] = 1.5
    open_mouth[26:50, 20:52] = 1.5
    assert _objects(held, mouth)[30:58, 30:38].all()
    assert not _objects(open_mouth, mouth).any()


def test_an_object_reaches_as_far_as_its_place_looks_strange():
    """Cloth whose tone comes close to the skin's at its rim is kept whole; what is as strange elsewhere is not."""
    strange = np.zeros((CANVAS, CANVAS), np.float32)
    strange[40:64, 10:30] = 1.4
    strange[40:64, 30:50] = 0.6
    strange[4:12, 10:50] = 0.6
    found = _objects(strange, np.zeros((CANVAS, CANVAS), bool))
    assert found[42:62, 12:48].all()
    assert not found[:30].any()


def test_talking_alone_is_no_object(tmp_path):
    crops, points = talking_crops(tmp_path)
    found = find_obstructions(crops, points, MESH, np.ones(60, bool))
    assert not found.share.any()


@pytest.mark.parametrize(
    "change", [lambda frame: min(1.0, 0.2 + frame / 25), lambda frame: 1.6 if frame in (30, 31, 32) else 1.0]
)
def test_a_fade_or_a_flash_is_no_object_and_hides_none(change, tmp_path):
    crops, points = talking_crops(tmp_path, light=change)
    assert not find_obstructions(crops, points, MESH, np.ones(60, bool)).share.any()
    crops, points = talking_crops(tmp_path, range(8, 20), change)
    assert (find_obstructions(crops, points, MESH, np.ones(60, bool)).share[9:19] > 0.02).all()
