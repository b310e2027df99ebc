"""Piecewise affine warps: where each pixel of a region comes from.

Maps are made at a fraction of the resolution and enlarged. They hold displacements, not positions: outside the mesh
they are exactly zero, and a pixel that does not move is copied bit for bit.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from .layers import Box, Floats, to_bytes

EMPTY: Floats = np.empty(0, np.float32)  # both coordinates lie in the first map
TOUCHING = 1e-6  # cells: a middle on the edge between two triangles belongs to one of them, however the edge is rounded
MIN_DETERMINANT = 0.02  # of a triangle at map resolution; smaller ones are skipped
# A thinner triangle moves as a whole: its slope, carried on to the pixels of its rim, would throw them far away.
MIN_HEIGHT = 1.5
THIN = np.array([0, 0, 1 / 3]).reshape(3, 1, 1)  # its corners count alike all over it, see :func:`_shares`


class WarpMap:
    """Displacement from each pixel of ``box`` (x, y, width, height in the picture) to its source, in luma pixels."""

    def __init__(self, displacement: Floats, box: Box) -> None:
        self._displacement = displacement
        self.box = box

    def luma(self, origin: tuple[int, int]) -> Floats:
        """Source positions (h, w, 2) for the luma plane of a source picture whose corner lies at ``origin``."""
        x, y, width, height = self.box
        field: Floats = cv2.resize(self._displacement, (width, height), interpolation=cv2.INTER_LINEAR)
        field[..., 0] += np.arange(x - origin[0], x - origin[0] + width, dtype=np.float32)
        field[..., 1] += np.arange(y - origin[1], y - origin[1] + height, dtype=np.float32)[:, None]
        return field

    def chroma(self, origin: tuple[int, int]) -> Floats:
        """Source positions (h/2, w/2, 2) for chroma planes at half size."""
        x, y, width, height = self.box
        field = cv2.resize(self._displacement, (width // 2, height // 2), interpolation=cv2.INTER_LINEAR) * 0.5
        left, top = (x - origin[0]) // 2, (y - origin[1]) // 2
        field[..., 0] += np.arange(left, left + width // 2, dtype=np.float32)
        field[..., 1] += np.arange(top, top + height // 2, dtype=np.float32)[:, None]
        return field


class Canvas:
    """A fixed target: what its pixels take from the corners of their triangles is worked out once.

    ``owner`` (h, w): number of the triangle each pixel lies in plus 1, 0 beside the mesh.
    """

    def __init__(self, target: NDArray[np.floating], triangles: NDArray[np.integer], size: tuple[int, int]) -> None:
        """``target`` (Q, 2) mesh points in canvas pixels, ``size`` width and height of the canvas."""
        self._target, self._box = target, (0, 0, *size)
        corners = target[triangles]
        first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
        solid = np.abs(first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]) > MIN_DETERMINANT
        self.owner = _rasterise(corners, np.flatnonzero(solid), *size)
        owner = self.owner.ravel().astype(np.int64) - 1
        inside = np.flatnonzero(owner >= 0)
        owner = owner[inside]
        pixels = np.stack([inside % size[0], inside // size[0], np.ones(len(inside))], axis=1)
        upright = np.concatenate([corners[owner], np.ones((len(owner), 3, 1))], axis=2)
        shares = np.einsum("nk,nkc->nc", pixels, np.linalg.inv(upright)).astype(np.float32)
        places = np.repeat(inside, 3), triangles[owner].ravel()
        self._shares = csr_array((shares.ravel(), places), shape=(size[0] * size[1], len(target)))

    def warp(self, source: NDArray[np.floating]) -> WarpMap:
        """Where each canvas pixel lies in the picture in which the mesh points are at ``source`` (Q, 2)."""
        shift = (source - self._target).astype(np.float32)
        return WarpMap((self._shares @ shift).reshape(self._box[3], self._box[2], 2), self._box)


class TargetMesh:
    """A mesh as it shall lie in a picture, for warps from any number of sources.

    Later triangles lie in front of earlier ones.
    """

    def __init__(self, target: NDArray[np.floating], triangles: NDArray[np.integer], box: Box, step: int) -> None:
        """``target`` (Q, 2) in picture pixels, seen in ``box``, whose sides are multiples of ``step``: so many pixels
        one map cell spans."""
        self._target, self._box, self._step = target, box, step
        columns, lines = box[2] // step, box[3] // step
        corners = ((target - [box[0], box[1]] - (step - 1) / 2) / step)[triangles]
        first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
        determinant = first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]
        (left, right), (top, bottom) = (_extent(corners[..., axis]) for axis in (0, 1))
        beside = (right < 0) | (bottom < 0) | (left >= columns) | (top >= lines)
        hidden = (np.abs(determinant) <= MIN_DETERMINANT) | beside
        self._owner = _rasterise(corners, np.flatnonzero(~hidden), columns, lines)
        longest = np.sqrt(np.maximum(_square(first), np.maximum(_square(second), _square(second - first))))
        self._corners = np.ascontiguousarray(triangles.T)
        self._shares = _shares(corners, np.where(hidden, np.inf, determinant))
        self._shares[..., ~hidden & (np.abs(determinant) < MIN_HEIGHT * longest)] = THIN

    def map(self, source: NDArray[np.floating], box: Box, blur: float, band: float = 0.0) -> WarpMap:
        """The map for ``box``, a part of the mesh's own at a multiple of the step, if the points are at ``source``.

        ``blur`` is a Gaussian in pixels that rounds the folds between triangles. What moves at the mesh's rim fades out
        over about twice ``band`` pixels beyond it; without a band it ends there.
        """
        left, top = ((box[axis] - self._box[axis]) // self._step for axis in (0, 1))
        columns, lines = box[2] // self._step, box[3] // self._step
        owner = self._owner[top : top + lines, left : left + columns]
        shift = np.take(np.ascontiguousarray((source - self._target).T), self._corners, axis=1)
        table = np.zeros((3, self._corners.shape[1] + 1, 2), np.float32)  # row 0: no triangle
        table[:, 1:] = (self._shares[:, None] * shift).sum(2).transpose(0, 2, 1)
        by_column, by_line, rest = np.take(table, owner, axis=1)
        # Each column twice, for both coordinates: to stretch one number over an axis of two is slow.
        across = np.repeat(np.arange(left, left + columns, dtype=np.float32), 2).reshape(columns, 2)
        down = np.arange(top, top + lines, dtype=np.float32)[:, None, None]
        displacement: Floats = by_column * across
        displacement += by_line * down
        displacement += rest
        if band:
            displacement = _faded_out(displacement, owner > 0, band / self._step)
        return WarpMap(cv2.GaussianBlur(displacement, (0, 0), max(0.5, blur / self._step)), box)


def _shares(corners: NDArray[np.floating], determinant: NDArray[np.floating]) -> NDArray[np.floating]:
    """(3, 3, T): how much each of the ``corners`` (T, 3, 2) of a triangle counts in column c and line l of the map.

    The first axis is a, b and e of a·c + b·l + e, the second one the corners; ``determinant`` (T,) twice the area.
    """
    places = np.ascontiguousarray(corners.transpose(2, 1, 0))
    (x1, y1), (x2, y2) = places[:, [1, 2, 0]], places[:, [2, 0, 1]]  # the two other corners
    return np.stack([y1 - y2, x2 - x1, x1 * y2 - x2 * y1]) / determinant


def _extent(corners: NDArray[np.floating]) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Least and largest of each row (n, 3): written out: NumPy takes four times as long along so short an axis."""
    one, two, three = corners[:, 0], corners[:, 1], corners[:, 2]
    return np.minimum(np.minimum(one, two), three), np.maximum(np.maximum(one, two), three)


