"""Strange and damaged inputs for the engine, all made from the project's own talking sample.

Each maker writes one input and returns (video, sound). What is legal must come out right, what is not must be refused.
"""

from __future__ import annotations

import random
import struct
import wave
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from av.stream import Disposition

from apps.inference.engine.media.audio import read_mono

RATE = 16_000
RGB = np.ndarray


@dataclass(frozen=True)
class Base:
    """A good talking clip and a good sound, and the clip's frames (RGB)."""

    video: Path
    sound: Path
    frames: list[RGB]


Maker = Callable[[Base, Path], tuple[Path, Path]]
LEGAL: dict[str, Maker] = {}
REFUSED: dict[str, Maker] = {}


def legal(maker: Maker) -> Maker:
    """An unusual input that must come out right."""
    LEGAL[maker.__name__] = maker
    return maker


def refused(maker: Maker) -> Maker:
    """An input nothing can be made of."""
    REFUSED[maker.__name__] = maker
    return maker


def load_base(video: Path, sound: Path, count: int) -> Base:
    """The first ``count`` frames of a clip."""
    with av.open(str(video)) as container:
        frames = [
            frame.to_ndarray(format="rgb24") for _, frame in zip(range(count), container.decode(video=0), strict=False)
        ]
    return Base(video, sound, frames)


