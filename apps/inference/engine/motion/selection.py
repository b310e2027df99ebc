"""Which moment of the footage lends its mouth to each output frame: a Viterbi search.

A candidate costs what its mouth and pose differ from what is wanted; a step costs nothing where the footage simply
runs on, and more the more the eye would notice the join: unlike shapes, unlike teeth, an open mouth. A mouth's inside
may change as much as the footage's own does when the lips move so far; what changes more pops.
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
# Eye distances by which an exemplar may be more or less open than wanted: beyond, it drags its teeth. A mouth that
# hardly opens would be lent any other of its own by that, and bending shows but a part of what is asked for; so less is
# borne there, by the range of the opening (P99 - P1). Less for all mouths costs sharpness: p02 kept .8 of it, not .98.
GAP_OF_SMALL, GAP = 0.003, 0.02
SMALL_RANGE, USUAL_RANGE = 0.07, 0.11
JUMP, JUMP_WHEN_OPEN = 1.6, 3.0
SKIP_STEP = 0.05  # a run that leaves a frame out
# A frame shown twice looks frozen, a run that turns round trembles when it does so often. Both cost more where the
# mouth was moving: times 1 + how much the picture changed there, squared, in natural steps; for holding at most so
# much, for amid a quick movement a frame is better held than shaken.
HOLD_STEP, TURN, HELD_MOVING = 0.4, 0.3, 3.0
SHAPE_STEP = 0.075
# Changes of picture count as (times what the wanted movement explains)², beyond 1.2 in a run and 1 at a join: teeth
# that come and go while the lips hardly move are what pops. In a run no change costs more than so much: where the
# footage itself jumps, going round it may look worse. What a run leaves out (by steps of 0, 1, 2) is no such jump.
TEXTURE_IN_RUN, IN_RUN_FROM = 1.5, 1.2
MOST_IN_RUN = np.array([[4.5], [4.5], [np.inf]])
TEXTURE_AT_JOIN = 4.5
APERTURE_STEP, APERTURE_STEP_UNIT = 0.3, 0.02
NEVER = 1e6
AROUND = 12  # frames to either side of a border between units, from which the mouth at the border is chosen
AT_ONCE = 64  # output frames whose candidates are sought at once: M costs each


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


def bearable_gap(opening: Doubles) -> float:
    """Eye distances by which an exemplar may be off the opening wanted, where the footage shows ``opening`` (M,)."""
    closed, wide = np.percentile(opening, [1, 99])
    return float(np.interp(wide - closed, [SMALL_RANGE, USUAL_RANGE], [GAP_OF_SMALL, GAP]))


def select_exemplars(wanted: Wanted, pool: ExemplarPool, unit: int | None = None) -> Indices:
    """Source frame (N,) for each output frame; in independent units of ``unit`` frames, or all at once.

    What is chosen for a unit depends on what is wanted of its own frames and of ``AROUND`` to either side. Where two
    meet the mouth is settled first, by the frames around that border, which both see alike: begun anew they would pop.
    """
    return _Search(wanted, pool).best(unit or len(wanted.code))


class _Search:
    """States are exemplars played forward or backward: a mouth that closes as it opened keeps the picture moving,
    where without it one frame in two of a held vowel was a frozen one.

    Whatever a step costs between two of the M exemplars, whichever frame it leads to, is worked out beforehand; how
    much of their unlikeness is ``explained`` depends on the frame.
    """

    def __init__(self, wanted: Wanted, pool: ExemplarPool) -> None:
        self._pool, self._wanted = pool, wanted
        self._frames = pool.frames
        self._features = pool.features(pool.code, pool.params)[self._frames]
        self._goal = pool.features(wanted.code, wanted.params)
        self._gap = bearable_gap(pool.params[self._frames, 0])
        self._keep = min(CANDIDATES, len(self._frames))
        # By what the footage shows, not by what is asked for: other units' openings have no part in it.
        low, high = np.percentile(pool.params[self._frames, 0], [20, 60])
        self._openness = np.clip((wanted.params[:, 0] - low) / max(1e-3, high - low), 0, 1)
        # What would follow each exemplar, forward and backward, and how it looks beside all others.
        following = [self._neighbours(1), self._neighbours(-1)]
        looks = _Looks(pool.textures, self._frames, np.union1d(self._frames, following))
        ahead = [looks.beside(after) for after in following]
        moving = (np.diagonal(ahead[0]) + np.diagonal(ahead[1])) / 2
        self._moving = moving
        self._runs = _Runs(self._pool, self._features, looks.beside(self._frames), moving)
        self._explained = self._runs.explained(np.diff(wanted.params[:, 0], prepend=wanted.params[0, 0]))
        shape = SHAPE_STEP * _squared(self._features, self._features)
        shape += np.where(is_run(self._frames[None] - self._frames[:, None]), NEVER, JUMP)
        self._unlike = [unlike.astype(np.float32) for unlike in ahead]
        self._jumps = [(shape + self._opening_step(after)).astype(np.float32) for after in following]
        self._places, self._costs = self._candidates()

    def _neighbours(self, step: int) -> Indices:
        after = np.clip(self._frames + step, 0, len(self._pool.code) - 1)
        same = self._pool.shot[after] == self._pool.shot[self._frames]
        return np.where(same & self._pool.textures.knows(after), after, self._frames)

    def _opening_step(self, following: Indices) -> Doubles:
        """(M, M) what it costs that the mouth is not as open as that which would have followed."""
        aperture = self._pool.params[:, 0]
        opening = (aperture[following][:, None] - aperture[self._frames][None]) / APERTURE_STEP_UNIT
        return np.asarray(APERTURE_STEP * opening**2)

    def best(self, unit: int) -> Indices:
        """Source frame (N,) for each output frame, in units of ``unit`` between states that are settled first."""
        count = len(self._goal)
        borders = {border: self._at_border(border) for border in range(unit, count, unit)}
        states = np.empty(count, np.int64)
        for first in range(0, count, unit):
            last = min(first + unit, count)
            path = self._path(first, min(last + 1, count), borders.get(first), borders.get(last))
            states[first:last] = path[: last - first]
        return np.asarray(self._frames[self._places[np.arange(count), states % self._keep]])

    def _at_border(self, border: int) -> int:
        first = max(0, border - AROUND)
        return int(self._path(first, min(border + AROUND, len(self._goal)))[border - first])

    def _path(self, first: int, last: int, begin: int | None = None, end: int | None = None) -> Indices:
        """The cheapest states (n,) of output frames [``first``, ``last``): one of 2·k each, the way times k plus the
        row among the frame's candidates. ``begin`` and ``end`` are the states to begin and end with, where they are
        settled.
        """
        back = np.zeros((last - first, 2, self._keep), np.int16)
        total = np.zeros((2, self._keep)) + self._costs[first]
        if begin is not None:
            total.flat[np.arange(total.size) != begin] = np.inf
        for frame in range(first + 1, last):
            checkpoint()
            total, back[frame - first] = self._onward(total, self._places[frame - 1], self._places[frame], frame)
            total += self._costs[frame]
        path = np.empty(last - first, np.int64)
        path[-1] = total.argmin() if end is None else end
        for step in range(len(path) - 1, 0, -1):
            path[step - 1] = back[step].flat[path[step]]
        return path

    def _onward(self, total: Doubles, before: Indices, after: Indices, frame: int) -> tuple[Doubles, Indices]:
        """Cheapest cost (2, k) of being at ``after`` played forward and backward, and the state it came from."""
        keep, ways = len(before), np.arange(2)[:, None]
        pairs = before[:, None] * len(self._frames) + after
        jumps = [total[way][:, None] + self._jump(way, pairs, frame) for way in (0, 1)]
        sources = np.stack([jump.argmin(0) for jump in jumps])
        reached = np.stack([jump[source, np.arange(len(after))] for jump, source in zip(jumps, sources, strict=True)])
        first = reached.argmin(0)
        jumped, origin = reached.min(0), sources[first, np.arange(len(after))] + keep * first
        explained = self._explained[frame]
        turning = total.min(0) + TURN * (1 + self._moving[before] / explained)
        turns = turning < total
        paid = np.where(turns, turning, total)
        state = np.arange(keep) + keep * np.where(turns, total.argmin(0), ways)
        ran, row = self._runs.cheapest(paid, before, after, explained)
        runs_on = ran < jumped
        return np.where(runs_on, ran, jumped), np.where(runs_on, state[ways, row], origin)

    def _jump(self, way: int, pairs: Indices, frame: int) -> Doubles:
        """Cost (k, k) of leaving the run at the one of each of ``pairs`` for the other, never within a run."""
        share = np.float32(TEXTURE_AT_JOIN / self._explained[frame])
        torn = np.maximum(0, self._unlike[way].take(pairs) * share - TEXTURE_AT_JOIN)
        return np.asarray(torn + self._jumps[way].take(pairs) + JUMP * JUMP_WHEN_OPEN * self._openness[frame])

    def _candidates(self) -> tuple[Indices, Doubles]:
        """Places (N, k) in the pool and their costs, the nearest k of each output frame in order of time."""
        count, mine = len(self._goal), np.hstack([self._features, self._pool.pose[self._frames] / POSE_UNITS])
        places, costs = np.empty((count, self._keep), np.int64), np.empty((count, self._keep))
        for first in range(0, count, AT_ONCE):
            rows = slice(first, min(first + AT_ONCE, count))
            goal = np.hstack([self._goal[rows], self._wanted.pose[rows] / POSE_UNITS])
            gap = np.abs(self._pool.params[self._frames, 0] - self._wanted.params[rows, :1])
            cost = _squared(goal, mine) + np.maximum(0, gap / self._gap - 1) ** 2
            cost += self._pool.penalty[self._frames]
            places[rows] = np.sort(np.argpartition(cost, self._keep - 1)[:, : self._keep])
            costs[rows] = np.take_along_axis(cost, places[rows], 1)
        return places, costs


class _Looks:
    """How unlike mouths look, in squares of natural steps: each pair compared once."""

    def __init__(self, textures: MouthTextures, frames: Indices, known: Indices) -> None:
        self._known, self._columns = known, np.searchsorted(known, frames)
        self._apart = (textures.among(known) / textures.natural_step(frames)) ** 2

    def beside(self, frames: Indices) -> Doubles:
        """(len(frames), M) of ``frames`` beside all exemplars."""
        return np.asarray(self._apart[np.ix_(np.searchsorted(self._known, frames), self._columns)])


class _Runs:
    """What it costs to let the footage run on to each exemplar: by 0, 1 or 2 frames, forward and backward."""

    def __init__(self, pool: ExemplarPool, features: Doubles, beside: Doubles, moving: Doubles) -> None:
        frames = pool.frames
        steps = np.arange(LONGEST_STEP + 1)
        wanted = frames - np.stack([steps, -steps])[..., None]
        at = np.clip(np.searchsorted(frames, wanted), 0, len(frames) - 1)
        own = np.arange(len(frames))
        cost = SHAPE_STEP * ((features[at] - features) ** 2).sum(-1)
        cost[:, 0] += HOLD_STEP * (1 + np.minimum(moving, HELD_MOVING))
        cost[:, 1:] += SKIP_STEP * (steps[1:, None] - 1)
        fits = (frames[at] == wanted) & (pool.shot[frames[at]] == pool.shot[frames])
        # Of the M exemplars those before, by way and step (2, 3, M), and the cost; M where the run has no such frame.
        self._from, self._cost, self._beside = np.where(fits, at, len(frames)), cost, beside[at, own]
        opening = pool.params[frames, 0]
        follows = fits[0, 1]
        self._line = _rising_line(np.abs(opening - opening[at[0, 1]])[follows], np.sqrt(self._beside[0, 1][follows]))

    def explained(self, moved: Doubles) -> Doubles:
        """(N,): how much the picture may change where the opening changes by ``moved`` (N,), in natural steps, squared.

        By a line through the footage's own steps: the more the lips move, the more of the inside comes into sight.
        """
        still, slope = self._line
        return np.asarray((still + slope * np.abs(moved)) ** 2)

    def cheapest(self, paid: Doubles, before: Indices, after: Indices, explained: float) -> tuple[Doubles, Indices]:
        """Cost (2, k) of running on to ``after``, and from which row of ``before``; ``paid`` (2, k) until there."""
        row_of = np.full(len(self._cost[0, 0]) + 1, -1)
        row_of[before] = np.arange(len(before))
        row = row_of[self._from[..., after]]
        popping = np.clip(TEXTURE_IN_RUN * (self._beside[..., after] / explained - IN_RUN_FROM), 0, MOST_IN_RUN)
        cost = np.where(row >= 0, paid[np.arange(2)[:, None, None], row] + self._cost[..., after] + popping, np.inf)
        step = cost.argmin(1)[:, None]
        return np.take_along_axis(cost, step, 1)[:, 0], np.take_along_axis(row, step, 1)[:, 0]


def _rising_line(x: Doubles, y: Doubles) -> tuple[float, float]:
    """Value at 0 (at least half a step) and slope (at least 0) of the least squares line through points (n,)."""
    if len(x) < 2:
        return 1.0, 0.0
    x_off, y_off = x - x.mean(), y - y.mean()
    slope = max(0.0, float(x_off @ y_off) / (float(x_off @ x_off) + 1e-9))
    return max(0.5, float(y.mean() - slope * x.mean())), slope


def _squared(one: Doubles, other: Doubles) -> Doubles:
    """Squared distances (n, m) between the rows of (n, K) and (m, K)."""
    product = one @ other.T
    return np.maximum(0, (one**2).sum(1)[:, None] + (other**2).sum(1)[None] - 2 * product)
