"""Pictures of a film that is just being encoded, as whoever plays it will see them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import av
import numpy as np
from numpy.typing import NDArray

from .picture_memory import PictureMemory
from .video_reader import LEFT_OUT, join_planes, planes_of
from .video_writer import Packet, PieceWriter


def echo(packets: Iterable[Packet], writer: PieceWriter, every: int) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """(number, I420 picture) decoded from the ``packets`` that ``writer`` gives, of ``every`` n-th one (1, 2, 4)."""
    decoder: av.VideoCodecContext | None = None
    memory = PictureMemory()
    for packet in packets:
        if decoder is None:  # the header is known once something was encoded
            decoder = av.VideoCodecContext.create("h264", "r")
            decoder.extradata, decoder.skip_frame = writer.header, LEFT_OUT[every]
        again = av.Packet(packet.content)
        again.pts = packet.number
        yield from _pictures(decoder.decode(again), memory)
    if decoder is not None:
        yield from _pictures(decoder.decode(None), memory)


def _pictures(frames: list[av.VideoFrame], memory: PictureMemory) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    for frame in frames:
        yield frame.pts or 0, join_planes(planes_of(frame), frame.width, frame.height, memory)
