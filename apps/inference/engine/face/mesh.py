"""The landmark mesh of one face, seen through a rotated square."""

from __future__ import annotations

import math
import zipfile
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ..model_files import MESH_468, MESH_478_BUNDLE, has_mesh_bundle, model_path
from .detector import REGION_MARGIN, Region
from .landmarks import EYE_CORNERS
from .nets import Net, sigmoid
from .picture import Picture

Floats = NDArray[np.float32]


class FaceMesh:
    """Landmarks of the face inside a region: 478 points where the owner supplies the bundle, else 468."""

    def __init__(self, models: Path, threads: int = 1) -> None:
        if has_mesh_bundle(models):
            with zipfile.ZipFile(models / MESH_478_BUNDLE) as bundle:
                content = bundle.read("face_landmarks_detector.tflite")
            self.points, self.size = 478, 256
        else:
            content = model_path(models, MESH_468).read_bytes()
            self.points, self.size = 468, 192
        self._net = Net(content, threads)

    def landmarks(self, picture: Picture, region: Region) -> tuple[Floats, float]:
        """Points (N, 3) in picture pixels (z towards the camera negative, same scale) and the face's presence 0..1."""
        matrix = _to_patch(region, self.size)
        raw, presence = self.read(picture.patch(matrix, self.size))
        back = np.zeros((3, 4), np.float32)
        back[:2, [0, 1, 3]] = cv2.invertAffineTransform(matrix)
        back[2, 2] = region.side / self.size
        return np.asarray(cv2.transform(raw[None], back)[0], np.float32), presence

    def read(self, patch: Floats) -> tuple[Floats, float]:
        """The same in a patch (S, S, 3) of RGB in 0..1, `size` pixels wide, in its own pixels."""
        outputs = self._net(patch)
        raw = next(tensor for tensor in outputs if tensor.size == 3 * self.points).reshape(self.points, 3)
        return raw, sigmoid(next(tensor for tensor in outputs if tensor.size == 1).item())


def region_around(points: Floats) -> Region:
    """The square for the next frame: 1.5 times the landmarks' extent, level with the eyes."""
    first, second = (points[index] for index in EYE_CORNERS)
    tilt = math.atan2(second[1] - first[1], second[0] - first[0])
    cosine, sine = math.cos(tilt), math.sin(tilt)
    turn = np.array([[cosine, sine], [-sine, cosine]])
    level = turn @ points[:, :2].T  # (2, N): extremes are found faster along a row
    low, high = level.min(1), level.max(1)
    centre = (low + high) / 2 @ turn
    return Region(float(centre[0]), float(centre[1]), float((high - low).max() * REGION_MARGIN), tilt)


def _to_patch(region: Region, size: int) -> Floats:
    """Affine map (2, 3) from picture pixels to the patch."""
    scale = size / region.side
    cosine, sine = math.cos(region.tilt) * scale, math.sin(region.tilt) * scale
    half = size / 2
    return np.array(
        [
            [cosine, sine, half - cosine * region.x - sine * region.y],
            [-sine, cosine, half + sine * region.x - cosine * region.y],
        ],
        np.float32,
    )
