"""What stands still in the picture while the head moves behind it: a microphone that is there from the first frame on.

It looks the same in every frame, so nothing is unusual about it. But two frames between which the head has moved tell:
what belongs to the face is alike where the face has gone, what stands before it is alike where it was.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ..crops import Crop, CropStore
from .layers import Floats, blurred, polygon_mask
from .mesh import ALL_LIPS, POINT_COUNT
from .warp import Canvas, sample_luma

Doubles = NDArray[np.float64]

LEAST_SHIFT = 4.0  # canvas pixels the head must have moved between two frames
PAIRS = 30  # compared at most
LEAST_PAIRS = 10  # that must see a place
# Levels of luma by which a place is more alike where it was than where the face has gone, in so many of the pairs.
STANDS, AGREE = 4.0, 0.7
WITHIN_RING = 0.72  # of the way from the lips to the mesh's ring: the jaw, whose ring is 1.3 times as large
GAP = 9  # picture cells
LEAST_PART = 60.0  # cells: smaller spots are no objects
GROWN = 1
MOST_COVERED = 0.4  # of the canvas: more than that is a face that does not move, whatever its landmarks say


@dataclass(frozen=True)
class Standing:
    """Where it stands: ``mask`` (h, w) uint8 in cells of ``size`` picture pixels, the first one at ``corner``."""

    mask: NDArray[np.uint8]
    corner: Doubles
    size: float

    def on_canvas(self, points: Doubles, to_canvas: Doubles, side: int) -> NDArray[np.bool_]:
        """(side, side): the part of it before a face whose mesh points lie at ``points`` (Q, 2)."""
        place = _affine(to_canvas, (points - self.corner) / self.size)
        found = cv2.warpAffine(self.mask, place, (side, side), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
        return found > 0


def find_standing(
    crops: CropStore, points: NDArray[np.floating], canvas: Canvas, to_canvas: Doubles, side: int,
    frames: NDArray[np.int64], unseen: Callable[[int], NDArray[np.bool_] | None],
) -> Standing | None:  # fmt: skip
    """Compare pairs of ``frames`` (n,); ``points`` (F, Q, 2) mesh points in pixels, ``to_canvas`` (Q, 2) on ``canvas``.
    ``unseen`` tells which part (side, side) of the canvas a frame does not show, None where it shows all of it.

    None where nothing stands, or the head never moves.
    """
    cell = float(np.median([_cell(points[frame], to_canvas) for frame in frames]))
    pairs = _moved_pairs(points, frames, cell)
    if len(pairs) < LEAST_PAIRS:
        return None
    corner = points[frames].min((0, 1)) - 2 * cell
    size = tuple(int(side) for side in np.ceil((points[frames].max((0, 1)) + 2 * cell - corner) / cell))
    votes, seen = np.zeros((2, size[1], size[0]), np.float32)
    face = _face(to_canvas, side)
    for one, other in pairs:
        told, known = _compared(crops[one], crops[other], points[one], points[other], canvas)
        place = _affine(to_canvas, (points[one] - corner) / cell)
        known = known * face
        for away in (unseen(one), unseen(other)):
            if away is not None:
                known[away] = 0
        for total, one_vote in ((votes, known * (told > STANDS)), (seen, known)):
            total += cv2.warpAffine(one_vote.astype(np.float32), place, size, flags=cv2.INTER_LINEAR)
    found = Standing(_filled((votes > AGREE * seen) & (seen >= LEAST_PAIRS)), corner, cell)
    covered = np.median([found.on_canvas(points[one], to_canvas, side).mean() for one, _ in pairs])
    return found if 0 < covered < MOST_COVERED else None


def _face(to_canvas: Doubles, side: int) -> Floats:
    """(h, w) on the canvas: 1 within the jaw, where nothing of the background is seen."""
    middle = to_canvas[ALL_LIPS].mean(0)
    jaw = middle + (to_canvas[POINT_COUNT:] - middle) * WITHIN_RING
    return polygon_mask(cv2.convexHull(jaw.astype(np.float32))[:, 0], (side, side))


def _cell(points: NDArray[np.floating], to_canvas: Doubles) -> float:
    """Picture pixels a canvas cell spans."""
    return float(np.sqrt(abs(np.linalg.det(_affine(to_canvas, np.asarray(points, np.float64))[:, :2]))))


def _moved_pairs(points: NDArray[np.floating], frames: NDArray[np.int64], cell: float) -> list[tuple[int, int]]:
    """Frames with another one each between which the head has moved far enough, not always the same one."""
    middles = points[frames].mean(1) / cell
    apart = np.linalg.norm(middles[:, None] - middles[None], axis=-1) >= LEAST_SHIFT
    moved = np.flatnonzero(apart.any(1))
    pairs = []
    for turn, at in enumerate(moved[:: max(1, -(-len(moved) // PAIRS))].tolist()):
        others = np.flatnonzero(apart[at])
        pairs.append((int(frames[at]), int(frames[others[turn * 7 % len(others)]])))
    return pairs


def _compared(one: Crop, other: Crop, here: NDArray[np.floating], there: NDArray[np.floating],
              canvas: Canvas) -> tuple[Floats, Floats]:  # fmt: skip
    """On the canvas of ``one``: how much more alike ``other`` is at the same place than at the same part of the face;
    and 1 where both crops show the place."""
    at = canvas.warp(here)
    shown = _luma(one, at.luma((one.x, one.y)))
    where = at.luma((other.x, other.y))
    moved, stayed = _luma(other, canvas.warp(there).luma((other.x, other.y))), _luma(other, where)
    height, width = other.luma.shape
    known = np.asarray(((where >= 0) & (where < [width, height])).all(-1), np.float32)
    difference = [first - second for first, second in ((shown, moved), (shown, stayed))]
    told = np.asarray(np.abs(difference[0] - np.median(difference[0])) - np.abs(difference[1]))
    return blurred(told * known, 1.0), known


def _luma(crop: Crop, where: Floats) -> Floats:
    return blurred(sample_luma(crop.luma, where).astype(np.float32), 1.0)


def _filled(stands: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """The large parts of ``stands``, each with all that lies within its hull: flat things tell by their edges alone."""
    closed = cv2.morphologyEx(stands.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((GAP, GAP), np.uint8))
    count, labels, facts, _ = cv2.connectedComponentsWithStats(np.asarray(closed, np.uint8))
    mask = np.zeros(stands.shape, np.uint8)
    for part in range(1, count):
        if facts[part, cv2.CC_STAT_AREA] >= LEAST_PART:
            inside = np.argwhere(labels == part)[:, ::-1].astype(np.int32)
            cv2.fillConvexPoly(mask, cv2.convexHull(inside), 1)
    return np.asarray(cv2.dilate(mask, np.ones((2 * GROWN + 1, 2 * GROWN + 1), np.uint8)), np.uint8)


def _affine(source: Doubles, target: Doubles) -> Doubles:
    """(2, 3): carries ``source`` (Q, 2) onto ``target`` (Q, 2) as well as can be."""
    return np.asarray(np.linalg.lstsq(np.c_[source, np.ones(len(source))], target, rcond=None)[0].T, np.float64)
