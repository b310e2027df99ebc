"""Draws a stretch of the output into a closed H.264 piece."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .analysis import FootageAnalysis
from .artefacts import usual_changes
from .face.head_reader import HeadReader
from .first_look import FirstLook, looked_ahead
from .lettering.removal import Lettering, lay_back, take_off
from .media.echo import echo
from .media.fields import lay_over, take_apart
from .media.frame_source import FrameSource
from .media.morph import Morph
from .media.prefetch import prefetch
from .media.video_reader import split_planes
from .media.video_writer import Packet, PieceWriter
from .mending import LipsSeen, Mender, whole_blocks
from .model_files import models_folder
from .one_thread import one_thread
from .plan import MotionPlan
from .progress import Monitor, Progress
from .proof import Proof
from .render.compose import FrameJob, Mouth, draw
from .render.interior import PaintedMouth
from .render.mark import Mark
from .second_look import look_again

PACKETS = 64  # encoded pictures that may wait to be looked at

# Draws one face into an I420 picture, in place: (picture, footage seen with an eye on the face, its plan, output frame,
# whether the picture glides over from another one).
Painter = Callable[[NDArray[np.uint8], FootageAnalysis, MotionPlan, int, bool], None]


@dataclass(frozen=True)
class PieceReport:
    """What became of output frames [``first``, ``last``); ``mended`` as in the report.

    ``seen`` (n,) is the opening of the mouth in the encoded pictures, see :func:`.proof.seen_opening`.
    """

    path: Path
    first: int
    last: int
    driven: int
    mended: list[dict[str, Any]] = field(default_factory=list)
    seen: NDArray[np.float64] | None = None


@one_thread
def render_piece(
    video: Path,
    footage: FootageAnalysis,
    plan: MotionPlan,
    first: int,
    last: int,
    out: Path,
    *,
    paint: Painter | None = None,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
    models: Path | None = None,
) -> PieceReport:
    """Write output frames [``first``, ``last``) of ``plan`` to ``out``; ``paint`` draws the mouths another way."""
    monitor = Monitor(progress, cancelled)
    mended: list[dict[str, Any]] = []
    if plan.settings.looks_again and paint is None:
        plan, mended = _looked_at(video, footage, plan, first, last, monitor, models)
        reader = None  # what is seen at full size needs no miniature
    else:
        reader = HeadReader(models_folder(models)) if paint is None else None
    mark = Mark(plan.size, footage.info.sample_aspect) if plan.settings.watermark else None
    proof = Proof(plan, first, last, models)
    behind: dict[int, list[Lettering]] = {}
    with PieceWriter(
        out, plan.size, plan.fps, footage.colour, sample_aspect=footage.info.sample_aspect, fields=plan.fields
    ) as writer:
        frames = prefetch(drawn_frames(video, footage, plan, first, last, paint or exemplar, reader, behind))
        with closing(prefetch(_encoded(writer, frames, mark), PACKETS)) as packets:
            told = _told(packets, monitor, last - first)
            for number, picture in echo(told, writer, proof.every) if proof.looks else ():
                proof.look(number, picture, _until(behind, first + number))
            deque(told, 0)
    monitor.step("lipsync", last - first, last - first)
    driven = int(plan.anybody_driven[first:last].sum())
    return PieceReport(out, first, last, driven, mended, proof.opening())


def _encoded(
    writer: PieceWriter, frames: Iterable[tuple[int, NDArray[np.uint8]]], mark: Mark | None
) -> Iterator[Packet]:
    """Packets of ``frames``, each with the studio's name on it where there is a ``mark``."""
    for _, picture in frames:
        if mark is not None:  # here, behind all drawing, so that no frame goes past it
            mark.blend(picture)
        yield from writer.write(picture)
    yield from writer.finish()


def _until(behind: dict[int, list[Lettering]], index: int) -> list[Lettering]:
    """What is ``behind`` the letters of frame ``index``; nobody asks for what is of frames before it any more."""
    for passed in [frame for frame in list(behind) if frame < index]:
        del behind[passed]
    return behind.pop(index, [])


def _told(packets: Iterable[Packet], monitor: Monitor, count: int) -> Iterator[Packet]:
    """The same packets; how many of ``count`` there were is reported."""
    for done, packet in enumerate(packets):
        if done % 5 == 0:
            monitor.step("lipsync", done, count)
        yield packet


