"""Which moment of the footage lends its mouth to each output frame: a Viterbi search.

A candidate costs what its mouth and pose differ from what is wanted; a step costs nothing where the footage simply
runs on, and more the more the eye would notice the join: unlike shapes, unlike teeth, an open mouth.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..render.texture import MouthTextures
from .joins import is_run

Doubles = NDArray[np.float64]
Indices = NDArray[np.int64]

CANDIDATES = 120  # per frame; 40 are too few once the picture counts
APERTURE_WEIGHT, WIDTH_WEIGHT = 1.2, 0.5  # beside the mouth code, all in standard deviations
POSE_UNITS = np.array([9.0, 10.0, 18.0, 0.5])  # degrees of yaw, pitch, roll, and log size, that cost 1
GAP_FREE, GAP_UNIT = 0.03, 0.02  # iod: an exemplar this much more open or closed drags its teeth
JUMP, JUMP_WHEN_OPEN = 0.9, 3.0
SKIP_STEP, HOLD_STEP = 0.05, 0.25  # a run that leaves a frame out, or shows one twice: held mouths look frozen
SHAPE_STEP = 0.075
TEXTURE = 1.5
TEXTURE_CLOSED, TEXTURE_OPEN = 0.4, 0.6
TEXTURE_IN_RUN = 9.0  # (times natural)²: a run whose picture jumps is a mistracked one
APERTURE_STEP, APERTURE_STEP_UNIT = 0.3, 0.02


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
    def __init__(self, wanted: Wanted, pool: ExemplarPool) -> None:
        self._pool, self._wanted = pool, wanted
        self._frames = pool.frames
        self._features = pool.features(pool.code, pool.params)[self._frames]
        self._goal = pool.features(wanted.code, wanted.params)
        self._aperture = pool.params[:, 0]
        low, high = np.percentile(wanted.params[:, 0], [20, 60])
        self._openness = np.clip((wanted.params[:, 0] - low) / max(1e-3, high - low), 0, 1)
        after = np.minimum(self._frames + 1, len(pool.code) - 1)
        self._next = np.where(pool.textures.knows(after), after, self._frames)
        natural = pool.textures.natural_step(self._frames)
        # Position of each source frame in the two distance tables, which cover the pool and its successors.
        self._ahead = (pool.textures.between(self._next, self._frames) / natural) ** 2
        self._beside = (pool.textures.between(self._frames, self._frames) / natural) ** 2

    def best(self, start: int, stop: int) -> Indices:
        """The cheapest path over output frames [start, stop)."""
        places, costs = self._candidates(start, stop)
        total = costs[0].copy()
        back = np.zeros(places.shape, np.int64)
        for step in range(1, stop - start):
            onward = total[:, None] + self._transition(places[step - 1], places[step], start + step)
            back[step] = onward.argmin(0)
            total = onward.min(0) + costs[step]
        path = np.empty(stop - start, np.int64)
        at = int(total.argmin())
        for step in range(stop - start - 1, -1, -1):
            path[step] = self._frames[places[step, at]]
            at = int(back[step, at])
        return path

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

    def _transition(self, before: Indices, after: Indices, frame: int) -> Doubles:
        """Cost (k, k) of going from exemplar ``before`` to ``after`` at output ``frame``."""
        one, other = self._frames[before][:, None], self._frames[after][None]
        step = other - one
        shape = SHAPE_STEP * _squared(self._features[before], self._features[after])
        openness = self._openness[frame]
        ahead = self._ahead[np.ix_(before, after)]
        opening = (self._aperture[self._next[before]][:, None] - self._aperture[other]) / APERTURE_STEP_UNIT
        jump = (
            JUMP * (1 + JUMP_WHEN_OPEN * openness)
            + TEXTURE * np.maximum(0, ahead - 1) * (TEXTURE_CLOSED + TEXTURE_OPEN * openness)
            + APERTURE_STEP * opening**2
        )
        beside = self._beside[np.ix_(before, after)]
        run = np.choose(np.clip(step, 0, 2), [HOLD_STEP, 0.0, SKIP_STEP]) + TEXTURE * np.maximum(
            0, beside - TEXTURE_IN_RUN
        )
        runs_on = is_run(step) & (self._pool.shot[one] == self._pool.shot[other])
        return shape + np.where(runs_on, run, jump)


def _squared(one: Doubles, other: Doubles) -> Doubles:
    """Squared distances (k, k) between rows."""
    product = one @ other.T
    return np.maximum(0, (one**2).sum(1)[:, None] + (other**2).sum(1)[None] - 2 * product)