def _square(vectors: NDArray[np.floating]) -> NDArray[np.floating]:
    """Squared lengths of (n, 2)."""
    return vectors[:, 0] ** 2 + vectors[:, 1] ** 2


def piecewise_map(target: NDArray[np.floating], source: NDArray[np.floating], triangles: NDArray[np.integer],
                  box: Box, step: int, blur: float) -> WarpMap:  # fmt: skip
    """The map that takes ``target`` points (Q, 2) from ``source`` points (Q, 2), see :class:`TargetMesh`."""
    return TargetMesh(target, triangles, box, step).map(source, box, blur)


def _faded_out(displacement: Floats, covered: NDArray[np.bool_], band: float) -> Floats:
    """``displacement`` (h, w, 2) carried on beyond what is ``covered`` (h, w), less and less."""
    share = cv2.GaussianBlur(covered.astype(np.float32), (0, 0), band)
    around = cv2.GaussianBlur(displacement, (0, 0), band) / np.maximum(share, 1e-3)[..., None]
    around *= np.clip(2 * share, 0, 1)[..., None]
    return np.where(covered[..., None], displacement, around)


def _rasterise(
    corners: NDArray[np.floating], which: NDArray[np.integer], columns: int, lines: int
) -> NDArray[np.int16]:
    """(lines, columns): number of the triangle that covers the cell's middle plus 1, or 0 outside the mesh.

    All triangles at once, line by line: each line of a triangle reaches from the leftmost to the rightmost edge that it
    crosses. Later triangles lie in front of earlier ones.
    """
    shapes = corners[which]
    highest, lowest = _extent(shapes[..., 1])
    top = np.maximum(np.ceil(highest), 0).astype(np.int64)
    bottom = np.minimum(np.floor(lowest), lines - 1).astype(np.int64)
    triangle, line = _counted(top, bottom)
    # Of all three edges at once, (3, n): NumPy takes longer to begin than to work here.
    one = np.ascontiguousarray(shapes.transpose(2, 1, 0))
    other = one[:, [1, 2, 0]]
    fall = other[1] - one[1]
    level = fall == 0
    slope = (other[0] - one[0]) / np.where(level, np.inf, fall)
    x = np.take(one[0] - one[1] * slope, triangle, axis=1) + line * np.take(slope, triangle, axis=1)
    high, low = np.minimum(one[1], other[1]), np.where(level, -np.inf, np.maximum(one[1], other[1]))
    crossed = (line >= np.take(high, triangle, axis=1)) & (line <= np.take(low, triangle, axis=1))
    left, right = np.where(crossed, x, columns).min(0), np.where(crossed, x, -1.0).max(0)
    first = np.maximum(np.ceil(left - TOUCHING), 0).astype(np.int64)
    last = np.minimum(np.floor(right + TOUCHING), columns - 1).astype(np.int64)
    span, column = _counted(first, last)
    owner = np.zeros(lines * columns, np.int16)
    owner[line[span] * columns + column] = (which[triangle] + 1)[span]
    return owner.reshape(lines, columns)


def _counted(first: NDArray[np.int64], last: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """All whole numbers from ``first`` to ``last`` (n,), both included, one range behind the other: range, number."""
    lengths = np.maximum(last - first + 1, 0)
    ranges = np.repeat(np.arange(len(lengths)), lengths)
    return ranges, np.arange(len(ranges)) + (first - np.cumsum(lengths) + lengths)[ranges]


def sample_luma(plane: NDArray[np.uint8], positions: Floats) -> NDArray[np.uint8]:
    """Bicubic samples of a luma plane: OpenCV takes them of floats, rounding included, in a third of the time."""
    floats = plane.astype(np.float32)
    return to_bytes(cv2.remap(floats, positions, EMPTY, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE))


def sample_chroma(planes: NDArray[np.uint8], positions: Floats) -> NDArray[np.uint8]:
    """Bilinear samples of chroma planes (h, w, 2)."""
    return cv2.remap(planes, positions, EMPTY, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE).astype(
        np.uint8, copy=False
    )
