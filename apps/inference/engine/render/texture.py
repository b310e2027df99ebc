"""How the insides of two mouths differ to the eye, whatever their landmarks say.

Two exemplars with the same landmarks can show the upper teeth, both rows or none; only their pixels tell.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from ..crops import CropStore
from ..progress import checkpoint
from .layers import Floats, blurred, polygon_mask
from .mesh import INNER, OUTER, FaceMesh2D
from .warp import Canvas, sample_luma

CANVAS = (64, 40)  # width, height of the common mouth picture
MARGIN = 0.02  # iod around the outer lips


class MouthTextures:
    """Lumas of many mouths, warped onto one open mouth; distances are RMS luma (0..255) inside the lips."""

    def __init__(
        self, crops: CropStore, points: NDArray[np.floating], mesh: FaceMesh2D, frames: NDArray[np.integer]
    ) -> None:
        """``points`` (F, Q, 2): mesh points of every frame in picture pixels; ``frames`` those that are looked at."""
        target = _on_canvas(mesh.template)
        canvas = Canvas(target, mesh.triangles, CANVAS)
        inside = polygon_mask(target[INNER], (CANVAS[1], CANVAS[0]))
        self._inside = cv2.dilate(inside, np.ones((3, 3), np.uint8))
        weight = np.sqrt(self._inside.sum())
        self._row_of = np.full(len(points), -1, np.int64)
        self._row_of[frames] = np.arange(len(frames))
        self._rows = np.zeros((len(frames), CANVAS[0] * CANVAS[1]), np.float32)
        for row, frame in enumerate(frames.tolist()):
            checkpoint()
            crop = crops[frame]
            luma = sample_luma(crop.luma, canvas.warp(points[frame]).luma((crop.x, crop.y))).astype(np.float32)
            self._rows[row] = (blurred(luma, 0.8) * self._inside).ravel() / weight
        self._squares = (self._rows**2).sum(1)

    def knows(self, frames: NDArray[np.integer]) -> NDArray[np.bool_]:
        """Which of ``frames`` were looked at."""
        return self._row_of[frames] >= 0

    def among(self, frames: NDArray[np.integer]) -> Floats:
        """(len(frames), len(frames)) distances."""
        rows, squares = self._rows[self._row_of[frames]], self._squares[self._row_of[frames]]
        return np.sqrt(np.maximum(squares[:, None] + squares[None] - 2 * (rows @ rows.T), 0))

    def natural_step(self, frames: NDArray[np.integer]) -> float:
        """Median distance between neighbouring frames of ``frames``: what natural movement looks like."""
        pairs = frames[:-1][np.diff(frames) == 1]
        if not len(pairs):
            return 1.0
        steps = np.linalg.norm(self._rows[self._row_of[pairs + 1]] - self._rows[self._row_of[pairs]], axis=1)
        return max(0.5, float(np.median(steps)))


def _on_canvas(flat: NDArray[np.floating]) -> NDArray[np.floating]:
    """Canonical mesh points (Q, 2) in canvas pixels, the lips filling it."""
    low, high = flat[OUTER].min(0) - MARGIN, flat[OUTER].max(0) + MARGIN
    return (flat - low) / (high - low) * np.array(CANVAS)
