"""What a media file holds, told from its packets without decoding more than one picture."""

from __future__ import annotations

import struct
from contextlib import suppress
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av.error
import numpy as np
from av.codec.context import Flags
from av.sidedata.sidedata import Type
from PIL import Image

from ..errors import EngineError, audio_invalid, video_invalid
from .container import PacketClock, decode_tolerantly, open_input, pictures_of, sounds_of
from .fields import Fields, fields_of

PICTURE_FORMATS = {"png_pipe", "jpeg_pipe", "webp_pipe", "bmp_pipe", "tiff_pipe"}
MAX_SIDE, MAX_PIXELS, MIN_SIDE = 4096, 4096 * 2304, 64
# A frame that stays a fifth longer or shorter than the median one makes the rate variable. Containers that count in
# milliseconds are 1 ms off at 29.97 fps, which is 3 %.
VFR_TOLERANCE = 0.2

# Beyond these the times of a file are broken, by chance or on purpose: ten seconds of sound over a film of twenty
# pictures within a microsecond would be a film of a thousand million.
FASTEST, LONGEST_S = 1000, 24 * 3600

EXIF_ORIENTATION, MIRRORED = 0x0112, (2, 4, 5, 7)  # the tag, and its values that mirror before they turn

CLOCK_ERROR_S = 1e-4
LONGEST_LAST_S = 2.0  # a track that goes on longer after its last picture is broken off, not slow


