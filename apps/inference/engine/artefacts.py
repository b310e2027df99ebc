"""What the eye catches in a drawn mouth: two sets of teeth at once, pops, flicker, seams, drift.

Mouths are compared in small upright patches, the eye distance always ``SCALE`` pixels, so that neither the head's
movement nor the picture's size counts. What is too much is told by the footage itself where it can be.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .crops import CropStore
from .media.video_reader import split_planes
from .render.compose import MASK_GROWTH
from .render.layers import Floats, blurred, dilated, polygon_mask
from .render.mesh import INNER, OUTER, face_axes

Points = NDArray[np.floating]
Doubles = NDArray[np.float64]

DOUBLE_TEETH, POP, FLICKER, SEAM, DRIFT = KINDS = ("double_teeth", "pop", "flicker", "seam", "drift")

SCALE = 120.0  # pixels of an eye distance
PATCH = (116, 96)  # width, height: .97 x .8 eye distances about the middle of the lips
# What neither of two mouths explains of the detail inside the lips, in levels of luma: double teeth are seen from
# about 8 on; above 5 a join is mended.
MOST_DOUBLE = 5.0
DETAIL = 2.0  # Gaussian in patch pixels: detail is what it takes away
FLOW_BLUR = 3.0
# Changes from frame to frame are held against the footage's own: the 99th percentile, and so many times that.
USUAL_PERCENTILE, UNUSUAL = 99, 1.15
LEAST_CHANGE = 2.0  # levels of luma: nobody sees less
MOUTH_GROWTH, RING = 0.03, (0.16, 0.22)  # eye distances about the lips
# Edge strength along the border of the lent mouth beyond that of the frame it lies in, in levels a pixel: at most 1.6
# over five clips without a visible seam.
SEAM_WIDTH, MOST_SEAM = 0.035, 3.0
MOST_DRIFT = 0.04  # eye distances between where the lips are seen and where they shall be, over five frames


@dataclass(frozen=True)
class Usual:
    """How much the footage's own mouth and the skin around it change from frame to frame, at most."""

    mouth: float
    skin: float


def patch(luma: NDArray[np.uint8], points: Points, eyes: float, corner: tuple[int, int] = (0, 0)) -> Floats:
    """(96, 116) float32: the mouth at mesh ``points`` (Q, 2), upright; ``luma`` begins at ``corner`` of the picture.

    -1 where the picture ends.
    """
    turn, shift = _to_patch(points, eyes)
    matrix = np.hstack([turn, (shift + turn @ np.array(corner, np.float64))[:, None]])
    return cv2.warpAffine(
        luma.astype(np.float32), matrix, PATCH, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=-1.0
    )


def on_patch(points: Points, eyes: float) -> Points:
    """Mesh points (Q, 2) in the patch about them."""
    turn, shift = _to_patch(points, eyes)
    return points @ turn.T + shift


def _to_patch(points: Points, eyes: float) -> tuple[Doubles, Doubles]:
    turn = np.stack(face_axes(points)) * (SCALE / eyes)
    return turn, np.array(PATCH) / 2 - turn @ points[OUTER].mean(0)


@dataclass(frozen=True)
class Areas:
    """Boolean masks on the patch: inside the lips, the mouth, the skin around it, the border of what is lent."""

    inside: NDArray[np.bool_]
    mouth: NDArray[np.bool_]
    skin: NDArray[np.bool_]
    border: NDArray[np.bool_]

    @classmethod
    def of(cls, points: Points, eyes: float) -> Areas:
        """Of the mouth at ``points`` (Q, 2)."""
        there = on_patch(points, eyes)
        shape = (PATCH[1], PATCH[0])
        hull: Floats = cv2.convexHull(there[OUTER].astype(np.float32))[:, 0]
        lips = polygon_mask(hull, shape)

        def grown(by: float) -> NDArray[np.bool_]:
            return np.asarray(dilated(lips, by * SCALE) > 0.5)

        return cls(
            np.asarray(dilated(polygon_mask(there[INNER], shape), 1) > 0.5), grown(MOUTH_GROWTH),
            grown(RING[1]) & ~grown(RING[0]), grown(MASK_GROWTH + SEAM_WIDTH) & ~grown(MASK_GROWTH - SEAM_WIDTH),
        )  # fmt: skip


