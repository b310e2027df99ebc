"""Writes the sample: the talking video, the new line as WAV, and the truth about every frame."""

from __future__ import annotations

import json
import wave
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from ..media.colour import ColourTags
from ..media.mux import join
from ..media.soundtrack import Soundtrack
from ..media.video_writer import PieceWriter
from .articulation import MouthMotion, closures, mouth_motion
from .lines import NEW_LINE, OWN_LINE, RATE, Line, load_line
from .liveliness import Liveliness
from .mouth import Mouth, MouthPose
from .portrait import load_portrait

FPS = Fraction(25)
# OpenCV's RGB to I420 is BT.601 in limited range; the tags say so (H.273: 6 is SMPTE 170M).
COLOUR = ColourTags(range=1, space=6, primaries=6, transfer=6)


@dataclass(frozen=True)
class SampleFormat:
    """Side of the square picture in pixels, and how much of the line is spoken (None: all of it)."""

    size: int = 640
    seconds: float | None = None


STANDARD = SampleFormat()
SHORT = SampleFormat(size=320, seconds=3.0)


@dataclass(frozen=True)
class Sample:
    """Where the files lie, and the truth: ``motion`` per frame, and both lines with their phones."""

    video: Path
    new_line: Path
    truth: Path
    motion: MouthMotion
    own: Line
    new: Line


def make_sample(dest: Path, models: Path, form: SampleFormat = STANDARD) -> Sample:
    """Write video.mp4, new_line.wav and truth.json into ``dest``; the same bytes of picture and sound every time.

    ``models`` is the folder with the unpacked portrait. Raises EngineError when it is missing there.
    """
    dest.mkdir(parents=True, exist_ok=True)
    own, new = load_line(OWN_LINE), load_line(NEW_LINE)
    if form.seconds is not None:
        own, new = own.first(form.seconds), new.first(form.seconds)
    frames = round(own.duration_s * FPS)
    times_s = np.arange(frames) / float(FPS)
    motion = mouth_motion(own.phones, own.duration_s, times_s)
    sample = Sample(dest / "video.mp4", dest / "new_line.wav", dest / "truth.json", motion, own, new)
    _write_wave(sample.new_line, new)
    _write_video(sample, models, form.size)
    sample.truth.write_text(json.dumps(_truth(sample, form), indent=1) + "\n", encoding="utf-8")
    return sample


def _write_video(sample: Sample, models: Path, size: int) -> None:
    portrait = load_portrait(models, size)
    mouth, life = Mouth(portrait), Liveliness(portrait)
    motion = sample.motion
    picture_only = sample.video.with_suffix(".picture.mp4")
    sound = sample.video.with_suffix(".sound.wav")
    _write_wave(sound, sample.own)
    try:
        with PieceWriter(picture_only, (size, size), FPS, COLOUR) as writer:
            for row, time_s in enumerate(motion.times_s):
                pose = MouthPose(
                    float(motion.aperture[row]), float(motion.narrowing[row]), float(motion.tuck[row])
                )  # fmt: skip
                rgb = life.finish(mouth.draw(pose), float(time_s))
                writer.write(cv2.cvtColor(rgb, cv2.COLOR_RGB2YUV_I420))
        join([picture_only], motion.times_s, FPS, sample.video, sound=Soundtrack.whole(sound),
             duration_s=sample.own.duration_s)  # fmt: skip
    finally:
        picture_only.unlink(missing_ok=True)
        sound.unlink(missing_ok=True)


def _write_wave(path: Path, line: Line) -> None:
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(np.clip(np.round(line.samples * 32768), -32768, 32767).astype("<i2").tobytes())


def _truth(sample: Sample, form: SampleFormat) -> dict[str, object]:
    """Everything known, as JSON: openings in eye distances at each frame's time, phones and lip closures in seconds."""
    frames = {name: np.round(values, 5).tolist() for name, values in asdict(sample.motion).items()}
    lines = {
        line.name: {
            "words": line.words,
            "duration_s": line.duration_s,
            "phones": [asdict(phone) for phone in line.phones],
            "closures_s": closures(line.phones),
        }
        for line in (sample.own, sample.new)
    }
    return {"fps": float(FPS), "size": form.size, "frames": frames, "lines": lines}