@dataclass(frozen=True)
class MediaInfo:
    """Facts about one file. ``width``, ``height`` and ``sample_aspect`` (how wide a pixel is shown, in its height) are
    as shown, after ``rotation`` (degrees counter-clockwise).

    ``fps`` is the exact rate, or frames divided by duration where the rate varies (``vfr``). ``frame_count`` counts
    the packets that are shown; ``fields`` is which rows of interlaced ones come first. What is about a kind of stream
    the file lacks is 0 or empty.
    """

    kind: str
    duration_s: float
    fps: Fraction = Fraction(0)
    frame_count: int = 0
    width: int = 0
    height: int = 0
    rotation: int = 0
    vcodec: str = ""
    acodec: str = ""
    channels: int = 0
    sample_rate: int = 0
    vfr: bool = False
    bit_depth: int = 0
    sample_aspect: Fraction = Fraction(1)
    fields: Fields = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; fractions as ``"30000/1001"``."""
        return {key: str(value) if isinstance(value, Fraction) else value for key, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> MediaInfo:
        """The inverse of :meth:`to_dict`."""
        exact = {key: Fraction(values[key]) for key in ("fps", "sample_aspect")}
        return cls(**{**values, **exact})


def probe_media(path: Path) -> MediaInfo:
    """Facts about ``path``; raises :class:`EngineError` for what is no readable video, sound or picture."""
    with open_input(path, video_invalid) as container:
        moving = pictures_of(container)
        if moving:
            return _probe_video(container, moving[0], path)
        if sounds_of(container):
            return _probe_audio(container, path)
    raise video_invalid(f"The file {path.name} holds neither picture nor sound.")


def _probe_video(container: Any, stream: Any, path: Path) -> MediaInfo:
    sound = next(iter(sounds_of(container)), None)
    first, starts, durations = _read_through(container, stream)
    if first is None:
        raise video_invalid(f"No picture of {path.name} can be decoded.")
    _check_size(first.width, first.height)
    rotation = quarter_turns(first) * 90
    width, height, aspect = first.width, first.height, Fraction(stream.sample_aspect_ratio or 1)
    if rotation % 180:
        width, height, aspect = height, width, 1 / aspect
    is_picture = container.format.name in PICTURE_FORMATS
    if len(starts) > 1 and starts[0] == starts[-1] and not is_picture:
        raise video_invalid(f"All {len(starts)} pictures of {path.name} are to be shown at the same time.")
    fps, duration, vfr = _rate(stream, starts, durations)
    if not is_picture and (fps > FASTEST or duration > LONGEST_S):
        raise video_invalid(f"{path.name} is to be shown at {float(fps):.4g} pictures a second for {duration:.4g} s.")
    return MediaInfo(
        kind="image" if is_picture else "video", duration_s=0.0 if is_picture else duration, fps=fps,
        frame_count=max(1, len(starts)), width=width, height=height, rotation=rotation,
        vcodec=stream.codec_context.name, acodec=sound.codec_context.name if sound else "",
        channels=sound.codec_context.channels if sound else 0,
        sample_rate=sound.codec_context.sample_rate if sound else 0, vfr=vfr,
        bit_depth=max((component.bits for component in first.format.components), default=8),
        sample_aspect=aspect,
        fields="" if is_picture else woven(first, stream.codec_context, is_mirrored(first, path)),
    )  # fmt: skip


def _probe_audio(container: Any, path: Path) -> MediaInfo:
    stream = sounds_of(container)[0]
    if next(decode_tolerantly(container, stream), None) is None:
        raise audio_invalid(f"No sound of {path.name} can be decoded.")
    duration = float(stream.duration * stream.time_base) if stream.duration else float(container.duration or 0) / 1e6
    return MediaInfo(
        kind="audio",
        duration_s=duration,
        acodec=stream.codec_context.name,
        channels=stream.codec_context.channels,
        sample_rate=stream.codec_context.sample_rate,
    )


def _read_through(container: Any, stream: Any) -> tuple[Any, np.ndarray, np.ndarray]:
    """The first picture that can be decoded, None where there is none; and presentation times and durations of the
    shown packets, both (N,) in seconds, sorted."""
    times: list[float] = []
    durations: list[float] = []
    clock, rate = PacketClock(), float(stream.average_rate or 25)
    midway = False

    def note(packet: Any) -> None:
        nonlocal midway
        if packet.size and not packet.is_discard:
            midway = midway or not (times or packet.is_keyframe)
            lasts = float((packet.duration or 0) * packet.time_base)
            times.append(clock.time(packet, lasts or 1 / rate))
            durations.append(lasts)

    stream.codec_context.flags |= Flags.low_delay  # it alone is wanted, not whatever else is shown before it
    first = next(decode_tolerantly(container, stream, note), None)
    with suppress(av.error.FFmpegError):
        for packet in container.demux(stream):
            note(packet)
    order = np.argsort(times, kind="stable")
    starts, lengths = np.asarray(times)[order], np.asarray(durations)[order]
    if midway and first is not None and first.pts is not None:  # what comes before the first key frame is never shown
        shown = starts >= float(first.pts * first.time_base) - CLOCK_ERROR_S
        starts, lengths = starts[shown], lengths[shown]
    return first, starts, lengths


def _rate(stream: Any, starts: np.ndarray, durations: np.ndarray) -> tuple[Fraction, float, bool]:
    nominal = Fraction(stream.average_rate or stream.guessed_rate or 25)
    if len(starts) < 2 or starts[0] == starts[-1]:
        return nominal, float(1 / nominal), False
    steps = np.diff(starts)
    typical = float(np.median(steps))
    last = durations[-1] if durations[-1] > 0 else typical
    # Packets tell how long they take to decode; how long the last frame stays, only the track's own length tells.
    begun = float((stream.start_time or 0) * stream.time_base)
    track = float(stream.duration * stream.time_base) - (starts[-1] - min(begun, starts[0])) if stream.duration else 0.0
    vfr = bool(np.any(np.abs(steps - typical) > VFR_TOLERANCE * typical))
    container = stream.container
    if not (vfr or container.format.name.startswith("mov") or not sounds_of(container)):
        track = 0.0  # that of the longest track: Matroska, for one, knows no other
    duration = float(starts[-1] - starts[0] + (track if 0 < track <= LONGEST_LAST_S else last))
    # Where the rate is constant the last frame does not count: a film may be cut off or held on in the midst of it.
    measured = len(starts) / duration if vfr else (len(starts) - 1) / float(starts[-1] - starts[0])
    if vfr or abs(float(nominal) - measured) > 0.02 * measured:
        # Of pictures that stay for minutes the time of each is told as exactly: their rate would be rounded to nothing.
        slow = measured < 1
        nominal = Fraction(1 / measured if slow else measured).limit_denominator(1001)
        nominal = 1 / nominal if slow else nominal
    return nominal, duration, vfr


def quarter_turns(frame: Any) -> int:
    """How many quarter turns counter-clockwise (0..3) show ``frame`` upright, by its display matrix."""
    turns = round(frame.rotation / 90)
    return turns % 4 if abs(frame.rotation - 90 * turns) <= 2 else 0


def is_mirrored(frame: Any, path: Path) -> bool:
    """Whether ``frame``, the first one of ``path``, shows things the wrong way round.

    The angle of its display matrix then counts for the picture turned over top to bottom.
    """
    try:
        matrix = next((data for data in frame.side_data if data.type is Type.DISPLAYMATRIX), None)
    except ValueError:  # PyAV stumbles over side data it has no name for; EXIF data is such
        return _is_mirrored_photo(path)
    if matrix is None:
        return False
    a, b, _, c, d = struct.unpack_from("5i", bytes(matrix))
    return bool(a * d - b * c < 0)


def _is_mirrored_photo(path: Path) -> bool:
    try:
        with Image.open(path) as photo:
            return photo.getexif().get(EXIF_ORIENTATION) in MIRRORED
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return False  # a film, or a picture that FFmpeg reads and Pillow does not


def woven(frame: Any, context: Any, mirrored: bool) -> Fields:
    """Which rows of ``frame``, a film's first one, come first; "" also where it has to be turned upright."""
    return "" if mirrored or quarter_turns(frame) else fields_of(context, frame)


def _check_size(width: int, height: int) -> None:
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        raise EngineError(
            "generation_input_resolution_unsupported",
            f"The picture is {width}×{height} pixels.",
            "Scale it down to at most 4096×2160.",
        )
    if min(width, height) < MIN_SIDE:
        raise EngineError(
            "generation_input_resolution_unsupported",
            f"The picture is {width}×{height} pixels.",
            f"Use a video of at least {MIN_SIDE} pixels on each side.",
        )
