"""What a file of the library holds: facts, a thumbnail and the peaks of its sound, or why it cannot be used."""

import json
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image, ImageOps

from apps.inference.engine.errors import EngineError, video_invalid
from apps.inference.engine.media.audio import blocks, picture_start
from apps.inference.engine.media.container import decode_tolerantly, open_input
from apps.inference.engine.media.probe import MediaInfo, probe_media
from studio.errors import StudioError

PEAKS_PER_SECOND = 100
PEAKS_SAMPLE_RATE = 8000
PEAK_RANGE = 127
THUMBNAIL_SIDE = 480
# The first second is often black or a clapper; a third of a short clip is past that too.
THUMBNAIL_AT_S = 1.0
# Silence packs so well that a small file can hold months of it; this much takes 250 MB while it is examined.
LONGEST_SOUND_S = 6 * 3600
# A file that ends this much before the length its header promises was cut off on its way.
CUT_OFF_SHARE, CUT_OFF_S = 0.9, 1.0


@dataclass(frozen=True)
class Peaks:
    """Lowest and highest sample of each hundredth of a second, −127 to 127, and how long the sound really is."""

    pairs: list[list[int]] = field(default_factory=list)
    seconds: float = 0.0

    def to_json(self) -> bytes:
        """``{"rate": 100, "peaks": [[min, max], …]}``"""
        return json.dumps({"rate": PEAKS_PER_SECOND, "peaks": self.pairs}, separators=(",", ":")).encode()


@dataclass(frozen=True)
class Examination:
    """Everything the probe found out about one file."""

    info: MediaInfo
    container: str
    peaks: Peaks | None

    def fields(self) -> dict[str, Any]:
        """Values for the fields of an asset."""
        info, moving = self.info, self.info.kind == "video"
        duration = info.duration_s if moving else (self.peaks.seconds if self.peaks else None)
        return {
            "kind": info.kind,
            "container": self.container,
            "duration_s": duration,
            "sound_s": self.peaks.seconds if self.peaks else None,
            "fps_num": info.fps.numerator if moving else None,
            "fps_den": info.fps.denominator if moving else None,
            "variable_rate": info.vfr,
            "frame_count": info.frame_count if moving else None,
            "width": info.width or None,
            "height": info.height or None,
            "rotation": -info.rotation % 360,
            "video_codec": info.vcodec,
            # The decoder names itself after its arithmetic; people know the codec.
            "audio_codec": info.acodec.removesuffix("float") if self.peaks else "",
            "channels": info.channels or None,
            "sample_rate": info.sample_rate or None,
        }


def examine(path: Path, name: str) -> Examination:
    """Look at a whole file; raises ``StudioError`` in words for its owner, who knows it as ``name``."""
    try:
        info = probe_media(path)
        container, promised_s = _header(path)
        peaks = sound_peaks(path) if info.acodec else None
    except EngineError as error:
        raise StudioError(error.code, error.message.replace(path.name, name), error.advice) from error
    actual = info.duration_s if info.kind == "video" else (peaks.seconds if peaks else 0.0)
    if info.kind == "audio" and actual <= 0:
        raise StudioError(
            "generation_input_audio_invalid", f"{name} holds no sound.", "Export it again and upload that."
        )
    reached = max(actual, peaks.seconds if peaks else 0.0)  # sound may well be longer than the picture
    if info.kind != "image" and promised_s - reached > CUT_OFF_S and reached < CUT_OFF_SHARE * promised_s:
        raise StudioError(
            f"generation_input_{info.kind}_invalid",
            f"{name} ends after {clock(actual)} of {clock(promised_s)}.",
            "The file was cut off. Copy or export it again and upload that.",
        )
    return Examination(info, container, peaks)


def check_length(seconds: float | None, limit_s: int | None, plan: str, name: str) -> None:
    """Refuse what is longer than the plan allows, to half a frame; raises ``StudioError`` (402)."""
    if seconds is not None and limit_s is not None and seconds > limit_s + 0.02:
        raise StudioError(
            "generation_plan_duration_exceeded",
            f"{name} lasts {clock(seconds)}. The {plan} plan allows {clock(limit_s)}.",
            "Cut it shorter, or change the plan.",
            status=402,
        )


