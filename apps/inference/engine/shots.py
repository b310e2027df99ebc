"""Where one shot ends and another begins, seen from pictures shrunk to 64x36, tall ones to 36x64."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import cv2
import numpy as np

from .face.picture import Picture

LONG, SHORT = 64, 36  # pixels of a thumbnail
# A cut changes the colours and the picture at once. Highest values within one shot of 16 clips: .14 and 14.3; at the
# cuts of a joined clip: .60 and 58.
HISTOGRAM_JUMP, LUMA_JUMP = 0.35, 18.0
# But a camera's flash changes the light alone: with that taken out up to 4 are left of 56, and of cuts 25 and more.
LEAST_NEW = 10.0
MOST_CONTRAST = 2.5  # times or part of what was: beyond, it is no light that changes
# Over a dissolve each picture is a mixture of those before and after it, which show something else: the one halfway
# lies between both up to so much of what they differ by. Over a wipe each of its pixels is that of one of both. It is
# over when a picture changes by so much less than in it.
DISSOLVES = (8, 16, 32)  # frames
MOST_LEFT, MOST_ALIKE, MIXED, OVER = 0.15, 0.7, (0.2, 0.8), 0.4
LEAST_CONTRAST = 4.0  # deviation of luma: a blank picture is none
# The face itself jumps: its middle by half an eye distance, or its size by a quarter (in one shot at most .31, .06).
FACE_JUMP, FACE_SCALE_JUMP = 0.5, 0.25
# A jump cut between like pictures: half as far a leap will do where the picture changes far more than around it
# (.54, 8.4 and 16.7 at one; within one shot of 13 clips never more than two of the three).
JUMP_LEAP, JUMP_MOTION, JUMP_RATIO, AROUND = 0.45, 4.0, 6.0, 12
# Before a plain wall, or with a small face, less changes: of what three of four pictures around change by, 11 and more
# times as much where the camera has come nearer by .15 to .6, at most 6 times as much within one shot of 12 clips.
SMALL_JUMP, SMALL_JUMP_RATIO, LIVELIER, LEAST_AROUND = 0.7, 8.0, 75, 4


class CutDetector:
    """Compares each frame with the one before."""

    def __init__(self) -> None:
        self._luma: np.ndarray | None = None
        self._histogram: np.ndarray | None = None
        self._before: deque[float] = deque(maxlen=AROUND)
        self._dissolve = _Dissolve()
        self.motion = 0.0
        self.startled = False
        self.late = 0

    def __call__(self, picture: Picture) -> bool:
        """Whether ``picture`` (planar) starts a new shot.

        Sets ``motion``, the mean luma change in 0..255 that is none of the light, and ``startled``: the picture changes
        so much more than before that this may be a cut between pictures of the same colours, after which other people
        may be in the same places. ``late`` is how many pictures before this one, which ends a dissolve or a wipe, show
        the new shot more than the old one.
        """
        thumb = thumbnail(picture)
        hsv = cv2.cvtColor(cv2.cvtColor(thumb, cv2.COLOR_YCrCb2BGR), cv2.COLOR_BGR2HSV)
        histogram = cv2.calcHist([hsv], [0, 1, 2], None, [8, 4, 4], [0, 180, 0, 256, 0, 256])
        luma = cv2.extractChannel(thumb, 0)
        cut, self.startled, self.late = False, False, 0
        self.motion = 0.0
        if self._luma is not None and self._histogram is not None:
            change = self.motion = cv2.norm(luma, self._luma, cv2.NORM_L1) / luma.size
            if change > JUMP_MOTION:
                self.motion = min(change, _beyond_light(luma, self._luma))
            jump = 0.5 * cv2.norm(histogram, self._histogram, cv2.NORM_L1) / luma.size
            cut = jump > HISTOGRAM_JUMP and change > LUMA_JUMP and self.motion > LEAST_NEW
            if cut:
                self._dissolve = _Dissolve()
            if self._dissolve.is_over(luma, change):
                cut, self.late = True, self._dissolve.late
            self.startled = self._is_startling()
            self._before.append(self.motion)
        self._luma, self._histogram = luma, histogram
        return cut

    def _is_startling(self) -> bool:
        return bool(self._before) and startles(self.motion, self._before)


class _Dissolve:
    """Looks for a picture that has gone over into another one, everywhere at once or, in a wipe, bit by bit."""

    def __init__(self) -> None:
        self._past: deque[np.ndarray] = deque(maxlen=DISSOLVES[-1])
        self._pace = 0.0
        self.late = 0

    def is_over(self, luma: np.ndarray, change: float) -> bool:
        """Whether a dissolve or a wipe has ended with ``luma``, which differs by ``change`` from the one before."""
        now = luma.astype(np.float32)
        pace = max(self._pace_over(span, now) for span in DISSOLVES)
        over = self._pace > 0 and (pace == 0 or change < OVER * self._pace)
        self._pace = max(self._pace, pace)
        if over:
            self.late = self._turned(now)
            self._past.clear()
            self._pace = 0.0
        self._past.append(now)
        return over

    def _turned(self, now: np.ndarray) -> int:
        """How many of the last pictures are nearer to the one ``now`` than to the first that is remembered."""
        start, count = self._past[0], 0
        for picture in reversed(self._past):
            if cv2.norm(picture, now, cv2.NORM_L1) > cv2.norm(picture, start, cv2.NORM_L1):
                break
            count += 1
        return count

    def _pace_over(self, span: int, now: np.ndarray) -> float:
        """Change a frame over the last ``span`` frames, if they are part of a dissolve or a wipe, else 0."""
        if len(self._past) < span:
            return 0.0
        start, middle = self._past[-span], self._past[-span // 2]
        apart = cv2.norm(now, start, cv2.NORM_L1) / now.size
        if apart < LUMA_JUMP or min(now.std(), start.std()) < LEAST_CONTRAST:
            return 0.0
        if np.corrcoef(now.ravel(), start.ravel())[0, 1] > MOST_ALIKE:
            return 0.0
        way, gone = now - start, middle - start
        share = float((gone * way).sum() / (way * way).sum())
        mixed = float(np.abs(gone - share * way).mean())
        wiped = float(np.minimum(np.abs(gone), np.abs(middle - now)).mean())
        fits = min(mixed, wiped) < MOST_LEFT * apart
        return apart / span if MIXED[0] < share < MIXED[1] and fits else 0.0


def startles(motion: float, around: Sequence[float] | np.ndarray) -> bool:
    """Whether a picture changes so much more than those ``around`` (n,) it that this may be a cut."""
    if motion > JUMP_MOTION and motion > JUMP_RATIO * np.median(around):
        return True
    if motion < SMALL_JUMP or len(around) < LEAST_AROUND:
        return False
    return bool(motion > SMALL_JUMP_RATIO * np.percentile(around, LIVELIER))


def _beyond_light(luma: np.ndarray, before: np.ndarray) -> float:
    """Mean change of ``luma`` that no other light explains: what was brighter in the picture ``before`` is so still.

    Either picture is given the other's levels in its own order; where they are cut off in one, the other keeps it.
    """
    if not 1 / MOST_CONTRAST < (luma.std() + 1e-3) / (before.std() + 1e-3) < MOST_CONTRAST:
        return np.inf
    now, then = luma.ravel().astype(np.float32), before.ravel().astype(np.float32)
    return min(_out_of_order(now, then), _out_of_order(then, now))


def _out_of_order(levels: np.ndarray, order: np.ndarray) -> float:
    """Mean difference of ``levels`` (n,) from the same levels in the order of another picture's (n,)."""
    lit = np.empty_like(levels)
    lit[np.argsort(order, kind="stable")] = np.sort(levels)
    return float(np.abs(levels - lit).mean())