def film(
    path: Path, frames: list[RGB], *, fps=Fraction(25), codec="libx264", pix_fmt="yuv420p", ticks=None, **options
) -> Path:
    """Encode frames of one size; ``ticks`` are times in milliseconds."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=fps)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = pix_fmt
        stream.options = {key: str(value) for key, value in options.items()}
        base = Fraction(1, 1000) if ticks is not None else 1 / Fraction(fps)
        stream.codec_context.time_base = base
        for index, picture in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24").reformat(format=pix_fmt)
            frame.pts, frame.time_base = (ticks[index] if ticks is not None else index), base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def wav(path: Path, samples: np.ndarray, rate: int = RATE) -> Path:
    """16-bit WAV, (N,) or (N, channels) in -1..1."""
    data = np.atleast_2d(np.asarray(samples).T).T
    with wave.open(str(path), "wb") as out:
        out.setnchannels(data.shape[1])
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes((np.clip(data, -1, 1) * 32767).astype("<i2").tobytes())
    return path


def speech(base: Base) -> np.ndarray:
    """The good sound at 16 kHz."""
    return read_mono(base.sound, RATE)


# -- legal ------------------------------------------------------------------------------------------------------------


@legal
def odd_size(base: Base, at: Path) -> tuple[Path, Path]:
    frames = [cv2.resize(f, (317, 321)) for f in base.frames]
    return film(at / "v.mkv", frames, pix_fmt="yuv444p"), base.sound


@legal
def uneven_times(base: Base, at: Path) -> tuple[Path, Path]:
    ticks = np.cumsum(np.random.default_rng(3).integers(15, 90, len(base.frames))).tolist()
    return film(at / "v.mp4", base.frames, ticks=ticks), base.sound


@legal
def sixty_frames_a_second(base: Base, at: Path) -> tuple[Path, Path]:
    return film(at / "v.mp4", base.frames, fps=Fraction(60000, 1001)), base.sound


@legal
def twelve_frames_a_second(base: Base, at: Path) -> tuple[Path, Path]:
    return film(at / "v.mp4", base.frames[::2], fps=Fraction(25, 2)), base.sound


@legal
def ten_bits(base: Base, at: Path) -> tuple[Path, Path]:
    return film(at / "v.mkv", base.frames, pix_fmt="yuv420p10le", codec="libx265", preset="ultrafast"), base.sound


@legal
def old_codec(base: Base, at: Path) -> tuple[Path, Path]:
    return film(at / "v.avi", base.frames, codec="mpeg4"), base.sound


@legal
def motion_jpeg_full_range(base: Base, at: Path) -> tuple[Path, Path]:
    return film(at / "v.mov", base.frames, codec="mjpeg", pix_fmt="yuvj422p"), base.sound


@legal
def clip_starts_late(base: Base, at: Path) -> tuple[Path, Path]:
    ticks = [5000 + 40 * index for index in range(len(base.frames))]
    return film(at / "v.mkv", base.frames, ticks=ticks), base.sound


@legal
def face_leaves_for_a_while(base: Base, at: Path) -> tuple[Path, Path]:
    hidden = [np.full_like(f, 90) if 12 <= k < 15 else f for k, f in enumerate(base.frames)]
    return film(at / "v.mp4", hidden), base.sound


@legal
def picture_upside_down_in_between(base: Base, at: Path) -> tuple[Path, Path]:
    turned = [np.ascontiguousarray(f[::-1]) if 12 <= k < 15 else f for k, f in enumerate(base.frames)]
    return film(at / "v.mp4", turned), base.sound


@legal
def black_at_both_ends(base: Base, at: Path) -> tuple[Path, Path]:
    black = np.zeros_like(base.frames[0])
    return film(at / "v.mp4", [black] * 3 + base.frames[3:-3] + [black] * 3), base.sound


@legal
def sound_much_shorter(base: Base, at: Path) -> tuple[Path, Path]:
    return base.video, wav(at / "a.wav", speech(base)[round(0.4 * RATE) : round(0.75 * RATE)])


@legal
def sound_in_eight_channels(base: Base, at: Path) -> tuple[Path, Path]:
    return base.video, wav(at / "a.wav", np.repeat(speech(base)[:, None], 8, 1))


@legal
def sound_at_eight_kilohertz(base: Base, at: Path) -> tuple[Path, Path]:
    return base.video, wav(at / "a.wav", speech(base)[::2], RATE // 2)


@legal
def sound_clipped_and_shifted(base: Base, at: Path) -> tuple[Path, Path]:
    return base.video, wav(at / "a.wav", np.clip(speech(base) * 20, -0.9, 0.9) + 0.1)


@legal
def sound_with_long_header(base: Base, at: Path) -> tuple[Path, Path]:
    """The header promises far more data than there is, as a broken-off recording does."""
    path = wav(at / "a.wav", speech(base))
    data = bytearray(path.read_bytes())
    data[40:44] = struct.pack("<I", 0x7FFFFFF0)
    path.write_bytes(data)
    return base.video, path


@legal
def sound_of_a_video(base: Base, at: Path) -> tuple[Path, Path]:
    return base.video, base.video


@legal
def one_frame_a_second(base: Base, at: Path) -> tuple[Path, Path]:
    return film(at / "v.mp4", base.frames[::6], fps=Fraction(1)), base.sound


@legal
def two_hundred_and_forty_frames_a_second(base: Base, at: Path) -> tuple[Path, Path]:
    return film(at / "v.mp4", [f for f in base.frames for _ in range(6)], fps=Fraction(240)), base.sound


@legal
def sound_partly_not_a_number(base: Base, at: Path) -> tuple[Path, Path]:
    samples = speech(base).astype("<f4")
    samples[2000:3000] = np.nan
    samples[4000:4100] = np.inf
    return base.video, float_wav(at / "a.wav", samples)


@legal
def film_named_as_sound(base: Base, at: Path) -> tuple[Path, Path]:
    path = at / "film.wav"
    path.write_bytes(base.video.read_bytes())
    return path, base.sound


@legal
def second_picture_and_second_sound(base: Base, at: Path) -> tuple[Path, Path]:
    """Only the first of each kind counts."""
    path = at / "v.mkv"
    with av.open(str(path), "w") as out, av.open(str(base.video)) as given:
        first = out.add_stream_from_template(given.streams.video[0])
        second = out.add_stream("mpeg4", rate=25)
        second.width, second.height, second.pix_fmt = 64, 64, "yuv420p"
        for packet in given.demux(given.streams.video[0]):
            if packet.dts is not None:
                packet.stream = first
                out.mux(packet)
        frame = av.VideoFrame(64, 64, "yuv420p")
        frame.pts = 0
        out.mux([*second.encode(frame), *second.encode(None)])
    return path, base.sound


# -- refused ----------------------------------------------------------------------------------------------------------


@refused
def empty_video(base: Base, at: Path) -> tuple[Path, Path]:
    (at / "v.mp4").write_bytes(b"")
    return at / "v.mp4", base.sound


@refused
def text_for_video(base: Base, at: Path) -> tuple[Path, Path]:
    (at / "v.mp4").write_text("Dear editor,\nplease find attached the film.\n" * 40)
    return at / "v.mp4", base.sound


@refused
def sound_for_video(base: Base, at: Path) -> tuple[Path, Path]:
    return base.sound, base.sound


@refused
def noise_without_a_face(base: Base, at: Path) -> tuple[Path, Path]:
    drawn = np.random.default_rng(5).integers(0, 255, (12, 24, 24, 3), np.uint8)
    return film(at / "v.mp4", [cv2.resize(f, (192, 192)) for f in drawn]), base.sound


@refused
def missing_video(base: Base, at: Path) -> tuple[Path, Path]:
    return at / "nowhere.mp4", base.sound


@refused
def silent_sound(base: Base, at: Path) -> tuple[Path, Path]:
    return base.video, wav(at / "a.wav", np.zeros(RATE))


@refused
def empty_sound(base: Base, at: Path) -> tuple[Path, Path]:
    return base.video, wav(at / "a.wav", np.zeros(0))


@refused
def text_for_sound(base: Base, at: Path) -> tuple[Path, Path]:
    (at / "a.wav").write_text("RIFF is a word as well\n" * 30)
    return base.video, at / "a.wav"


@refused
def film_without_sound_for_sound(base: Base, at: Path) -> tuple[Path, Path]:
    return base.video, film(at / "a.mp4", base.frames[:4])


@refused
def sound_not_a_number(base: Base, at: Path) -> tuple[Path, Path]:
    return base.video, float_wav(at / "a.wav", np.full(RATE, np.nan, "<f4"))


@refused
def song_with_a_cover_for_video(base: Base, at: Path) -> tuple[Path, Path]:
    """The picture in a song's file is no film."""
    path = at / "song.mp3"
    with av.open(str(path), "w", format="mp3") as out:
        song = out.add_stream("libmp3lame", rate=44_100, layout="mono")
        cover = out.add_stream("png", rate=1)
        cover.width, cover.height, cover.pix_fmt = 64, 64, "rgb24"
        cover.disposition = Disposition.attached_pic
        frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 90, np.uint8), "rgb24")
        out.mux([*cover.encode(frame), *cover.encode(None)])
        tone = av.AudioFrame.from_ndarray(np.zeros((1, 1152), np.float32), "fltp", "mono")
        tone.sample_rate, tone.pts = 44_100, 0
        out.mux([*song.encode(tone), *song.encode(None)])
    return path, base.sound