def _looked_at(
    video: Path, footage: FootageAnalysis, plan: MotionPlan, first: int, last: int, monitor: Monitor,
    models: Path | None,
) -> tuple[MotionPlan, list[dict[str, Any]]]:  # fmt: skip
    """``plan`` with every face's mouth as the second look wants it in these frames, and what was found and mended."""
    reader, layers, found = HeadReader(models_folder(models)), [], []
    source = FrameSource(video, footage.times, recent=footage.recent)
    try:
        for layer in plan.layers:
            monitor.step("lipsync", 0, last - first)
            moved, mended = _mended(source, _seen(footage, layer.person), layer, first, last, reader, monitor)
            layers.append(moved)
            found += mended
    finally:
        source.close()
    main, *others = layers
    return replace(main, others=others), found


def _mended(
    source: FrameSource, seen: FootageAnalysis, layer: MotionPlan, first: int, last: int, reader: HeadReader,
    monitor: Monitor,
) -> tuple[MotionPlan, list[dict[str, Any]]]:  # fmt: skip
    """One face's plan after both parts of the second look."""

    def drawn(plan: MotionPlan, start: int, stop: int) -> Iterator[tuple[int, NDArray[np.uint8]]]:
        for index, picture in _drawn(source, seen, replace(plan, others=[]), start, stop, bare=True):
            monitor.step("lipsync", 0, last - first)
            yield index, picture

    begin, end = whole_blocks(first, last, len(layer))
    moved = look_again(drawn, layer, seen.landmarks, max(0, begin - 1), min(len(layer), end + 1), reader)
    usual, lips = usual_changes(seen.crops, layer.own, layer.eyes), LipsSeen(layer, seen.landmarks, reader)
    better, mended = Mender(drawn, seen.crops.stored & seen.has_face, usual, lips).mend(moved, begin, end)
    return replace(better, others=layer.others), [one.facts(layer) for one in mended if first <= one.first < last]


def exemplar(picture: NDArray[np.uint8], footage: FootageAnalysis, plan: MotionPlan, index: int, glides: bool) -> None:
    """The engine's own painter: the frame's face warped, with a mouth from another moment."""
    draw(picture, frame_job(footage, plan, index, glides), plan.triangles)


def drawn_frames(
    video: Path, footage: FootageAnalysis, plan: MotionPlan, first: int, last: int, paint: Painter = exemplar,
    reader: HeadReader | None = None, behind: dict[int, list[Lettering]] | None = None,
) -> Iterator[tuple[int, NDArray[np.uint8]]]:  # fmt: skip
    """(output frame, I420 picture) for [``first``, ``last``), before encoding.

    With a ``reader`` each mouth is tried in miniature first, and its points are moved to where it looks as planned.
    ``behind`` is given, by frame, what is drawn behind letters.
    """
    shown = plan.source[max(0, first - plan.around) : last + plan.around]
    source = FrameSource(video, footage.times, bool((np.diff(shown) >= 0).all()), footage.recent)
    try:
        yield from _drawn(source, footage, plan, first, last, paint, reader, behind)
    finally:
        source.close()


def _drawn(
    source: FrameSource, footage: FootageAnalysis, plan: MotionPlan, first: int, last: int, paint: Painter = exemplar,
    reader: HeadReader | None = None, behind: dict[int, list[Lettering]] | None = None, bare: bool = False,
) -> Iterator[tuple[int, NDArray[np.uint8]]]:  # fmt: skip
    """The same from an open ``source``; ``bare``: without letters before faces, and at one moment."""
    taken: dict[int, list[Lettering]] = {}
    woven: dict[int, NDArray[np.uint8]] = {}
    faces = [(layer, _seen(footage, layer.person)) for layer in plan.layers]
    looks = [] if reader is None else [FirstLook(layer, seen.landmarks, reader, partial(frame_job, seen))
                                     for layer, seen in faces]  # fmt: skip
    if looks:
        # Only frames of this piece are written to, and none is read before: the rest never comes to memory.
        faces = [(replace(layer, target=np.empty_like(layer.target)), seen) for layer, seen in faces]
    ahead = max((look.ahead for look in looks), default=0)
    shown = _shown(source, plan, max(0, first - ahead), min(len(plan), last + ahead))
    frames = looked_ahead(_bare(shown, plan, taken, woven), looks, first, last)
    with closing(prefetch(frames) if looks else frames) as looked_at:  # what is looked at next while this is drawn
        for index, original, glides, points in looked_at:
            picture = original if glides else original.copy()
            for at, (layer, seen) in enumerate(faces):
                if layer.driven[index]:
                    if looks:
                        layer.target[index] = points[at]
                    paint(picture, seen, layer, index, glides)
            planes, letters = split_planes(picture), taken.pop(index, [])
            if behind is not None and letters:
                behind[index] = [one.behind(planes) for one in letters]
            both = woven.pop(index, None)
            if not bare:
                if both is not None:
                    lay_over(planes, split_planes(original), split_planes(both))
                lay_back(planes, letters)
            yield index, picture


