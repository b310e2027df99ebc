"""What is measured: clips of people who really talk, each with its own sound, and the project's own sample."""

from __future__ import annotations

import os
import wave
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np

from apps.inference.engine.face.tracker import FaceTracker
from apps.inference.engine.faces_in_time import FaceTrack, follow_face
from apps.inference.engine.media.audio import read_mono
from apps.inference.engine.media.video_reader import VideoReader
from apps.inference.engine.sample import make_sample
from apps.inference.engine.sample.articulation import mouth_motion
from apps.inference.engine.speech.analysis import analyse_speech
from apps.inference.engine.speech.offset import estimate_offset

ROOT = Path(__file__).resolve().parent.parent
RATE = 16_000
VIDEO_SUFFIXES = (".mp4", ".mov", ".mkv", ".webm")
SPEECH_RMS = 10 ** (-45 / 20)  # a track quieter than this is no driver


@dataclass
class Seen:
    """A clip as tracked: ``times`` (F,) seconds, ``landmarks`` (F, N, 3) pixels, opening (F,) in eye distances."""

    times: np.ndarray
    landmarks: np.ndarray
    track: FaceTrack

    @property
    def opening(self) -> np.ndarray:
        """(F,) inner-lip opening in eye distances, NaN where no face is seen."""
        return np.where(self.track.usable, self.track.params[:, 0], np.nan)


@dataclass
class Driver:
    """A sound and what a mouth did to it: opening (T,) in eye distances at ``times`` (T,) seconds.

    ``sound_late_ms`` is how late the file's own sound is against its picture, by the engine's estimate.
    """

    name: str
    sound: Path
    times: np.ndarray
    opening: np.ndarray
    sound_late_ms: float

    @property
    def duration_s(self) -> float:
        """Seconds of sound."""
        return float(len(read_mono(self.sound, RATE)) / RATE)


@dataclass
class Clip:
    """A video to be driven."""

    name: str
    video: Path
    seen: Seen


def clips_folder(given: str | None) -> Path:
    """The folder of clips: the argument, else STUDIO_MEDIA_SAMPLES, else ../shared/media beside the repository."""
    folder = Path(given or os.environ.get("STUDIO_MEDIA_SAMPLES") or ROOT.parent / "shared" / "media")
    return folder / "video" if (folder / "video").is_dir() else folder


def talking_clips(folder: Path, scratch: Path, models: Path, seconds: float) -> tuple[list[Clip], list[Driver]]:
    """Every clip of ``folder`` with a face and a sound, cut to its first ``seconds``, as target and as driver."""
    clips, drivers = [], []
    for source in sorted(folder.iterdir()) if folder.is_dir() else []:
        if source.suffix.lower() not in VIDEO_SUFFIXES or not has_speech(source):
            continue
        name = source.stem.split("_")[0]
        video = cut(source, scratch / f"{name}.mp4", seconds)
        seen = look(video, models)
        if seen is None:
            continue
        clips.append(Clip(name, video, seen))
        usable = np.isfinite(seen.opening)
        sound = write_sound(video, scratch / f"{name}.wav", seconds)
        late = estimate_offset(analyse_speech(sound, None, models), seen.times[usable], seen.track.params[usable])
        drivers.append(Driver(name, sound, seen.times[usable], seen.opening[usable], 1000 * late.seconds))
    return clips, drivers


def own_sample(scratch: Path, models: Path) -> tuple[Clip, Driver]:
    """The project's sample; the truth of its new line is the mouth that would be drawn to it."""
    made = make_sample(scratch / "sample", models)
    seen = look(made.video, models)
    assert seen is not None
    times = np.arange(0, made.new.duration_s, 0.01)
    motion = mouth_motion(made.new.phones, made.new.duration_s, times)
    return Clip("sample", made.video, seen), Driver("new line", made.new_line, times, motion.aperture, 0.0)


def look(video: Path, models: Path) -> Seen | None:
    """Track the face through a clip; None where hardly any frame shows one."""
    tracker = FaceTracker(models)
    times, rows = [], []
    with VideoReader(video) as reader:
        for frame in reader:
            points = tracker.track(frame.yuv)
            times.append(frame.time)
            rows.append(np.full((tracker.points, 3), np.nan, np.float32) if points is None else points)
    landmarks = np.stack(rows)
    if np.isfinite(landmarks[:, 0, 0]).mean() < 0.5:
        return None
    track = follow_face(landmarks, np.array(times), np.zeros(len(times), np.int64))
    return Seen(np.array(times), landmarks, track)


def has_speech(path: Path) -> bool:
    """Whether the file has a sound track that is not silent."""
    with av.open(str(path)) as container:
        if not container.streams.audio or not container.streams.video:
            return False
    samples = read_mono(path, RATE, 10.0)
    return bool(np.sqrt(np.mean(samples**2)) > SPEECH_RMS)


def cut(source: Path, out: Path, seconds: float) -> Path:
    """Copy the packets of the first ``seconds`` without encoding again."""
    with av.open(str(source)) as given, av.open(str(out), "w") as container:
        streams = {s.index: container.add_stream_from_template(s) for s in (*given.streams.video, *given.streams.audio)}
        for packet in given.demux(*[given.streams[index] for index in streams]):
            if packet.dts is None or float(packet.dts * packet.time_base) >= seconds:
                continue
            packet.stream = streams[packet.stream_index]
            container.mux(packet)
    return out


def write_sound(source: Path, out: Path, seconds: float) -> Path:
    """The sound of ``source`` as a 16-bit mono WAV, sample 0 at the first frame."""
    return write_wav(out, read_mono(source, 48_000, seconds), 48_000)


def write_wav(out: Path, samples: np.ndarray, rate: int) -> Path:
    """Samples in -1..1 as a 16-bit mono WAV."""
    with wave.open(str(out), "wb") as wav:
        wav.setnchannels(1)
        wav.setsampwidth(2)
        wav.setframerate(rate)
        wav.writeframes(np.clip(np.round(samples * 32767), -32768, 32767).astype("<i2").tobytes())
    return out
