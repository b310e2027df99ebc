"""One pass over the footage: what every later step needs to know of it, whichever model runs.

The result lies in a folder and can be kept with the video: landmarks and times of all frames, shots, and the lips'
pixels (:mod:`crops`).
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from .crops import CROP_MARGIN, DISK_BUDGET, Crop, CropStore, CropWriter, cut_out, even_box, in_spread_runs
from .errors import EngineError, video_invalid
from .face.landmarks import LIPS
from .face.tracker import FaceChoice, FaceTracker
from .faces_in_time import usable_frames
from .media.colour import ColourTags
from .media.prefetch import prefetch
from .media.probe import MediaInfo, probe_media
from .media.video_reader import Frame, VideoReader
from .model_files import models_folder
from .progress import Monitor, Progress
from .settings import EngineSettings
from .shots import CutDetector, face_jumped
from .speech.analysis import SpeechAnalysis, analyse_speech

OWN_SOUND = "own_sound"
MIN_EYES_PX = 20.0  # outer eye corners apart; 44 px still works, softly; below 20 there are no lips to move


@dataclass
class FootageAnalysis:
    """What was seen. F frames, N landmarks (468 or 478).

    ``times`` (F,) seconds from the first frame, the last one ending at ``end_s``; ``landmarks`` (F, N, 3) float32 in
    pixels of the upright picture, NaN where no face was found; ``shots`` (S,) first frames of the shots, 0 among them;
    ``sharpness`` (F,) variance of the Laplacian of the lips' luma; ``motion`` (F,) mean luma change to the frame
    before; ``brightness`` (F,) mean luma.
    """

    info: MediaInfo
    colour: ColourTags
    size: tuple[int, int]
    times: np.ndarray
    end_s: float
    landmarks: np.ndarray
    shots: np.ndarray
    sharpness: np.ndarray
    motion: np.ndarray
    brightness: np.ndarray
    crops: CropStore
    folder: Path

    @property
    def frame_count(self) -> int:
        """Frames that were really decoded."""
        return len(self.times)

    @property
    def has_face(self) -> np.ndarray:
        """(F,) bool."""
        return np.isfinite(self.landmarks[:, 0, 0])

    @property
    def fps(self) -> float:
        """Frames per second, the average where the rate varies."""
        return float(self.info.fps)

    @property
    def own_sound(self) -> SpeechAnalysis | None:
        """What the footage's own sound says about the mouth; None where it has no sound."""
        folder = self.folder / OWN_SOUND
        return SpeechAnalysis.load(folder) if folder.exists() else None

    def shot_of(self) -> np.ndarray:
        """(F,) int: the number of the shot each frame belongs to."""
        return np.searchsorted(self.shots, np.arange(self.frame_count), side="right") - 1

    def save(self) -> None:
        """Write everything to ``folder``; the crops are there already."""
        np.save(self.folder / "landmarks.npy", self.landmarks)
        np.savez_compressed(
            self.folder / "footage.npz", times=self.times, shots=self.shots, sharpness=self.sharpness,
            motion=self.motion, brightness=self.brightness, crops=self.crops.index,
        )  # fmt: skip
        facts = {"info": self.info.to_dict(), "colour": self.colour.to_dict(), "size": self.size, "end_s": self.end_s}
        (self.folder / "footage.json").write_text(json.dumps(facts))

    @classmethod
    def load(cls, folder: Path) -> FootageAnalysis:
        """The inverse of :meth:`save`."""
        facts = json.loads((folder / "footage.json").read_text())
        with np.load(folder / "footage.npz") as arrays:
            kept = dict(arrays)
        index = kept.pop("crops")
        return cls(
            info=MediaInfo.from_dict(facts["info"]), colour=ColourTags(**facts["colour"]),
            size=(facts["size"][0], facts["size"][1]), end_s=facts["end_s"],
            landmarks=np.load(folder / "landmarks.npy"), crops=CropStore(folder / "crops.bin", index), folder=folder,
            **kept,
        )  # fmt: skip


def analyse_footage(
    video: Path,
    workdir: Path,
    *,
    settings: EngineSettings | None = None,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
    models: Path | None = None,
    choice: FaceChoice | None = None,
) -> FootageAnalysis:
    """Decode ``video`` once and save what was seen in ``workdir``.

    ``choice`` picks the face nearest to a point of the first frame; else the largest is followed. Raises EngineError
    where nothing can be read or no face is seen in the whole film.
    """
    del settings  # the analysis is the same for every model, so that it can be kept with the video
    info = probe_media(video)
    if info.kind == "audio":
        raise video_invalid(f"The file {video.name} has no picture.", "Choose a video file.")
    workdir.mkdir(parents=True, exist_ok=True)
    monitor = Monitor(progress, cancelled)
    watcher = _Watcher(FaceTracker(models_folder(models), choice=choice))
    with VideoReader(video) as reader, CropWriter(workdir / "crops.bin") as crops:
        for frame in prefetch(reader):
            watcher.look(frame, crops, info.frame_count)
            if frame.index % 5 == 0:
                monitor.step("read", frame.index, max(info.frame_count, frame.index + 1))
        colour = reader.colour
    footage = watcher.result(info, colour, crops.index, workdir)
    footage.save()
    _require_face(footage)
    if info.acodec:
        _read_own_sound(video, workdir, models)
    monitor.step("read", footage.frame_count, footage.frame_count)
    return footage


