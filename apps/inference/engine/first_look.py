"""Every drawing is tried in miniature first, and where its mouth does not look as open as it shall, moved on.

A warped mouth does not always show what its points were told: teeth that touch the lower lip, lips in the shade, or an
exemplar whose own landmarks were misread, make it look less open than it shall, or not quite closed. So the face of
every second frame is drawn small (about as small as the landmark net sees faces anyway), tracked, and what is missing
is added before the frame itself is drawn. Each stretch of driven frames is looked at by itself.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from .face.head_reader import HeadReader
from .face.landmarks import APERTURE_PAIRS, EYE_CORNERS, WARP_INDEX
from .face.mesh import region_around
from .face.picture import Picture
from .plan import MotionPlan
from .render.compose import FrameJob, draw
from .render.mesh import POINT_COUNT, face_axes
from .render.miniature import miniature, shrink_of, small_points

Doubles = NDArray[np.float64]

# Frames a second that are tried: what is missed changes no faster than exemplars do.
TRIED_PER_S = 12.5
# What is missed follows the opening planned: warped mouths show .44 to .72 of what it varies, on every clip looked at.
# So around each frame a line is laid through what the tried frames miss (USUAL_MISS is what it leans to where the
# opening hardly varies, by LEAN eye distances squared), and most of what lies beside it, weighed with its neighbours,
# is added: the net's readings jitter by about .004. Widths are in tried frames; REACH is how many to either side count.
USUAL_MISS, LEAN = 0.3, 1e-4
LINE_WIDTH, BESIDE_WIDTH, BESIDE_SHARE = 1.2, 0.6, 0.7
REACH = 3
# A frame that misses so much more or less than both its neighbours is misread.
LONE_MISS = 0.015
# How much of a move is seen: less where the lips stay the frame's own.
ANSWER, ANSWER_OF_OWN_LIPS = 0.9, 0.8
# Less is no miss; more is a face misread, not a mouth misdrawn.
LEAST_MISS, LARGEST_MISS = 0.002, 0.06
# Seen this far from the side the net tells an open mouth from a closed one poorly: cosine of 30 degrees.
LEAST_FRONTAL = 0.87
PAIRS = np.array([[WARP_INDEX[point] for point in pair] for pair in APERTURE_PAIRS])
_EYES = np.array([WARP_INDEX[point] for point in EYE_CORNERS])

# What is drawn into an output frame of a plan.
JobOf = Callable[[MotionPlan, int], FrameJob]


def opening(points: NDArray[np.floating], eyes: NDArray[np.floating]) -> Doubles:
    """(n,) mean distance of the inner lips in eye distances, for points (n, Q, 2) and eyes (n,) in pixels."""
    apart = points[:, PAIRS[:, 1]] - points[:, PAIRS[:, 0]]
    return np.asarray(np.linalg.norm(apart, axis=-1).mean(1) / eyes, np.float64)


def moved_points(plan: MotionPlan, index: int, more: float) -> NDArray[np.float32]:
    """(Q, 2): points of output frame ``index``, its mouth opened by ``more`` eye distances; ring points stay."""
    target = plan.target[index].copy()
    source = plan.source[index]
    axes = np.stack(face_axes(plan.own[source]), axis=0)
    step = more * float(plan.eyes[source] * plan.strength[index])
    target[:POINT_COUNT] += (plan.opens.astype(np.float64) * step) @ axes
    return target


class FirstLook:
    """What one face's drawn mouths miss of the opening they shall have, and where their points go instead."""

    def __init__(self, plan: MotionPlan, landmarks: NDArray[np.floating], reader: HeadReader, job_of: JobOf) -> None:
        """``landmarks`` (F, N, 3) of the face in the source frames, in pixels."""
        self._plan, self._landmarks, self._reader, self._job_of = plan, landmarks, reader, job_of
        self.step = max(1, round(float(plan.fps) / TRIED_PER_S))
        self._answer = ANSWER_OF_OWN_LIPS if plan.interior == "inner" else ANSWER
        self._missed: dict[int, float] = {}
        border = np.flatnonzero(np.diff(plan.driven.astype(np.int8))) + 1
        self._borders = np.concatenate([[0], border, [len(plan)]])

    def look(self, index: int, picture: NDArray[np.uint8]) -> None:
        """Try output frame ``index`` in the untouched ``picture`` where it is one of those that are tried."""
        if index % self.step or not self._plan.driven[index]:
            return
        missed = self._miss(index, picture)
        if missed is not None:
            self._missed[index] = missed
        self._missed.pop(index - 3 * REACH * self.step, None)

    def points(self, index: int) -> NDArray[np.float32]:
        """(Q, 2): where the points of output frame ``index`` shall be so that the mouth looks as wanted."""
        missed = self._steady(index) / self._answer
        more = float(np.sign(missed) * np.clip(abs(missed) - LEAST_MISS, 0, LARGEST_MISS))
        return moved_points(self._plan, index, more) if more else self._plan.target[index]

    def _miss(self, index: int, picture: NDArray[np.uint8]) -> float | None:
        """None where the net could not tell."""
        plan, source = self._plan, int(self._plan.source[index])
        known, eyes = self._landmarks[source], float(plan.eyes[source])
        own = plan.own[source]
        frontal = float(np.linalg.norm(own[_EYES[1]] - own[_EYES[0]])) / eyes
        if plan.glides_from(index) >= 0 or not np.isfinite(known[0, 0]) or frontal < LEAST_FRONTAL:
            return None
        region = region_around(known)
        reach = region.side / 2 * (abs(np.cos(region.tilt)) + abs(np.sin(region.tilt)))
        corners = np.array([[region.x - reach, region.y - reach], [region.x + reach, region.y + reach]])
        small, job, place = miniature(picture, self._job_of(plan, index), corners)
        shrink = shrink_of(eyes)
        x, y = small_points(np.array([region.x, region.y]), place, shrink)
        draw(small, job, plan.triangles)
        near = replace(region, x=float(x), y=float(y), side=region.side / shrink)
        seen = self._reader.again(Picture(small), near, known)
        pairs = np.array(APERTURE_PAIRS)
        apart = float(np.linalg.norm(seen[pairs[:, 1], :2] - seen[pairs[:, 0], :2], axis=1).mean())
        return float(self._planned(np.array([index]))[0]) - apart / (eyes / shrink)

    def _steady(self, index: int) -> float:
        """What is missed at ``index`` in truth, without the net's jitter, from tried frames of the same stretch."""
        tried, missed = self._around(index)
        if not len(tried):
            return 0.0
        away = (tried - index) / self.step
        weight, near = (np.exp(-0.5 * (away / width) ** 2) for width in (LINE_WIDTH, BESIDE_WIDTH))
        weight, near = weight / weight.sum(), near / near.sum()
        planned, here = np.split(self._planned(np.append(tried, index)), [-1])
        middle, level = weight @ planned, weight @ missed
        off, high = planned - middle, missed - level
        slope = (weight @ (off * high) + LEAN * USUAL_MISS) / (weight @ off**2 + LEAN)
        return float(level + slope * (here[0] - middle) + BESIDE_SHARE * (near @ (high - slope * off)))

    def _around(self, index: int) -> tuple[NDArray[np.int64], Doubles]:
        """Frames tried around ``index`` in its stretch, and what they miss, those misread brought in line."""
        place = int(np.searchsorted(self._borders, index, side="right"))
        at = index // self.step * self.step
        tried = [
            frame
            for frame in range(at - (REACH - 1) * self.step, at + REACH * self.step + 1, self.step)
            if self._borders[place - 1] <= frame < self._borders[place] and frame in self._missed
        ]
        missed = np.array([self._missed[frame] for frame in tried])
        if len(missed) > 2:
            one, other = missed[:-2], missed[2:]
            lowest, highest = np.minimum(one, other) - LONE_MISS, np.maximum(one, other) + LONE_MISS
            missed[1:-1] = np.clip(missed[1:-1], lowest, highest)
        return np.array(tried, np.int64), missed

    def _planned(self, frames: NDArray[np.int64]) -> Doubles:
        """(n,) openings that output frames (n,) shall have; of all at once, the whole plan would come to memory."""
        return opening(self._plan.target[frames], self._plan.eyes[self._plan.source[frames]])

    @property
    def ahead(self) -> int:
        """How many frames before and after it a frame depends on."""
        return REACH * self.step


def looked_ahead(
    frames: Iterator[tuple[int, NDArray[np.uint8], bool]], looks: list[FirstLook], first: int, last: int
) -> Generator[tuple[int, NDArray[np.uint8], bool, list[NDArray[np.float32]]], None, None]:
    """``frames`` (index, picture, glides) of [``first``, ``last``), each with the points of every look's mouth (Q, 2).

    They come once all that its mouths depend on is seen.
    """
    waiting: deque[tuple[int, NDArray[np.uint8], bool]] = deque()
    ahead = max((look.ahead for look in looks), default=0)
    for frame in itertools.chain(frames, itertools.repeat(None, ahead)):
        if frame is not None:
            for look in looks:
                look.look(frame[0], frame[1])
            waiting.append(frame)
        if waiting and (frame is None or len(waiting) > ahead):
            index, picture, glides = waiting.popleft()
            if first <= index < last:
                yield index, picture, glides, [look.points(index) for look in looks]
