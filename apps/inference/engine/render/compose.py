"""One output frame: the target's own frame with its lower face warped, and a mouth from another moment laid into it.

Layer 1 moves jaw, chin and cheeks with their own light and sharpness. Layer 2 brings lips, teeth and tongue from the
chosen exemplar, warped onto the same points and brought to the light of layer 1. Everything happens in YUV inside one
box; pixels outside it are never touched.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from ..crops import Crop
from .behind import carried, filled_in
from .detail import LEAST_GAIN, NO_GAIN, restored
from .interior import PaintedMouth, paint_interior
from .layers import Box, Floats, Layer, blurred, dilated, polygon_mask, read_box, resized, write_box
from .mesh import ALL_LIPS, INNER, LOWER_LINE, NOSE, NOSE_TIP, OUTER, POINT_COUNT, RING_ENDS, UPPER_LINE, face_axes
from .occlusion import in_picture
from .turned import BAND, seen_triangles, within_outline
from .warp import TargetMesh, sample_chroma, sample_luma

Points = NDArray[np.floating]

# All in eye distances.
BOX_ABOVE_LIPS = 0.32  # the nose tip alone is not high enough with a short upper lip or a pitched head
MOUTH_MARGIN = 0.30
INNER_MARGIN = 0.15  # where nothing is lent but the inside of the mouth
OUTLINE_MARGIN = 0.20  # around the lips of a turned head, whose ring may lie behind them
MASK_GROWTH, MASK_SOFTNESS = 0.13, 0.055
LIPS_FROM = 0.02  # where they begin, beside the inner rim: that shows shadow or teeth
NOSE_RAMP = 0.015
COLOUR_REACH = 0.16
BASE_BLUR, MOUTH_BLUR = 0.012, 0.008
INNER_GROWTH, INNER_SOFTNESS = 0.012, 0.012
# A wide open mouth that shuts leaves a line of its teeth beside where its lips are read: so much of what it closes.
CLOSING_GROWTH, MOST_INNER_GROWTH = 0.18, 0.035
JOIN_GROWTH, JOIN_SOFTNESS = 0.02, 0.015
COLOUR_LIMIT = 40.0  # of 255: a larger difference is no difference of light
FEATHER_PX = 8
LARGE_EYES = 160  # pixels: from here on jaw and cheeks are warped by a coarser map than the lips
SIDE_MULTIPLE = 8
LOWER_MIDDLE, UPPER_MIDDLE = LOWER_LINE[4:7], UPPER_LINE[4:7]


@dataclass(frozen=True)
class Mouth:
    """An exemplar: its lips' pixels and its own mesh points (Q, 2) in the picture it was cut from.

    ``hidden`` is the packed mask of what stands before it, which is not lent.
    """

    crop: Crop
    points: Points
    hidden: NDArray[np.uint8] | None = None


@dataclass(frozen=True)
class FrameJob:
    """What to draw into one frame.

    ``own`` and ``target`` (Q, 2): mesh and ring points as they are and as they shall be; ``eyes`` the eye distance in
    pixels. ``mouth`` is the exemplar, ``fading`` another one at a join with ``weight``, the share of ``mouth``, and
    ``inside``, its share between the lips.
    ``inner_only`` takes nothing but the inside of the mouth from the exemplar; ``painted`` asks for a
    painted inside instead; ``strength`` 0..1 is the opacity of the exemplar.
    ``detail`` is how much fine and middling detail the lips shall show.
    ``depth`` (Q,) tells of a turned head how far from the camera each point lies, so that hidden parts stay hidden.
    ``object_mask`` tells of something in front of the mouth, on the canvas ``to_canvas`` (Q, 2) leads to.
    """

    own: Points
    target: Points
    eyes: float
    mouth: Mouth | None = None
    fading: Mouth | None = None
    weight: float = 1.0
    inside: float = 1.0
    inner_only: bool = False
    painted: PaintedMouth | None = None
    strength: float = 1.0
    detail: tuple[float, float] | None = None
    depth: Points | None = None
    object_mask: NDArray[np.uint8] | None = None
    to_canvas: Points | None = None


def draw(yuv: NDArray[np.uint8], job: FrameJob, triangles: NDArray[np.integer]) -> Box | None:
    """Change ``yuv`` (an I420 picture) in place; returns the changed box, or None where the face is out of sight."""
    size = (yuv.shape[1], yuv.shape[0] * 2 // 3)
    box = face_box(job, size)
    if min(box[2:]) < 4 * SIDE_MULTIPLE:
        return None
    original = read_box(yuv, box)
    if job.depth is not None:
        triangles = seen_triangles(triangles, job.depth, job.eyes, job.own, job.target)
    mesh = TargetMesh(job.target, triangles, box, 4 if job.eyes > LARGE_EYES else mouth_step(job.eyes))
    base = warp_base(original, job, mesh, box)
    in_front = None
    if job.object_mask is not None and job.to_canvas is not None:
        in_front = in_picture(job.object_mask, job.to_canvas, job.own, job.eyes, box)
        moved = carried(job.object_mask, job.to_canvas, job.own, job.eyes, mesh, box, box)
        base = filled_in(base, moved, in_front)  # the thing does not move along
    if job.mouth is not None:
        place = mouth_box(job.target, job.eyes, box, INNER_MARGIN if job.inner_only else MOUTH_MARGIN)
        if min(place[2:]) >= 2 * SIDE_MULTIPLE:
            _lay_mouth(base, place, box, job, triangles, mesh)
    elif job.painted is not None:
        painted = paint_interior(base.floats(), original, box, job.target, job.own, job.eyes, job.painted)
        if job.depth is not None:
            outline = within_outline(job.target - box[:2], triangles, job.eyes, base.luma.shape, 1)
            painted = base.floats().mix(painted, outline)
        base = painted.bytes()
    if in_front is not None:
        base = base.floats().mix(original.floats(), in_front).bytes()
    write_box(yuv, box, feathered(base, original, box, size))
    return box


def face_box(job: FrameJob, size: tuple[int, int]) -> Box:
    """The part of the picture that may change: sides a multiple of 8, corners even."""
    lift = face_axes(job.own)[1] * BOX_ABOVE_LIPS * job.eyes
    beside = OUTLINE_MARGIN * job.eyes if job.depth is not None else 0.0
    points = np.concatenate([
        job.target[ALL_LIPS] - beside, job.target[ALL_LIPS] + beside,
        job.target[POINT_COUNT + RING_ENDS : -RING_ENDS], job.own[[NOSE_TIP]],
        job.own[OUTER] - lift, job.target[OUTER] - lift,
    ])  # fmt: skip
    return aligned_box(points.min(0) - 4, points.max(0) + 4, size)


def mouth_box(target: Points, eyes: float, within: Box, margin: float) -> Box:
    """The part of ``within`` (relative to it) the exemplar may touch: ``margin`` eye distances around the lips."""
    lips = target[OUTER] - within[:2]
    return aligned_box(lips.min(0) - margin * eyes, lips.max(0) + margin * eyes, within[2:])


def aligned_box(low: Points, high: Points, size: tuple[int, int]) -> Box:
    """x, y even; width and height multiples of 8; inside a picture of ``size``."""
    x, y = (max(0, math.floor(place)) // 2 * 2 for place in low.tolist())
    right, bottom = (min(math.ceil(place), side) for place, side in zip(high.tolist(), size, strict=True))
    return x, y, max(0, right - x) // SIDE_MULTIPLE * SIDE_MULTIPLE, max(0, bottom - y) // SIDE_MULTIPLE * SIDE_MULTIPLE


def mouth_step(eyes: float) -> int:
    """Pixels per cell of the map that warps a mouth.

    With 30 cells an eye distance pictures differ from those with twice as many by 58 dB, 51 at the most.
    """
    return 2 if eyes > 60 else 1


def warp_base(original: Layer, job: FrameJob, mesh: TargetMesh, box: Box) -> Layer:
    """Layer 1: the frame's own pixels in ``box`` moved from ``own`` to ``target``, where ``mesh`` lies."""
    band = 0.0 if job.depth is None else BAND * job.eyes
    warp = mesh.map(job.own, box, max(0.8, BASE_BLUR * job.eyes), band)
    corner = (box[0], box[1])
    return Layer(sample_luma(original.luma, warp.luma(corner)), sample_chroma(original.chroma, warp.chroma(corner)))


