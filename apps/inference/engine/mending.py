"""lipsync-2-pro's `reasoning`, second part: what the eye would catch is found in the drawn film and drawn another way.

The film is looked at in blocks of 25 frames that begin at whole multiples, so that a film drawn in pieces is that of
one drawn at once. Each stretch in which something is found (:mod:`.artefacts`) is drawn with joins switched hard, with
other exemplars, and with the frames' own mouths, bent; the best of these is kept if it is better than what was there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation

from .artefacts import (
    KINDS,
    MOST_DOUBLE,
    MOST_DRIFT,
    MOST_SEAM,
    UNUSUAL,
    Areas,
    Usual,
    change,
    double_exposure,
    luma_of,
    patch,
    seam,
)
from .face.head_reader import HeadReader
from .face.landmarks import OUTER_LIPS
from .face.mesh import region_around
from .face.picture import Picture
from .faces_in_time import runs
from .plan import OUTSIDE_RANGE, MotionPlan
from .render.layers import Floats
from .render.mesh import OUTER

Doubles = NDArray[np.float64]
Mask = NDArray[np.bool_]

# Draws output frames [first, last) by a plan: (output frame, I420 picture).
Drawing = Callable[[MotionPlan, int, int], Iterator[tuple[int, NDArray[np.uint8]]]]
# Where the middle of the lips is seen in a drawn picture: (output frame, picture) -> (2,) pixels, NaN where unseen.
LipsAt = Callable[[int, NDArray[np.uint8]], Doubles]

BLOCK = 25  # frames
BESIDE = 2  # frames drawn anew to either side of what was found
BETTER = 0.8  # of the fault that was there: less of a gain is not worth a change
DRIFT_FRAMES = 5


@dataclass
class Mended:
    """Output frames [``first``, ``last``): which faults were ``found`` and what was ``done`` ("" : nothing helped)."""

    first: int
    last: int
    found: list[str]
    done: str

    def facts(self, plan: MotionPlan) -> dict[str, Any]:
        """For the report."""
        ends = np.append(plan.times[1:], plan.duration_s)
        return {
            "start_s": round(float(plan.times[self.first]), 3), "end_s": round(float(ends[self.last - 1]), 3),
            "found": self.found, "done": self.done or None,
        }  # fmt: skip


class LipsSeen:
    """Where the landmark net sees the middle of the lips."""

    def __init__(self, plan: MotionPlan, landmarks: NDArray[np.floating], reader: HeadReader) -> None:
        """``landmarks`` (F, N, 3) of the face in the source frames, in pixels."""
        self._plan, self._landmarks, self._reader = plan, landmarks, reader

    def __call__(self, index: int, picture: NDArray[np.uint8]) -> Doubles:
        """(2,) pixels; NaN where the face is not known."""
        known = self._landmarks[self._plan.source[index]]
        if not np.isfinite(known[0, 0]):
            return np.full(2, np.nan)
        seen = self._reader.again(Picture(picture), region_around(known), known)
        return np.asarray(seen[OUTER_LIPS, :2].mean(0), np.float64)


def whole_blocks(first: int, last: int, count: int) -> tuple[int, int]:
    """The frames [begin, end) of all blocks that [``first``, ``last``) touches in a film of ``count`` frames."""
    return first // BLOCK * BLOCK, min(-(-last // BLOCK) * BLOCK, count)


class Mender:
    """Finds and mends the faults of one face's drawn mouth."""

    def __init__(self, draw: Drawing, lendable: Mask, usual: Usual, lips_seen: LipsAt) -> None:
        """``lendable`` (F,) are the source frames whose mouth may be lent."""
        self._draw, self._lendable, self._usual, self._lips_seen = draw, lendable, usual, lips_seen

    def mend(self, plan: MotionPlan, first: int, last: int) -> tuple[MotionPlan, list[Mended]]:
        """``plan`` with what was found in frames [``first``, ``last``) drawn another way, and what was found."""
        done: list[Mended] = []
        exemplar, other, weight = plan.exemplar.copy(), plan.other.copy(), plan.weight.copy()
        for block in range(first // BLOCK, -(-last // BLOCK)):
            start, stop = block * BLOCK, min((block + 1) * BLOCK, len(plan))
            faults = self._faults(plan, start, stop)
            for begin, end in _stretches(faults, start, stop):
                better, mended = self._mend_stretch(plan, begin, end, faults[begin - start : end - start])
                done.append(mended)
                for array, drawn in ((exemplar, better.exemplar), (other, better.other), (weight, better.weight)):
                    array[begin:end] = drawn[begin:end]
        return replace(plan, exemplar=exemplar, other=other, weight=weight), done

    def _mend_stretch(self, plan: MotionPlan, begin: int, end: int, faults: Doubles) -> tuple[MotionPlan, Mended]:
        found = [kind for kind, worst in zip(KINDS, faults.max(0), strict=True) if worst > 1]
        beyond = min(end + 1, len(plan))  # the step to the next frame is part of it
        best, least, way = plan, BETTER * _total(self._faults(plan, begin, beyond)), ""
        for name, other in self._ways(plan, begin, end):
            left = _total(self._faults(other, begin, beyond))
            if left < least:
                best, least, way = other, left, name
        return best, Mended(begin, end, found, way)

    def _ways(self, plan: MotionPlan, begin: int, end: int) -> Iterator[tuple[str, MotionPlan]]:
        """Other ways to draw [``begin``, ``end``), each with its name."""
        yield "hard_switch", switched_hard(plan, begin, end)
        other = self._other_exemplars(plan, begin, end)
        if other is not None:
            yield "other_exemplars", other
        own = plan.source[begin:end]
        if self._lendable[own].all():
            yield "own_mouth", _lent(plan, begin, own)

    def _other_exemplars(self, plan: MotionPlan, begin: int, end: int) -> MotionPlan | None:
        """The stretch with the run of neighbouring frames that fits best among those far from the ones lent now."""
        count = end - begin
        free = self._lendable.copy()
        for used in np.unique(plan.exemplar[begin:end]):
            free[max(0, used - count) : used + count] = False
        one_shot = np.zeros(len(free), np.int64)
        starts = [at for first, stop in runs(free, one_shot) for at in range(first, stop - count + 1)]
        if not starts:
            return None
        wanted = plan.params[begin:end, :2].astype(np.float64)
        misfit = [np.abs(plan.own_params[start : start + count, :2] - wanted).mean() for start in starts]
        return _lent(plan, begin, starts[int(np.argmin(misfit))] + np.arange(count))

    def _faults(self, plan: MotionPlan, start: int, stop: int) -> Doubles:
        """(n, 5): each fault of ``KINDS`` in frames [``start``, ``stop``), in units of what is borne."""
        faults = np.zeros((stop - start, len(KINDS)))
        lips = np.full((stop - start, 2), np.nan)
        kept: dict[int, Floats] = {}
        untouched = dict(self._untouched(plan, start, stop))
        for index, picture in self._draw(plan, max(0, start - 1), stop):
            if not _is_drawn(plan, index):
                continue
            source, points = plan.source[index], plan.target[index]
            eyes = float(plan.eyes[source])
            here, areas = patch(luma_of(picture), points, eyes), Areas.of(points, eyes)
            kept[index] = here
            if index < start:
                continue
            row = faults[index - start]
            if index - 1 in kept:
                row[1] = change(here, kept[index - 1], areas.mouth) / (UNUSUAL * self._usual.mouth)
                row[2] = change(here, kept[index - 1], areas.skin) / (UNUSUAL * self._usual.skin)
            row[3] = seam(here, untouched[index], areas.border) / MOST_SEAM
            lips[index - start] = (self._lips_seen(index, picture) - lips_wanted(plan, index)) / eyes
        faults[:, 0] = self._doubles(plan, kept, start, stop)
        faults[:, 4] = _drift(lips) / MOST_DRIFT
        return faults

    def _untouched(self, plan: MotionPlan, start: int, stop: int) -> Iterator[tuple[int, Floats]]:
        """The frames as they are, where the mouth will be."""
        for index, picture in self._draw(_only(plan, np.empty(0, np.int64)), start, stop):
            yield index, patch(luma_of(picture), plan.target[index], float(plan.eyes[plan.source[index]]))

    def _doubles(self, plan: MotionPlan, drawn: dict[int, Floats], start: int, stop: int) -> Doubles:
        """(n,): the double exposure where two exemplars are seen at once."""
        found = np.zeros(stop - start)
        mixed = start + np.flatnonzero(is_mixed(plan)[start:stop])
        mixed = mixed[np.isin(mixed, list(drawn))]  # while a loop glides over nothing is looked at
        if not len(mixed):
            return found
        one = self._patches(_only(plan, mixed), mixed)
        other = self._patches(_only(_lent_at(plan, mixed, plan.other[mixed]), mixed), mixed)
        for index in mixed.tolist():
            areas = Areas.of(plan.target[index], float(plan.eyes[plan.source[index]]))
            found[index - start] = double_exposure(drawn[index], one[index], other[index], areas.inside) / MOST_DOUBLE
        return found

    def _patches(self, plan: MotionPlan, frames: NDArray[np.int64]) -> dict[int, Floats]:
        """The mouths of ``frames`` drawn with one exemplar each."""
        single = _lent_at(plan, frames, plan.exemplar[frames])
        return {
            index: patch(luma_of(picture), plan.target[index], float(plan.eyes[plan.source[index]]))
            for index, picture in self._draw(single, int(frames[0]), int(frames[-1]) + 1)
            if single.driven[index]
        }


def is_mixed(plan: MotionPlan) -> Mask:
    """(N,): frames in which two exemplars are seen."""
    return np.asarray(plan.driven & (plan.other >= 0) & (plan.weight > 0) & (plan.weight < 1))


def switched_hard(plan: MotionPlan, begin: int, end: int) -> MotionPlan:
    """The plan without fades in [``begin``, ``end``): of two exemplars the one with the larger share."""
    frames = begin + np.flatnonzero(is_mixed(plan)[begin:end])
    larger = np.where(plan.weight[frames] >= 0.5, plan.exemplar[frames], plan.other[frames])
    return _lent_at(plan, frames, larger)


def lips_wanted(plan: MotionPlan, index: int) -> Doubles:
    """(2,): where the middle of the lips shall be, in pixels."""
    return np.asarray(plan.target[index][OUTER].mean(0), np.float64)


def _lent(plan: MotionPlan, begin: int, exemplars: NDArray[np.integer]) -> MotionPlan:
    return _lent_at(plan, begin + np.arange(len(exemplars)), exemplars)


def _lent_at(plan: MotionPlan, frames: NDArray[np.integer], exemplars: NDArray[np.integer]) -> MotionPlan:
    """The plan with one exemplar in each of ``frames``."""
    exemplar, other, weight = plan.exemplar.copy(), plan.other.copy(), plan.weight.copy()
    exemplar[frames], other[frames], weight[frames] = exemplars, -1, 1.0
    return replace(plan, exemplar=exemplar, other=other, weight=weight)


def _only(plan: MotionPlan, frames: NDArray[np.integer]) -> MotionPlan:
    """The plan that draws nothing but ``frames``."""
    passed = plan.passed.copy()
    left = np.ones(len(plan), bool)
    left[frames] = False
    passed[left] = OUTSIDE_RANGE
    return replace(plan, passed=passed)


def _is_drawn(plan: MotionPlan, index: int) -> bool:
    return bool(plan.driven[index]) and plan.glides_from(index) < 0


def _drift(lips: Doubles) -> Doubles:
    """(n,): how far the lips are from where they shall be, in the median of five frames, from (n, 2)."""
    away = np.hypot(lips[:, 0], lips[:, 1])
    half = DRIFT_FRAMES // 2
    found = np.zeros(len(away))
    for index in range(len(away)):
        near = away[max(0, index - half) : index + half + 1]
        near = near[np.isfinite(near)]
        found[index] = np.median(near) if len(near) > half else 0.0
    return found


def _stretches(faults: Doubles, start: int, stop: int) -> list[tuple[int, int]]:
    """[begin, end) of each stretch with a fault, some frames to either side with it, inside the block."""
    faulty = faults.max(1) > 1
    wide = binary_dilation(faulty, iterations=BESIDE)
    return [(start + begin, start + end) for begin, end in runs(wide, np.zeros(stop - start, np.int64))]


def _total(faults: Doubles) -> float:
    """How bad a stretch is: all that is beyond what is borne."""
    return float(np.maximum(faults - 1, 0).sum())
