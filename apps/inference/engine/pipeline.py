"""The whole run in one process: footage and sound in, a film out."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from .analysis import analyse_footage
from .assembly import assemble, encode_film_sound
from .beside import beside
from .film_plan import film_sound, plan_motion
from .media.recent import RecentPictures
from .one_thread import one_thread
from .pieces import render_piece
from .progress import Monitor, Progress, stoppable
from .report import Report, measure
from .segments import Segment
from .settings import EngineSettings
from .speech.analysis import SpeechAnalysis, analyse_speech

Cancelled = Callable[[], bool]
Listener = Callable[[Path], SpeechAnalysis]


@one_thread
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
    listen: Listener | None = None,
) -> Report:
    """Write to ``output`` (MP4) the film in which the speaker of ``video`` says what is heard in ``audio``.

    ``segments`` give ranges a sound, a face or settings of their own, or leave them alone (see :mod:`.segments`).
    ``listen`` turns a sound file into mouth movement, instead of the engine's own way. ``workdir`` keeps what was found
    on the way; without it nothing is kept. The same inputs and settings give the same film, byte by byte. Raises
    EngineError with a stable code, Cancelled where ``cancelled()`` says so.
    """
    settings = settings or EngineSettings()
    if listen is None:
        listen = partial(analyse_speech, models=models)
    monitor = Monitor(progress, cancelled)
    with _folder(workdir) as folder, stoppable(cancelled):
        with beside(lambda: {path: listen(path) for path in _sounds(audio, segments)}) as heard:
            with monitor.timed("read"):
                footage = analyse_footage(
                    video, folder, own_sound=settings.learns_voice or bool(segments) or settings.face is not None,
                    recent=RecentPictures(), progress=progress, cancelled=cancelled, models=models,
                )  # fmt: skip
            monitor.step("speech", 0, 1)
            with monitor.timed("speech"):
                sounds = heard()
                sounds[audio].save(folder)
        monitor.step("plan", 0, 1)
        with monitor.timed("plan"):
            parts, duration_s = film_sound(footage, sounds[audio], settings, segments=segments, sounds=sounds)
        heard_in = folder / "sound"
        heard_in.mkdir(exist_ok=True)
        encode = partial(encode_film_sound, parts, duration_s, audio, heard_in, video=video, segments=segments)
        with beside(encode) as encoded:
            with monitor.timed("plan"):
                plan = plan_motion(footage, sounds[audio], settings, folder, segments=segments, sounds=sounds)
            with monitor.timed("lipsync"):
                piece = render_piece(
                    video, footage, plan, 0, len(plan), folder / "piece.mp4", progress=progress, cancelled=cancelled,
                    models=models,
                )  # fmt: skip
                encoded()
        with monitor.timed("assemble"):
            assemble([piece], audio, plan, output, encoded=heard_in, progress=progress)
        with monitor.timed("proof"):
            report = measure(output, plan, seen=piece.seen, mended=piece.mended, models=models)
        monitor.step("proof", len(plan), len(plan))
    timings = {stage: round(seconds, 3) for stage, seconds in monitor.timings_s.items()}
    return replace(report, timings_s=timings, real_time_factor=round(sum(timings.values()) / plan.duration_s, 3))


def _sounds(audio: Path, segments: Sequence[Segment]) -> list[Path]:
    """Every file that is listened to, the main one first."""
    own = {segment.audio for segment in segments if segment.lipsync and segment.audio is not None}
    return [audio, *sorted(own - {audio})]


@contextmanager
def _folder(workdir: Path | None) -> Iterator[Path]:
    """``workdir``, made where it is missing, or a folder that goes afterwards."""
    if workdir is None:
        with tempfile.TemporaryDirectory(prefix="lipsync-") as scratch:
            yield Path(scratch)
        return
    workdir.mkdir(parents=True, exist_ok=True)
    yield workdir