def change(one: Floats, other: Floats, where: NDArray[np.bool_]) -> float:
    """Mean change of luma between two patches inside ``where``, the change of light in it taken out."""
    seen = where & (one >= 0) & (other >= 0)
    if seen.sum() < 20:
        return 0.0
    difference = one[seen] - other[seen]
    return float(np.abs(difference - np.median(difference)).mean())


def usual_changes(crops: CropStore, own: Points, eyes: NDArray[np.floating], most: int = 600) -> Usual:
    """From the stored lips of neighbouring frames; ``own`` (F, Q, 2) mesh points, ``eyes`` (F,), in pixels."""
    stored = crops.stored & np.isfinite(eyes) & np.isfinite(own[:, 0, 0])
    pairs = np.flatnonzero(stored[:-1] & stored[1:])
    rows = []
    for frame in pairs[:: max(1, len(pairs) // most)].tolist():
        both = []
        for at in (frame, frame + 1):
            crop = crops[at]
            both.append(patch(crop.luma, own[at], float(eyes[at]), (crop.x, crop.y)))
        areas = Areas.of(own[frame], float(eyes[frame]))
        rows.append((change(both[0], both[1], areas.mouth), change(both[0], both[1], areas.skin)))
    mouth, skin = np.percentile(rows, USUAL_PERCENTILE, axis=0) if rows else (0.0, 0.0)
    return Usual(max(LEAST_CHANGE, float(mouth)), max(LEAST_CHANGE, float(skin)))


def double_exposure(drawn: Floats, one: Floats, other: Floats, inside: NDArray[np.bool_]) -> float:
    """Detail of the ``drawn`` mouth that neither of the two mouths it was made of explains: RMS, levels of luma."""
    if inside.sum() < 20:
        return 0.0
    fine = _detail(drawn)
    return min(_unexplained(drawn, fine, mouth, inside) for mouth in (one, other))


def _unexplained(drawn: Floats, fine: Floats, mouth: Floats, inside: NDArray[np.bool_]) -> float:
    """The mouth is laid onto the drawn one first, so that a small movement is no fault.

    Nor is one row of teeth seen by half, as through a veil: the mouth's detail may be fainter than it is.
    """
    flow: Floats = np.zeros((*drawn.shape, 2), np.float32)
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST).calc(_bytes(drawn), _bytes(mouth), flow)
    flow = cv2.GaussianBlur(flow, (0, 0), FLOW_BLUR)
    lines, columns = np.mgrid[0 : PATCH[1], 0 : PATCH[0]].astype(np.float32)
    laid = cv2.remap(
        _detail(mouth), columns + flow[..., 0], lines + flow[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    seen, explaining = fine[inside], laid[inside]
    faint = np.clip(seen @ explaining / (explaining @ explaining + 1e-6), 0, 1)
    return float(np.sqrt(((seen - faint * explaining) ** 2).mean()))


def seam(drawn: Floats, original: Floats, border: NDArray[np.bool_]) -> float:
    """How much stronger the edges along ``border`` are than in the frame before it was drawn into."""
    seen = border & (drawn >= 0) & (original >= 0)
    if seen.sum() < 20:
        return 0.0
    return float(np.percentile(_edges(drawn)[seen], 95) - np.percentile(_edges(original)[seen], 95))


def _edges(image: Floats) -> Floats:
    smooth = blurred(image, 0.8)
    return np.hypot(cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1)) / 8


def _detail(image: Floats) -> Floats:
    return image - blurred(image, DETAIL)


def _bytes(image: Floats) -> NDArray[np.uint8]:
    return np.clip(image, 0, 255).astype(np.uint8)


def luma_of(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The luma plane of an I420 picture."""
    return split_planes(picture)[0]
