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
AT_ONCE = 500  # pairs compared at once: 5 MB
DETAIL = 2.0  # Gaussian in canvas pixels: detail is what it takes away


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

    def between(self, one: NDArray[np.integer], other: NDArray[np.integer]) -> NDArray[np.float64]:
        """(n,) distances of frames ``one`` (n,) from ``other`` (n,)."""
        apart = np.empty(len(one))
        for first in range(0, len(one), AT_ONCE):
            part = slice(first, first + AT_ONCE)
            rows = self._rows[self._row_of[one[part]]] - self._rows[self._row_of[other[part]]]
            apart[part] = np.linalg.norm(rows, axis=1)
        return apart

    def doubled(self, one: int, other: int) -> float:
        """Detail of both mouths laid over each other that is not the one's nor the other's: RMS, levels of luma."""
        fine = [self._detail(frame) for frame in (one, other)]
        squares = [float(detail @ detail) for detail in fine]
        common = float(fine[0] @ fine[1]) ** 2 / (squares[0] * squares[1] + 1e-9)
        return float(np.sqrt(min(squares) * max(0.0, 1 - common))) / 2

    def _detail(self, frame: int) -> Floats:
        row = self._rows[self._row_of[frame]].reshape(CANVAS[1], CANVAS[0])
        smooth = blurred(row, DETAIL) / np.maximum(blurred(self._inside, DETAIL), 1e-3)
        return ((row - smooth) * self._inside).ravel()

    def natural_step(self, frames: NDArray[np.integer]) -> float:
        """Median distance between neighbouring frames of ``frames``: what natural movement looks like."""
        return max(0.5, self._steps_of(frames, 50, 1.0))

    def usual_step(self, percentile: float) -> float:
        """So many of the steps between neighbouring frames change no more; at least half a level."""
        return max(0.5, self._steps_of(np.flatnonzero(self._row_of >= 0), percentile, np.inf))

    def _steps_of(self, frames: NDArray[np.integer], percentile: float, unknown: float) -> float:
        first = frames[:-1][np.diff(frames) == 1]
        return float(np.percentile(self.between(first, first + 1), percentile)) if len(first) else unknown


def _on_canvas(flat: NDArray[np.floating]) -> NDArray[np.floating]:
    """Canonical mesh points (Q, 2) in canvas pixels, the lips filling it."""
    low, high = flat[OUTER].min(0) - MARGIN, flat[OUTER].max(0) + MARGIN
    return (flat - low) / (high - low) * np.array(CANVAS)
