"""Sound in and out: mono 16 kHz for analysis, blocks at 48 kHz for the track of the output."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np

from ..errors import audio_invalid
from .container import CLOCK_JUMP_S, decode_tolerantly, open_input, pictures_of, sounds_of

ANALYSIS_RATE = 16_000
OUTPUT_RATE = 48_000
MAX_GAP_S = 600.0  # a clock further off than this is broken, not late
# Sound that fails to come for longer is silence: packets were lost, or a recorder writes none while nobody speaks. By
# less the clocks of recorders tremble; FFmpeg, too, fills in from a tenth of a second on.
LEAST_GAP_S = 0.1
# Two channels of which one is turned round (a miswired microphone, say) are heard well by two ears, but cancel each
# other out in their mean: from this share of the louder one's power down, that one is taken alone.
CANCELLED = 0.05


def read_mono(path: Path, rate: int = ANALYSIS_RATE, limit_s: float | None = None) -> np.ndarray:
    """The sound of ``path`` as (N,) float32 in -1..1, sample 0 at the file's time 0 (see :func:`blocks`)."""
    parts, total = [], 0
    for block in blocks(path, rate, 1):
        parts.append(block[0])
        total += block.shape[1]
        if limit_s is not None and total >= limit_s * rate:
            break
    if not parts:
        raise audio_invalid(f"No sound of {path.name} can be decoded.")
    samples = np.concatenate(parts)
    return samples if limit_s is None else samples[: round(limit_s * rate)]


def channel_count(path: Path) -> int:
    """Channels of the first sound track: 1, or 2 for anything wider."""
    with open_input(path, audio_invalid) as container:
        return min(2, _first_track(container, path).codec_context.channels)


def blocks(path: Path, rate: int, channels: int) -> Iterator[np.ndarray]:
    """Decoded blocks (channels, n) float32, gapless from time 0.

    Time 0 is the first frame of the picture where the file has one, else the start of the sound. Where sound begins
    later, or stops for a while, there is silence; what lies before time 0 is left out.
    """
    with open_input(path, audio_invalid) as container:
        track = _first_track(container, path)
        mixer = _Mixer(rate, channels)
        skip = 0
        for missing_s, frame in _on_clock(decode_tolerantly(container, track), picture_start(path)):
            missing = round(missing_s * rate)
            skip = max(skip, -missing)
            for block in itertools.chain(mixer.silence(missing), mixer.mix(frame)):
                yield block[:, skip:]
                skip = max(0, skip - block.shape[1])
        yield from mixer.rest()


def _on_clock(frames: Iterable[Any], origin: float | None) -> Iterator[tuple[float, Any]]:
    """Each frame with the seconds of silence before it; less than none before the first where it begins too early.

    ``origin`` is time 0 by the file's clock, None where that is when the first frame comes.
    """
    due, begun = origin, False  # when the next frame should come
    for frame in frames:
        stamp = float(frame.pts * frame.time_base) if frame.pts is not None else due
        missing = stamp - due if stamp is not None and due is not None else 0.0
        if not begun or missing > LEAST_GAP_S or missing < -CLOCK_JUMP_S:
            due = stamp
            yield (missing if abs(missing) < MAX_GAP_S and not (begun and missing < 0) else 0.0), frame
        else:
            yield 0.0, frame
        begun = True
        if due is not None:
            due += frame.samples / frame.sample_rate


class _Mixer:
    """Blocks at one rate with one or two channels, from frames of any rate, layout and sample type.

    One channel becomes two equal ones and two become their mean, so that neither changes how loud a voice is; of two
    that cancel each other out the louder one is taken. FFmpeg mixes wider sound to two; for whole numbers its weights
    add up to 1 at most, in floating point peaks would be cut.
    """

    def __init__(self, rate: int, channels: int) -> None:
        self._rate, self._channels = rate, channels
        self._resampler: Any = None
        self._kind: tuple[Any, ...] = ()

    def mix(self, frame: Any) -> Iterator[np.ndarray]:
        """Blocks (channels, n) that ``frame`` completes. A stream may change its kind on the way."""
        kind = frame.format.name, frame.layout.name, frame.sample_rate
        if kind != self._kind:
            yield from self.rest()
            narrow = frame.layout.nb_channels <= 2
            self._resampler = av.AudioResampler(
                format="fltp" if narrow else "s32p",
                layout=("mono", "stereo")[frame.layout.nb_channels - 1] if narrow else "stereo",
                rate=self._rate,
            )
            self._kind = kind
        for out in self._resampler.resample(_of_numbers(frame)):
            yield self._as_wanted(out.to_ndarray())

    def silence(self, count: int) -> Iterator[np.ndarray]:
        """``count`` samples in which nothing is heard, after all that was."""
        if count > 0:
            yield from self.rest()
            self._kind = ()
            yield np.zeros((self._channels, count), np.float32)

    def rest(self) -> Iterator[np.ndarray]:
        """What the filter still holds, at the end."""
        if self._resampler is not None:
            for out in self._resampler.resample(None):
                yield self._as_wanted(out.to_ndarray())
            self._resampler = None

    def _as_wanted(self, block: np.ndarray) -> np.ndarray:
        if block.dtype == np.int32:
            block = (block / np.float32(1 << 31)).astype(np.float32)
        block = _finite(block)
        if len(block) == self._channels:
            return block
        return _one_channel(block) if self._channels == 1 else np.repeat(block, 2, axis=0)


def _one_channel(block: np.ndarray) -> np.ndarray:
    """(1, n) of two channels (2, n): their mean, or the louder one."""
    mean, power = block.mean(axis=0, keepdims=True), np.square(block).mean(axis=1)
    if np.square(mean).mean() < CANCELLED * power.max():
        return block[[power.argmax()]]
    return np.asarray(mean)


def _finite(block: np.ndarray) -> np.ndarray:
    """Float sound may hold what is no number, or infinite; one such sample would spoil every figure after it."""
    return np.nan_to_num(block, copy=False, nan=0.0, posinf=1.0, neginf=-1.0)


def _of_numbers(frame: Any) -> Any:
    """The same frame; where it holds what is no number another one: mixing would make full loudness of it.

    Only uncompressed sound, whose channels lie side by side, can; of eight planes PyAV 18 reads one too many.
    """
    if frame.format.name not in ("flt", "dbl") or np.isfinite(samples := frame.to_ndarray()).all():
        return frame
    clean = av.AudioFrame.from_ndarray(_finite(samples), frame.format.name, frame.layout)
    clean.sample_rate, clean.pts, clean.time_base = frame.sample_rate, frame.pts, frame.time_base
    return clean


def _first_track(container: Any, path: Path) -> Any:
    tracks = sounds_of(container)
    if not tracks:
        raise audio_invalid(f"The file {path.name} has no sound.", "Choose a file with a sound track.")
    return tracks[0]


def picture_start(path: Path) -> float | None:
    """When the first picture is shown, in seconds of the file's clock; None for a file of sound alone."""
    with open_input(path, audio_invalid) as container:
        stream = next(iter(pictures_of(container)), None)
        if stream is None:
            return None
        start = stream.start_time
        opening = next((packet for packet in container.demux(stream) if packet.size), None)
        if opening is not None and not opening.is_keyframe:  # a recording that begins midway: nothing is shown at first
            shown = next(decode_tolerantly(container, stream), None)
            start = start if shown is None or shown.pts is None else shown.pts
        return float(start * stream.time_base) if start is not None else 0.0
