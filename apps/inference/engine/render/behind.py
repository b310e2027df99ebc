"""What is hidden behind something in front of the mouth: it moves with the face where the thing itself does not."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from .layers import Box, Floats, Layer, resized
from .occlusion import in_picture
from .warp import EMPTY, TargetMesh

Points = NDArray[np.floating]

SMALLER = 4  # pixels make one where what was never seen is filled in from around it
FILL_REACH = 3  # of these
SEEN_FROM = 0.02
CARRY_BLUR = 0.008  # eye distances


def carried(
    packed: NDArray[np.uint8], to_canvas: Points, points: Points, eyes: float, mesh: TargetMesh, around: Box, box: Box
) -> Floats:
    """(h, w) 0..1 in ``box``: where a thing goes that the packed mask tells of, moved along with a face.

    ``points`` (Q, 2) are the face's mesh points where it was filmed, ``around`` the part of that picture.
    """
    there = in_picture(packed, to_canvas, points, eyes, around)
    where = mesh.map(points, box, CARRY_BLUR * eyes).luma((around[0], around[1]))
    return cv2.remap(there, where, EMPTY, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def filled_in(layer: Layer, moved: Floats, in_front: Floats) -> Layer:
    """``layer`` (uint8) with what is seen all around in place of a thing that has ``moved`` along, (h, w) 0..1.

    Where it is ``in_front`` as well nothing is changed: the thing is laid over that later.
    """
    shape = (moved.shape[0] // SMALLER, moved.shape[1] // SMALLER)
    small = np.clip(layer.shrunk(shape), 0, 255).astype(np.uint8)
    missing = (resized(np.maximum(moved, in_front), shape) > SEEN_FROM).astype(np.uint8)
    filled = cv2.inpaint(small, missing, FILL_REACH, cv2.INPAINT_TELEA)
    luma = resized(np.ascontiguousarray(filled[..., 0]), layer.luma.shape)
    chroma = resized(np.ascontiguousarray(filled[..., 1:]), layer.chroma.shape)
    return layer.floats().mix(Layer(luma, chroma).floats(), np.clip(moved - in_front, 0, 1)).bytes()