def _read_own_sound(video: Path, workdir: Path, models: Path | None) -> None:
    """Keep what the footage's own sound says; a track that cannot be read counts as none."""
    try:
        analyse_speech(video, workdir / OWN_SOUND, models)
    except EngineError:
        shutil.rmtree(workdir / OWN_SOUND, ignore_errors=True)


class _Watcher:
    """Collects what is seen frame by frame."""

    def __init__(self, tracker: FaceTracker) -> None:
        self._tracker = tracker
        self._is_cut = CutDetector()
        self._last: tuple[int, np.ndarray] | None = None
        self._size = (0, 0)
        self._rows: list[dict[str, Any]] = []

    def look(self, frame: Frame, crops: CropWriter, frame_count: int) -> None:
        """Track the face and keep its lips."""
        self._size = frame.size
        cut = self._is_cut(frame.yuv)
        if cut:
            self._tracker.cut()
        points = self._tracker.track(frame.yuv)
        if points is not None:
            if self._last is not None and self._last[0] == frame.index - 1:
                cut = cut or face_jumped(points, self._last[1])
            self._last = (frame.index, points)
        crop = None
        if points is not None:
            eyes = float(np.linalg.norm(points[33] - points[263]))
            crop = cut_out(frame.yuv, even_box(points[LIPS, :2], self._size, CROP_MARGIN * eyes))
        fits = crop is not None and in_spread_runs(frame.index, frame_count, DISK_BUDGET // max(1, crop.bytes))
        crops.add(crop if fits else None)
        self._rows.append({
            "time": frame.time, "points": points, "cut": cut or frame.index == 0, "sharpness": _sharpness(crop),
            "motion": self._is_cut.motion, "brightness": float(frame.planes[0][::8, ::8].mean()),
        })  # fmt: skip

    def result(self, info: MediaInfo, colour: ColourTags, index: np.ndarray, folder: Path) -> FootageAnalysis:
        """Everything seen, as arrays."""
        times = np.array([row["time"] for row in self._rows])
        unseen = np.full((self._tracker.points, 3), np.nan, np.float32)
        landmarks = np.stack([unseen if row["points"] is None else row["points"] for row in self._rows])
        typical = float(np.median(np.diff(times))) if len(times) > 1 else 1 / float(info.fps)
        column = {name: np.array([row[name] for row in self._rows]) for name in ("sharpness", "motion", "brightness")}
        return FootageAnalysis(
            info=info, colour=colour, size=self._size, times=times,
            end_s=max(float(times[-1]) + 0.5 * typical, _end(info, times, typical)), landmarks=landmarks,
            shots=np.flatnonzero([row["cut"] for row in self._rows]), crops=CropStore(folder / "crops.bin", index),
            folder=folder, **column,
        )  # fmt: skip


def _end(info: MediaInfo, times: np.ndarray, typical: float) -> float:
    """Where the last frame ends: by frame count at a constant rate, else by the file's own duration."""
    if not info.vfr:
        return len(times) / float(info.fps)
    return info.duration_s if len(times) == info.frame_count else float(times[-1]) + typical


def _sharpness(crop: Crop | None) -> float:
    return 0.0 if crop is None or not crop.luma.size else float(cv2.Laplacian(crop.luma, cv2.CV_32F).var())


def _require_face(footage: FootageAnalysis) -> None:
    seen = usable_frames(footage.has_face, footage.times, footage.shot_of()) & footage.has_face
    if not seen.any():
        raise EngineError(
            "generation_input_video_no_face",
            "No face was found in the video.",
            "Use footage in which the speaker's face is seen from the front, at least 100 pixels wide.",
        )
    eyes = np.linalg.norm(footage.landmarks[seen, 33] - footage.landmarks[seen, 263], axis=1)
    if np.median(eyes) < MIN_EYES_PX:
        raise EngineError(
            "generation_input_video_no_face",
            f"The face is only {2 * np.median(eyes):.0f} pixels wide.",
            "Use footage in which the face is at least 100 pixels wide.",
        )
