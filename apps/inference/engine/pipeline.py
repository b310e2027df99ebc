"""The whole run in one process: footage and sound in, a film out."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from .analysis import FootageAnalysis, analyse_footage
from .assembly import assemble
from .errors import EngineError
from .motion.trajectory import mouth_trajectory
from .pieces import render_piece
from .plan import MotionPlan
from .planning import make_plan
from .progress import Monitor, Progress
from .report import Report, measure
from .settings import EngineSettings
from .speaker import Speaker, mouth_range, study_speaker
from .speech.analysis import SpeechAnalysis, analyse_speech
from .speech.voice import learn_voice
from .sync_modes import build_timeline
from .warnings_for_people import footage_warnings

Cancelled = Callable[[], bool]
SILENT_DB = -45.0  # dBFS at the loudest moment: a quiet room, not a quiet voice


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
    ranges: Sequence[tuple[float, float]] | None = None,
) -> Report:
    """Write to ``output`` (MP4) the film in which the speaker of ``video`` says what is heard in ``audio``.

    ``ranges`` are the stretches of the result, in seconds, in which the mouth is driven; None means all of it.
    ``workdir`` keeps what was found on the way; without it nothing is kept. Raises EngineError with a stable code.
    """
    settings = settings or EngineSettings()
    if workdir is None:
        with tempfile.TemporaryDirectory(prefix="lipsync-") as scratch:
            return _run(video, audio, output, settings, Path(scratch), progress, cancelled, models, ranges)
    workdir.mkdir(parents=True, exist_ok=True)
    return _run(video, audio, output, settings, workdir, progress, cancelled, models, ranges)


def plan_motion(
    footage: FootageAnalysis,
    speech: SpeechAnalysis,
    settings: EngineSettings,
    workdir: Path,
    *,
    ranges: Sequence[tuple[float, float]] | None = None,
) -> MotionPlan:
    """Decide for every output frame what is shown and what the mouth does; saved in ``workdir``.

    ``ranges`` are the stretches of the result, in seconds, in which the mouth is driven; None means all of it.
    """
    if footage.info.kind == "image" and settings.model != "sync-3":
        raise EngineError(
            "generation_input_video_invalid", f"{settings.model} needs a video, not a picture.", "Choose sync-3."
        )
    if speech.level_db.max() < SILENT_DB:
        raise EngineError(
            "generation_input_audio_silent", "The audio is silent.", "Choose a recording in which somebody speaks."
        )
    mode = "loop" if footage.info.kind == "image" else settings.sync_mode
    line = build_timeline(footage.times, footage.end_s, speech.duration_s, mode, footage.fps)
    speaker = study_speaker(footage)
    if settings.model != "lipsync-1.9.0-beta":
        speech = _in_this_voice(footage, speaker, speech)
    wanted = mouth_trajectory(
        speech, line.time, mouth_range(speaker, footage.fps), footage.fps, settings.range_temperature
    )
    plan = make_plan(footage, speaker, line, wanted, settings, ranges)
    plan.warnings += footage_warnings(speaker, plan.passed, settings)
    plan.warnings += [{"code": "speech", "message": message} for message in speech.warnings]
    plan.save(workdir)
    return plan


def _in_this_voice(footage: FootageAnalysis, speaker: Speaker, speech: SpeechAnalysis) -> SpeechAnalysis:
    """The sound as this speaker's own mouth would say it, where the footage's own sound tells."""
    own = footage.own_sound
    if own is None or speaker.is_still:
        return speech
    usable = speaker.track.usable
    voice = learn_voice(own, footage.times[usable], speaker.track.params[usable])
    return speech if voice is None else voice.adapt(speech)


def _run(
    video: Path,
    audio: Path,
    output: Path,
    settings: EngineSettings,
    workdir: Path,
    progress: Progress | None,
    cancelled: Cancelled | None,
    models: Path | None,
    ranges: Sequence[tuple[float, float]] | None,
) -> Report:
    monitor = Monitor(progress, cancelled)
    with monitor.timed("read"):
        footage = analyse_footage(
            video, workdir, settings=settings, progress=progress, cancelled=cancelled, models=models
        )
    monitor.step("speech", 0, 1)
    with monitor.timed("speech"):
        speech = analyse_speech(audio, workdir, models)
    monitor.step("plan", 0, 1)
    with monitor.timed("plan"):
        plan = plan_motion(footage, speech, settings, workdir, ranges=ranges)
    with monitor.timed("lipsync"):
        piece = render_piece(
            video, footage, plan, 0, len(plan), workdir / "piece.mp4", progress=progress, cancelled=cancelled
        )
    with monitor.timed("assemble"):
        assemble([piece], audio, plan, output, progress=progress)
    with monitor.timed("proof"):
        report = measure(output, plan, progress=progress, cancelled=cancelled, models=models)
    timings = {stage: round(seconds, 3) for stage, seconds in monitor.timings_s.items()}
    return replace(report, timings_s=timings, real_time_factor=round(sum(timings.values()) / plan.duration_s, 3))
