"""Where lines of lettering lie before a face: captions, titles, the words of a song.

Lettering is told by what nothing else of a face has: along a row of the picture it goes from bright to dark and back
again many times, each time hard. Teeth are too soft for that, the border of hair or of the jaw is one step, not many.
What is seen in most frames around is kept (:func:`lasting`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

from ..face.landmarks import EYE_CORNERS
from ..face.picture import Picture

Bytes = NDArray[np.uint8]
# Rows of a line: the frame, x, y, width and height in pixels of the picture, and 1 where the letters stand on a bar.
Rows = NDArray[np.int32]

COLUMNS = 6
SHORT_SIDE = 540  # pixels: a halved copy of at least so many is looked at; captions are 7 and more high there
STEP = 60  # levels of luma within two pixels
LEAST_STEPS = 5  # pixels either way in a row: fewer are no words
ROWS_AROUND = 0.03  # of the shorter side: what belongs to the words in rows with less
# Letters of one line stand no farther apart, lines are no lower and no narrower than that (of the shorter side).
GAP, LEAST_HEIGHT, LEAST_WIDTH, LEAST_SHAPE = 0.05, 0.01, 0.03, 1.3
BROKEN = 2  # rows of a line that may change less
# In heights of the line: tall letters above and below small ones, at most; space between words.
TALLER, WORDS_APART = 0.6, 0.7
# Rows of one line change so often, beside the one that changes most.
OFTEN = 0.35
# Changes between bright and dark along a row, altogether and in a square as high as the line; and how evenly both ways.
LEAST_CHANGES, LEAST_DENSE, EVEN = 5.0, 1.4, 0.65
MARGIN = 0.3  # of the line's height: outlines and shadows
# A bar is as wide as so much of its line; its border lies so many heights away and changes by so many levels.
BAR_SHARE, BAR_AWAY, BAR_REACH, BAR_STEP = 0.7, 0.15, 1.0, 20
# What is looked at around the lips, in eye distances: to either side, up and down. The jaw moves within.
BESIDE, ABOVE, BELOW = 1.3, 0.5, 1.0
MIDDLE = 0.5  # eye distances to either side of the lips that a line reaches into
UPPER_LIP, LOWER_LIP = 13, 14  # landmarks: the middle of either lip's inner rim
AROUND, LEAST_SEEN = 4, 5  # frames to either side, and in how many of them a line is seen


def no_lines() -> Rows:
    """(0, 6)."""
    return np.zeros((0, COLUMNS), np.int32)


def lines_at(rows: Rows, frame: int) -> Rows:
    """The part of ``rows`` (m, 6), ascending by frame, that belongs to ``frame``."""
    first, last = np.searchsorted(rows[:, 0], [frame, frame + 1])
    return rows[first:last]


def lines_before(picture: Picture, faces: Iterable[NDArray[np.floating]], frame: int) -> Rows:
    """Lines (k, 6) before ``faces``, each (N, 3) landmarks in pixels, of a planar ``picture``."""
    luma = picture.reduced(SHORT_SIDE, SHORT_SIDE)[0]
    times = picture.width / luma.shape[1]
    found = []
    for points in faces:
        left, top, right, bottom = (np.array(looked_at(points)) / times).astype(int).tolist()
        left, top = max(0, left), max(0, top)
        for x, y, width, height, bar in _find(luma[top : max(top, bottom), left : max(left, right)], min(luma.shape)):
            corner = (max(0.0, (left + x) * times), max(0.0, (top + y) * times))
            size = (min((left + x + width) * times, picture.width), min((top + y + height) * times, picture.height))
            if _is_before(points, corner[0], size[0]):
                found.append([frame, *corner, size[0] - corner[0], size[1] - corner[1], bar])
    return np.array(found, np.int32).reshape(-1, COLUMNS)


def lasting(rows: Rows, shot: NDArray[np.integer]) -> Rows:
    """Those of ``rows`` that are seen in most frames around them of the same shot (``shot`` (F,) of each frame).

    A line that stands on a bar in most of them stands on it in all.
    """
    kept = []
    for row in rows:
        frame = int(row[0])
        around = range(max(0, frame - AROUND), min(len(shot), frame + AROUND + 1))
        near = [other for other in around if shot[other] == shot[frame]]
        alike = [other for number in near for other in lines_at(rows, number) if _overlap(row, other)]
        if len({int(other[0]) for other in alike}) >= min(LEAST_SEEN, len(near)):
            barred = [other for other in alike if other[-1]]
            kept.append(_steady(row, barred) if 2 * len(barred) > len(alike) else row)
    return np.array(kept, np.int32).reshape(-1, COLUMNS)


def _steady(row: Rows, barred: list[Rows]) -> Rows:
    """``row`` on the bar that others of the same line stand on, where it is on none itself."""
    return row if row[-1] else np.concatenate([row[:1], np.median(barred, axis=0)[1:].astype(np.int32)])


def _overlap(one: Rows, other: Rows) -> bool:
    """Whether two lines lie over each other by half of the lower one's height."""
    _, x, y, width, height, _ = one.tolist()
    _, x2, y2, width2, height2, _ = other.tolist()
    across = min(x + width, x2 + width2) - max(x, x2)
    down = min(y + height, y2 + height2) - max(y, y2)
    return across > 0 and down > 0.5 * min(height, height2)


