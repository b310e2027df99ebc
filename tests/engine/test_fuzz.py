"""Damaged and strange inputs: a clear error or a correct film, never a crash, a hang or garbage.

STUDIO_FUZZ_INPUTS sets how many damaged inputs are tried (default 6); each has a seed, so a failure can be repeated.
"""

from __future__ import annotations

import itertools
import multiprocessing
import os
import random
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from django.conf import settings

from apps.inference.engine.errors import EngineError
from apps.inference.engine.sample import SampleFormat, make_sample
from apps.inference.engine.settings import MODELS, EngineSettings

from .strange_media import LEGAL, REFUSED, Base, damaged, film, load_base

DAMAGED = int(os.environ.get("STUDIO_FUZZ_INPUTS", "6"))
HANG_S = 120  # a run takes about a second; this only ends a hang
CODES = {
    "generation_input_video_invalid",
    "generation_input_audio_invalid",
    "generation_input_video_no_face",
    "generation_input_audio_silent",
    "generation_input_resolution_unsupported",
    "generation_infra_storage_error",
}


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
    """A process that runs the engine; a crash or a hang of it fails the test that caused it."""

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


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    os.environ["STUDIO_MODELS"] = str(settings.MODELS_DIR)
    running = Engine()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> Base:
    """Three quarters of a second of the talking sample, 18 frames."""
    folder = tmp_path_factory.mktemp("base")
    made = make_sample(folder, Path(settings.MODELS_DIR), SampleFormat(size=200, seconds=0.72))
    return load_base(made.video, made.new_line, 18)


def check_film(out: Path) -> tuple[int, tuple[int, int], float]:
    """The file plays from 0, both tracks are whole and equally long; returns frames, size and seconds."""
    with av.open(str(out)) as container:
        assert [stream.type for stream in container.streams] == ["video", "audio"]
        video = list(container.decode(container.streams.video[0]))
    with av.open(str(out)) as container:
        sound = list(container.decode(container.streams.audio[0]))
        seconds = float(container.streams.video[0].duration * container.streams.video[0].time_base)
    times = [float(frame.pts * frame.time_base) for frame in video]
    assert times[0] == 0.0
    assert all(b > a for a, b in itertools.pairwise(times))
    assert seconds >= times[-1]
    heard = sum(frame.samples for frame in sound) / sound[0].sample_rate
    assert heard == pytest.approx(seconds, abs=0.06)
    assert np.isfinite(np.concatenate([frame.to_ndarray() for frame in sound], 1)).all()
    return len(video), (video[0].width, video[0].height), seconds


def check_refusal(ending: Ending) -> None:
    """The error is one a person can act on."""
    assert ending.code in CODES, ending
    assert ending.message.strip().endswith(".")
    assert ending.advice.strip().endswith(".")
    assert "Traceback" not in ending.message
    assert "Error" not in ending.message


@pytest.mark.parametrize("name", sorted(LEGAL))
def test_strange_but_legal_comes_out_right(name: str, engine: Engine, base: Base, tmp_path: Path) -> None:
    video, sound = LEGAL[name](base, tmp_path)
    ending = engine(video, sound, tmp_path / "out.mp4")
    assert ending == Ending()
    frames, size, seconds = check_film(tmp_path / "out.mp4")
    with av.open(str(video)) as container:
        given = list(container.decode(video=0))
    width, height = given[0].width, given[0].height
    assert size == (width + width % 2, height + height % 2)
    with av.open(str(sound)) as container:
        heard = sum(f.samples for f in container.decode(audio=0)) / container.streams.audio[0].sample_rate
    starts = np.array([float(frame.pts * frame.time_base) for frame in given])
    assert frames == int(np.sum(starts - starts[0] < heard - 0.003))
    assert seconds <= heard + 0.11


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_nothing_to_be_made_of_it_is_said(name: str, engine: Engine, base: Base, tmp_path: Path) -> None:
    video, sound = REFUSED[name](base, tmp_path)
    check_refusal(engine(video, sound, tmp_path / "out.mp4"))
    assert not (tmp_path / "out.mp4").exists()


@pytest.mark.parametrize("seed", range(DAMAGED))
def test_damage_ends_in_a_film_or_a_clear_error(seed: int, engine: Engine, base: Base, tmp_path: Path) -> None:
    video, sound = damaged(base, tmp_path, seed)
    ending = engine(video, sound, tmp_path / "out.mp4", random.Random(seed).choice(MODELS))
    if ending.code:
        check_refusal(ending)
        assert not (tmp_path / "out.mp4").exists()
    else:
        frames, _, _ = check_film(tmp_path / "out.mp4")
        assert 1 <= frames <= 2 * len(base.frames)


@pytest.mark.parametrize("count", [1, 2, 4])
def test_a_few_frames_are_refused_or_come_out(count: int, engine: Engine, base: Base, tmp_path: Path) -> None:
    video = film(tmp_path / "v.mp4", base.frames[8 : 8 + count], fps=Fraction(25, 4))
    ending = engine(video, base.sound, tmp_path / "out.mp4", "sync-3")
    if ending.code:
        check_refusal(ending)
    else:
        assert check_film(tmp_path / "out.mp4")[0] == count
