"""Draws a stretch of the output into a closed H.264 piece."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .analysis import FootageAnalysis
from .media.frame_source import FrameSource
from .media.prefetch import prefetch
from .media.video_writer import PieceWriter
from .plan import MotionPlan
from .progress import Monitor, Progress
from .render.compose import FrameJob, Mouth, draw
from .render.interior import PaintedMouth


@dataclass(frozen=True)
class PieceReport:
    """What became of output frames [``first``, ``last``)."""

    path: Path
    first: int
    last: int
    driven: int


def render_piece(
    video: Path,
    footage: FootageAnalysis,
    plan: MotionPlan,
    first: int,
    last: int,
    out: Path,
    *,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> PieceReport:
    """Write output frames [``first``, ``last``) of ``plan`` to ``out``."""
    monitor = Monitor(progress, cancelled)
    driven, anybody_driven = 0, plan.anybody_driven
    with PieceWriter(out, plan.size, plan.fps, footage.colour, sample_aspect=footage.info.sample_aspect) as writer:
        for index, picture in prefetch(drawn_frames(video, footage, plan, first, last)):
            writer.write(picture)
            driven += int(anybody_driven[index])
            if index % 5 == 0:
                monitor.step("lipsync", index - first, last - first)
    monitor.step("lipsync", last - first, last - first)
    return PieceReport(out, first, last, driven)


def drawn_frames(
    video: Path, footage: FootageAnalysis, plan: MotionPlan, first: int, last: int
) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """(output frame, I420 picture) for [``first``, ``last``), before encoding."""
    source = FrameSource(video, footage.times)
    faces = [(layer, _seen(footage, layer.person)) for layer in plan.layers]
    try:
        for index in range(first, last):
            picture = source.picture(int(plan.source[index])).copy()
            for layer, seen in faces:
                if layer.driven[index]:
                    draw(picture, frame_job(seen, layer, index), layer.triangles)
            yield index, picture
    finally:
        source.close()


def _seen(footage: FootageAnalysis, person: int | None) -> FootageAnalysis:
    return footage if person is None or person == footage.person else footage.of(person)


def frame_job(footage: FootageAnalysis, plan: MotionPlan, index: int) -> FrameJob:
    """What to draw into output frame ``index``."""
    source = int(plan.source[index])

    def mouth(frame: int) -> Mouth | None:
        return Mouth(footage.crops[frame], plan.own[frame]) if frame >= 0 else None

    return FrameJob(
        own=plan.own[source].astype(np.float64), target=plan.target[index].astype(np.float64),
        eyes=float(plan.eyes[source]), mouth=mouth(int(plan.exemplar[index])), fading=mouth(int(plan.other[index])),
        weight=float(plan.weight[index]), inner_only=plan.interior == "inner",
        painted=_painted(plan, index) if plan.interior == "painted" else None, strength=float(plan.strength[index]),
        detail=plan.detail, object_mask=_object_mask(plan, source), to_canvas=plan.to_canvas,
    )  # fmt: skip


def _object_mask(plan: MotionPlan, source: int) -> NDArray[np.uint8] | None:
    masks = plan.object_masks
    return masks[source] if masks is not None and masks[source].any() else None


def _painted(plan: MotionPlan, index: int) -> PaintedMouth:
    source = int(plan.source[index])
    own = float(plan.own_params[source, 0])
    return PaintedMouth(own + float(plan.strength[index]) * (float(plan.params[index, 0]) - own), own)