def looked_at(points: NDArray[np.floating]) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of what is looked at, upright around a face that may be tilted."""
    one, other = (points[corner].tolist() for corner in EYE_CORNERS)
    eyes = math.dist(one, other)
    x, y = (points[UPPER_LIP, :2] + points[LOWER_LIP, :2]).tolist()
    x, y = x / 2, y / 2
    across, down = x - (one[0] + other[0]) / 2, y - (one[1] + other[1]) / 2
    unit = eyes / max(1e-6, math.hypot(across, down))
    across, down = across * unit, down * unit
    corners = [(x + way * across - side * down, y + way * down + side * across)
               for side in (-BESIDE, BESIDE) for way in (-ABOVE, BELOW)]  # fmt: skip
    columns, lines = zip(*corners, strict=True)
    return min(columns), min(lines), max(columns), max(lines)


def _is_before(points: NDArray[np.floating], left: float, right: float) -> bool:
    """Whether what reaches from ``left`` to ``right`` stands before the middle of a face; hair and earrings do not."""
    eyes = float(np.linalg.norm(points[EYE_CORNERS[1]] - points[EYE_CORNERS[0]]))
    middle = float(points[UPPER_LIP, 0])
    return left < middle + MIDDLE * eyes and right > middle - MIDDLE * eyes


def _find(luma: Bytes, side: int) -> list[tuple[float, float, float, float, int]]:
    """x, y, width, height and bar of lines in ``luma`` (h, w), a part of a picture whose shorter side is ``side``."""
    if min(luma.shape) < 3:
        return []
    up: Bytes = np.asarray(cv2.subtract(luma[:, 2:], luma[:, :-2]), np.uint8)
    down: Bytes = np.asarray(cv2.subtract(luma[:, :-2], luma[:, 2:]), np.uint8)
    first, last = _lettered_rows(up, down, side)
    if last - first < LEAST_HEIGHT * side:
        return []
    steps = cv2.threshold(cv2.max(up[first:last], down[first:last]), STEP, 1, cv2.THRESH_BINARY)[1]
    joined = cv2.morphologyEx(steps, cv2.MORPH_CLOSE, np.ones((5, max(3, int(GAP * side))), np.uint8))
    joined = cv2.morphologyEx(joined, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
    _, _, facts, _ = cv2.connectedComponentsWithStats(np.asarray(joined, np.uint8))
    found = []
    for x, y, width, height, _ in facts[1:].tolist():
        if height >= LEAST_HEIGHT * side and width >= LEAST_WIDTH * side:
            rows, columns = slice(first + y, first + y + height), slice(x, x + width)
            found += _lines_of(_signs(up, down, rows, columns), side, x, first + y)
    lines = {_whole(_signs(up, down, slice(None), slice(None)), *line) for line in found}
    return [_on_bar(luma, x + 1, *size) or _with_margin(x + 1, *size) for x, *size in sorted(lines)]


def _signs(up: Bytes, down: Bytes, rows: slice, columns: slice) -> NDArray[np.int8]:
    """1 where it gets much brighter from one pixel of a row to the next but one, -1 where darker, 0 elsewhere."""
    return (up[rows, columns] > STEP).astype(np.int8) - (down[rows, columns] > STEP)


def _lines_of(sign: NDArray[np.int8], side: int, x: int, y: int) -> list[tuple[int, int, int, int]]:
    """x, y, width and height of lines in ``sign`` (h, w), whose corner lies at ``x``, ``y``.

    Borders of clothes or hair may be joined to letters: they change less often along a row, or lie farther to the side.
    """
    changes = _changes(sign)
    often = changes >= max(LEAST_CHANGES, OFTEN * float(changes.max(initial=0)))
    found = []
    for first, last in _runs(often, BROKEN):
        if last - first < LEAST_HEIGHT * side:
            continue
        part = sign[first:last]
        for left, right in _runs(np.asarray(part.any(0)), int(GAP * side)):
            width, height = right - left, last - first
            if width >= max(LEAST_WIDTH * side, LEAST_SHAPE * height) and _is_lettering(part[:, left:right]):
                found.append((x + left, y + first, width, height))
    return found


def _whole(sign: NDArray[np.int8], x: int, y: int, width: int, height: int) -> tuple[int, int, int, int]:
    """A line with what stands above and below its small letters, and with its words to either side; ``sign`` (h, w)."""
    changes = _changes(sign[:, x : x + width]) > 0
    reach = round(TALLER * height)
    above, below = changes[max(0, y - reach) : y][::-1], changes[y + height : y + height + reach]
    higher, lower = (len(rows) if rows.all() else int(rows.argmin()) for rows in (above, below))
    y, height = y - higher, height + higher + lower
    for left, right in _runs(np.asarray(sign[y : y + height].any(0)), int(WORDS_APART * height)):
        if left <= x < right:
            return left, y, max(right, x + width) - left, height
    return x, y, width, height


def _runs(flags: NDArray[np.bool_], bridged: int) -> list[tuple[int, int]]:
    """[first, last) of runs of ``flags`` (n,), those no more than ``bridged`` apart counted as one."""
    at = np.flatnonzero(flags)
    if not len(at):
        return []
    breaks = np.flatnonzero(np.diff(at) > bridged + 1)
    return list(zip(at[np.r_[0, breaks + 1]].tolist(), (at[np.r_[breaks, len(at) - 1]] + 1).tolist(), strict=True))


def _lettered_rows(up: Bytes, down: Bytes, side: int) -> tuple[int, int]:
    """First and last row, and one more, between which it gets brighter and darker often enough for words."""
    often = np.ones(up.shape[0], bool)
    for change in (up, down):
        steps = cv2.threshold(change, STEP, 1, cv2.THRESH_BINARY)[1]
        often &= cv2.reduce(steps, 1, cv2.REDUCE_SUM, dtype=cv2.CV_32S)[:, 0] >= LEAST_STEPS
    rows = np.flatnonzero(often)
    if len(rows) < LEAST_HEIGHT * side:
        return 0, 0
    more = round(ROWS_AROUND * side)
    return max(0, int(rows[0]) - more), min(len(often), int(rows[-1]) + more + 1)


def _changes(sign: NDArray[np.int8]) -> NDArray[np.int64]:
    """(h,): how often each row of ``sign`` (h, w) changes between brighter and darker."""
    last = np.maximum.accumulate(np.where(sign != 0, np.arange(sign.shape[1]), 0), axis=1)
    carried = np.take_along_axis(sign, last, 1)
    return ((carried[:, 1:] * carried[:, :-1]) < 0).sum(1)


def _is_lettering(sign: NDArray[np.int8]) -> bool:
    """Whether rows of ``sign`` (h, w) change often and evenly."""
    height, width = sign.shape
    changes = float(_changes(sign).mean())
    brighter, darker = int((sign > 0).sum()), int((sign < 0).sum())
    even = min(brighter, darker) >= EVEN * max(brighter, darker)
    return even and changes >= LEAST_CHANGES and changes * height >= LEAST_DENSE * width


def _with_margin(x: int, y: int, width: int, height: int) -> tuple[float, float, float, float, int]:
    more = MARGIN * height
    return x - more, y - more, width + 2 * more, height + 2 * more, 0


def _on_bar(luma: Bytes, x: int, y: int, width: int, height: int) -> tuple[float, float, float, float, int] | None:
    """The bar behind a line: straight borders above or below that are as long as it; None where there is none."""
    reach = max(3, round(BAR_REACH * height))
    top, bottom = max(0, y - reach), min(len(luma), y + height + reach)
    strip = luma[top:bottom, max(0, x) : x + width].astype(np.int16)
    change = strip[2:] - strip[:-2]
    border = np.maximum((change > BAR_STEP).mean(1), (change < -BAR_STEP).mean(1)) > BAR_SHARE
    away = round(BAR_AWAY * height)
    above = np.flatnonzero(border[: max(0, y - away - top)])
    below = np.flatnonzero(border[y + height + away - top - 2 :]) + away
    if not len(above) and not len(below):
        return None
    first, last = (top + int(above[0]) if len(above) else y), (y + height + 1 + int(below[-1]) if len(below) else 0)
    pad = max(y - first, last - y - height)  # letters stand in the middle, and in the dark one border may not be seen
    first, last = y - pad, y + height + pad
    return x - reach, first, width + 2 * reach, last - first, 1
