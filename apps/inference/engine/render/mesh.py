"""The triangle mesh that carries a face's lower half from one mouth shape to another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import Delaunay

from ..face.landmarks import (
    EYE_CORNERS,
    FACE_OVAL_LOWER,
    INNER_LIPS,
    LIPS,
    NOSE_BASE,
    OUTER_LIPS,
    WARP_INDEX,
    WARP_POINTS,
)

Doubles = NDArray[np.float64]
Indices = NDArray[np.int64]

# With closed lips the inner mouth has no triangles; the lips of the mesh's template are opened at least so far (iod).
MIN_OPENING = 0.12
LOWER_INNER = [88, 178, 87, 14, 317, 402, 318, 95, 324]
LOWER_OUTER = [91, 181, 84, 17, 314, 405, 321, 146, 375]
# The jaw's oval, enlarged about the mouth: these ring points never move, so what lies outside stays untouched.
RING_SCALE = np.array([1.30, 1.38, 1.15])
RING_DROP = 0.03
RING_ENDS = 4  # ring points at each temple that lie beside the eyes, not around the jaw


def rows(points: list[int] | tuple[int, ...]) -> Indices:
    """Rows of mesh points (indices of the face mesh) in arrays of warp points."""
    return np.array([WARP_INDEX[point] for point in points])


OUTER = rows(OUTER_LIPS)
INNER = rows(INNER_LIPS)
ALL_LIPS = rows(LIPS)
NOSE = WARP_INDEX[NOSE_BASE]
NOSE_TIP = WARP_INDEX[4]
EYES = rows(EYE_CORNERS)
UPPER_LINE = rows((78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308))  # inner edge of the upper lip, corner to corner
LOWER_LINE = rows((78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308))
POINT_COUNT = len(WARP_POINTS)


@dataclass(frozen=True)
class FaceMesh2D:
    """``triangles`` (T, 3) over the P warp points followed by the R ring points; ``ring`` (R, 3) canonical."""

    triangles: Indices
    ring: Doubles
    template: Doubles

    @classmethod
    def build(cls, template: Doubles) -> FaceMesh2D:
        """The mesh for a face whose canonical shape is ``template`` (N, 3), eye distance 1."""
        opened = opened_lips(template)[WARP_POINTS]
        middle = template[[13, 14]].mean(0)
        ring = middle + (template[FACE_OVAL_LOWER] - middle) * RING_SCALE
        ring[:, 1] += RING_DROP
        flat = np.concatenate([opened[:, :2], ring[:, :2]])
        return cls(Delaunay(flat).simplices.astype(np.int64), ring, flat)


def opened_lips(template: Doubles) -> Doubles:
    """The canonical shape with lips at least ``MIN_OPENING`` apart."""
    opened = template.copy()
    missing = MIN_OPENING - (template[14, 1] - template[13, 1])
    if missing > 0:
        opened[LOWER_INNER, 1] += missing
        opened[LOWER_OUTER, 1] += 0.9 * missing
    return opened


def face_axes(points: NDArray[np.floating]) -> tuple[Doubles, Doubles]:
    """Unit vectors (2,) in the picture: along the eyes, and from the eyes to the chin; ``points`` (Q, 2)."""
    right = np.asarray(points[EYES[1]] - points[EYES[0]], np.float64)
    right /= np.hypot(*right) + 1e-9
    return right, np.array([-right[1], right[0]])


_PAIRS = ((13, 14), (82, 87), (312, 317), (81, 178), (311, 402), (80, 88), (310, 318), (191, 95), (415, 324))
_UPPER = rows([pair[0] for pair in _PAIRS])
_LOWER = rows([pair[1] for pair in _PAIRS])


def uncross_lips(shape: Doubles) -> Doubles:
    """Canonical warp points (…, P, 3) whose inner lips do not cross: pairs that do meet in their middle, .002 apart."""
    shape = shape.copy()
    upper, lower = shape[..., _UPPER, 1], shape[..., _LOWER, 1]
    crossed = lower < upper + 0.002
    middle = (upper + lower) / 2
    shape[..., _UPPER, 1] = np.where(crossed, middle - 0.001, upper)
    shape[..., _LOWER, 1] = np.where(crossed, middle + 0.001, lower)
    return shape
