"""The inside of a mouth nobody has ever seen open: cavity, tongue and upper teeth, painted.

For stills, illustrations and speakers who keep silent. Where the still smiles with its teeth showing, the real teeth
are kept: they hang from the upper lip, unstretched, and only the cavity below them is painted.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .layers import Box, Floats, Layer, blurred, polygon_mask, resized
from .mesh import INNER, LOWER_LINE, OUTER, UPPER_LINE, face_axes

Points = NDArray[np.floating]

# Openings in eye distances.
SMILE_OPENING = 0.03  # a still that is more open shows teeth of its own
FADE_IN = 0.014
EDGE_SOFTNESS = 0.006
# Tones relative to the skin's luma under the lips; chroma as 8-bit values, 128 is grey.
CAVITY_LUMA, CAVITY_CHROMA = (0.10, 0.13), (123.0, 143.0)  # behind the teeth, and what is added at the lower lip
TONGUE_LUMA, TONGUE_CHROMA = 0.36, (-4.0, 15.0)
TONGUE_WIDTH, TONGUE_TOP, TONGUE_SLOPE, TONGUE_OPENING = 0.62, 0.52, 0.42, 0.09
TONGUE_FURROW = 0.14  # how much darker the middle of the tongue is
TEETH_LENGTH, TEETH_SHARE, TEETH_LEAST = 0.050, 0.45, 0.004
TEETH_SHADE = (0.42, 0.46)  # under the lip, and what is added at 0.022 eye distances below it
TEETH_WIDTH = 0.80  # of half the mouth
# Where one tooth ends and the next begins, from the middle to the side: incisors, canine, premolars, as seen from the
# front, in eye distances (outer corners of the eyes are 90 mm apart, a first incisor is 8.5 mm wide).
TEETH_ENDS = np.array([0.0, 0.093, 0.163, 0.225, 0.272, 0.310, 0.345])
TEETH_LENGTHS = np.array([1.0, 0.90, 1.02, 0.90, 0.84, 0.80])  # of each, the first incisor being 1
GAP_WIDTH, GAP_DEPTH = 0.0055, 0.24
EDGE_ROUND, SIDE_SHADE, TIP_SHADE = 0.16, 0.13, 0.10
LENGTH_SOFTNESS = 0.008


@dataclass(frozen=True)
class PaintedMouth:
    """``opening`` that is wanted and ``own_opening`` of the frame, in eye distances."""

    opening: float
    own_opening: float


@dataclass(frozen=True)
class _Place:
    """Coordinates of each pixel in the mouth: ``across`` -1..1 from corner to corner, ``depth`` below the upper inner
    lip and ``share`` of the way to the lowest point, by the face's own axes; ``aside`` eye distances from the middle.
    """

    across: Floats
    aside: Floats
    depth: Floats
    share: Floats


def paint_interior(base: Layer, original: Layer, box: Box, target: Points, own: Points, eyes: float,
                   mouth: PaintedMouth) -> Layer:  # fmt: skip
    """``base`` (float32, the box's pixels with the lips already moved) with the inside of the mouth painted.

    ``original`` are the box's pixels as they were; ``target`` and ``own`` (Q, 2) mesh points in picture pixels.
    """
    more = mouth.opening - mouth.own_opening
    if more <= 0:
        return base
    lips = target - box[:2]
    place = _place(lips, eyes, base.luma.shape)
    skin = _skin(base, lips, eyes)
    smiles = mouth.own_opening > SMILE_OPENING
    inside = _cavity(place, skin, mouth.opening)
    if smiles:
        teeth, share = _real_teeth(original, box, target, own, eyes, place)
        inside = inside.mix(teeth, share)
    else:
        inside = _with_painted_teeth(inside, place, skin, mouth.opening)
    mask = blurred(polygon_mask(lips[INNER], base.luma.shape), EDGE_SOFTNESS * eyes)
    return base.mix(inside, mask * np.float32(min(1.0, more / FADE_IN)))


def _place(lips: Points, eyes: float, shape: tuple[int, ...]) -> _Place:
    right, down = face_axes(lips)
    columns = np.arange(shape[1], dtype=np.float32)[None, :]
    lines = np.arange(shape[0], dtype=np.float32)[:, None]
    along = columns * np.float32(right[0]) + lines * np.float32(right[1])
    below = columns * np.float32(down[0]) + lines * np.float32(down[1])
    upper = lips[UPPER_LINE] @ np.stack([right, down], axis=1)
    inner = lips[INNER] @ np.stack([right, down], axis=1)
    middle, half = inner[:, 0].mean(), max(1.0, np.ptp(inner[:, 0]) / 2)
    order = np.argsort(upper[:, 0])
    top = np.interp(along.ravel(), upper[order, 0], upper[order, 1]).reshape(along.shape)
    height = max(1.0, np.ptp(inner[:, 1]))
    return _Place(
        ((along - middle) / half).astype(np.float32),
        (np.abs(along - middle) / eyes).astype(np.float32),
        ((below - top) / eyes).astype(np.float32),
        ((below - inner[:, 1].min()) / height).astype(np.float32),
    )


def _skin(base: Layer, lips: Points, eyes: float) -> Floats:
    """Median Y, U, V just below the lower lip, in the middle of the mouth."""
    _, down = face_axes(lips)
    x, y = (lips[OUTER].mean(0) + down * (np.ptp(lips[OUTER] @ down) / 2 + 0.09 * eyes)).astype(int)
    reach = max(2, int(0.05 * eyes))
    height, width = base.luma.shape
    x, y = int(np.clip(x, reach, width - reach - 1)), int(np.clip(y, reach, height - reach - 1))
    luma = np.median(base.luma[y - reach : y + reach, x - reach : x + reach])
    half = base.chroma[(y - reach) // 2 : (y + reach) // 2 + 1, (x - reach) // 2 : (x + reach) // 2 + 1]
    return np.array([luma, *np.median(half.reshape(-1, 2), axis=0)], np.float32)


def _flat(shape: tuple[int, ...], chroma: tuple[float, float]) -> Floats:
    return np.full((shape[0] // 2, shape[1] // 2, 2), chroma, np.float32)


def _cavity(place: _Place, skin: Floats, opening: float) -> Layer:
    """Darkness that gives way to a tongue in its lower part, the more of it the wider the mouth."""
    rise = np.clip((place.share - TONGUE_TOP - 0.12 * place.across**2) / TONGUE_SLOPE, 0, 1)
    tongue = np.exp(-((place.across / TONGUE_WIDTH) ** 4)) * rise * rise * (3 - 2 * rise)
    tongue = tongue * np.float32(min(1.0, opening / TONGUE_OPENING))
    furrow = 1 - TONGUE_FURROW * np.exp(-((place.across / 0.10) ** 2))
    dark = CAVITY_LUMA[0] + CAVITY_LUMA[1] * np.clip(place.share, 0, 1) * (1 - 0.5 * place.across**2)
    chroma = _flat(tongue.shape, CAVITY_CHROMA)
    chroma += resized(tongue, chroma.shape)[..., None] * np.array(TONGUE_CHROMA, np.float32)
    return Layer(((dark + TONGUE_LUMA * tongue * furrow) * skin[0]).astype(np.float32), chroma)


def _with_painted_teeth(inside: Layer, place: _Place, skin: Floats, opening: float) -> Layer:
    """Upper teeth that hang from the lip: rounded, faintly parted, in its shadow, darker towards the corners."""
    which = np.clip(np.searchsorted(TEETH_ENDS, place.aside, side="right") - 1, 0, len(TEETH_LENGTHS) - 1)
    start, end = TEETH_ENDS[which], TEETH_ENDS[which + 1]
    within = (2 * (place.aside - start) / (end - start) - 1) ** 2  # 0 in the middle of a tooth, 1 at its sides
    longest = min(TEETH_LENGTH, TEETH_SHARE * opening + TEETH_LEAST)
    length = longest * TEETH_LENGTHS[which] * (1 - EDGE_ROUND * within**2) * np.clip(1 - 0.35 * place.across**2, 0, 1)
    shown = np.clip((length - place.depth) / LENGTH_SOFTNESS, 0, 1)
    shown = shown * np.clip(1 - (np.abs(place.across) / TEETH_WIDTH) ** 4, 0, 1)
    gap = np.minimum(place.aside - start, end - place.aside) / GAP_WIDTH
    relief = (1 - SIDE_SHADE * within) * (1 - GAP_DEPTH * np.exp(-(gap**2)))
    tip = 1 - TIP_SHADE * np.clip(place.depth / np.maximum(length, 1e-3), 0, 1) ** 3
    shade = (TEETH_SHADE[0] + TEETH_SHADE[1] * np.clip(place.depth / 0.022, 0, 1)) * (1 - 0.50 * place.across**2)
    luma = np.clip(shade * relief * tip * skin[0], 16, 215).astype(np.float32)
    warm = (0.72 * 126 + 0.28 * float(skin[1]), 0.74 * 128 + 0.26 * float(skin[2]))
    return inside.mix(Layer(luma, _flat(luma.shape, warm)), (0.94 * shown).astype(np.float32))


def _real_teeth(original: Layer, box: Box, target: Points, own: Points, eyes: float,
                place: _Place) -> tuple[Layer, Floats]:  # fmt: skip
    """The frame's own teeth moved with the upper lip, and where they are (0..1)."""
    moved, still = target - box[:2], own - box[:2]
    right, down = face_axes(moved)
    axes = np.stack([right, down], axis=1)
    upper_new, upper_old, lower_old = (
        points @ axes for points in (moved[UPPER_LINE], still[UPPER_LINE], still[LOWER_LINE])
    )
    shape = place.depth.shape
    columns = np.arange(shape[1], dtype=np.float32)[None, :]
    lines = np.arange(shape[0], dtype=np.float32)[:, None]
    along = (columns * right[0] + lines * right[1]).ravel()
    back = _curve(upper_new[:, 0], upper_old[:, 0], along)
    top = _curve(upper_old[:, 0], upper_old[:, 1], back)
    bottom = _curve(lower_old[:, 0], lower_old[:, 1], back)
    depth = place.depth.ravel() * eyes
    there = back[:, None] * right + (top + depth)[:, None] * down
    positions = there.reshape(*shape, 2).astype(np.float32)
    empty = np.empty(0, np.float32)
    luma = cv2.remap(original.luma, positions, empty, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    half = np.ascontiguousarray(positions[::2, ::2] / 2)
    chroma = cv2.remap(original.chroma, half, empty, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    share = np.clip((bottom - top - depth) / (0.012 * eyes) - 0.6, 0, 1).reshape(shape).astype(np.float32)
    return Layer(luma, chroma).floats(), share


def _curve(x: Points, y: Points, at: Points) -> Points:
    """Linear interpolation through points in any order."""
    order = np.argsort(x)
    return np.interp(at, x[order], y[order])
