"""Training clips: mouths tracked, sound decoded, speakers told apart by file name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...errors import EngineError
from ...face.canonical import canonicalise
from ...face.mouth_params import APERTURE, mouth_params
from ...face.tracker import FaceTracker
from ...media.audio import read_mono
from ...media.video_reader import VideoReader

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

SUFFIXES = {".mp4", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".m4v"}
LEAST_SEEN = 0.9
# The lips count as closed at the lowest 3 %, as open from a fifth of the way to the 95 % opening.
CLOSED_PERCENTILE, OPEN_PERCENTILE, CLOSED_SHARE = 3, 95, 0.2


@dataclass(frozen=True)
class TrainingClip:
    """One clip of one speaker: params (T, 6) in eye distances at times (T,) in seconds, mono samples at 16 kHz.

    targets (T, 7): the parameters in the speaker's own standard deviations, and how far the lips are closed.
    """

    name: str
    speaker: str
    times: Doubles
    params: Doubles
    samples: Floats
    targets: Doubles


def read_clips(folder: Path, models: Path, speakers: Path | None, say: Callable[[str], None]) -> list[TrainingClip]:
    """Every usable clip in `folder`, with its targets.

    Raises EngineError when none is usable.
    """
    names = _speaker_names(speakers)
    clips = []
    for path in sorted(item for item in folder.rglob("*") if item.suffix.lower() in SUFFIXES):
        try:
            clip = _read_clip(path, names.get(path.stem, _speaker_of(path)), models)
        except EngineError as error:
            say(f"{path.name}: left out. {error.message}")
            continue
        clips.append(clip)
        say(f"{path.name}: speaker {clip.speaker}, {len(clip.times)} frames")
    if not clips:
        raise EngineError(
            "generation_input_video_invalid",
            f"No clip in {folder} can be learnt from.",
            "Each clip must show one speaker's face throughout and carry that speaker's own sound.",
        )
    return _with_targets(clips)


def _read_clip(path: Path, speaker: str, models: Path) -> TrainingClip:
    samples = read_mono(path)
    tracker = FaceTracker(models)
    rows, times = [], []
    with VideoReader(path) as reader:
        for frame in reader:
            points = tracker.track(frame.yuv)
            rows.append(np.full((tracker.points, 3), np.nan, np.float32) if points is None else points)
            times.append(frame.time)
    landmarks = np.stack(rows)
    if np.isfinite(landmarks[:, 0, 0]).mean() < LEAST_SEEN:
        raise EngineError("generation_input_video_no_face", "More than a tenth of its frames show no face.")
    params = mouth_params(canonicalise(landmarks).shapes)
    return TrainingClip(path.stem, speaker, np.array(times), params, samples, np.empty((0, 7)))


def _with_targets(clips: list[TrainingClip]) -> list[TrainingClip]:
    """Standardise per speaker, since faces and distances differ."""
    done = []
    for speaker in dict.fromkeys(clip.speaker for clip in clips):
        own = [clip for clip in clips if clip.speaker == speaker]
        params = np.concatenate([clip.params for clip in own])
        low, high = np.percentile(params[:, APERTURE], [CLOSED_PERCENTILE, OPEN_PERCENTILE])
        for clip in own:
            standard = (clip.params - params.mean(0)) / (params.std(0) + 1e-9)
            opening = (clip.params[:, APERTURE] - low) / (CLOSED_SHARE * (high - low) + 1e-9)
            closed = np.clip(1.0 - opening, 0.0, 1.0)
            done.append(replace(clip, targets=np.c_[standard, closed]))
    return done


def _speaker_of(path: Path) -> str:
    """`anna_03.mp4` and `anna_04.mp4` show Anna; a name without an underscore is a speaker of its own."""
    return path.stem.split("_")[0]


def _speaker_names(path: Path | None) -> dict[str, str]:
    """Speakers by clip name from a table with the columns clip and speaker, separated by a tab."""
    if path is None:
        return {}
    rows = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    return {row[0]: row[1].strip() for row in rows if len(row) > 1}
