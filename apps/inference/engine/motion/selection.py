"""Which moment of the footage lends its mouth to each output frame: a Viterbi search.

A candidate costs what its mouth and pose differ from what is wanted; a step costs nothing where the footage simply
runs on, and more the more the eye would notice the join: unlike shapes, unlike teeth, an open mouth.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..progress import checkpoint
from ..render.texture import MouthTextures
from .joins import LONGEST_STEP, is_run

Doubles = NDArray[np.float64]
Indices = NDArray[np.int64]

CANDIDATES = 120  # per frame; 40 are too few once the picture counts
APERTURE_WEIGHT, WIDTH_WEIGHT = 1.2, 0.5  # beside the mouth code, all in standard deviations
POSE_UNITS = np.array([9.0, 10.0, 18.0, 0.5])  # degrees of yaw, pitch, roll, and log size, that cost 1
GAP_FREE, GAP_UNIT = 0.03, 0.02  # iod: an exemplar this much more open or closed drags its teeth
JUMP, JUMP_WHEN_OPEN = 0.9, 3.0
SKIP_STEP = 0.05  # a run that leaves a frame out
# A frame shown twice looks frozen, a run that turns round trembles when it does so often. Both cost more where the
# mouth was moving: times 1 + how much the picture changed there, squared, in natural steps; for holding at most so
# much, for amid a quick movement a frame is better held than shaken.
HOLD_STEP, TURN, HELD_MOVING = 0.25, 0.2, 3.0
SHAPE_STEP = 0.075
TEXTURE = 1.5
TEXTURE_CLOSED, TEXTURE_OPEN = 0.4, 0.6
# (times natural)²: a run whose picture jumps more is a quick movement, or a mistracked one.
TEXTURE_IN_RUN, MOST_IN_RUN = 9.0, 1.0
APERTURE_STEP, APERTURE_STEP_UNIT = 0.3, 0.02
NEVER = 1e6


@dataclass(frozen=True)
class ExemplarPool:
    """The usable mouths. ``frames`` (M,) source frames; the rest is per source frame (F, …).

    ``code`` (F, K) mouth codes and ``params`` (F, 6) mouth parameters; ``pose`` (F, 4) yaw, pitch, roll in degrees and
    log size; ``shot`` (F,); ``penalty`` (F,) extra cost (blur, for instance).
    """

    frames: Indices
    code: Doubles
    params: Doubles
    pose: Doubles
    shot: Indices
    penalty: Doubles
    textures: MouthTextures

    def features(self, code: Doubles, params: Doubles) -> Doubles:
        """Coordinates (…, K + 2) in which distance is unlikeness of mouths."""
        spread = np.sqrt((self.code[self.frames] ** 2).mean(0)[0]) + 1e-9
        own = self.params[self.frames]
        scaled = (params[:, :2] - own[:, :2].mean(0)) / (own[:, :2].std(0) + 1e-6)
        return np.concatenate([code / spread, scaled * [APERTURE_WEIGHT, WIDTH_WEIGHT]], axis=1)


@dataclass(frozen=True)
class Wanted:
    """What is asked of each output frame: ``code`` (N, K), ``params`` (N, 6), ``pose`` (N, 4)."""

    code: Doubles
    params: Doubles
    pose: Doubles

    def part(self, frames: slice) -> Wanted:
        """Only these output frames."""
        return Wanted(self.code[frames], self.params[frames], self.pose[frames])


def select_exemplars(wanted: Wanted, pool: ExemplarPool, unit: int | None = None) -> Indices:
    """Source frame (N,) for each output frame; ``unit`` frames at a time, or all at once."""
    search = _Search(wanted, pool)
    count = len(wanted.code)
    length = unit or count
    return np.concatenate([search.best(start, min(start + length, count)) for start in range(0, count, length)])


class _Search:
    """States are exemplars played forward or backward: a mouth that closes as it opened keeps the picture moving,
    where without it one frame in two of a held vowel was a frozen one.
    """

    def __init__(self, wanted: Wanted, pool: ExemplarPool) -> None:
        self._pool, self._wanted = pool, wanted
        self._frames = pool.frames
        self._features = pool.features(pool.code, pool.params)[self._frames]
        self._goal = pool.features(wanted.code, wanted.params)
        self._aperture = pool.params[:, 0]
        low, high = np.percentile(wanted.params[:, 0], [20, 60])
        self._openness = np.clip((wanted.params[:, 0] - low) / max(1e-3, high - low), 0, 1)
        textures = pool.textures
        natural = textures.natural_step(self._frames)
        self._beside = (textures.between(self._frames, self._frames) / natural) ** 2
        # What would follow each exemplar, forward and backward, and how it looks beside all others.
        self._following = [self._neighbours(1), self._neighbours(-1)]
        self._ahead = [(textures.between(after, self._frames) / natural) ** 2 for after in self._following]
        self._moving = (np.diagonal(self._ahead[0]) + np.diagonal(self._ahead[1])) / 2

    def _neighbours(self, step: int) -> Indices:
        after = np.clip(self._frames + step, 0, len(self._pool.code) - 1)
        same = self._pool.shot[after] == self._pool.shot[self._frames]
        return np.where(same & self._pool.textures.knows(after), after, self._frames)

    def best(self, start: int, stop: int) -> Indices:
        """The cheapest path over output frames [start, stop)."""
        places, costs = self._candidates(start, stop)
        count, keep = places.shape
        total = np.stack([costs[0], costs[0]])
        back = np.zeros((count, 2, keep), np.int64)  # which of the 2·keep states before
        for step in range(1, count):
            checkpoint()
            total, back[step] = self._onward(total, places[step - 1], places[step], start + step)
            total += costs[step]
        path = np.empty(count, np.int64)
        at = int(total.argmin())
        for step in range(count - 1, -1, -1):
            path[step] = self._frames[places[step, at % keep]]
            at = int(back[step].flat[at])
        return path

    def _onward(self, total: Doubles, before: Indices, after: Indices, frame: int) -> tuple[Doubles, Indices]:
        """Cheapest cost (2, k) of being at ``after`` played forward and backward, and the state it came from."""
        keep = len(before)
        shape = SHAPE_STEP * _squared(self._features[before], self._features[after])
        jumps = [total[way][:, None] + shape + self._jump(way, before, after, frame) for way in (0, 1)]
        sources = [jump.argmin(0) for jump in jumps]
        columns = np.arange(len(after))
        reached = np.stack([jump[source, columns] for jump, source in zip(jumps, sources, strict=True)])
        first = reached.argmin(0)
        cheapest, origin = reached.min(0), np.stack(sources)[first, columns] + keep * first
        best, came = np.stack([cheapest, cheapest]), np.stack([origin, origin])
        turned = total.min(0), total.argmin(0)
        row_of = np.full(len(self._pool.code) + 2 * LONGEST_STEP, -1)
        row_of[self._frames[before] + LONGEST_STEP] = np.arange(keep)
        for way in (0, 1):
            turning = turned[0] + TURN * (1 + self._moving[before])
            turns = turning < total[way]
            paid = np.where(turns, turning, total[way])
            state = np.arange(keep) + keep * np.where(turns, turned[1], way)
            for step in range(LONGEST_STEP + 1):
                self._run(best[way], came[way], paid, state, row_of, shape, before, after, step if way == 0 else -step)
        return best, came

    def _run(
        self, best: Doubles, came: Indices, paid: Doubles, state: Indices, row_of: Indices, shape: Doubles,
        before: Indices, after: Indices, step: int,
    ) -> None:  # fmt: skip
        """Lower ``best`` and ``came`` (k,) where the footage runs on by ``step`` frames from a state before."""
        row = row_of[self._frames[after] - step + LONGEST_STEP]
        at = np.flatnonzero(row >= 0)
        row = row[at]
        one, other = before[row], after[at]
        beside = self._beside[one, other]
        cost = paid[row] + shape[row, at] + TEXTURE * np.clip(beside - TEXTURE_IN_RUN, 0, MOST_IN_RUN)
        if step == 0:
            cost += HOLD_STEP * (1 + np.minimum(self._moving[one], HELD_MOVING))
        else:
            cost += SKIP_STEP * (abs(step) - 1)
        same = self._pool.shot[self._frames[one]] == self._pool.shot[self._frames[other]]
        better = same & (cost < best[at])
        best[at[better]], came[at[better]] = cost[better], state[row[better]]

    def _candidates(self, start: int, stop: int) -> tuple[Indices, Doubles]:
        """Places (n, k) in the pool and their costs, the nearest k of each frame in order of time."""
        keep = min(CANDIDATES, len(self._frames))
        places = np.empty((stop - start, keep), np.int64)
        costs = np.empty((stop - start, keep))
        pose = self._pool.pose[self._frames] / POSE_UNITS
        for row, frame in enumerate(range(start, stop)):
            cost = ((self._features - self._goal[frame]) ** 2).sum(1)
            cost += ((pose - self._wanted.pose[frame] / POSE_UNITS) ** 2).sum(1)
            gap = np.abs(self._aperture[self._frames] - self._wanted.params[frame, 0])
            cost += (np.maximum(0, gap - GAP_FREE) / GAP_UNIT) ** 2 + self._pool.penalty[self._frames]
            nearest = np.sort(np.argpartition(cost, keep - 1)[:keep])
            places[row], costs[row] = nearest, cost[nearest]
        return places, costs

    def _jump(self, way: int, before: Indices, after: Indices, frame: int) -> Doubles:
        """Cost (k, k) of leaving the run at ``before`` for ``after``, never for a frame of the same run."""
        openness = self._openness[frame]
        within_run = is_run(self._frames[after][None] - self._frames[before][:, None])
        following = self._aperture[self._following[way][before]]
        opening = (following[:, None] - self._aperture[self._frames[after]][None]) / APERTURE_STEP_UNIT
        return np.asarray(
            JUMP * (1 + JUMP_WHEN_OPEN * openness)
            + TEXTURE
            * np.maximum(0, self._ahead[way][np.ix_(before, after)] - 1)
            * (TEXTURE_CLOSED + TEXTURE_OPEN * openness)
            + APERTURE_STEP * opening**2
            + np.where(within_run, NEVER, 0.0)
        )


def _squared(one: Doubles, other: Doubles) -> Doubles:
    """Squared distances (k, k) between rows."""
    product = one @ other.T
    return np.maximum(0, (one**2).sum(1)[:, None] + (other**2).sum(1)[None] - 2 * product)
