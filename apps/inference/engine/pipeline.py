"""The whole run in one process: footage and sound in, a film out."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from .analysis import analyse_footage
from .assembly import assemble
from .film_plan import plan_motion
from .pieces import render_piece
from .progress import Monitor, Progress
from .report import Report, measure
from .segments import Segment
from .settings import EngineSettings
from .speech.analysis import analyse_speech

Cancelled = Callable[[], bool]


def lipsync(
    video: Path,
    audio: Path,
    output: Path,
    settings: EngineSettings | None = None,
    *,
    workdir: Path | None = None,
    progress: Progress | None = None,
    cancelled: Cancelled | None = None,
    models: Path | None = None,
    segments: Sequence[Segment] = (),
) -> Report:
    """Write to ``output`` (MP4) the film in which the speaker of ``video`` says what is heard in ``audio``.

    ``segments`` give ranges a sound, a face or settings of their own, or leave them alone (see :mod:`.segments`).
    ``workdir`` keeps what was found on the way; without it nothing is kept. The same inputs and settings give the same
    film. Raises EngineError with a stable code.
    """
    settings = settings or EngineSettings()
    if workdir is None:
        with tempfile.TemporaryDirectory(prefix="lipsync-") as scratch:
            return _run(video, audio, output, settings, Path(scratch), progress, cancelled, models, segments)
    workdir.mkdir(parents=True, exist_ok=True)
    return _run(video, audio, output, settings, workdir, progress, cancelled, models, segments)


def _run(
    video: Path,
    audio: Path,
    output: Path,
    settings: EngineSettings,
    workdir: Path,
    progress: Progress | None,
    cancelled: Cancelled | None,
    models: Path | None,
    segments: Sequence[Segment],
) -> Report:
    monitor = Monitor(progress, cancelled)
    with monitor.timed("read"):
        footage = analyse_footage(
            video, workdir, settings=settings, progress=progress, cancelled=cancelled, models=models
        )
    monitor.step("speech", 0, 1)
    with monitor.timed("speech"):
        speech = analyse_speech(audio, workdir, models)
        files = sorted({segment.audio for segment in segments if segment.lipsync and segment.audio is not None})
        sounds = {path: analyse_speech(path, None, models) for path in files}
    monitor.step("plan", 0, 1)
    with monitor.timed("plan"):
        plan = plan_motion(footage, speech, settings, workdir, segments=segments, sounds=sounds)
    with monitor.timed("lipsync"):
        piece = render_piece(
            video, footage, plan, 0, len(plan), workdir / "piece.mp4", progress=progress, cancelled=cancelled
        )
    with monitor.timed("assemble"):
        assemble([piece], audio, plan, output, video=video, segments=segments, progress=progress)
    with monitor.timed("proof"):
        report = measure(output, plan, progress=progress, cancelled=cancelled, models=models)
    timings = {stage: round(seconds, 3) for stage, seconds in monitor.timings_s.items()}
    return replace(report, timings_s=timings, real_time_factor=round(sum(timings.values()) / plan.duration_s, 3))
