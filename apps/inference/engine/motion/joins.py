"""What happens where one run of exemplars ends and another begins."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]

HALF_WIDTH = 2  # frames before and after a join in which both runs are seen
LONGEST_STEP = 2  # a run, forward or backward, may repeat a frame or leave one out and still be a run


@dataclass(frozen=True)
class Joins:
    """Per output frame: ``other`` (N,) the second exemplar or -1, ``weight`` (N,) the share of the first.

    ``inside`` (N,) is its share between the lips.

    ``starts`` (J,) are the output frames at which a new run begins.
    """

    starts: Indices
    other: Indices
    weight: NDArray[np.float64]
    inside: NDArray[np.float64]


def is_run(step: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Whether an exemplar ``step`` frames later continues the run."""
    return np.abs(step) <= LONGEST_STEP


def find_joins(chosen: Indices, usable: NDArray[np.bool_], shot: Indices) -> Joins:
    """Lay a smooth fade of four frames over each join of ``chosen`` (N,); -1 means no exemplar.

    The run that ends is continued beyond the join and the one that begins is started earlier, by frames that are
    ``usable`` (F,) and of the same ``shot`` (F,).
    """
    count = len(chosen)
    valid = chosen >= 0
    same = np.zeros(count, bool)
    same[1:] = is_run(np.diff(chosen)) & (shot[chosen[1:]] == shot[chosen[:-1]])
    starts = np.flatnonzero(valid & np.roll(valid, 1) & ~same)
    starts = starts[starts > 0]
    other, weight = np.full(count, -1, np.int64), np.ones(count)
    for frame in range(count):
        near = starts[np.abs(starts - 0.5 - frame) <= HALF_WIDTH]
        if not len(near) or not valid[frame]:
            continue
        start = near[np.argmin(np.abs(near - 0.5 - frame))]
        share = (frame - (start - HALF_WIDTH) + 0.5) / (2 * HALF_WIDTH)
        share = share * share * (3 - 2 * share)
        if frame < start:
            way = _heading(chosen[start : start + 2])
            wanted, anchor, own = chosen[start] - way * (start - frame), chosen[start], 1 - share
        else:
            way = _heading(chosen[start - 2 : start])
            wanted, anchor, own = chosen[start - 1] + way * (frame - start + 1), chosen[start - 1], share
        other[frame], weight[frame] = _nearest_usable(int(wanted), int(anchor), usable, shot), own
    return Joins(starts, other, weight, np.ones(count))


def _heading(pair: Indices) -> int:
    """-1 where two frames of a run are played backward, else 1."""
    return -1 if len(pair) == 2 and -LONGEST_STEP <= pair[1] - pair[0] < 0 else 1


def _nearest_usable(wanted: int, anchor: int, usable: NDArray[np.bool_], shot: Indices) -> int:
    """``wanted``, or the first frame towards ``anchor`` that can be used."""
    wanted = int(np.clip(wanted, 0, len(usable) - 1))
    step = int(np.sign(anchor - wanted))
    while wanted != anchor and not (usable[wanted] and shot[wanted] == shot[anchor]):
        wanted += step
    return wanted