def _shown(
    source: FrameSource, plan: MotionPlan, first: int, last: int
) -> Iterator[tuple[int, NDArray[np.uint8], bool]]:
    """(output frame, the untouched picture, whether it glides over from another one and may be changed)."""
    glides = _Glides(source, plan)
    for index in range(first, last):
        between = glides.at(index) if plan.glides_from(index) >= 0 else None
        yield index, source.picture(int(plan.source[index])) if between is None else between, between is not None


def _bare(
    frames: Iterator[tuple[int, NDArray[np.uint8], bool]], plan: MotionPlan, taken: dict[int, list[Lettering]],
    woven: dict[int, NDArray[np.uint8]],
) -> Iterator[tuple[int, NDArray[np.uint8], bool]]:  # fmt: skip
    """``frames`` at one moment and without the letters before faces that are driven.

    ``taken`` holds the letters of each frame, ``woven`` what it was with both moments.
    """
    for index, picture, glides in frames:
        if not glides and plan.anybody_driven[index]:
            lines = plan.lines(index)
            if plan.fields:
                woven[index] = picture
            if plan.fields or len(lines):
                picture = picture.copy()
            if plan.fields:
                take_apart(split_planes(picture), plan.fields)
            if len(lines):
                taken[index] = take_off(split_planes(picture), lines)
        yield index, picture, glides


class _Glides:
    """Pictures between the end of a film and its beginning, where a loop starts again in the same scene."""

    def __init__(self, source: FrameSource, plan: MotionPlan) -> None:
        self._source, self._plan = source, plan
        self._joins_up: dict[int, bool] = {}

    def at(self, index: int) -> NDArray[np.uint8] | None:
        """The picture of output frame ``index``; None where both ends are not one scene and the loop has to jump."""
        plan, origin = self._plan, self._plan.glides_from(index)
        start = index
        while start > 0 and plan.glides_from(start - 1) == origin:
            start -= 1
        if start not in self._joins_up:
            self._joins_up[start] = self._morph(origin, start).is_one_scene
        if not self._joins_up[start] or plan.glide_share is None:
            return None
        return self._morph(origin, index).at(float(plan.glide_share[index]))

    def _morph(self, origin: int, index: int) -> Morph:
        before = self._source.picture(origin).copy()
        return Morph(before, self._source.picture(int(self._plan.source[index])))


def _seen(footage: FootageAnalysis, person: int | None) -> FootageAnalysis:
    return footage if person is None or person == footage.person else footage.of(person)


def frame_job(footage: FootageAnalysis, plan: MotionPlan, index: int, glides: bool = False) -> FrameJob:
    """What to draw into output frame ``index``; where the picture ``glides`` over, the face is on its way too."""
    source = int(plan.source[index])
    shift, eyes = np.zeros(2), float(plan.eyes[source])
    if glides and plan.glide_share is not None:
        origin, left = plan.glides_from(index), 1 - float(plan.glide_share[index])
        shift = left * (plan.own[origin].astype(np.float64) - plan.own[source])
        eyes += left * (float(plan.eyes[origin]) - eyes)

    def mouth(frame: int) -> Mouth | None:
        return Mouth(footage.crops[frame], plan.own[frame], _object_mask(plan, frame)) if frame >= 0 else None

    return FrameJob(
        own=plan.own[source] + shift, target=plan.target[index] + shift, eyes=eyes,
        mouth=mouth(int(plan.exemplar[index])), fading=mouth(int(plan.other[index])),
        weight=float(plan.weight[index]), inside=float(plan.inside[index]), inner_only=plan.interior == "inner",
        painted=_painted(plan, index) if plan.interior == "painted" else None, strength=float(plan.strength[index]),
        detail=plan.detail, depth=_depth(plan, source),
        object_mask=_object_mask(plan, source), to_canvas=plan.to_canvas,
    )  # fmt: skip


def _depth(plan: MotionPlan, source: int) -> NDArray[np.float64] | None:
    known = plan.depth is not None and bool(np.isfinite(plan.depth[source, 0]))
    return plan.depth[source].astype(np.float64) if known and plan.depth is not None else None


def _object_mask(plan: MotionPlan, source: int) -> NDArray[np.uint8] | None:
    masks = plan.object_masks
    return masks[source] if masks is not None and masks[source].any() else None


def _painted(plan: MotionPlan, index: int) -> PaintedMouth:
    source = int(plan.source[index])
    own = float(plan.own_params[source, 0])
    return PaintedMouth(own + float(plan.strength[index]) * (float(plan.params[index, 0]) - own), own)
