"""Films and sounds as cameras, phones, editors and recorders write them, from given pictures and samples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from apps.inference.engine.media.fields import Fields, flagged, weaving, x264_fields

MILLISECONDS = Fraction(1, 1000)


@dataclass(frozen=True)
class Track:
    """A sound to be put beside the pictures: (n,) or (channels, n) in -1..1, starting at ``delay_s``."""

    samples: np.ndarray
    rate: int = 48_000
    codec: str = "aac"
    layout: str = "mono"
    delay_s: float = 0.0


def film(
    path: Path,
    frames: Sequence[np.ndarray],
    *,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    fps: Fraction = Fraction(25),
    ticks: Sequence[int] | None = None,
    aspect: Fraction | None = None,
    matrix: tuple[int, int, int, int] | None = None,
    tags: tuple[int, int, int] | None = None,
    full: bool = False,
    fields: Fields = "",
    options: dict[str, str] | None = None,
    sounds: Sequence[Track] = (),
) -> Path:
    """RGB ``frames`` as a film; ``ticks`` are their times in milliseconds where they do not follow ``fps``.

    ``fields`` says which rows come first where frames are woven of two moments.
    ``matrix`` is a, b, c, d of ISO/IEC 14496-12: a pixel at (x, y) is shown at (ax + cy, bx + dy).
    """
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=fps)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = pix_fmt
        stream.options = ({"crf": "12", "preset": "ultrafast"} if codec.startswith("libx26") else {}) | (options or {})
        if fields and codec == "libx264":
            stream.options |= {"x264-params": x264_fields(fields)}
        coder = stream.codec_context
        base = MILLISECONDS if ticks is not None else 1 / fps
        coder.time_base = base
        coder.color_range = 2 if full else 1
        weaving(coder, fields)
        if aspect:
            coder.sample_aspect_ratio = aspect
        if tags:
            coder.colorspace, coder.color_primaries, coder.color_trc = tags
        if matrix:
            a, b, c, d = (value << 16 for value in matrix)
            stream.set_display_matrix([a, b, 0, c, d, 0, 0, 0, 1 << 30])
        tracks = [(container.add_stream(one.codec, rate=one.rate, layout=one.layout), one) for one in sounds]
        packets = list(_pictures(stream, frames, pix_fmt, base, ticks, full, fields))
        for track, one in tracks:
            packets += list(_sound(track, one))
        for packet in sorted(packets, key=lambda p: float((p.dts or 0) * p.time_base)):
            container.mux(packet)
    return path


def _pictures(
    stream: Any,
    frames: Sequence[np.ndarray],
    pix_fmt: str,
    base: Fraction,
    ticks: Sequence[int] | None,
    full: bool,
    fields: Fields,
) -> Iterator[av.Packet]:
    for index, picture in enumerate(frames):
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
        if pix_fmt != "rgb24":
            frame = frame.reformat(format=pix_fmt, dst_color_range=2 if full else 1)
        frame.pts, frame.time_base = (ticks[index] if ticks is not None else index), base
        yield from stream.encode(flagged(frame, fields))
    yield from stream.encode(None)


def _sound(stream: Any, track: Track) -> Iterator[av.Packet]:
    data = np.ascontiguousarray(np.atleast_2d(track.samples).astype(np.float32))
    frame = av.AudioFrame.from_ndarray(data, "fltp", track.layout)
    frame.sample_rate, frame.pts, frame.time_base = track.rate, 0, Fraction(1, track.rate)
    resampler = av.AudioResampler(stream.format.name, track.layout, track.rate, stream.frame_size or 1024)
    for part in [*resampler.resample(frame), *resampler.resample(None)]:
        part.pts += round(track.delay_s * track.rate)
        yield from stream.encode(part)
    yield from stream.encode(None)


def sound(path: Path, track: Track, sample_format: str | None = None) -> Path:
    """``track`` alone as a file."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(track.codec, rate=track.rate, layout=track.layout)
        if sample_format:
            stream.format = sample_format
        if track.codec == "vorbis":
            stream.codec_context.options = {"strict": "experimental"}
        for packet in _sound(stream, track):
            container.mux(packet)
    return path


def cut_by_edit_list(source: Path, path: Path, start_s: float) -> Path:
    """The packets of ``source`` moved ``start_s`` ahead: an edit list then hides what lies before zero."""
    with av.open(str(source)) as given, av.open(str(path), "w", options={"avoid_negative_ts": "disabled"}) as out:
        streams = {one.index: out.add_stream_from_template(one) for one in given.streams}
        for packet in given.demux():
            if packet.dts is None:
                continue
            early = round(start_s / packet.time_base)
            packet.pts, packet.dts = packet.pts - early, packet.dts - early
            packet.stream = streams[packet.stream_index]
            out.mux(packet)
    return path
