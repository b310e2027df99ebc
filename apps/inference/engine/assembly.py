"""Pieces and new sound become one film."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .media.aac import EncodedSound, encode_sound
from .media.audio import OUTPUT_RATE
from .media.mux import join
from .media.soundtrack import Clip, Soundtrack
from .pieces import PieceReport
from .plan import MotionPlan
from .progress import Progress
from .segments import MAIN, ORIGINAL, Segment, SoundPart


def assemble(
    pieces: Sequence[PieceReport],
    audio: Path | None,
    plan: MotionPlan,
    out: Path,
    *,
    video: Path | None = None,
    segments: Sequence[Segment] = (),
    encoded: Path | None = None,
    progress: Progress | None = None,
) -> None:
    """Join ``pieces`` (any order) without encoding again, with the sound the plan asks for, as MP4 that plays at once.

    ``video`` gives the original sound and ``segments`` (those the plan was made for) their own. Without ``audio`` the
    film is silent; where it was encoded before, by :func:`encode_film_sound`, ``encoded`` is its folder. The film
    appears under its name only when it is whole.
    """
    ordered = sorted(pieces, key=lambda piece: piece.first)
    if progress is not None:
        progress("assemble", 0, 1)
    unfinished = out.with_name(out.name + ".part")
    try:
        sound: Soundtrack | EncodedSound | None = None
        if audio is not None:
            sound = EncodedSound.load(encoded) if encoded else soundtrack(plan.sound, audio, video, segments)
        join([piece.path for piece in ordered], plan.times, plan.fps, unfinished, sound=sound,
             duration_s=plan.duration_s)  # fmt: skip
        unfinished.replace(out)
    finally:
        unfinished.unlink(missing_ok=True)
    if progress is not None:
        progress("assemble", 1, 1)


def encode_film_sound(
    parts: Sequence[SoundPart], duration_s: float, audio: Path, into: Path, *, video: Path | None = None,
    segments: Sequence[Segment] = (),
) -> None:  # fmt: skip
    """Encode the sound of a film of ``duration_s`` into the empty folder ``into``; files as for :func:`assemble`.

    ``parts`` are those its plan will have, see :func:`.film_plan.film_sound`.
    """
    encode_sound(soundtrack(parts, audio, video, segments), duration_s, into)


def soundtrack(
    parts: Sequence[SoundPart], audio: Path, video: Path | None, segments: Sequence[Segment]
) -> Soundtrack:  # fmt: skip
    """The sound of the film: every part from its file."""
    files = {"": None, MAIN: audio, ORIGINAL: video}
    files |= {segment.sound(index): segment.audio for index, segment in enumerate(segments) if segment.audio}
    clips = [
        Clip(
            files[part.source], _sample(part.start_s), _sample(part.end_s), _sample(part.from_s),
            original=part.source == ORIGINAL,
        )
        for part in parts
    ]  # fmt: skip
    return Soundtrack.of(clips)


def _sample(seconds: float) -> int:
    return round(seconds * OUTPUT_RATE)
