"""Runs the engine in a process of its own, so that time and memory are the run's alone."""

from __future__ import annotations

import itertools
import multiprocessing
import resource
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from apps.inference.engine import EngineSettings, lipsync
from apps.inference.engine.analysis import analyse_footage
from apps.inference.engine.media.colour import ColourTags
from apps.inference.engine.media.probe import probe_media
from apps.inference.engine.media.video_reader import Frame, VideoReader
from apps.inference.engine.media.video_writer import PieceWriter


@dataclass
class Run:
    """What one run took: ``seconds`` by the clock, ``cpu_seconds`` of all cores; ``report`` is the engine's own."""

    seconds: float
    cpu_seconds: float
    peak_mb: float
    report: dict[str, Any]


@dataclass
class Part:
    """What a part of the work took, done by itself."""

    seconds: float
    cpu_seconds: float
    frames: int


def run_engine(video: Path, sound: Path, out: Path, workdir: Path, model: str) -> Run:
    """One film, in a fresh process."""
    return _apart(_engine, video, sound, out, workdir, model)


def analysis_alone(video: Path, workdir: Path) -> Part:
    """What the footage shows and says itself, with no film made of it, in a fresh process."""
    alone = _apart(_analysis, video, workdir)
    assert isinstance(alone, Part)
    return alone


def plain_copy(video: Path, out: Path, seconds: float) -> Part:
    """Decoding and encoding the same frames with the engine's own reader and writer, nothing in between."""
    plain = _apart(_plain, video, out, seconds)
    assert isinstance(plain, Part)
    return plain


def usual_copy(video: Path, out: Path, seconds: float) -> Part:
    """The same frames by x264's preset veryfast at crf 17: what most tools take, and looks as good as our films."""
    plain = _apart(_usual, video, out, seconds)
    assert isinstance(plain, Part)
    return plain


def frozen_film(video: Path, out: Path, seconds: float) -> None:
    """The first frame held still, encoded like everything else: the baseline that never speaks."""
    info = probe_media(video)
    with VideoReader(video) as reader:
        first = next(iter(reader))
        with PieceWriter(out, first.size, info.fps, reader.colour) as writer:
            for _ in range(round(seconds * float(info.fps))):
                writer.write(first.yuv)


def take_memory(gigabytes: float) -> None:
    """Use so much memory in a process that then ends; nothing is done for 0.

    A virtual machine's host takes back what has not been used for some seconds, and hands it out page by page while the
    next process waits: up to two seconds for each gigabyte. Whoever runs right after this finds it there, as on a
    machine of its own.
    """
    if gigabytes > 0:
        _apart(_touch, round(gigabytes * 2**30))


def _touch(size: int) -> None:
    np.empty(size, np.uint8)[::4096] = 1


def _apart(work: Any, *given: Any) -> Any:
    """Call ``work`` in a new process and return what it returns."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(work, *given).result()


def _engine(video: Path, sound: Path, out: Path, workdir: Path, model: str) -> Run:
    started, worked = time.perf_counter(), time.process_time()
    report = lipsync(video, sound, out, EngineSettings(model=model), workdir=workdir)
    taken, work = time.perf_counter() - started, time.process_time() - worked
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Run(taken, work, peak, report.to_dict())


def _analysis(video: Path, workdir: Path) -> Part:
    started, worked = time.perf_counter(), time.process_time()
    footage = analyse_footage(video, workdir)
    return Part(time.perf_counter() - started, time.process_time() - worked, footage.frame_count)


def _plain(video: Path, out: Path, seconds: float) -> Part:
    info = probe_media(video)
    started, worked = time.perf_counter(), time.process_time()
    with VideoReader(video) as reader:
        frames = iter(reader)
        first = next(frames)
        with PieceWriter(out, first.size, info.fps, ColourTags()) as writer:
            count = _each_until(seconds, itertools.chain([first], frames), writer.write)
    return Part(time.perf_counter() - started, time.process_time() - worked, count)


def _usual(video: Path, out: Path, seconds: float) -> Part:
    info = probe_media(video)
    started, worked = time.perf_counter(), time.process_time()
    with VideoReader(video) as reader, av.open(str(out), "w") as container:
        frames = iter(reader)
        first = next(frames)
        stream = container.add_stream("libx264", rate=info.fps, options={"preset": "veryfast", "crf": "17"})
        stream.width, stream.height = first.size
        stream.pix_fmt = "yuv420p"
        stream.thread_type = "FRAME"

        def write(yuv: NDArray[np.uint8]) -> None:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(yuv, format="yuv420p")))

        count = _each_until(seconds, itertools.chain([first], frames), write)
        container.mux(stream.encode(None))
    return Part(time.perf_counter() - started, time.process_time() - worked, count)


def _each_until(seconds: float, frames: Iterable[Frame], write: Callable[[NDArray[np.uint8]], object]) -> int:
    """Write every frame before ``seconds``; returns how many there were."""
    count = 0
    for frame in itertools.takewhile(lambda frame: frame.time < seconds, frames):
        write(frame.yuv)
        count += 1
    return count
