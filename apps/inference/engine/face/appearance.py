"""What a face looks like, roughly: enough to tell the people of one video apart after a cut, no more.

No recognition net is used. The descriptor is the head's proportions (distances between rigid landmarks over the eye
distance, from the pose-free 3D shape) and the mean colours of nine regions of the face and its surrounding.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .landmarks import CHIN_TIP, EYE_CORNERS, FOREHEAD_TOP, NOSE_BASE
from .picture import Picture

Floats = NDArray[np.float32]

_SIZE = 24
# Pairs of landmarks whose distance speech does not change.
_PROPORTIONS = [
    *[(133, 362), (33, 133), (168, NOSE_BASE), (98, 327)],
    *[(FOREHEAD_TOP, 168), (234, 454), (127, 356), (70, 300)],
]
_SHAPE_SPREAD = 0.06  # two tracks of one person differ by about this much, in eye distances
_COLOUR_SPREAD = 0.12  # and by about this much in colour, on a 0..1 scale


@dataclass(frozen=True)
class Appearance:
    """Proportions (8,) in eye distances and a small colour picture (24, 24, 3) of the head in 0..1."""

    proportions: NDArray[np.float64]
    colours: Floats


def describe(picture: Picture, points: Floats, before: Appearance | None = None) -> Appearance:
    """Descriptor of the face with these landmarks, averaged into `before` (a tenth new) where given."""
    eyes = float(np.linalg.norm(points[EYE_CORNERS[0]] - points[EYE_CORNERS[1]]))
    ends = np.array(_PROPORTIONS)
    proportions = np.linalg.norm(points[ends[:, 0]] - points[ends[:, 1]], axis=1).astype(np.float64) / eyes
    source = points[[*EYE_CORNERS, CHIN_TIP], :2].astype(np.float32)
    target = np.array([[0.28, 0.42], [0.72, 0.42], [0.5, 0.92]], np.float32) * 4 * _SIZE
    patch = picture.patch(cv2.getAffineTransform(source, target).astype(np.float32), 4 * _SIZE)
    colours = cv2.resize(patch, (_SIZE, _SIZE), interpolation=cv2.INTER_AREA).astype(np.float32, copy=False)
    if before is None:
        return Appearance(proportions, colours)
    return Appearance(0.9 * before.proportions + 0.1 * proportions, 0.9 * before.colours + 0.1 * colours)


def likeness(one: Appearance, other: Appearance) -> float:
    """1 for the same looks, falling below 0 for clearly different ones."""
    shape = float(np.sqrt(np.mean((one.proportions - other.proportions) ** 2))) / _SHAPE_SPREAD
    colour = float(np.sqrt(np.mean((one.colours - other.colours) ** 2))) / _COLOUR_SPREAD
    return 1.0 - 0.25 * (shape + colour)
