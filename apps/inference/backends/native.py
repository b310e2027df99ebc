"""Our own engine behind the protocol."""

import json
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings

from apps.catalog.faces import engine_face
from apps.catalog.registry import FACE
from apps.inference import engine
from apps.inference.backends.base import Outcome, Piece, Render, RenderSegment, Split, Watching
from apps.inference.engine.pieces import Painter
from apps.inference.engine.plan import MotionPlan
from apps.inference.engine.progress import stoppable

# The longest piece. A longer one would lose more with its worker; what each costs beside its own frames (decoding up to
# its first one, the frames around it that are tried, opening everything) is about 0.2 s of a processor at 480 pixels.
PIECE_S = 33.0
# A border moves to a cut within this share of a piece, where the encoder begins anew anyway: none gets beyond 40 s.
NEAR_CUT = 0.1
# What is longer is shared by all who can draw at once, in pieces of half of that at least.
SHARED_FROM_S = 8.0
FILM, SEEN, MENDED = "film.mp4", "seen.npy", "mended.json"
# What the catalog calls an option, and what the engine calls it.
OPTION_NAMES = {
    "temperature": "temperature",
    "occlusion_detection_enabled": "occlusion_detection",
    "reasoning_enabled": "reasoning",
}


class NativeBackend:
    """Runs ``apps.inference.engine`` step by step."""

    name = "native"
    version = engine.ENGINE_VERSION
    queue = "cpu"

    def __init__(self) -> None:
        import_module("apps.inference.engine.pipeline")  # which loads the rest; its names are loaded on first use

    def footage_parts(self, video: Path) -> Sequence[str]:
        return engine.footage_parts(video)

    def analyse_footage(self, video: Path, part: str, into: Path, watch: Watching) -> None:
        engine.analyse_part(
            video, part, into, progress=watch.progress, cancelled=watch.cancelled, models=settings.MODELS_DIR
        )

    def join_footage(self, video: Path, parts: Mapping[str, Path], into: Path, watch: Watching) -> None:
        engine.join_parts(
            video, parts, into, progress=watch.progress, cancelled=watch.cancelled, models=settings.MODELS_DIR
        )

    def analyse_speech(self, audio: Path, into: Path, watch: Watching) -> None:
        watch.progress("speech", 0, 1)
        with stoppable(watch.cancelled):
            engine.analyse_speech(audio, into, models=settings.MODELS_DIR)
        watch.progress("speech", 1, 1)

    def plan(
        self, job: Render, footage: Path, speech: Path, into: Path, watch: Watching, earlier: Sequence[Piece] = ()
    ) -> Split:
        watch.progress("plan", 0, 1)
        with stoppable(watch.cancelled):
            seen = engine.FootageAnalysis.load(footage)
            plan = engine.plan_motion(
                seen,
                engine.SpeechAnalysis.load(speech),
                engine_settings(job),
                into,
                segments=engine_segments(job),
                sounds=_sounds(job),
            )
        frames, fps, digest = len(plan), float(plan.fps), self.made_from(job, plan, into)
        kept = still_true(earlier, frames, digest)
        cuts = cuts_of(plan, seen)
        ranges = split(frames, fps, borders_of(plan), [(piece.first, piece.last) for piece in kept], cuts, job.lanes)
        known = {(piece.first, piece.last): piece for piece in kept}
        pieces = [known.get((first, last)) or Piece(first, last, digest(first, last)) for first, last in ranges]
        watch.progress("plan", 1, 1)
        return Split(frames, fps, tuple(pieces))

    def made_from(self, job: Render, motion: MotionPlan, into: Path) -> Callable[[int, int], str]:
        """What gives ``Piece.made_from`` of a range of frames; ``into`` is the folder of the plan, still being made."""
        return motion.fingerprint

    def encode_sound(self, job: Render, footage: Path, speech: Path, into: Path, watch: Watching) -> None:
        segments = engine_segments(job)
        with stoppable(watch.cancelled):
            parts, duration_s = engine.film_sound(
                engine.FootageAnalysis.load(footage),
                engine.SpeechAnalysis.load(speech),
                engine_settings(job),
                segments=segments,
                sounds=_sounds(job),
            )
            engine.encode_film_sound(parts, duration_s, job.audio, into, video=job.video, segments=segments)

    def render(self, job: Render, footage: Path, plan: Path, piece: Piece, into: Path, watch: Watching) -> None:
        motion = MotionPlan.load(plan)
        drawn = engine.render_piece(
            job.video,
            engine.FootageAnalysis.load(footage),
            motion,
            piece.first,
            piece.last,
            into / FILM,
            paint=self.painter(plan),
            progress=watch.progress,
            cancelled=watch.cancelled,
            models=settings.MODELS_DIR,
        )
        (into / MENDED).write_text(json.dumps(drawn.mended))
        # Looked at again here and not in the end: so the proof, too, is shared by all workers.
        assert drawn.seen is not None
        np.save(into / SEEN, drawn.seen)

    def painter(self, plan: Path) -> Painter | None:
        """What draws mouths into frames instead of the engine's own drawing; ``plan`` is the plan's folder."""
        return None

    def assemble(
        self, job: Render, plan: Path, pieces: Sequence[tuple[Piece, Path]], out: Path, watch: Watching
    ) -> Outcome:
        motion = MotionPlan.load(plan)
        rendered = [
            engine.PieceReport(
                folder / FILM, piece.first, piece.last, int(motion.anybody_driven[piece.first : piece.last].sum())
            )
            for piece, folder in pieces
        ]
        with stoppable(watch.cancelled):
            engine.assemble(
                rendered,
                job.audio,
                motion,
                out,
                video=job.video,
                segments=engine_segments(job),
                encoded=job.soundtrack,
                progress=watch.progress,
            )
        watch.progress("proof", 0, 1)
        report = engine.measure(
            out,
            motion,
            seen=np.concatenate([np.load(folder / SEEN) for _, folder in pieces]),
            mended=[row for _, folder in pieces for row in _mended(folder)],
            models=settings.MODELS_DIR,
        )
        watch.progress("proof", 1, 1)
        return Outcome(report.lipsynced_s, report.to_dict())


