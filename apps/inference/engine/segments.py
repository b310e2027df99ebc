"""Segments: ranges of the film with a sound, a face or settings of their own, and ranges that stay as they were.

Times are seconds of the result, which lasts as long as the video where any segment is driven. What lies in no driven
segment keeps picture and sound. Where only ranges to leave alone are given, the rest is driven by the main soundtrack
on the timeline of the sync mode.

A driven segment cannot make the film longer or shorter, so of the sync modes two meanings are left inside it:

| sound of the segment | cut_off, loop, bounce, remap         | silence                                       |
|----------------------|--------------------------------------|-----------------------------------------------|
| longer than it       | cut at its end                       | cut at its end                                |
| shorter than it      | the rest stays as it was, with sound | the rest is silent, and the mouth at rest     |
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import EngineError

SHORTEST_S = 0.2  # five frames: less than the easing at both ends needs
SLACK_S = 0.05  # a frame: rounded times may reach so far beyond the video or into each other
MAIN = "audio"  # names of sounds in a plan, see SoundPart
ORIGINAL = "video"


@dataclass(frozen=True)
class Segment:
    """Seconds [``start_s``, ``end_s``) of the result.

    ``lipsync`` False leaves the range alone. ``audio`` is a sound of its own, heard from ``audio_start_s`` to
    ``audio_end_s`` (None: its end); without one the main soundtrack is heard as it stands at that time. ``face``
    chooses whose mouth is driven (None: as in the rest of the film). The last three replace the run's settings.
    """

    start_s: float
    end_s: float
    lipsync: bool = True
    audio: Path | None = None
    audio_start_s: float = 0.0
    audio_end_s: float | None = None
    face: Mapping[str, Any] | None = None
    temperature: float | None = None
    occlusion_detection: bool | None = None
    sync_mode: str | None = None

    def __post_init__(self) -> None:
        if not 0.0 <= self.start_s < self.end_s < float("inf"):
            raise segments_invalid(f"A segment runs from {self.start_s:g} to {self.end_s:g} s.")
        if self.end_s - self.start_s < SHORTEST_S - 1e-6:  # 1.2 - 1.0 is less than 0.2 to a computer
            raise segments_invalid(f"The segment at {self.start_s:g} s is shorter than {SHORTEST_S:g} s.")
        if self.audio_start_s < 0 or (self.audio_end_s is not None and self.audio_end_s <= self.audio_start_s):
            raise segments_invalid(f"The sound of the segment at {self.start_s:g} s ends before it starts.")

    def sound(self, index: int) -> str:
        """The name of this segment's sound in a plan, for the ``index``-th segment given."""
        return MAIN if self.audio is None else f"segment {index}"


@dataclass(frozen=True)
class SoundPart:
    """Seconds [``start_s``, ``end_s``) of the result sound like ``source`` from ``from_s`` on.

    ``source`` is "audio" (the main soundtrack), "video" (the original sound), "segment 3" (the sound of the fourth
    segment given) or "" (silence).
    """

    source: str
    start_s: float
    end_s: float
    from_s: float = 0.0


@dataclass(frozen=True)
class Span:
    """A driven stretch [``start_s``, ``end_s``) of the result.

    ``segment`` is the number of the segment it belongs to (-1: none). The mouth follows ``source`` from ``from_s``
    on; after ``heard_until_s`` (seconds of the result) the sound is over and the mouth at rest.
    """

    start_s: float
    end_s: float
    source: str
    from_s: float
    heard_until_s: float
    segment: int = -1


def segments_invalid(
    message: str, advice: str = "Give each segment a start and a later end, both in seconds of the video."
) -> EngineError:
    """The segments cannot be used."""
    return EngineError("generation_input_segments_invalid", message, advice)


def check_order(segments: Sequence[Segment], end_s: float) -> None:
    """Raise :class:`EngineError` for segments that overlap or end after the film, which lasts ``end_s``."""
    ordered = sorted(segments, key=lambda segment: segment.start_s)
    for one, other in itertools.pairwise(ordered):
        if other.start_s < one.end_s - 1e-6:
            raise segments_invalid(
                f"The segments at {one.start_s:g} s and {other.start_s:g} s overlap.", "Let one end before the other."
            )
    if ordered and ordered[-1].end_s > end_s + SLACK_S:
        raise segments_invalid(
            f"The segment at {ordered[-1].start_s:g} s ends at {ordered[-1].end_s:g} s; the video lasts {end_s:.2f} s.",
            "End it with the video.",
        )


def driven_spans(
    segments: Sequence[Segment], end_s: float, lengths_s: Mapping[str, float], sync_mode: str
) -> list[Span]:
    """The driven stretches of a film of ``end_s`` seconds, in order; ``lengths_s`` tells how long each sound is."""
    driven = [(index, segment) for index, segment in enumerate(segments) if segment.lipsync]
    if driven:
        found = [_span(index, segment, end_s, lengths_s, sync_mode) for index, segment in driven]
        return sorted((span for span in found if span.end_s > span.start_s), key=lambda span: span.start_s)
    borders = [0.0]
    for segment in sorted(segments, key=lambda one: one.start_s):
        borders += [segment.start_s, min(segment.end_s, end_s)]
    borders.append(end_s)
    return [
        Span(start, end, MAIN, start, max(start, min(end, lengths_s[MAIN])))
        for start, end in zip(borders[::2], borders[1::2], strict=True)
        if end > start
    ]


def _span(index: int, segment: Segment, end_s: float, lengths_s: Mapping[str, float], sync_mode: str) -> Span:
    source = segment.sound(index)
    from_s = segment.start_s if segment.audio is None else segment.audio_start_s
    sound_end = lengths_s[source]
    if segment.audio is not None and segment.audio_end_s is not None:
        sound_end = min(sound_end, segment.audio_end_s)
    end = min(segment.end_s, end_s)
    heard_until = max(segment.start_s, min(end, segment.start_s + sound_end - from_s))
    stays = (segment.sync_mode or sync_mode) == "silence"
    return Span(segment.start_s, end if stays else heard_until, source, from_s, heard_until, index)
