"""Where the inside of a mouth changes much from one frame to the next, both mouths are seen in it for two frames.

Teeth that come into sight within one frame catch the eye where this footage hardly ever shows that; a third and then
two thirds of them do not: a camera, too, smears what moves so fast. Two rows of teeth in different places do catch it:
there the change stays hard.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..render.texture import MouthTextures
from .joins import Joins

Indices = NDArray[np.int64]

# Softened is what changes more than the footage does in nineteen of twenty steps of its own, and more than is seen.
# A mouth that opens onto its teeth within a frame is what fast speech looks like; teeth as through a veil are not.
USUAL_PERCENTILE, LEAST_CHANGE = 95, 14.0  # RMS, levels of luma
# What comes for one frame and goes again is seen sooner: no mouth does that, only a run that turns round at a step that
# is large in the footage itself, where landmarks may read a mouth wider open than it is.
FLASH_PERCENTILE = 75
OWN_SHARE, FLASH_SHARE = 2 / 3, 1 / 2  # of a frame's own mouth: three equal steps instead of one
MOST_DOUBLE = 4.2  # levels of luma of detail that is in neither of two mouths laid over each other


def soften(joins: Joins, chosen: Indices, textures: MouthTextures) -> Joins:
    """``joins`` with both mouths at once inside the lips where ``chosen`` (N,) would make them pop.

    Each frame takes part in one step alone, the largest first.
    """
    other, weight, inside = joins.other.copy(), joins.weight.copy(), joins.inside.copy()
    free = np.ones(len(chosen), bool)

    def mix(here: int, there: int, share: float) -> None:
        if max(here, there) not in joins.starts:  # there the fade shows both already
            other[here], weight[here] = chosen[there], share
        inside[here], free[here] = share, False

    may_flash = _large_steps(chosen, textures, FLASH_PERCENTILE)
    for at in may_flash:
        if at + 1 in may_flash and abs(chosen[at + 1] - chosen[at - 1]) <= 1 and free[at]:
            mix(at, at - 1, FLASH_SHARE)  # there and back again
    for after in _large_steps(chosen, textures, USUAL_PERCENTILE):
        before = after - 1
        if free[before] and free[after]:
            mix(before, after, OWN_SHARE)
            mix(after, before, OWN_SHARE)
    return replace(joins, other=other, weight=weight, inside=inside)


def _large_steps(chosen: Indices, textures: MouthTextures, percentile: float) -> list[int]:
    """Output frames whose mouth differs from the one before by more than the footage's own do in ``percentile`` of a
    hundred steps, the largest first; none with two rows of teeth.
    """
    most = max(LEAST_CHANGE, textures.usual_step(percentile))
    steps = np.flatnonzero((chosen[1:] >= 0) & (chosen[:-1] >= 0)) + 1
    change = textures.between(chosen[steps - 1], chosen[steps])
    large = steps[np.argsort(-change)][: int((change > most).sum())].tolist()
    return [at for at in large if textures.doubled(int(chosen[at - 1]), int(chosen[at])) <= MOST_DOUBLE]
