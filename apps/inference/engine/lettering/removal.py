"""Takes lettering off a picture, so that a face can be read and drawn without it, and lays it back as it was.

Letters are filled in from around them. They do not move with the face, nor are they lent with a mouth: what is drawn is
drawn behind them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from ..media.video_reader import Planes
from .lines import Rows

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]

EDGE = 40  # levels of luma within two pixels that belong to a letter or to its outline
STROKE = 0.12  # of a line's height: what lies between two edges so near to each other is part of a letter
# The letters' colour is that of the brightest pixels beside edges; what is so little off it is a letter, however thick.
BRIGHTEST, ALIKE = 90, np.array([25.0, 10.0, 10.0])  # percentile; levels of Y, U, V
# Where so much of it is thicker than that (of a line's height), it is what dark letters stand on.
THICK, BACKGROUND = 0.3, 0.1
OUTLINE = 0.1  # of a line's height: no farther from that colour do outlines and shadows lie; lips and hair do
GROWN = 0.03  # of a line's height
AROUND = 0.5  # of a line's height: what letters are filled in from
FILL_REACH = 3
# Pixels: lines are worked on at so little height, which is as well and sooner done.
LETTER_FILL, BAR_FILL = 48, 24
SOFT = 1.0  # pixels beyond the letters over which they are laid back


@dataclass(frozen=True)
class Lettering:
    """What was taken off at ``x``, ``y``: ``planes`` as they were there.

    ``cover`` (h, w) for luma and ``tint`` (h/2, w/2) for chroma are 1 where letters stood, softly less beside them.
    """

    x: int
    y: int
    planes: Planes
    cover: Floats
    tint: Floats

    def behind(self, planes: Planes) -> Lettering:
        """What ``planes`` show where the letters stood: laying that back takes the letters off another copy."""
        luma, blue, red = self._parts(planes)
        cover, tint = ((weight > 0).astype(np.float32) for weight in (self.cover, self.tint))
        return replace(self, planes=(luma.copy(), blue.copy(), red.copy()), cover=cover, tint=tint)

    def lay_back(self, planes: Planes) -> None:
        """Put the letters before whatever ``planes`` (Y, U, V of the whole picture, changed in place) show now."""
        for part, before, weight in zip(
            self._parts(planes), self.planes, (self.cover, self.tint, self.tint), strict=True
        ):
            _mix(part, before, weight)

    def _parts(self, planes: Planes) -> list[Bytes]:
        height, width = self.cover.shape
        return parts_of(planes, (self.x, self.y, self.x + width, self.y + height))


def lay_back(planes: Planes, taken: list[Lettering]) -> None:
    """Put all that was ``taken`` off back, what was taken last first: one line may stand over another."""
    for one in reversed(taken):
        one.lay_back(planes)


def take_off(planes: Planes, lines: Rows) -> list[Lettering]:
    """Fill in ``lines`` (k, 6) in ``planes`` (Y, U, V; changed in place); returns what to lay back."""
    taken = []
    for _, x, y, width, height, bar in lines.tolist():
        more = int(AROUND * height)
        box = _even(x - more, y - more, x + width + more, y + height + more, planes)
        letters = (x - box[0], y - box[1], width, height)
        if min(box[2] - box[0], box[3] - box[1]) >= 8:
            taken.append(_taken_off(planes, box, letters, bool(bar)))
    return taken


def parts_of(planes: Planes, box: tuple[int, int, int, int]) -> list[Bytes]:
    """Views of Y, U and V within ``box``: left, top, right and bottom, all even."""
    left, top, right, bottom = box
    return [
        plane[top // scale : bottom // scale, left // scale : right // scale]
        for plane, scale in zip(planes, (1, 2, 2), strict=True)
    ]


def _even(left: int, top: int, right: int, bottom: int, planes: Planes) -> tuple[int, int, int, int]:
    height, width = planes[0].shape
    return max(0, left) // 2 * 2, max(0, top) // 2 * 2, min(right, width) // 2 * 2, min(bottom, height) // 2 * 2


def _taken_off(planes: Planes, box: tuple[int, int, int, int], letters: tuple[int, int, int, int],
               bar: bool) -> Lettering:  # fmt: skip
    """Fill in what stands within ``letters`` (x, y, width, height, within ``box``: left, top, right, bottom)."""
    left, top, right, bottom = box
    parts = parts_of(planes, box)
    before = (parts[0].copy(), parts[1].copy(), parts[2].copy())
    shrink = max(1, letters[3] // (BAR_FILL if bar else LETTER_FILL))
    size = (max(4, (right - left) // shrink), max(4, (bottom - top) // shrink))
    shrunk = [cv2.resize(part, size, interpolation=cv2.INTER_AREA) for part in before]
    small: Bytes = np.asarray(cv2.merge(shrunk), np.uint8)
    scale = np.array([size[0] / (right - left), size[1] / (bottom - top)] * 2)
    x, y, width, height = np.round(np.array(letters) * scale).astype(int).tolist()
    within = np.zeros(size[::-1], np.uint8)
    within[max(0, y) : y + height] = 1  # to either side, too: what a line is cut off from must not be filled in with
    if bar:
        within[:, : max(0, x)] = within[:, x + width :] = 0
    mask = within if bar else _glyphs(small, within, height)
    filled = cv2.inpaint(small, mask, FILL_REACH, cv2.INPAINT_TELEA)
    full = (right - left, bottom - top)
    stood: Floats = np.asarray(cv2.resize(mask.astype(np.float32), full, interpolation=cv2.INTER_LINEAR), np.float32)
    half: Floats = np.asarray(cv2.resize(stood, (full[0] // 2, full[1] // 2), interpolation=cv2.INTER_AREA), np.float32)
    for number, part in enumerate(parts):
        new = cv2.resize(np.ascontiguousarray(filled[..., number]), part.shape[::-1], interpolation=cv2.INTER_LINEAR)
        _mix(part, np.asarray(new, np.uint8), np.minimum(1, 2 * (stood if number == 0 else half)))
    return Lettering(left, top, before, _cover(stood), _cover(half))


def _cover(stood: Floats) -> Floats:
    """1 wherever anything ``stood`` (h, w), softly less beside it."""
    solid = (stood > 0).astype(np.float32)
    around = cv2.GaussianBlur(cv2.dilate(solid, np.ones((3, 3), np.uint8)), (0, 0), SOFT)
    return np.asarray(np.maximum(solid, around), np.float32)


def _glyphs(small: Bytes, within: Bytes, height: int) -> Bytes:
    """(h, w): the letters of a line about as high as ``height`` in ``small`` (Y, U, V), with outlines and shadows."""
    luma = np.ascontiguousarray(small[..., 0])
    edge = np.zeros(luma.shape, np.uint8)
    edge[:, 1:-1] = cv2.absdiff(luma[:, 2:], luma[:, :-2]) > EDGE
    edge[1:-1] |= cv2.absdiff(luma[2:], luma[:-2]) > EDGE
    edge &= within
    beside = cv2.dilate(edge, np.ones((3, 3), np.uint8)) > 0
    if beside.any():
        alike = _of_one_colour(small, beside & (luma >= np.percentile(luma[beside], BRIGHTEST)), within)
        if _is_background(alike, height):
            alike = _of_one_colour(small, beside & (luma <= np.percentile(luma[beside], 100 - BRIGHTEST)), within)
        near: Bytes = np.asarray(cv2.dilate(alike, _disc(2 * int(OUTLINE * height) + 1)), np.uint8)
        edge = (edge & near) | alike
    stroke = max(3, int(STROKE * height)) | 1
    closed = cv2.morphologyEx(edge, cv2.MORPH_CLOSE, _disc(stroke))
    grown = 2 * max(1, round(GROWN * height)) + 1
    return np.asarray(cv2.dilate(closed, np.ones((grown, grown), np.uint8)), np.uint8)


def _of_one_colour(small: Bytes, some: NDArray[np.bool_], within: Bytes) -> Bytes:
    """(h, w): what ``within`` has the colour that ``some`` of the letters have."""
    off = np.abs(small - np.median(small[some], axis=0))
    return np.asarray((off < ALIKE).all(-1) & (within > 0), np.uint8)


def _is_background(alike: Bytes, height: int) -> bool:
    """Whether ``alike`` (h, w) is too thick for letters of a line about as high as ``height``."""
    thick = cv2.morphologyEx(alike, cv2.MORPH_OPEN, _disc(max(3, int(THICK * height))))
    return int(thick.sum()) > BACKGROUND * int(alike.sum())


def _disc(side: int) -> Bytes:
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)), np.uint8)


def _mix(part: Bytes, other: Bytes, weight: Floats) -> None:
    """Change ``part`` in place: where ``weight`` (h, w) is 1 it becomes ``other``."""
    mixed = part + (other.astype(np.float32) - part) * weight
    part[:] = np.rint(mixed).astype(np.uint8)