def warp_mouth(mouth: Mouth, job: FrameJob, mesh: TargetMesh, box: Box) -> Layer:
    """Layer 2: the exemplar's pixels moved from its own points to ``mesh``; ``box`` in picture coordinates."""
    warp = mesh.map(mouth.points, box, max(0.6, MOUTH_BLUR * job.eyes))
    corner = (mouth.crop.x, mouth.crop.y)
    return Layer(
        sample_luma(mouth.crop.luma, warp.luma(corner)), sample_chroma(mouth.crop.chroma, warp.chroma(corner))
    ).floats()


def _lay_mouth(
    base: Layer, place: Box, box: Box, job: FrameJob, triangles: NDArray[np.integer], mesh: TargetMesh
) -> None:
    """Blend the exemplar into ``base`` (uint8, in place)."""
    assert job.mouth is not None
    there = (box[0] + place[0], box[1] + place[1], place[2], place[3])  # in the picture
    if job.eyes > LARGE_EYES:  # the mesh of the whole face is too coarse for lips
        mesh = TargetMesh(job.target, triangles, there, mouth_step(job.eyes))
    target = job.target - there[:2]
    shape = (place[3], place[2])
    patch = warp_mouth(job.mouth, job, mesh, there)
    if job.fading is not None:
        other = warp_mouth(job.fading, job, mesh, there)
        patch = other.mix(patch, join_weight(target, job, shape))
    under = base.part(place)
    mask = inner_mask(target, job, shape) if job.inner_only else lips_mask(target, job.eyes, shape)
    shown = _lendable(mask.shape, job, mesh, triangles, there)
    mask = mask if shown is None else mask * shown
    if job.inner_only:
        told = lips_alone(target, job.eyes, shape)
        told = told if shown is None else told * resized(shown, told.shape)
    else:
        told = rim(mask)
    lit = relit(patch, under, told, job.eyes / mask_step(job.eyes))
    blend = under.floats().mix(lit, mask * np.float32(job.strength))
    if job.detail is not None:
        blend = blend._replace(luma=_detailed(blend.luma, resized(mask, shape), target, job))
    blend = blend.bytes()
    under.luma[:], under.chroma[:] = blend.luma, blend.chroma