def _mended(folder: Path) -> list[dict[str, Any]]:
    """What `reasoning` mended in a piece; pieces drawn by an earlier version do not say."""
    file = folder / MENDED
    return list(json.loads(file.read_text())) if file.exists() else []


def engine_settings(job: Render) -> engine.EngineSettings:
    """The engine's settings for a job."""
    chosen = {OPTION_NAMES[name]: value for name, value in job.options.items() if name in OPTION_NAMES}
    face = engine_face(job.options.get(FACE))
    return engine.EngineSettings(
        model=job.model, sync_mode=job.sync_mode, seed=job.seed, face=face, watermark=job.watermark, **chosen
    )


def engine_segments(job: Render) -> list[engine.Segment]:
    """The engine's segments for a job."""
    return [_segment(one) for one in job.segments]


def _sounds(job: Render) -> dict[Path, engine.SpeechAnalysis]:
    """What was heard in the sounds of segments, while planning."""
    return {one.audio: engine.SpeechAnalysis.load(one.speech) for one in job.segments if one.audio and one.speech}


def _segment(one: RenderSegment) -> engine.Segment:
    return engine.Segment(
        start_s=one.start_s,
        end_s=one.end_s,
        lipsync=one.lipsync,
        audio=one.audio,
        audio_start_s=one.audio_start_s,
        audio_end_s=one.audio_end_s,
        face=one.face,
        temperature=one.options.get("temperature"),
        occlusion_detection=one.options.get("occlusion_detection_enabled"),
        sync_mode=one.options.get("sync_mode"),
    )


def borders_of(plan: MotionPlan) -> list[int]:
    """Output frames at which a segment begins or ends: a piece keeps to one of them, which can then be made anew."""
    moments = {asked[edge] for asked in plan.segments for edge in ("start_s", "end_s")}
    frames = {int(np.searchsorted(plan.times, moment - 1e-3)) for moment in moments}
    return sorted(frame for frame in frames if 0 < frame < len(plan))


def cuts_of(plan: MotionPlan, footage: "engine.FootageAnalysis") -> list[int]:
    """Output frames that begin a shot."""
    found: list[int] = (np.flatnonzero(np.diff(footage.shot_of()[plan.source])) + 1).tolist()
    return found


def still_true(earlier: Sequence[Piece], frames: int, digest: Callable[[int, int], str]) -> list[Piece]:
    """Pieces drawn before that this plan would draw just so; of two that overlap the one that comes first."""
    kept: list[Piece] = []
    for piece in dict.fromkeys(earlier):
        fits = piece.last <= frames and all(piece.last <= one.first or one.last <= piece.first for one in kept)
        if fits and digest(piece.first, piece.last) == piece.made_from:
            kept.append(piece)
    return kept


def split(
    frames: int, fps: float, borders: Sequence[int] = (), kept: Sequence[tuple[int, int]] = (),
    cuts: Sequence[int] = (), lanes: int = 2,
) -> list[tuple[int, int]]:  # fmt: skip
    """Ranges of about ``PIECE_S`` at most between ``borders``; those ``kept`` stay whole.

    What is parted is parted evenly, as far as ``cuts`` allow: all ``lanes`` shall have as much to do.
    """
    whole = max(1, round(min(SHARED_FROM_S, PIECE_S) * fps))
    free = [frame for frame in borders if not any(first < frame < last for first, last in kept)]
    found: list[tuple[int, int]] = []
    for start, end in pairwise(sorted({0, frames, *free, *(edge for one in kept for edge in one)})):
        count = 1 if (start, end) in kept or end - start <= whole else _pieces_of(end - start, fps, lanes)
        length = (end - start) / count
        inner = [_near_cut(start + round(length * index), cuts, NEAR_CUT * length) for index in range(1, count)]
        found += pairwise([start, *inner, end])
    return found


def _pieces_of(frames: int, fps: float, lanes: int) -> int:
    """In how many pieces so many frames are drawn: as many for each lane, where that does not make them too short."""
    longest, shortest = (max(1, round(seconds * fps)) for seconds in (PIECE_S, min(SHARED_FROM_S, PIECE_S) / 2))
    return min(lanes * -(-frames // (lanes * longest)), max(2, frames // shortest, -(-frames // longest)))


def _near_cut(frame: int, cuts: Sequence[int], reach: float) -> int:
    """The cut that is at most ``reach`` frames away, else ``frame`` itself."""
    nearest = min(cuts, key=lambda cut: abs(cut - frame), default=frame)
    return nearest if abs(nearest - frame) <= reach else frame
