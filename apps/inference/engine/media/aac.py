"""Encodes a film's sound: while the film is put together, or before, for whoever puts it together later."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from ..kept_arrays import open_arrays
from .audio import OUTPUT_RATE
from .soundtrack import Soundtrack

AAC_BIT_RATE = {1: 128_000, 2: 192_000}
AAC_FRAME = 1024
LAYOUT = {1: "mono", 2: "stereo"}
BASE = Fraction(1, OUTPUT_RATE)
PACKETS, ROWS = "packets.aac", "packets.npz"


@dataclass(frozen=True)
class EncodedSound:
    """AAC in a folder: the packets' bytes one after another, and ``rows`` (n, 3) of their bytes, time and length.

    Times and lengths are in samples; a film put together from it is the same, byte by byte, as one whose sound is
    encoded on the way.
    """

    folder: Path
    channels: int
    samples: int
    rows: NDArray[np.int64]

    @classmethod
    def load(cls, folder: Path) -> EncodedSound:
        """What :func:`encode_sound` has left in ``folder``."""
        with open_arrays(folder / ROWS) as kept:
            return cls(folder, int(kept["channels"]), int(kept["samples"]), kept["rows"])

    def packets(self) -> Iterator[av.Packet]:
        """The packets in order, none of them read before it is asked for."""
        with (self.folder / PACKETS).open("rb") as file:
            for size, time, length in self.rows.tolist():
                packet = av.Packet(file.read(size))
                packet.pts = packet.dts = time
                packet.duration, packet.time_base = length, BASE
                yield packet


def encode_sound(sound: Soundtrack, duration_s: float, folder: Path) -> None:
    """Encode the sound of a film of ``duration_s`` into the empty ``folder``, for :meth:`EncodedSound.load`."""
    samples = round(duration_s * OUTPUT_RATE)
    context = av.CodecContext.create("aac", "w")
    context.sample_rate, context.layout, context.time_base = OUTPUT_RATE, LAYOUT[sound.channels], BASE
    context.format, context.bit_rate = "fltp", AAC_BIT_RATE[sound.channels]
    rows = []
    with (folder / PACKETS).open("wb") as file:
        for packet in _encoded(context.encode, sound, samples):
            rows.append((file.write(bytes(packet)), packet.pts or 0, packet.duration or 0))
    np.savez(folder / ROWS, rows=np.array(rows, np.int64).reshape(-1, 3), channels=sound.channels, samples=samples)


def add_sound(container: Any, sound: Soundtrack | EncodedSound, samples: int) -> Iterator[av.Packet]:
    """A sound track of exactly ``samples`` samples in ``container``: its packets in order, to be muxed."""
    stream = container.add_stream("aac", rate=OUTPUT_RATE, layout=LAYOUT[sound.channels])
    stream.bit_rate = AAC_BIT_RATE[sound.channels]
    if isinstance(sound, Soundtrack):
        return _encoded(stream.encode, sound, samples)
    return _of(stream, sound)


def _of(stream: Any, sound: EncodedSound) -> Iterator[av.Packet]:
    for packet in sound.packets():
        packet.stream = stream
        yield packet


def _encoded(encode: Callable[[Any], list[av.Packet]], sound: Soundtrack, samples: int) -> Iterator[av.Packet]:
    """Packets of exactly ``samples`` samples; the last one lasts only as long as there is sound left."""
    for start, block in _frames(sound, samples):
        frame = av.AudioFrame.from_ndarray(block, format="fltp", layout=LAYOUT[sound.channels])
        frame.sample_rate, frame.pts, frame.time_base = OUTPUT_RATE, start, BASE
        yield from _trimmed(encode(frame), samples)
    yield from _trimmed(encode(None), samples)


def _trimmed(packets: list[av.Packet], end: int) -> Iterator[av.Packet]:
    for packet in packets:
        left = end - (packet.pts or 0)
        if left > 0:
            packet.duration = min(AAC_FRAME, left)
            yield packet


def _frames(sound: Soundtrack, samples: int) -> Iterator[tuple[int, np.ndarray]]:
    """(first sample, block) in the encoder's own frame length."""
    held = np.zeros((sound.channels, 0), np.float32)
    position = 0
    for block in sound.blocks(samples):
        held = np.concatenate([held, block], axis=1)
        while held.shape[1] >= AAC_FRAME or 0 < held.shape[1] == samples - position:
            yield position, np.ascontiguousarray(held[:, :AAC_FRAME])
            held, position = held[:, AAC_FRAME:], position + min(AAC_FRAME, held.shape[1])