def _detailed(luma: Floats, mask: Floats, target: Points, job: FrameJob) -> Floats:
    """``luma`` with the detail asked for: in the lent mouth, or in lips that are the frame's own, stretched."""
    assert job.detail is not None
    hull: Floats = cv2.convexHull(target[OUTER].astype(np.float32))[:, 0]
    lips, least = polygon_mask(hull, luma.shape), LEAST_GAIN
    if job.inner_only:
        mask, least = blurred(lips, MOUTH_BLUR * job.eyes), NO_GAIN
    return restored(luma, mask * np.float32(job.strength), lips, job.eyes, job.detail, least)


def _lendable(
    shape: tuple[int, ...], job: FrameJob, mesh: TargetMesh, triangles: NDArray[np.integer], box: Box
) -> Floats | None:
    """(h, w) 0..1 of ``shape`` in ``box`` (in the picture): what the exemplars show, or None for all of it. Missing are
    parts of them that something hid where they were filmed, and what lies beyond the outline of a turned head.
    """
    assert job.mouth is not None
    shown: Floats | None = None
    for mouth in (job.mouth, job.fading):
        if mouth is not None and mouth.hidden is not None and job.to_canvas is not None:
            around = (mouth.crop.x, mouth.crop.y, mouth.crop.luma.shape[1], mouth.crop.luma.shape[0])
            hidden = carried(mouth.hidden, job.to_canvas, mouth.points, job.eyes, mesh, around, box)
            seen = 1 - resized(hidden, shape)
            shown = seen if shown is None else shown * seen
    if job.depth is not None:
        facing = seen_triangles(triangles, job.depth, job.eyes, job.mouth.points)
        outline = within_outline(job.target - box[:2], facing, job.eyes, (shape[0], shape[1]), box[3] // shape[0])
        shown = outline if shown is None else shown * outline
    return shown


def join_weight(target: Points, job: FrameJob, shape: tuple[int, int]) -> Floats:
    """Share of the frame's own exemplar where two are seen: a soft fade outside the inner lips, ``job.inside`` inside.

    Two sets of teeth shown at once are what the eye catches.
    """
    inside = polygon_mask(target[INNER], shape)
    inside = blurred(dilated(inside, JOIN_GROWTH * job.eyes), JOIN_SOFTNESS * job.eyes)
    return job.weight + inside * np.float32(job.inside - job.weight)


def mask_step(eyes: float) -> int:
    """Pixels per mask cell: soft masks need no more than about 20 cells per eye distance."""
    return 4 if eyes > 80 else 2 if eyes > 40 else 1


def lips_mask(target: Points, eyes: float, shape: tuple[int, int]) -> Floats:
    """Whole mouth: the lips' hull, grown and softened, never above the base of the nose."""
    step = mask_step(eyes)
    cells = (shape[0] // step, shape[1] // step)
    hull: Floats = cv2.convexHull(target[OUTER].astype(np.float32))[:, 0]
    mask = polygon_mask(hull, cells, step)
    mask = blurred(dilated(mask, MASK_GROWTH * eyes / step), MASK_SOFTNESS * eyes / step)
    down = face_axes(target)[1].astype(np.float32)
    across = np.arange(cells[1], dtype=np.float32)[None, :] * step - np.float32(target[NOSE, 0])
    below = np.arange(cells[0], dtype=np.float32)[:, None] * step - np.float32(target[NOSE, 1])
    depth = (across * down[0] + below * down[1]) / np.float32(eyes)
    return mask * np.clip(0.5 + depth / (2 * NOSE_RAMP), 0, 1)


def lips_alone(target: Points, eyes: float, shape: tuple[int, int]) -> Floats:
    """The lips themselves, without what lies between them and beside it."""
    step = mask_step(eyes)
    cells = (shape[0] // step, shape[1] // step)
    inside = dilated(polygon_mask(target[INNER], cells, step), LIPS_FROM * eyes / step)
    return np.maximum(polygon_mask(target[OUTER], cells, step) - inside, 0)


def inner_mask(target: Points, job: FrameJob, shape: tuple[int, int]) -> Floats:
    """Inside of the mouth only, at full resolution because its edge is sharp."""
    closing = _gap(job.own) - _gap(job.target)
    growth = min(MOST_INNER_GROWTH * job.eyes, INNER_GROWTH * job.eyes + CLOSING_GROWTH * max(0.0, closing))
    return blurred(dilated(polygon_mask(target[INNER], shape), growth), INNER_SOFTNESS * job.eyes)


def _gap(points: Points) -> float:
    """How far the inner lips are apart in their middle, in pixels."""
    return float(np.hypot(*(points[LOWER_MIDDLE] - points[UPPER_MIDDLE]).T).mean())


def rim(mask: Floats) -> Floats:
    """Where a soft ``mask`` passes into what is around it."""
    return np.clip(1 - np.abs(mask - 0.35) / 0.35, 0, 1)


def relit(patch: Layer, under: Layer, told: Floats, reach: float) -> Layer:
    """``patch`` in the light of ``under``: their difference where it is ``told`` (0..1), diffused from there.

    A cheap membrane: blurred difference over blurred weight, at the resolution of ``told``; ``reach`` is the eye
    distance in its cells. The rim of a whole mouth is skin, which tells of nothing but light. That of an inside alone
    would be the frame's own shadow or teeth, and darken or redden the other's: there the lips tell.
    """
    edge = told.copy()
    edge[:1] = edge[-1:] = 0
    difference = (under.shrunk(edge.shape) - patch.shrunk(edge.shape)) * edge[..., None]
    sigma = COLOUR_REACH * reach
    correction = blurred(difference, sigma) / (blurred(edge, sigma)[..., None] + 1e-4)
    correction = np.clip(correction, -COLOUR_LIMIT, COLOUR_LIMIT)
    return Layer(
        patch.luma + resized(np.ascontiguousarray(correction[..., 0]), patch.luma.shape),
        patch.chroma + resized(np.ascontiguousarray(correction[..., 1:]), patch.chroma.shape),
    )


def feathered(layer: Layer, original: Layer, box: Box, size: tuple[int, int]) -> Layer:
    """``layer`` easing into ``original`` along the box's sides, except where they are the picture's own."""
    inside = tuple((box[axis] > 0, box[axis] + box[axis + 2] < size[axis] - 1) for axis in (0, 1))
    fine, coarse = (_feather(box[2], box[3], inside, scale) for scale in (1, 2))
    return Layer(
        cv2.blendLinear(layer.luma, original.luma, *fine), cv2.blendLinear(layer.chroma, original.chroma, *coarse)
    )


@lru_cache(maxsize=8)
def _feather(width: int, height: int, inside: tuple[tuple[bool, bool], ...], scale: int) -> tuple[Floats, Floats]:
    """(h, w) 0..1: rising from the sides that lie ``inside`` the picture, and what is missing to 1.

    ``width`` and ``height`` in pixels, ``scale`` of which make one.
    """
    across, down = (
        _ramps(length // scale, *sides, FEATHER_PX // scale)
        for length, sides in zip((width, height), inside, strict=True)
    )
    weight = down[:, None] * across
    return weight, 1 - weight


def _ramps(length: int, rises: bool, falls: bool, width: int) -> Floats:
    """(length,): 1, rising from 0 at the start and falling to 0 at the end where asked for."""
    ramp = np.ones(length, np.float32)
    if rises:
        ramp[:width] = np.arange(width, dtype=np.float32) / width
    if falls:
        ramp[-width:] = np.minimum(ramp[-width:], np.arange(width, dtype=np.float32)[::-1] / width)
    return ramp
