"""The sound of a film as a file of its own."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import av
from av.error import FFmpegError

from apps.inference.engine.errors import EngineError, audio_invalid
from apps.inference.engine.media.container import open_input
from studio.errors import StudioError

# Held in memory up to here, on disk beyond: five minutes of AAC stay in memory.
MEMORY_BYTES = 8 * 1024**2
NO_SOUND = StudioError("asset_without_sound", "This film has no sound.", "Choose one in which somebody speaks.")


@dataclass(frozen=True)
class Track:
    """An open temporary file at its start, gone when it is closed."""

    file: BinaryIO
    suffix: str
    content_type: str


def sound_of(film: Path) -> Track:
    """The first sound track: AAC as it is (M4A), anything else as lossless FLAC.

    Raises ``StudioError`` where there is none or it cannot be read.
    """
    target = cast(BinaryIO, tempfile.SpooledTemporaryFile(max_size=MEMORY_BYTES))  # noqa: SIM115  (the caller closes it)
    try:
        with open_input(film, audio_invalid) as source:
            if not source.streams.audio:
                raise NO_SOUND
            copied = source.streams.audio[0].codec_context.name == "aac"
            with av.open(target, "w", format="ipod" if copied else "flac") as into:
                (_copy if copied else _encode)(source, into)
    except (EngineError, FFmpegError) as error:
        raise StudioError(
            "asset_sound_unreadable", "The sound of this film cannot be read.", "Export it again and upload that."
        ) from error
    target.seek(0)
    return Track(target, ".m4a", "audio/mp4") if copied else Track(target, ".flac", "audio/flac")


def _copy(source: av.container.InputContainer, into: av.container.OutputContainer) -> None:
    track = source.streams.audio[0]
    stream = into.add_stream_from_template(track)
    for packet in source.demux(track):
        if packet.dts is not None:
            packet.stream = stream
            into.mux(packet)


def _encode(source: av.container.InputContainer, into: av.container.OutputContainer) -> None:
    track = source.streams.audio[0]
    stream = into.add_stream("flac", rate=track.rate)
    stream.layout, stream.format = track.layout.name, "s16"  # type: ignore[attr-defined]
    resampler = av.AudioResampler(format="s16", layout=track.layout.name, rate=track.rate, frame_size=4096)
    for frame in source.decode(track):
        for piece in resampler.resample(frame):
            into.mux(stream.encode(piece))
    for piece in resampler.resample(None):
        into.mux(stream.encode(piece))
    into.mux(stream.encode(None))
