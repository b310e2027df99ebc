"""Lips that are covered by something of the skin's own colour: their red is missing.

A flat hand has nothing that the cheeks have not. But where lips shall be and skin is seen, something lies before them;
what it is goes on from there to the nearest side of the canvas.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from .layers import Floats, median, polygon_mask
from .mesh import INNER, OUTER

# Chroma levels between lips and skin below which nobody can tell: pale lips are not looked at.
LEAST_RED = 5.0
RED, NOT_RED = 0.6, 0.5  # of the way from skin to lips: what is lips as a rule, and what is none now
# So much of one lip must be hidden, and so much more than in half of the frames.
LEAST_HIDDEN, MORE_HIDDEN = 0.35, 0.3
SKIN_BESIDE = (9, 19)  # canvas pixels about the lips


class LipColour:
    """Tells lips from skin on the canvas, by what they look like as a rule."""

    def __init__(self, sample: Floats, usual: Floats, to_canvas: NDArray[np.floating]) -> None:
        """``sample`` (n, h, w, 3) Y, U, V of many frames, ``usual`` (h, w, 3) their median; ``to_canvas`` (Q, 2) mesh
        points in canvas pixels."""
        shape = usual.shape[:2]
        whole = polygon_mask(to_canvas[OUTER], shape) > 0.5
        between = polygon_mask(to_canvas[INNER], shape) > 0.5
        red = whole & ~_grown(between, 3)
        self._skin = _grown(whole, SKIN_BESIDE[1]) & ~_grown(whole, SKIN_BESIDE[0])
        middle = to_canvas[INNER, 1].mean()
        upper = np.arange(shape[0])[:, None] < middle
        skin = np.median(usual[self._skin], axis=0)
        way = (np.median(usual[red], axis=0) - skin)[1:] if red.any() else np.zeros(2)
        self._way = way / max(1e-6, float(way @ way))
        tells = bool(np.hypot(*way) >= LEAST_RED)
        usually = red & (self._redness(usual) > RED)
        self._lips = [lip for lip in (usually & upper, usually & ~upper) if tells and lip.any()]
        hidden = [[_share(pale[lip]) for lip in self._lips] for pale in map(self._pale, sample)]
        self._least = np.maximum(LEAST_HIDDEN, np.median(hidden, axis=0) + MORE_HIDDEN)

    def hidden(self, shown: Floats) -> NDArray[np.bool_]:
        """(h, w): where lips shall be in ``shown`` (h, w, 3) and are not; nothing where both lips are seen."""
        found = np.zeros(shown.shape[:2], bool)
        if not self._lips:
            return found
        pale = self._pale(shown)
        for lip, least in zip(self._lips, self._least, strict=True):
            if _share(pale[lip]) > least:
                found |= lip & pale
        return found

    def _pale(self, picture: Floats) -> NDArray[np.bool_]:
        """(h, w): where no lips are seen."""
        return self._redness(picture) < NOT_RED

    def _redness(self, picture: Floats) -> Floats:
        """(h, w): 0 like the skin of this picture, 1 like lips."""
        blue, red = median(picture[self._skin])[1:]  # one plane at a time: products of pairs are slow
        return (picture[..., 1] - blue) * self._way[0] + (picture[..., 2] - red) * self._way[1]


def up_to_the_side(hidden: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """``hidden`` carried on to the bottom or the top of the canvas, whichever lies nearer its middle."""
    lines = np.flatnonzero(hidden.any(1))
    if not len(lines):
        return hidden
    columns = _grown(hidden, 2).any(0)
    result = np.zeros_like(hidden)
    if lines.mean() * 2 > len(hidden):
        result[lines[0] :, columns] = True
    else:
        result[: lines[-1] + 1, columns] = True
    return result


def _share(mask: NDArray[np.bool_]) -> float:
    return np.count_nonzero(mask) / mask.size


def _grown(mask: NDArray[np.bool_], by: int) -> NDArray[np.bool_]:
    size = 2 * by + 1
    return cv2.dilate(mask.astype(np.uint8), np.ones((size, size), np.uint8)) > 0
