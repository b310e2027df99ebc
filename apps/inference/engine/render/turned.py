"""Heads turned far to the side: what of the mesh is seen, and where the face ends.

From about 30° on parts of the face hide behind others. Triangles that face away are left out, the rest are painted from
the far side to the near one, and the borrowed mouth ends at the face's outline, so that no background is lent or
dragged along.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from .layers import Floats, blurred
from .mesh import INNER, POINT_COUNT
from .warp import Canvas

Mask = NDArray[np.bool_]
Points = NDArray[np.floating]
Triangles = NDArray[np.integer]

SUBPIXEL_BITS = 3
FACING_AWAY = -0.002  # square eye distances: lips that cross a little where they meet do not face away
OUTLINE_INSIDE, OUTLINE_SOFTNESS = 0.02, 0.015  # eye distances: the mouth ends so far inside the outline
LEAST_SEEN = 0.25  # of a triangle's area as it is seen from the front
MISPLACED = 4  # canvas cells by which landmarks on the far side may lie beside the face
BAND = 0.08  # eye distances beyond the outline over which what moves there fades out


def seen_triangles(triangles: Triangles, depth: Points, eyes: float, *shapes: Points) -> Triangles:
    """Those of ``triangles`` (T, 3) that face the camera in all ``shapes`` (Q, 2 each), the farthest first.

    ``depth`` (Q,) grows away from the camera; corners run counter-clockwise where a triangle is seen from outside.
    """
    facing = np.ones(len(triangles), bool)
    for points in shapes:
        facing &= _areas(points, triangles) > FACING_AWAY * eyes**2
    order = np.argsort(-depth[triangles].mean(1), kind="stable")
    return np.asarray(triangles[order[facing[order]]])


def seen_on_canvas(canvas: Canvas, template: Points, triangles: Triangles, points: Points, eyes: float) -> Mask:
    """(h, w) of ``canvas``: what the camera sees well of a face whose mesh lies at ``points`` (Q, 2) in the picture.

    The canvas shows the mesh as its ``template`` (Q, 2), in eye distances. The rest of it is the far side of the head,
    drawn out to several times its width, and the background beside it.
    """
    share = _areas(points, triangles) / np.maximum(_areas(template, triangles) * eyes**2, 1e-9)
    seen = (share > LEAST_SEEN) & (triangles < POINT_COUNT).all(1)
    seen |= np.isin(triangles, INNER).all(1)  # small where lips are shut, not where they are turned away
    shown = np.append(False, seen)[canvas.owner].astype(np.uint8)
    return cv2.erode(shown, np.ones((2 * MISPLACED + 1, 2 * MISPLACED + 1), np.uint8), borderValue=1) > 0


def within_outline(points: Points, triangles: Triangles, eyes: float, shape: tuple[int, int], step: int) -> Floats:
    """(h, w) 0..1: inside the face's outline, drawn from its seen ``triangles`` without those of the ring.

    ``shape`` is in cells of ``step`` pixels, ``points`` (Q, 2) in pixels from the corner of the first cell.
    """
    face = triangles[(triangles < POINT_COUNT).all(1)]
    cover = np.zeros(shape, np.uint8)
    corners = np.round(((points[face] - (step - 1) / 2) / step) * (1 << SUBPIXEL_BITS)).astype(np.int32)
    for corner in corners:
        cv2.fillConvexPoly(cover, corner, 1, cv2.LINE_8, SUBPIXEL_BITS)
    reach = max(1, round(OUTLINE_INSIDE * eyes / step))
    inside = cv2.erode(cover, np.ones((2 * reach + 1, 2 * reach + 1), np.uint8), borderValue=1)
    return blurred(np.asarray(inside, np.float32), OUTLINE_SOFTNESS * eyes / step)


def _areas(points: Points, triangles: Triangles) -> NDArray[np.floating]:
    """(T,): twice the area of each of ``triangles`` (T, 3) over ``points`` (Q, 2), negative where it faces away."""
    corners = points[triangles]
    one, other = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    return np.asarray(one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0])
