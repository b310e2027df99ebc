"""Which source frame is shown when, for picture and sound of unequal length.

| mode    | picture shorter than sound           | picture longer    | length of the result |
|---------|--------------------------------------|-------------------|----------------------|
| cut_off | sound is cut                         | picture is cut    | the shorter one      |
| loop    | picture starts again (see `glides`)  | picture is cut    | the sound            |
| bounce  | forward, backward, forward…          | picture is cut    | the sound            |
| silence | the last frame stays                 | silence is added  | the longer one       |
| remap   | picture is slowed down               | picture sped up   | the sound            |

Times are those of the source wherever its frames run forward or backward, so a variable frame rate survives.
The picture ends at most one frame after the sound; the sound track is then continued with silence to that end.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

# Five frames at 25 per second: shorter still looks like a jump, longer shows a head that moves without reason.
GLIDE_S = 0.2
CLOCK_SLACK_S = 2e-3  # sound that ends within 2 ms after a frame's start does not earn a frame of its own


@dataclass(frozen=True)
class Timeline:
    """For each output frame the source frame and the time: ``source`` (N,) int, ``time`` (N,) seconds from 0.

    ``duration_s`` is where the last frame ends.
    """

    source: np.ndarray
    time: np.ndarray
    duration_s: float

    def __len__(self) -> int:
        return len(self.source)

    def within(self, start_s: float, end_s: float) -> np.ndarray:
        """(N,) bool: frames that start in [``start_s``, ``end_s``), a rounding error aside."""
        return np.asarray((self.time >= start_s - CLOCK_SLACK_S) & (self.time < end_s - CLOCK_SLACK_S))

    def glides(self, fps: float) -> tuple[np.ndarray, np.ndarray]:
        """Where a loop starts again: (N,) the frame the picture comes from, -1 elsewhere, and (N,) how far it is gone.

        The share rises from the last frame shown (0) to the new ones (1) over ``GLIDE_S``.
        """
        origin, share = np.full(len(self), -1, np.int64), np.ones(len(self))
        starts = np.flatnonzero(np.diff(self.source) < -1) + 1
        for start, end in itertools.pairwise([*starts, len(self)]):
            count = min(round(GLIDE_S * fps), int(end - start) // 2)
            way = np.arange(1, count + 1) / (count + 1)
            origin[start : start + count] = self.source[start - 1]
            share[start : start + count] = way * way * (3 - 2 * way)
        return origin, share

    @property
    def turns(self) -> np.ndarray:
        """Output frames whose source does not follow the frame before: a loop's start or a bounce's turn."""
        return np.flatnonzero(np.abs(np.diff(self.source)) > 1) + 1


def own_timeline(times: np.ndarray, picture_s: float) -> Timeline:
    """The source as it is: frames at ``times`` (F,) lasting ``picture_s``."""
    return Timeline(np.arange(len(times)), times.astype(np.float64), picture_s)


def build_timeline(times: np.ndarray, picture_s: float, sound_s: float, mode: str, fps: float) -> Timeline:
    """The timeline for source frames at ``times`` (F,) lasting ``picture_s`` under ``sound_s`` of sound.

    ``fps`` is the rate of frames the source does not have: a held last frame, and everything in remap.
    """
    if mode == "remap":
        return _remap(times, picture_s, sound_s, fps)
    if mode == "cut_off":
        return _cut(np.arange(len(times)), times, picture_s, min(picture_s, sound_s), fps)
    if mode == "silence":
        return _hold(times, picture_s, sound_s, fps)
    forward = np.arange(len(times))
    if mode == "loop":
        order, starts, period = forward, times, picture_s
    else:
        order, starts, period = _there_and_back(times, picture_s)
    rounds = max(1, int(np.ceil(sound_s / period)))
    source = np.tile(order, rounds)
    clock = np.concatenate([starts + turn * period for turn in range(rounds)])
    return _cut(source, clock, rounds * period, sound_s, fps)


def _cut(source: np.ndarray, clock: np.ndarray, end: float, limit: float, fps: float) -> Timeline:
    """All frames that start before ``limit``, and at least one; one that is held stays a usual frame longer at most."""
    count = max(1, int(np.sum(clock < limit - CLOCK_SLACK_S)))
    stop = float(clock[count]) if count < len(clock) else end
    return Timeline(source[:count], clock[:count].astype(np.float64), min(stop, max(limit, clock[count - 1]) + 1 / fps))


def _there_and_back(times: np.ndarray, picture_s: float) -> tuple[np.ndarray, np.ndarray, float]:
    """One swing: 0…n-1, n-2…1, each frame as long on the way back as on the way there."""
    count = len(times)
    if count < 3:
        return np.arange(count), times, picture_s
    lengths = np.diff(np.append(times, picture_s))
    order = np.concatenate([np.arange(count), np.arange(count - 2, 0, -1)])
    ends = np.cumsum(lengths[order])
    return order, np.concatenate([times, ends[count - 1 : -1]]), float(ends[-1])


def _hold(times: np.ndarray, picture_s: float, sound_s: float, fps: float) -> Timeline:
    extra = max(0, int(np.ceil((sound_s - CLOCK_SLACK_S - picture_s) * fps)))
    source = np.concatenate([np.arange(len(times)), np.full(extra, len(times) - 1)])
    clock = np.concatenate([times, picture_s + np.arange(extra) / fps])
    return Timeline(source, clock, picture_s + extra / fps)


def _remap(times: np.ndarray, picture_s: float, sound_s: float, fps: float) -> Timeline:
    count = max(1, int(np.ceil((sound_s - CLOCK_SLACK_S) * fps)))
    clock = np.arange(count) / fps
    # A quarter of a frame is added so that nearly equal lengths map frame to frame in spite of rounding.
    moments = clock * picture_s / sound_s + 0.25 / fps
    source = np.clip(np.searchsorted(times, moments, side="right") - 1, 0, len(times) - 1)
    return Timeline(source, clock, count / fps)
