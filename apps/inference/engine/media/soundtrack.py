"""The sound of a film, put together from stretches of several files, block by block, at 48 kHz in floating point."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..progress import checkpoint
from .audio import OUTPUT_RATE, blocks, channel_count

Floats = NDArray[np.float32]

FADE = OUTPUT_RATE * 8 // 1000  # samples; shorter than 5 ms can still click, longer than 10 ms eats a consonant
BLOCK = OUTPUT_RATE
FOREVER = 1 << 60


@dataclass(frozen=True)
class Clip:
    """Samples [``start``, ``end``) of the film sound like ``path`` from its sample ``offset`` on; None is silence.

    An ``original`` clip is never faded inside its own range: the neighbour gives way.
    """

    path: Path | None
    start: int
    end: int
    offset: int = 0
    original: bool = False

    def continues(self, other: Clip) -> bool:
        """Whether ``other`` simply goes on in the same file."""
        return self.path == other.path and (self.path is None or self.offset - self.start == other.offset - other.start)


@dataclass(frozen=True)
class Soundtrack:
    """Clips that follow one another without gaps from sample 0."""

    clips: tuple[Clip, ...]
    channels: int

    @classmethod
    def of(cls, clips: Sequence[Clip]) -> Soundtrack:
        """As many channels (one or two) as the widest file; raises EngineError for a file without sound."""
        joined: list[Clip] = []
        for clip in clips:
            if joined and clip.continues(joined[-1]) and clip.original == joined[-1].original:
                joined[-1] = replace(joined[-1], end=clip.end)
            elif clip.end > clip.start:
                joined.append(clip)
        channels = max((channel_count(path) for path in {clip.path for clip in joined} if path), default=1)
        return cls(tuple(joined), channels)

    @classmethod
    def whole(cls, path: Path) -> Soundtrack:
        """All of one file, then silence."""
        return cls.of([Clip(path, 0, FOREVER)])

    def blocks(self, samples: int) -> Iterator[Floats]:
        """The first ``samples`` of it in blocks (channels, n); silence after the last clip."""
        playing = [_Playing(clip, self.channels, *reach) for clip, reach in zip(self.clips, self._reach(), strict=True)]
        idle: list[_Reader] = []
        try:
            for start in range(0, samples, BLOCK):
                checkpoint()
                block = np.zeros((self.channels, min(BLOCK, samples - start)), np.float32)
                for one in playing:
                    one.add_to(block, start, idle)
                yield block
        finally:
            for reader in [*idle, *(one.reader for one in playing if one.reader)]:
                reader.close()

    def _reach(self) -> list[tuple[int, int, int, int]]:
        """Of each clip: samples it starts before and ends after its own range, lengths of its fade-in and fade-out."""
        reach = [[0, 0, 0, 0] for _ in self.clips]
        for index, (one, other) in enumerate(itertools.pairwise(self.clips)):
            if other.continues(one):
                continue
            host = one if other.original else other
            fade = min(FADE, (host.end - host.start) // 2)
            reach[index + 1][0], reach[index][1] = (fade, 0) if host is one else (0, fade)
            reach[index][3] = reach[index + 1][2] = fade
        return [(lead, tail, up, down) for lead, tail, up, down in reach]


class _Playing:
    """A clip on its way through the film."""

    def __init__(self, clip: Clip, channels: int, lead: int, tail: int, up: int, down: int) -> None:
        self._clip, self._channels = clip, channels
        self._start, self._end = clip.start - lead, clip.end + tail
        self._up, self._down = up, down
        self.reader: _Reader | None = None

    def add_to(self, block: Floats, start: int, idle: list[_Reader]) -> None:
        """Mix what is heard of this clip into the samples of ``block``, which begins at ``start``."""
        first, last = max(start, self._start), min(start + block.shape[1], self._end)
        path = self._clip.path
        if path is not None and first < last:
            at = first - self._clip.start + self._clip.offset
            if self.reader is None:
                self.reader = _reader_for(path, self._channels, at, idle)
            block[:, first - start : last - start] += self.reader.read(at, last - first) * self._gain(first, last)
        if self.reader is not None and start + block.shape[1] >= self._end:
            idle.append(self.reader)
            self.reader = None

    def _gain(self, first: int, last: int) -> Floats:
        """Raised-cosine fades: at a border those of both neighbours add up to 1."""
        at = np.arange(first, last)
        gain = np.ones(last - first)
        if self._up:
            gain *= _rise((at - self._start + 0.5) / self._up)
        if self._down:
            gain *= _rise((self._end - at - 0.5) / self._down)
        return gain.astype(np.float32)


def _rise(share: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(0.5 - 0.5 * np.cos(np.pi * np.clip(share, 0, 1)))


def _reader_for(path: Path, channels: int, at: int, idle: list[_Reader]) -> _Reader:
    """A reader that has not yet passed ``at``: one that is free, or a new one."""
    for reader in idle:
        if reader.path == path and reader.position <= at:
            idle.remove(reader)
            return reader
    return _Reader(path, channels)


class _Reader:
    """Samples of one file, forward only."""

    def __init__(self, path: Path, channels: int) -> None:
        self.path, self.position = path, 0
        self._blocks = blocks(path, OUTPUT_RATE, channels)
        self._held: Floats = np.zeros((channels, 0), np.float32)

    def read(self, start: int, count: int) -> Floats:
        """Samples [start, start + count) of the file, silence outside it."""
        if start < 0:
            before = min(count, -start)
            return np.pad(self.read(0, count - before), ((0, 0), (before, 0)))
        parts, missing = [], count
        while missing > 0:
            skip = min(start - self.position, self._held.shape[1])
            self._held, self.position = self._held[:, skip:], self.position + skip
            if self.position == start and self._held.shape[1]:
                parts.append(self._held[:, :missing])
                taken = parts[-1].shape[1]
                self._held = self._held[:, taken:]
                start, self.position, missing = start + taken, self.position + taken, missing - taken
            elif missing > 0:
                more = next(self._blocks, None)
                if more is None:
                    parts.append(np.zeros((self._held.shape[0], missing), np.float32))
                    break
                self._held = more
        return np.concatenate(parts, axis=1) if parts else self._held[:, :0]

    def close(self) -> None:
        """Free the decoder."""
        close = getattr(self._blocks, "close", None)
        if close is not None:
            close()
