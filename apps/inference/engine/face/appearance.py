"""What a face looks like, roughly: enough to tell the people of one video apart after a cut, no more.

No recognition net is used: none comes in a freely licensed package that is small. The descriptor is the head's
proportions (distances between rigid landmarks over the eye distance, from the 3D mesh) and a small picture of the head
laid upon eyes and chin, of which colours (without the brightness) and outlines (histograms of gradient directions) are
compared. Of tracks of 1.2 s of twenty people, .7 % of the pairs of two people are taken for one and 2 % of those of one
person for two, in the same light and in another (benchmarks.likeness). Colours tell most as long as the light is the
same, and count little.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .landmarks import CHIN_TIP, EYE_CORNERS, FOREHEAD_TOP, NOSE_BASE
from .picture import Picture

Floats = NDArray[np.float32]

_SIZE = 48
_CELLS, _DIRECTIONS = 8, 8
# Pairs of landmarks whose distance speech does not change.
_PROPORTIONS = [
    *[(133, 362), (33, 133), (168, NOSE_BASE), (98, 327)],
    *[(FOREHEAD_TOP, 168), (234, 454), (127, 356), (70, 300)],
]
# Weights of a logistic regression over short tracks of twenty people, lit in other ways as well: what outlines have in
# common, four times; less the differences of proportions (eye distances) and of colours (0..1), over these.
_OUTLINE_WEIGHT, _SHAPE_UNIT, _COLOUR_UNIT = 4.0, 0.059, 0.19
# Sum of the three from which on tracks are rather one person's, and how it spreads.
_BORDER, _SPREAD = 2.6, 2.0


@dataclass(frozen=True)
class Appearance:
    """Proportions (8,) in eye distances and a small picture (48, 48, 3) of the head, RGB in 0..1."""

    proportions: NDArray[np.float64]
    colours: Floats


def describe(picture: Picture, points: Floats, before: Appearance | None = None) -> Appearance:
    """Descriptor of the face with these landmarks, averaged into `before` (a tenth new) where given."""
    eyes = float(np.linalg.norm(points[EYE_CORNERS[0]] - points[EYE_CORNERS[1]]))
    ends = np.array(_PROPORTIONS)
    proportions = np.linalg.norm(points[ends[:, 0]] - points[ends[:, 1]], axis=1).astype(np.float64) / eyes
    source = points[[*EYE_CORNERS, CHIN_TIP], :2].astype(np.float32)
    target = np.array([[0.28, 0.42], [0.72, 0.42], [0.5, 0.92]], np.float32) * _SIZE
    colours = picture.patch(cv2.getAffineTransform(source, target).astype(np.float32), _SIZE)
    now = Appearance(proportions, colours)
    return now if before is None else averaged(before, now, 0.1)


@dataclass(frozen=True)
class Features:
    """What of the looks of n faces is compared: ``proportions`` (n, 8), ``tints`` (n, 432), ``outlines`` (n, 512)."""

    proportions: NDArray[np.float64]
    tints: Floats
    outlines: Floats

    @classmethod
    def of(cls, looks: Sequence[Appearance]) -> Features:
        """Those of several faces."""
        return cls(
            np.stack([one.proportions for one in looks]),
            np.stack([_tints(one) for one in looks]),
            np.stack([_outlines(one) for one in looks]),
        )

    def put(self, row: int, looks: Appearance) -> None:
        """Other looks for one of the faces."""
        self.proportions[row], self.tints[row], self.outlines[row] = looks.proportions, _tints(looks), _outlines(looks)

    def likeness(self, row: int) -> NDArray[np.float64]:
        """(n,) :func:`likeness` of one of the faces to each of them."""
        shape = np.sqrt(np.mean((self.proportions - self.proportions[row]) ** 2, axis=1)) / _SHAPE_UNIT
        colour = np.sqrt(np.mean((self.tints - self.tints[row]) ** 2, axis=1)) / _COLOUR_UNIT
        outline = self.outlines @ self.outlines[row]
        return np.asarray(0.5 + (_OUTLINE_WEIGHT * outline - shape - colour - _BORDER) / _SPREAD, np.float64)


def likeness(one: Appearance, other: Appearance) -> float:
    """About 1 for the same looks, .5 where it may be either, falling below 0 for clearly different ones."""
    return float(Features.of([one, other]).likeness(0)[1])


def averaged(one: Appearance, other: Appearance, share: float) -> Appearance:
    """The looks of two tracks of one face, of which the ``other`` counts by this share."""
    return Appearance(
        (1 - share) * one.proportions + share * other.proportions,
        ((1 - share) * one.colours + share * other.colours).astype(np.float32),
    )


def _tints(looks: Appearance) -> Floats:
    """(432,) colours without the brightness."""
    small = cv2.resize(looks.colours, (12, 12), interpolation=cv2.INTER_AREA)
    return np.asarray(small - small.mean(axis=2, keepdims=True), np.float32).ravel()


def _outlines(looks: Appearance) -> Floats:
    """(512,) of length 1: how strong edges of eight directions are in each of 8 x 8 cells, after the local contrast."""
    grey = looks.colours.mean(axis=2)
    across, down = (cv2.Sobel(grey, cv2.CV_32F, *order) for order in ((1, 0), (0, 1)))
    strength = np.hypot(across, down)
    direction = (np.arctan2(down, across) % (2 * np.pi)) / (2 * np.pi) * _DIRECTIONS
    cells = []
    for turn in range(_DIRECTIONS):
        share = np.clip(1 - np.abs((direction - turn + _DIRECTIONS / 2) % _DIRECTIONS - _DIRECTIONS / 2), 0, 1)
        weighted = (strength * share).astype(np.float32)
        cells.append(cv2.resize(weighted, (_CELLS, _CELLS), interpolation=cv2.INTER_AREA))
    found = np.stack(cells, axis=-1)
    found = found / (np.linalg.norm(found, axis=-1, keepdims=True) + 0.05)
    return np.asarray(found.ravel() / max(float(np.linalg.norm(found)), 1e-6), np.float32)
