"""Our own engine behind the protocol."""

import shutil
from collections.abc import Mapping, Sequence
from importlib import import_module
from itertools import pairwise
from pathlib import Path

from django.conf import settings

from apps.inference import engine
from apps.inference.backends.base import Outcome, Piece, Render, Split, Watching
from apps.inference.engine.plan import MotionPlan

# Short enough to share a clip of 10 s between two workers, long enough that opening the video again (0.1 to 0.3 s)
# stays below 5 % of drawing the piece.
PIECE_S = 8.0
WHOLE = "whole"
FILM = "film.mp4"
# What the catalog calls an option, and what the engine calls it.
OPTION_NAMES = {
    "temperature": "temperature",
    "occlusion_detection_enabled": "occlusion_detection",
    "reasoning_enabled": "reasoning",
    "active_speaker_detection": "active_speaker",
}


class NativeBackend:
    """Runs ``apps.inference.engine`` step by step."""

    name = "native"
    version = engine.ENGINE_VERSION
    queue = "cpu"

    def __init__(self) -> None:
        import_module("apps.inference.engine.pipeline")  # which loads the rest; its names are loaded on first use

    def footage_parts(self, video: Path) -> Sequence[str]:
        return [WHOLE]

    def analyse_footage(self, video: Path, part: str, into: Path, watch: Watching) -> None:
        engine.analyse_footage(
            video, into, progress=watch.progress, cancelled=watch.cancelled, models=settings.MODELS_DIR
        )

    def join_footage(self, video: Path, parts: Mapping[str, Path], into: Path, watch: Watching) -> None:
        shutil.copytree(parts[WHOLE], into, dirs_exist_ok=True)

    def analyse_speech(self, audio: Path, into: Path, watch: Watching) -> None:
        watch.progress("speech", 0, 1)
        engine.analyse_speech(audio, into, models=settings.MODELS_DIR)
        watch.progress("speech", 1, 1)

    def plan(self, job: Render, footage: Path, speech: Path, into: Path, watch: Watching) -> Split:
        watch.progress("plan", 0, 1)
        plan = engine.plan_motion(
            engine.FootageAnalysis.load(footage), engine.SpeechAnalysis.load(speech), engine_settings(job), into
        )
        watch.progress("plan", 1, 1)
        return Split(len(plan), float(plan.fps), split(len(plan), float(plan.fps)))

    def render(self, job: Render, footage: Path, plan: Path, piece: Piece, into: Path, watch: Watching) -> None:
        engine.render_piece(
            job.video,
            engine.FootageAnalysis.load(footage),
            MotionPlan.load(plan),
            piece.first,
            piece.last,
            into / FILM,
            progress=watch.progress,
            cancelled=watch.cancelled,
        )

    def assemble(
        self, job: Render, plan: Path, pieces: Sequence[tuple[Piece, Path]], out: Path, watch: Watching
    ) -> Outcome:
        motion = MotionPlan.load(plan)
        rendered = [
            engine.PieceReport(
                folder / FILM, piece.first, piece.last, int(motion.driven[piece.first : piece.last].sum())
            )
            for piece, folder in pieces
        ]
        engine.assemble(rendered, job.audio, motion, out, progress=watch.progress)
        report = engine.measure(
            out, motion, progress=watch.progress, cancelled=watch.cancelled, models=settings.MODELS_DIR
        )
        return Outcome(report.lipsynced_s, report.to_dict())


def engine_settings(job: Render) -> engine.EngineSettings:
    """The engine's settings for a job."""
    chosen = {OPTION_NAMES[name]: value for name, value in job.options.items()}
    return engine.EngineSettings(model=job.model, sync_mode=job.sync_mode, seed=job.seed, **chosen)


def split(frames: int, fps: float) -> tuple[Piece, ...]:
    """Pieces of nearly equal length, none longer than ``PIECE_S``."""
    count = max(1, -(-frames // max(1, round(PIECE_S * fps))))
    borders = [round(frames * index / count) for index in range(count + 1)]
    return tuple(Piece(first, last) for first, last in pairwise(borders))
