"""Opening files that strangers hand in.

A media library that is given a text file happily follows it: playlists and "concat" scripts name other files and
network addresses. So only self-contained formats are let in, and only the ``file`` protocol.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import av.error
from av.container import InputContainer

from ..errors import EngineError

DEMUXERS = (
    "mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "avi", "mpegts", "mpeg", "mpegvideo", "flv", "asf", "ogg", "nut",
    "h264", "hevc", "m4v", "ivf", "dv", "mxf", "wav", "w64", "aiff", "flac", "mp3", "aac", "amr", "caf", "au",
    "ac3", "eac3", "wv", "tta", "gif", "png_pipe", "apng", "jpeg_pipe", "webp_pipe", "bmp_pipe", "tiff_pipe",
)  # fmt: skip
# Pictures are recognised by their first bytes: by name alone the library would take them for a numbered sequence.
PICTURE_SIGNATURES = ((b"\x89PNG", "png_pipe"), (b"\xff\xd8\xff", "jpeg_pipe"), (b"BM", "bmp_pipe"),
                      (b"II*\x00", "tiff_pipe"), (b"MM\x00*", "tiff_pipe"))  # fmt: skip

# Whether the samples of a WAVE file are DTS in disguise shows within four of its frames, 16 kB; FFmpeg asks at each of
# the first 30 packets of 4 kB, half a millisecond each time.
FEW_PACKETS = {"max_probe_packets": "8"}

# A picture of a few kilobytes can unpack to gigabytes. Larger ones than these 64 megapixels are not unpacked at all;
# the probe refuses smaller ones in words.
MOST_PIXELS = {"max_pixels": str(64 * 10**6)}


def open_input(path: Path, invalid: Callable[[str], EngineError]) -> InputContainer:
    """Open ``path`` for reading; ``invalid(message)`` builds the error for whatever cannot be opened."""
    try:
        with path.open("rb") as stream:
            head = stream.read(16)
    except OSError as error:
        raise EngineError(
            "generation_infra_storage_error",
            f"The file {path.name} cannot be read: {error.strerror}.",
            "Check that it is there and that you may read it; in the studio, upload it again.",
        ) from error
    if not head:
        raise invalid(f"The file {path.name} is empty.")
    options = {"protocol_whitelist": "file", "format_whitelist": ",".join(DEMUXERS)} | MOST_PIXELS
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        options |= FEW_PACKETS
    try:
        return av.open(str(path.resolve()), format=_picture_format(head), options=options, metadata_errors="replace")
    except (av.error.FFmpegError, ValueError, UnicodeError) as error:
        raise invalid(f"The file {path.name} is not a readable media file.") from error


# A clock that goes back by more has begun anew, as where recordings were put one behind another; by less it trembles.
CLOCK_JUMP_S = 1.0


class PacketClock:
    """When the packets of a stream, given in order of decoding, are shown: as the readers of frames and sound count."""

    def __init__(self) -> None:
        self._decoded = float("-inf")
        self._ahead = self._end = 0.0

    def time(self, packet: Any, lasts_s: float) -> float:
        """In seconds. A clock that begins anew goes on; what has none, as bare H.264, is shown one after another."""
        if packet.dts is not None:
            decoded = float(packet.dts * packet.time_base)
            if decoded < self._decoded - CLOCK_JUMP_S and packet.pts is not None:
                self._ahead = self._end - float(packet.pts * packet.time_base)
            self._decoded = decoded
        time = self._end if packet.pts is None else float(packet.pts * packet.time_base) + self._ahead
        self._end = max(self._end, time + lasts_s)
        return time


ATTACHED_PICTURE = 0x0400  # AV_DISPOSITION_ATTACHED_PIC: the cover of a song is no video


def pictures_of(container: InputContainer) -> list[Any]:
    """The moving pictures that can be decoded: no covers, and nothing whose codec a damaged file does not tell."""
    return [
        stream
        for stream in container.streams.video
        if stream.codec_context is not None and not stream.disposition.value & ATTACHED_PICTURE
    ]


def sounds_of(container: InputContainer) -> list[Any]:
    """The sound tracks that can be decoded."""
    return [stream for stream in container.streams.audio if stream.codec_context is not None]


def decode_tolerantly(
    container: InputContainer, stream: Any, noted: Callable[[Any], None] | None = None
) -> Iterator[Any]:
    """All frames of ``stream`` that can be decoded; damaged packets are stepped over, as players do.

    ``noted`` is given every packet before it is decoded.
    """
    damaged = 0
    stream.codec_context.options = stream.codec_context.options | MOST_PIXELS
    try:
        for packet in container.demux(stream):
            if noted is not None:
                noted(packet)
            try:
                frames = packet.decode()
            except av.error.FFmpegError:
                damaged += 1
                if damaged > 1000:  # a file of noise: thousands of packets, none of them a picture
                    return
                continue
            yield from frames
    except av.error.FFmpegError:
        return  # the container itself breaks off here: what was read so far is what there is


def _picture_format(head: bytes) -> str | None:
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp_pipe"
    return next((name for signature, name in PICTURE_SIGNATURES if head.startswith(signature)), None)