def clock(seconds: float) -> str:
    """Seconds for reading: "12.8 s", from a minute up "6:09"."""
    if seconds < 60:
        return f"{seconds:.1f}".removesuffix(".0") + " s"
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def sound_peaks(path: Path) -> Peaks:
    """Peaks of the first sound track, decoded block by block so that memory holds only the peaks."""
    bucket = PEAKS_SAMPLE_RATE // PEAKS_PER_SECOND
    pairs: list[list[int]] = []
    held, waiting, samples = [np.zeros(0, np.float32)], 0, 0
    for block in blocks(path, PEAKS_SAMPLE_RATE, 1):
        samples += block.shape[1]
        if samples > LONGEST_SOUND_S * PEAKS_SAMPLE_RATE:
            raise StudioError(
                "generation_input_audio_invalid",
                f"The sound is longer than {LONGEST_SOUND_S // 3600} hours.",
                "Cut it into parts.",
            )
        held.append(block[0])
        waiting += block.shape[1]
        if waiting >= PEAKS_SAMPLE_RATE:  # a second at once: blocks are a hundredth of that
            found, rest = _whole_buckets(np.concatenate(held), bucket)
            pairs += found
            held, waiting = [rest], len(rest)
    found, rest = _whole_buckets(np.concatenate(held), bucket)
    pairs += found
    if len(rest):
        pairs += _pairs(rest[None])
    return Peaks(pairs, samples / PEAKS_SAMPLE_RATE)


def _whole_buckets(samples: np.ndarray, bucket: int) -> tuple[list[list[int]], np.ndarray]:
    """Pairs of the buckets that ``samples`` (n,) fill, and the samples left over."""
    whole = len(samples) // bucket * bucket
    return _pairs(samples[:whole].reshape(-1, bucket)), samples[whole:]


def _pairs(buckets: np.ndarray) -> list[list[int]]:
    """(N, samples) in −1..1 to N pairs of integers."""
    edges = np.stack([buckets.min(axis=1), buckets.max(axis=1)], axis=1) if buckets.size else np.zeros((0, 2))
    return np.rint(np.clip(np.nan_to_num(edges), -1, 1) * PEAK_RANGE).astype(int).tolist()


def thumbnail(path: Path, info: MediaInfo, target: Path) -> None:
    """Write a WebP of at most 480 pixels on its longer side, upright, from a picture past the first second.

    Raises ``StudioError`` for a photo that breaks off.
    """
    picture = _still(path, info) if info.kind == "video" else _photo(path)
    picture.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
    picture.convert("RGB").save(target, "WEBP", quality=80)


def _photo(path: Path) -> Image.Image:
    try:
        with Image.open(path) as picture:
            picture.load()
            return ImageOps.exif_transpose(picture) or picture
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise StudioError(
            "generation_input_image_invalid", "The photo breaks off or is damaged.", "Export it again and upload that."
        ) from error


def _still(path: Path, info: MediaInfo) -> Image.Image:
    at_s = min(THUMBNAIL_AT_S, info.duration_s / 3)
    with open_input(path, video_invalid) as container:
        chosen = first = None
        for frame in decode_tolerantly(container, container.streams.video[0]):
            chosen, first = frame, frame.time if first is None else first
            if frame.time is None or first is None or frame.time - first >= at_s:
                break
        if chosen is None:
            raise video_invalid(f"No picture of {path.name} can be decoded.")
        picture = chosen.to_image()
    if info.sample_aspect > 0:
        # A header may ask for pixels thousands of times as wide as high: only the shape counts, the size is ours.
        width, height = picture.width * info.sample_aspect, Fraction(picture.height)
        scale = min(Fraction(1), THUMBNAIL_SIDE / max(width, height))
        picture = picture.resize((max(1, round(width * scale)), max(1, round(height * scale))))
    return picture.rotate(info.rotation, expand=True) if info.rotation else picture


def _header(path: Path) -> tuple[str, float]:
    """Name of the container format and the seconds its header promises from the first picture on (0: does not say)."""
    begun = picture_start(path) or 0.0
    with open_input(path, video_invalid) as container:
        name = container.format.name.split(",")[0]
        # One reader for both; the file itself says QuickTime or, by any other brand, MP4.
        if name == "mov" and container.metadata.get("major_brand", "qt").strip() != "qt":
            name = "mp4"
        return name[:60], float(Fraction(container.duration or 0, av.time_base)) - max(0.0, begun)
