"""H.264 pieces: short closed files that are joined later without encoding again.

A piece counts its frames 0, 1, 2…; the true presentation times live in the plan and are put on when pieces are
joined, so that a variable frame rate survives and all pieces have one and the same encoder header.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

import av
import cv2
import numpy as np

from .colour import ColourTags
from .fields import Fields, flagged, weaving, x264_fields
from .video_reader import planes_of, split_planes

# crf 17 at preset veryfast is where x264's loss is no longer seen at normal viewing. Superfast looks 15 frames ahead
# once it is told to, and then gives the same picture at crf 16 in 60 % of the time: 46.9 to 47.8 dB at 22 ms of
# one core a frame of 1080x1920, against 47.0 to 47.3 dB at 35 ms, for a file larger by about a third. Always three
# pictures between those that predict them, instead of as many as are found best, costs a tenth less time; filmed people
# gain .1 to .3 dB at 7 % fewer bytes, a generated one loses .2 dB.
CRF, PRESET = "16", "superfast"
LOOKAHEAD = "mbtree=1:rc-lookahead=15:b-adapt=0"
# x264's macroblock tree is not the same every time in its AVX-512 code: of 100 encodings of a short clip 1 to 59
# differed, with AVX2 none of 210, at the same speed.
AVX512 = 256  # OpenCV's number for the Skylake-X set
if cv2.checkHardwareSupport(AVX512):
    LOOKAHEAD += ":asm=avx2"
KEYFRAME_SECONDS = 4


class Packet(NamedTuple):
    """One encoded picture, the ``number``-th that is shown."""

    number: int
    content: bytes


class PieceWriter:
    """Writes frames of one size, all shown equally long, into an MP4 file without sound."""

    def __init__(
        self,
        path: Path,
        size: tuple[int, int],
        fps: Fraction,
        colour: ColourTags,
        *,
        sample_aspect: Fraction = Fraction(1),
        fields: Fields = "",
    ) -> None:
        self._container = av.open(str(path), "w", format="mp4")
        self._stream = self._container.add_stream("libx264", rate=fps)
        self._stream.width, self._stream.height = size
        self._stream.pix_fmt = "yuv420p"
        self._stream.options = {
            "crf": CRF,
            "preset": PRESET,
            "x264-params": ":".join(filter(None, (LOOKAHEAD, colour.mastering, x264_fields(fields)))),
            "g": str(max(1, round(float(fps) * KEYFRAME_SECONDS))),
        }
        # Whole pictures side by side, which come out the same on any number of cores. PyAV asks for slices of one,
        # as many as there are cores, and whoever hands it over would wait for all of them.
        self._stream.codec_context.thread_type = "FRAME"
        self._stream.codec_context.sample_aspect_ratio = sample_aspect
        self._time_base = 1 / fps
        self._stream.codec_context.time_base = self._time_base
        colour.apply(self._stream.codec_context)
        weaving(self._stream.codec_context, fields)
        # One frame serves all: the encoder takes a copy, and memory new for each would cost .7 ms at 720 lines.
        self._frame = flagged(av.VideoFrame(*size, "yuv420p"), fields)
        self._planes = planes_of(self._frame)
        self._count = 0
        self._finished = False

    def __enter__(self) -> PieceWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if error is None and not self._finished:
            deque(self.finish(), 0)
        self._container.close()

    @property
    def header(self) -> bytes:
        """What a decoder needs beside the packets."""
        return bytes(self._stream.codec_context.extradata or b"")

    def write(self, yuv: np.ndarray) -> list[Packet]:
        """Append one I420 picture (3·H/2, W); returns what is encoded by now, in the order of decoding."""
        for plane, pixels in zip(self._planes, split_planes(yuv), strict=True):
            plane[:] = pixels
        self._frame.pts, self._frame.time_base = self._count, self._time_base
        self._count += 1
        return self._kept(self._stream.encode(self._frame))

    def finish(self) -> Iterator[Packet]:
        """What the encoder still holds, each once it is encoded; nothing can be written afterwards."""
        self._finished = True
        for packet in self._stream.codec_context.encode_lazy(None):
            packet.stream = self._stream
            yield from self._kept([packet])

    def _kept(self, packets: Sequence[av.Packet]) -> list[Packet]:
        kept = [Packet(packet.pts or 0, bytes(packet)) for packet in packets]
        for packet in packets:
            self._container.mux(packet)
        return kept
