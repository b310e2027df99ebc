"""How far a running take is, from what its workers note as they go."""

import time
from dataclasses import dataclass

from apps.generations import signals
from apps.generations.models import Generation, Stage
from apps.generations.speed import SHARES

ORDER = list(SHARES)


@dataclass(frozen=True)
class Rendering:
    """Frames drawn by all workers together, of how many, in how many seconds; ``there`` of them were there before."""

    done: int = 0
    total: int = 0
    elapsed_s: float = 0.0
    there: int = 0

    @property
    def fps(self) -> float | None:
        """Frames a second; None while there is too little to tell."""
        drawn = self.done - self.there
        return drawn / self.elapsed_s if drawn > 0 and self.elapsed_s > 0.5 else None


def rendering(generation: Generation) -> Rendering:
    """What the workers note while they draw."""
    split = signals.pieces(generation.pk)
    if split is None:
        return Rendering()
    firsts, total, began, there = split
    done = min(total, signals.frames_rendered(generation.pk, firsts))
    return Rendering(done, total, max(0.0, time.time() - began), there)


def percent_of(generation: Generation, drawn: Rendering | None = None) -> int:
    """How far a running take is, 0 to 99; never less than it was told before."""
    stage = Stage(generation.stage)
    percent = _percent(generation, stage, drawn or rendering(generation))
    return signals.raise_percent(generation.pk, percent) or percent


def _percent(generation: Generation, stage: Stage, drawn: Rendering) -> int:
    if stage not in SHARES:
        return 0
    before = sum(SHARES[name] for name in ORDER[: ORDER.index(stage)])
    if stage == Stage.LIPSYNC:
        share = drawn.done / drawn.total if drawn.total else 0.0
    elif stage == Stage.READ:
        share = signals.share_read(generation.pk) or 0.0
    else:
        noted = signals.mark(generation.pk)
        share = noted.done / noted.total if noted and noted.stage == stage and noted.total > 0 else 0.0
    return min(99, int(before + SHARES[stage] * min(1.0, share)))
