"""Joins encoded pieces by copying their packets, adds the sound, and writes a file that starts playing at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.error
import numpy as np

from ..errors import EngineError
from .aac import EncodedSound, add_sound
from .audio import OUTPUT_RATE
from .soundtrack import Soundtrack

# Of a piece nothing but packets is wanted: opening it need not decode its first picture, which takes 12 ms.
PACKETS_ALONE = {"skip_frame": "all"}
VFR_TIME_BASE = Fraction(1, 90_000)


def join(
    pieces: Sequence[Path],
    times: np.ndarray,
    fps: Fraction,
    out: Path,
    *,
    sound: Soundtrack | EncodedSound | None,
    duration_s: float,
) -> None:
    """Write ``out`` (MP4, fast start) from ``pieces`` in order.

    ``times`` (N,) are the presentation times of all frames in seconds; both tracks end at ``duration_s``: the sound
    is cut or continued with silence to the very sample.
    """
    ticks, base = _ticks(times, duration_s, fps)
    with av.open(
        str(out), "w", format="mp4",
        options={"movflags": "+faststart", "video_track_timescale": str(base.denominator)},
    ) as container:  # fmt: skip
        picture = _PictureTrack(container, pieces, ticks, base)
        if sound is None:
            for packet in picture.packets():
                container.mux(packet)
            return
        _interleave(container, picture.packets(), add_sound(container, sound, round(duration_s * OUTPUT_RATE)))


def _ticks(times: np.ndarray, duration_s: float, fps: Fraction) -> tuple[np.ndarray, Fraction]:
    """Frame times and the end as integers of a time base: exact frame counts where the rate is constant."""
    steady = np.allclose(times, np.arange(len(times)) / float(fps), atol=1e-4)
    if steady and duration_s < (len(times) + 0.5) / float(fps):  # the last frame is not held
        return np.arange(len(times) + 1, dtype=np.int64) * fps.denominator, Fraction(1, fps.numerator)
    ticks = np.round(np.append(times, duration_s) * VFR_TIME_BASE.denominator).astype(np.int64)
    ticks = np.maximum.accumulate(ticks - np.arange(len(ticks))) + np.arange(len(ticks))  # strictly increasing
    return ticks, VFR_TIME_BASE


class _PictureTrack:
    """The packets of all pieces with the plan's times on them."""

    def __init__(self, container: Any, pieces: Sequence[Path], ticks: np.ndarray, base: Fraction) -> None:
        self._pieces, self._ticks, self._base = pieces, ticks, base
        with av.open(str(pieces[0])) as first:
            self._stream = container.add_stream_from_template(first.streams.video[0])
        self._stream.time_base = base

    def packets(self) -> Iterator[av.Packet]:
        """Packets in decoding order.

        Decoding times are the sorted presentation times, delayed by the deepest reordering (2 frames with x264's B
        pyramid), which keeps them rising across pieces at any frame rate.
        """
        order = list(self._orders())
        depth = _reorder_depth([rank for _, ranks in order for rank in ranks])
        if sum(len(ranks) for _, ranks in order) != len(self._ticks) - 1:
            raise EngineError("generation_infra_storage_error", "A rendered piece is incomplete.", "Run it again.")
        lead = self._ticks[: depth + 1] - self._ticks[depth]
        dts = np.concatenate([lead[:depth] + self._ticks[0], self._ticks[: -1 - depth]])
        self._settle_end(dts, order[-1][1][-1])
        count = 0
        for path, ranks in order:
            with av.open(str(path), options=PACKETS_ALONE) as piece:
                packets = (packet for packet in piece.demux(piece.streams.video[0]) if packet.size)
                for packet, rank in zip(packets, ranks, strict=True):
                    packet.stream, packet.time_base = self._stream, self._base
                    packet.pts, packet.dts = int(self._ticks[rank]), int(dts[count])
                    packet.duration = int(self._ticks[rank + 1] - self._ticks[rank])
                    count += 1
                    if count == len(dts) and packet.dts == packet.pts:
                        packet.duration = int(self._ticks[-1]) - packet.pts
                    yield packet

    def _settle_end(self, dts: np.ndarray, last_rank: int) -> None:
        """At a variable rate, decode the last packet when it is shown: its duration then tells where the film ends."""
        natural = dts[-1] - dts[0] + self._ticks[last_rank + 1] - self._ticks[last_rank]
        if natural != self._ticks[-1] - self._ticks[0]:
            dts[-1] = self._ticks[last_rank]

    def _orders(self) -> Iterator[tuple[Path, list[int]]]:
        """Each piece with the place in the film of its packets, in decoding order."""
        start = 0
        for path in self._pieces:
            with av.open(str(path), options=PACKETS_ALONE) as piece:
                stamps = [packet.pts or 0 for packet in piece.demux(piece.streams.video[0]) if packet.size]
            ranks = np.argsort(np.argsort(stamps)) + start
            start += len(stamps)
            yield path, ranks.tolist()


def _reorder_depth(ranks: list[int]) -> int:
    """How many frames decoding must run ahead of showing, for packets that show ``ranks``."""
    return max((position - rank for position, rank in enumerate(ranks)), default=0)


def _interleave(container: Any, picture: Iterator[av.Packet], sound: Iterator[av.Packet]) -> None:
    """Mux both tracks by decoding time, so that a player finds them side by side."""
    one, other = next(picture, None), next(sound, None)
    while one is not None or other is not None:
        if _starts(one) <= _starts(other):
            container.mux(one)
            one = next(picture, None)
        else:
            container.mux(other)
            other = next(sound, None)


def _starts(packet: av.Packet | None) -> float:
    """When a packet is decoded, in seconds; never for none at all."""
    return float("inf") if packet is None else float((packet.dts or 0) * (packet.time_base or 0))