def thumbnail(picture: Picture) -> np.ndarray:
    """(36, 64, 3) or (64, 36, 3) uint8 Y, Cr, Cb of a planar picture.

    It is shrunk from the smallest halved copies that are no smaller: from larger ones that takes ten times as long.
    """
    width, height = (LONG, SHORT) if picture.width >= picture.height else (SHORT, LONG)
    luma, blue, red = picture.reduced(width, height)
    parts: list[np.ndarray] = [luma, red, blue]
    if luma.shape != blue.shape:  # as in the smallest pictures
        parts = [cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA) for part in parts]
    return np.asarray(cv2.resize(cv2.merge(parts), (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def leaps(frames: np.ndarray, points: np.ndarray) -> np.ndarray:
    """(n,) how far a face leapt from the frame before, in certain jumps: from 1 on it cannot be the same shot.

    ``frames`` (n,) ascending, ``points`` (n, N, 3) in pixels; 0 where the frame before does not show the face.
    """
    return np.maximum(*leaps_of_place_and_size(frames, points))


def leaps_of_place_and_size(frames: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same for the place of the face and for its size, (n,) each."""
    eyes = np.linalg.norm(points[:, 33].astype(np.float64) - points[:, 263], axis=1)
    moved = np.linalg.norm(np.diff(points[:, 168, :2].astype(np.float64), axis=0), axis=1) / eyes[:-1]
    grown = np.abs(np.diff(np.log(eyes)))
    place, size = np.zeros(len(frames)), np.zeros(len(frames))
    follows = np.diff(frames) == 1
    place[1:] = np.where(follows, moved / FACE_JUMP, 0.0)
    size[1:] = np.where(follows, grown / FACE_SCALE_JUMP, 0.0)
    return place, size


def jump_cuts(motion: np.ndarray, leap: np.ndarray) -> np.ndarray:
    """(F,) bool: cuts within one scene, where colours stay and the people jump.

    ``motion`` (F,) luma change to the frame before; ``leap`` (F,) the smallest of all faces' :func:`leaps`.
    """
    cuts = leap > 1.0
    for frame in np.flatnonzero(~cuts & (leap > JUMP_LEAP)):
        cuts[frame] = startles(motion[frame], motion[max(0, frame - AROUND) : frame + AROUND])
    return np.asarray(cuts)
