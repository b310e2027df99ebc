"""Pieces and new sound become one film."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .media.mux import join
from .pieces import PieceReport
from .plan import MotionPlan
from .progress import Progress


def assemble(
    pieces: Sequence[PieceReport],
    audio: Path | None,
    plan: MotionPlan,
    out: Path,
    *,
    progress: Progress | None = None,
) -> None:
    """Join ``pieces`` (any order) without encoding again, with the sound of ``audio``, as MP4 that plays at once.

    The film appears under its name only when it is whole.
    """
    ordered = sorted(pieces, key=lambda piece: piece.first)
    if progress is not None:
        progress("assemble", 0, 1)
    unfinished = out.with_name(out.name + ".part")
    try:
        join([piece.path for piece in ordered], plan.times, plan.fps, unfinished, sound=audio,
             duration_s=plan.duration_s)  # fmt: skip
        unfinished.replace(out)
    finally:
        unfinished.unlink(missing_ok=True)
    if progress is not None:
        progress("assemble", 1, 1)
