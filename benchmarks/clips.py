"""Clips of any length for measurements: the project's own sample, played forward and backward as often as needed."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np

from apps.inference.engine.media.audio import read_mono
from apps.inference.engine.media.mux import join
from apps.inference.engine.media.soundtrack import Soundtrack
from apps.inference.engine.media.video_reader import VideoReader, split_planes
from apps.inference.engine.media.video_writer import PieceWriter
from apps.inference.engine.sample import make_sample
from apps.inference.engine.sample.make import COLOUR, FPS, SampleFormat

RATE = 16_000
GREY = 110


def long_clip(
    folder: Path, models: Path, seconds: float, *, side: int = 640, size: tuple[int, int] | None = None
) -> tuple[Path, Path]:
    """A video of ``seconds`` with sound, and a soundtrack of the same length; both lie in ``folder`` afterwards.

    The talking portrait is ``side`` pixels square, in the middle of a grey picture of ``size`` (default: no margin).
    """
    folder.mkdir(parents=True, exist_ok=True)
    sample = make_sample(folder / "sample", models, SampleFormat(size=side))
    with VideoReader(sample.video) as reader:
        frames = [frame.yuv for frame in reader]
    size = size or (side, side)
    count = round(seconds * FPS)
    turn = 2 * len(frames) - 2
    once = [_framed(frames[min(at, turn - at)], size) for at in range(min(turn, count))]
    turns = [_encoded(once, folder / "turn.mp4", size)] * (count // turn)
    rest = [_encoded(once[: count % turn], folder / "rest.mp4", size)] if count % turn else []
    own, new = (
        repeated_sound(path, folder / f"{path.stem}_long.wav", seconds) for path in (sample.video, sample.new_line)
    )
    video = folder / "video.mp4"
    join(turns + rest, np.arange(count) / float(FPS), FPS, video, sound=Soundtrack.whole(own), duration_s=seconds)
    for path in {*turns, *rest, own}:
        path.unlink()
    return video, new


def _encoded(pictures: list[np.ndarray], piece: Path, size: tuple[int, int]) -> Path:
    """A piece of a film; joined to itself it saves encoding the same pictures over and over."""
    with PieceWriter(piece, size, FPS, COLOUR) as writer:
        for picture in pictures:
            writer.write(picture)
    return piece


def _framed(yuv: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The I420 picture in the middle of a grey one of ``size`` (width, height)."""
    width, height = yuv.shape[1], yuv.shape[0] * 2 // 3
    if (width, height) == size:
        return yuv
    whole = np.full((size[1] * 3 // 2, size[0]), GREY, np.uint8)
    left, top = (size[0] - width) // 4 * 2, (size[1] - height) // 4 * 2
    for into, plane, scale in zip(split_planes(whole), split_planes(yuv), (1, 2, 2), strict=True):
        into[...] = GREY if scale == 1 else 128
        into[top // scale : top // scale + plane.shape[0], left // scale : left // scale + plane.shape[1]] = plane
    return whole


def repeated_sound(source: Path, out: Path, seconds: float) -> Path:
    """The sound of ``source`` over and over, as a 16-bit mono WAV of ``seconds``."""
    samples = read_mono(source, RATE)
    count = round(seconds * RATE)
    whole = np.tile(samples, -(-count // len(samples)))[:count]
    with wave.open(str(out), "wb") as wav:
        wav.setnchannels(1)
        wav.setsampwidth(2)
        wav.setframerate(RATE)
        wav.writeframes(np.clip(np.round(whole * 32767), -32768, 32767).astype("<i2").tobytes())
    return out
