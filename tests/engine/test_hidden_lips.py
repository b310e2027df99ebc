"""Lips covered by something of the skin's own colour are noticed by their missing red."""

import numpy as np
import pytest

from apps.inference.engine.crops import CropStore, CropWriter, cut_out, even_box
from apps.inference.engine.face.landmarks import LIPS
from apps.inference.engine.media.video_reader import split_planes
from apps.inference.engine.render.hidden_lips import up_to_the_side
from apps.inference.engine.render.mesh import LOWER_LINE, OUTER
from apps.inference.engine.render.occlusion import find_obstructions, in_picture

from .synthetic import EYES_PX, SIZE, paint, talking_landmarks
from .test_render import MESH, mesh_points

SKIN = (130, 118, 138)
COUNT = 80


def found_behind(folder, covered, red=None):
    """What is found in frames whose lower lip and chin are, where ``covered``, painted over with flat skin."""
    frames = talking_landmarks(COUNT, 0.1)
    with CropWriter(folder / "crops.bin") as writer:
        for index, landmarks in enumerate(frames):
            yuv = paint(landmarks)
            planes = split_planes(yuv)
            if red is not None:
                planes[2][:] = np.where(planes[2] > 150, red, planes[2])
            if index in covered:
                points = mesh_points(landmarks)
                left, right = points[OUTER][:, 0].min(), points[OUTER][:, 0].max()
                top = points[LOWER_LINE[5], 1]
                for plane, scale, tone in zip(planes, (1, 2, 2), SKIN, strict=True):
                    plane[int(top / scale) :, int((left - 6) / scale) : int((right + 6) / scale)] = tone
            writer.add(cut_out(split_planes(yuv), even_box(landmarks[LIPS, :2], SIZE, 0.38 * EYES_PX)))
    points = np.stack([mesh_points(landmarks) for landmarks in frames])
    crops = CropStore(folder / "crops.bin", writer.index)
    return find_obstructions(crops, points, MESH, np.ones(COUNT, bool)), points


def test_a_flat_hand_of_the_face_s_own_colour_is_found_and_kept_down_to_the_chin(tmp_path):
    found, points = found_behind(tmp_path, range(30, 55))
    assert (found.share[34:51] > 0.02).all()
    assert not found.share[:25].any()
    assert not found.share[60:].any()
    shown = in_picture(found.masks[40], found.to_canvas, points[40], EYES_PX, (0, 0, *SIZE))
    x = int(points[40][OUTER][:, 0].mean())
    lower, upper = points[40][OUTER][:, 1].max(), points[40][OUTER][:, 1].min()
    assert shown[int(lower) - 3, x] > 0.9
    assert shown[int(lower) + 12, x] > 0.9
    assert shown[int(upper) + 1, x] < 0.1


@pytest.mark.parametrize(("covered", "red"), [((), None), (range(30, 36), None), (range(30, 55), 141)])
def test_talking_a_bitten_lip_and_lips_as_pale_as_the_skin_are_left_alone(tmp_path, covered, red):
    found, _ = found_behind(tmp_path, covered, red)
    assert not found.share.any()


def test_what_covers_the_upper_lip_comes_from_above():
    hidden = np.zeros((72, 72), bool)
    hidden[24:28, 30:40] = True
    whole = up_to_the_side(hidden)
    assert whole[:28, 30:40].all()
    assert not whole[28:].any()
