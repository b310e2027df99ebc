"""A microphone that is there from the first frame on is told by not moving with the head."""

import cv2
import numpy as np
import pytest

from apps.inference.engine.crops import CropStore, CropWriter, cut_out, even_box
from apps.inference.engine.face.landmarks import LIPS
from apps.inference.engine.media.video_reader import split_planes
from apps.inference.engine.render.compose import FrameJob, Mouth, draw
from apps.inference.engine.render.mesh import LOWER_LINE, OUTER
from apps.inference.engine.render.occlusion import find_obstructions, in_picture

from .synthetic import EYES_PX, SIZE, paint, talking_landmarks
from .test_render import MESH, mesh_points, opened

COUNT, RADIUS, BLACK, WAY = 60, 13, 12, 8


class Scene:
    """A talking head that moves to and fro by ``way`` pixels, with a black disc before its lower lip, or none."""

    def __init__(self, folder, way=WAY, disc=True):
        faces = talking_landmarks(COUNT, 0.1)
        self.middle = mesh_points(faces[0])[LOWER_LINE[5]].round().astype(int) + np.array([0, 14])
        self.pictures, landmarks = [], []
        for index, face in enumerate(faces):
            shift = 2 * round(way / 2 * np.sin(index / 4))
            yuv = paint(face)
            for plane, scale in zip(split_planes(yuv), (1, 2, 2), strict=True):
                plane[:] = np.roll(plane, shift // scale, axis=1)
                if disc:
                    cv2.circle(plane, tuple((self.middle // scale).tolist()), RADIUS // scale,
                               BLACK if scale == 1 else 128, -1)  # fmt: skip
            moved = face.copy()
            moved[:, 0] += shift
            self.pictures.append(yuv)
            landmarks.append(moved)
        self.points = np.stack([mesh_points(face) for face in landmarks])
        with CropWriter(folder / "crops.bin") as writer:
            for yuv, face in zip(self.pictures, landmarks, strict=True):
                writer.add(cut_out(split_planes(yuv), even_box(face[LIPS, :2], SIZE, 0.38 * EYES_PX)))
        self.crops = CropStore(folder / "crops.bin", writer.index)
        self.found = find_obstructions(self.crops, self.points, MESH, np.ones(COUNT, bool))

    def shown(self, index):
        """(h, w) 0..1 where something is found in this picture."""
        return in_picture(self.found.masks[index], self.found.to_canvas, self.points[index], EYES_PX, (0, 0, *SIZE)) * (
            self.found.share[index] > 0
        )

    def job(self, index, lent, by):
        """The mouth of frame ``lent`` in frame ``index``, opened by ``by`` eye distances."""
        hidden = self.found.masks[lent] if self.found.share[lent] else None
        mask = self.found.masks[index] if self.found.share[index] else None
        return FrameJob(
            self.points[index], opened(self.points[index], by), EYES_PX, to_canvas=self.found.to_canvas,
            mouth=Mouth(self.crops[lent], self.points[lent], hidden), object_mask=mask,
        )  # fmt: skip


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    return Scene(tmp_path_factory.mktemp("scene"))


def test_it_is_found_in_every_frame_where_it_stands(scene):
    x, y = scene.middle
    for index in range(0, COUNT, 7):
        shown = scene.shown(index)
        assert shown[y - 6 : y + 6, x - 6 : x + 6].min() > 0.9
        upper = scene.points[index][OUTER][:, 1].min()
        assert shown[: int(upper) + 2].max() < 0.1
    assert scene.found.alarm.mean() < 0.5, "no mouth could be lent otherwise"


@pytest.mark.parametrize("changed", [{"disc": False}, {"way": 0}])
def test_nothing_is_found_where_nothing_stands_or_the_head_never_moves(changed, tmp_path):
    assert not Scene(tmp_path, **changed).found.share.any()


def test_it_stays_as_it_is_and_is_lent_to_no_other_place(scene):
    """A mouth is lent from where the head was farthest to the left to where it was farthest to the right."""
    left, right = int(scene.points[:, OUTER, 0].mean(1).argmin()), int(scene.points[:, OUTER, 0].mean(1).argmax())
    picture = scene.pictures[right].copy()
    draw(picture, scene.job(right, left, 0.06), MESH.triangles)
    luma, before = picture[: SIZE[1]], scene.pictures[right][: SIZE[1]]
    x, y = scene.middle
    np.testing.assert_array_equal(luma[y - 6 : y + 6, x - 6 : x + 6], before[y - 6 : y + 6, x - 6 : x + 6])
    assert np.abs(luma.astype(int) - before).max() > 20, "the mouth above it opens"
    away = np.hypot(*(np.indices(luma.shape) - np.array([y, x])[:, None, None])) > RADIUS + 5
    below = np.indices(luma.shape)[0] > scene.points[right][LOWER_LINE[5], 1] + 4
    assert luma[away & below].min() > BLACK + 25, "no second disc beside it"
