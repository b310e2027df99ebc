"""Runs the engine on hostile inputs in a process of its own, and judges how each run ended."""

from __future__ import annotations

import itertools
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np

from apps.inference.engine.errors import EngineError
from apps.inference.engine.media.video_reader import VideoReader
from apps.inference.engine.settings import EngineSettings

HANG_S = 120  # a run takes about a second; this only ends a hang
CODES = {
    "generation_input_video_invalid",
    "generation_input_audio_invalid",
    "generation_input_video_no_face",
    "generation_input_audio_silent",
    "generation_input_resolution_unsupported",
    "generation_infra_storage_error",
}
# Mean difference (0..255) of the upper fifth, where no mouth is, between what the file decodes to and what came out:
# encoding loses 1 to 2, another picture differs by 20 and more.
SAME_PICTURE = 6.0


@dataclass(frozen=True)
class Ending:
    """How a run ended: an error with code, message and advice, or a film."""

    code: str = ""
    message: str = ""
    advice: str = ""


def run(video: Path, sound: Path, out: Path, model: str) -> Ending:
    """One run, in the worker process."""
    from apps.inference.engine import lipsync

    try:
        lipsync(video, sound, out, EngineSettings(model=model))
    except EngineError as error:
        return Ending(error.code, error.message, error.advice)
    return Ending()


class Engine:
    """A process that runs the engine; a crash or a hang of it raises in the caller."""

    def __init__(self) -> None:
        self._pool: ProcessPoolExecutor | None = None

    def __call__(self, video: Path, sound: Path, out: Path, model: str = "lipsync-2") -> Ending:
        if self._pool is None:
            self._pool = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))
        try:
            return self._pool.submit(run, video, sound, out, model).result(timeout=HANG_S)
        except Exception:
            self.stop()
            raise

    def stop(self) -> None:
        """End the process, whatever it is doing."""
        if self._pool is not None:
            for process in list(self._pool._processes.values()):
                process.kill()
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None


def check_film(out: Path) -> tuple[int, tuple[int, int], float]:
    """The file plays from 0, both tracks are whole and equally long; returns frames, size and seconds."""
    with av.open(str(out)) as container:
        assert [stream.type for stream in container.streams] == ["video", "audio"]
        video = list(container.decode(container.streams.video[0]))
    with av.open(str(out)) as container:
        sound = list(container.decode(container.streams.audio[0]))
        stream = container.streams.video[0]
        seconds = float((stream.duration or 0) * (stream.time_base or 0))
    times = [float(frame.pts * frame.time_base) for frame in video]
    assert times[0] == 0.0
    assert all(b > a for a, b in itertools.pairwise(times))
    assert seconds >= times[-1]
    heard = sum(frame.samples for frame in sound) / sound[0].sample_rate
    assert abs(heard - seconds) <= 0.06
    assert np.isfinite(np.concatenate([frame.to_ndarray() for frame in sound], 1)).all()
    return len(video), (video[0].width, video[0].height), seconds


def check_pictures(video: Path, out: Path) -> None:
    """What came out shows, frame by frame, what ``video`` decodes to."""
    with VideoReader(video) as given, VideoReader(out) as got:
        differences = [
            float(np.abs(one.planes[0][: one.size[1] // 5].astype(int) - other.planes[0][: one.size[1] // 5]).mean())
            for one, other in zip(given, got, strict=False)
        ]
    assert np.median(differences) < SAME_PICTURE, differences


def check_refusal(ending: Ending) -> None:
    """The error is one a person can act on."""
    assert ending.code in CODES, ending
    assert ending.message.strip().endswith(".")
    assert ending.advice.strip().endswith(".")
    assert "Traceback" not in ending.message
    assert "Error" not in ending.message
