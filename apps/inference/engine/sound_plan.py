"""What is heard when: the new sound where the mouth is driven, the original one elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .segments import ORIGINAL, SoundPart, Span
from .sync_modes import Timeline

Doubles = NDArray[np.float64]

# A shot that plays forward for less than this (a held or slowed picture shows every frame for itself) is left silent:
# snippets of sound that short only click.
SHORTEST_SNIPPET_S = 0.2
CLOCK_ERROR_S = 2e-3


def sound_parts(spans: Sequence[Span], line: Timeline, times: Doubles, has_original: bool) -> list[SoundPart]:
    """The parts of the soundtrack, without gaps from 0 to the film's end.

    ``times`` (F,) are those of the source frames. The original sound is heard outside the ``spans`` (in order), where
    the picture runs forward at its own pace; where it runs backward, slower or not at all, it has none.
    """
    parts: list[SoundPart] = []
    at = 0.0
    for span in spans:
        parts += _original(line, times, at, span.start_s, has_original)
        parts.append(SoundPart(span.source, span.start_s, span.heard_until_s, span.from_s))
        if span.end_s > span.heard_until_s:
            parts.append(SoundPart("", span.heard_until_s, span.end_s))
        at = span.end_s
    parts += _original(line, times, at, line.duration_s, has_original)
    return [part for part in parts if part.end_s > part.start_s]


def _original(line: Timeline, times: Doubles, start_s: float, end_s: float, has_original: bool) -> list[SoundPart]:
    """What is heard in [``start_s``, ``end_s``) where nothing is driven."""
    frames = np.flatnonzero(line.within(start_s, end_s))
    if end_s <= start_s or not has_original or not len(frames):
        return [SoundPart("", start_s, end_s)]
    shift = times[line.source[frames]] - line.time[frames]
    goes_on = (np.diff(line.source[frames]) == 1) & (np.abs(np.diff(shift)) < CLOCK_ERROR_S)
    firsts = np.concatenate([[0], np.flatnonzero(~goes_on) + 1])
    starts = np.append(line.time[frames[firsts]], end_s)
    starts[0] = start_s
    found = []
    for first, start, end in zip(firsts, starts[:-1], starts[1:], strict=True):
        whole = len(firsts) == 1 or end - start >= SHORTEST_SNIPPET_S
        found.append(SoundPart(ORIGINAL if whole else "", start, end, start + shift[first] if whole else 0.0))
    return [SoundPart(part.source, float(part.start_s), float(part.end_s), float(part.from_s)) for part in found]