@refused
def picture_that_claims_to_be_huge(base: Base, at: Path) -> tuple[Path, Path]:
    """A PNG of a few bytes whose head says 60 000 by 60 000 pixels."""
    head = struct.pack(">II", 60_000, 60_000) + b"\x08\x02\x00\x00\x00"
    chunk = struct.pack(">I", 13) + b"IHDR" + head + struct.pack(">I", zlib.crc32(b"IHDR" + head))
    (at / "v.png").write_bytes(b"\x89PNG\r\n\x1a\n" + chunk + b"\0" * 64)
    return at / "v.png", base.sound


# -- damage -----------------------------------------------------------------------------------------------------------


def float_wav(path: Path, samples: np.ndarray) -> Path:
    """WAV of 32-bit floats, (N,)."""
    data = samples.astype("<f4").tobytes()
    head = struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        b"RIFF",
        36 + len(data),
        b"WAVE",
        b"fmt ",
        16,
        3,
        1,
        RATE,
        4 * RATE,
        4,
        32,
        b"data",
        len(data),
    )
    path.write_bytes(head + data)
    return path


def damaged(
    base: Base, at: Path, seed: int, videos: list[Path] | None = None, sounds: list[Path] | None = None
) -> tuple[Path, Path]:
    """A good video or sound with bytes changed, cut out, cut off or doubled; of the base, or of those given."""
    chance = random.Random(seed)
    hits_video = chance.random() < 0.7
    source = chance.choice(videos or [base.video]) if hits_video else chance.choice(sounds or [base.sound])
    data = bytearray(source.read_bytes())
    kind = chance.choice(("flip", "flip", "cut off", "cut out", "double", "zeros"))
    start = chance.randrange(len(data))
    length = chance.choice((16, 400, 6000))
    if kind == "flip":
        low = chance.choice((0, start))
        for _ in range(chance.choice((1, 8, 60, 600))):
            data[chance.randrange(low, len(data))] = chance.randrange(256)
    elif kind == "cut off":
        del data[start:]
    elif kind == "cut out":
        del data[start : start + length]
    elif kind == "double":
        data[start:start] = data[start : start + length]
    else:
        data[start : start + length] = bytes(min(length, len(data) - start))
    path = at / f"damaged{source.suffix}"
    path.write_bytes(data)
    return (path, base.sound) if hits_video else (base.video, path)
