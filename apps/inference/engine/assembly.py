"""Pieces and new sound become one film."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .media.audio import OUTPUT_RATE
from .media.mux import join
from .media.soundtrack import Clip, Soundtrack
from .pieces import PieceReport
from .plan import MotionPlan
from .progress import Progress
from .segments import MAIN, ORIGINAL, Segment


def assemble(
    pieces: Sequence[PieceReport],
    audio: Path | None,
    plan: MotionPlan,
    out: Path,
    *,
    video: Path | None = None,
    segments: Sequence[Segment] = (),
    progress: Progress | None = None,
) -> None:
    """Join ``pieces`` (any order) without encoding again, with the sound the plan asks for, as MP4 that plays at once.

    ``video`` gives the original sound and ``segments`` (those the plan was made for) their own. Without ``audio`` the
    film is silent. The film appears under its name only when it is whole.
    """
    ordered = sorted(pieces, key=lambda piece: piece.first)
    if progress is not None:
        progress("assemble", 0, 1)
    unfinished = out.with_name(out.name + ".part")
    try:
        sound = None if audio is None else soundtrack(plan, audio, video, segments)
        join([piece.path for piece in ordered], plan.times, plan.fps, unfinished, sound=sound,
             duration_s=plan.duration_s)  # fmt: skip
        unfinished.replace(out)
    finally:
        unfinished.unlink(missing_ok=True)
    if progress is not None:
        progress("assemble", 1, 1)


def soundtrack(plan: MotionPlan, audio: Path, video: Path | None, segments: Sequence[Segment]) -> Soundtrack:
    """The sound of the film: every part of the plan from its file."""
    files = {"": None, MAIN: audio, ORIGINAL: video}
    files |= {segment.sound(index): segment.audio for index, segment in enumerate(segments) if segment.audio}
    clips = [
        Clip(
            files[part.source], _sample(part.start_s), _sample(part.end_s), _sample(part.from_s),
            original=part.source == ORIGINAL,
        )
        for part in plan.sound
    ]  # fmt: skip
    return Soundtrack.of(clips)


def _sample(seconds: float) -> int:
    return round(seconds * OUTPUT_RATE)
