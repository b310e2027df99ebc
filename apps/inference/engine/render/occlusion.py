"""Things in front of the mouth: a hand, a microphone, a cup.

Every frame's mouth region is laid onto one canonical canvas. What differs from the usual look of its place, more than
that place ever varies, is an object, and so is what hides the lips' red; its original pixels stay in front of the new
mouth. Where a head is turned, what the camera does not see of it counts as usual: there the background shows. So does
what letters stood before, which was filled in.

How much of what is found: `docs/engine.md` and `python -m benchmarks.obstructions`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ..crops import CropStore
from ..lettering.lines import Rows, lines_at, no_lines
from ..progress import checkpoint
from .hidden_lips import LipColour, up_to_the_side
from .layers import Floats, blurred, median, polygon_mask
from .mesh import ALL_LIPS, OUTER, FaceMesh2D
from .standing import Standing, find_standing
from .turned import Mask, seen_on_canvas
from .warp import Canvas, sample_chroma, sample_luma

CANVAS = 72
REACH = (0.42, 0.36)  # eye distances from the middle of the lips to the canvas' left and top
SPAN = 0.84
STUDIED = 120  # frames, evenly spread, from which the usual look is learnt
# A change of light moves Y, U, V by up to so many levels; and skin varies by its own spread.
USUAL_CHANGE = np.array([22.0, 6.0, 7.0], np.float32)
# A fade or a flash changes it by a factor, from which on all is brought to the usual light first.
FADED, LEAST_LIGHT = 1.25, 0.15
BLACK = np.array([16.0, 128.0, 128.0], np.float32)  # Y, U, V
SPREADS = 2.6
TO_DEVIATION = 1.48  # median absolute deviation to standard deviation of a normal distribution
SKIN_LIMIT, LIPS_LIMIT = 1.0, 1.6
LEAST_PART = 0.03  # of the canvas: smaller spots are no objects
BEYOND_LIPS = 0.35  # of its area: a wide open mouth, rare in the footage, is no object
GROWN_TO = 0.45  # of the limit: an object that is found reaches as far as the place looks so unusual
SHOWN_SHARE = 0.02  # of the canvas; an object is there when it is seen in three of five frames
ALARM_SHARE = 0.015  # from here on the frame is no exemplar
HOPELESS_SHARE = 0.45
NEIGHBOURS = 3
COVERED_REACH, COVERED_FRAMES = 6, 9  # lips without their red in so many of thirteen frames are covered
EDGE_SOFTNESS = 0.02


@dataclass(frozen=True)
class Obstructions:
    """``masks`` (F, 72·72/8) uint8, packed bits; ``share`` (F,) of the canvas covered, 0 where nothing is in front;
    ``alarm`` (F,) frames that shall lend no mouth; ``to_canvas`` (Q, 2) mesh points in canvas pixels."""

    masks: NDArray[np.uint8]
    share: NDArray[np.float64]
    alarm: NDArray[np.bool_]
    to_canvas: NDArray[np.float64]


def find_obstructions(
    crops: CropStore, points: NDArray[np.floating], mesh: FaceMesh2D, wanted: NDArray[np.bool_],
    turned_eyes: NDArray[np.floating] | None = None, lettering: Rows | None = None,
) -> Obstructions:  # fmt: skip
    """Look through all stored frames that are ``wanted`` (F,); ``points`` (F, Q, 2) mesh points in picture pixels.

    ``turned_eyes`` (F,) holds the eye distance, in pixels, of heads that are turned to the side, 0 for all others;
    ``lettering`` (m, 6) lines of letters before the faces, in picture pixels (:mod:`..lettering.lines`).
    """
    to_canvas = (mesh.template - (mesh.template[ALL_LIPS].mean(0) - REACH)) / SPAN * CANVAS
    canvas = Canvas(to_canvas, mesh.triangles, (CANVAS, CANVAS))
    stored = np.flatnonzero(crops.stored & wanted)
    step = max(1, -(-len(stored) // STUDIED))
    studied = {frame: _on_canvas(crops, points, canvas, frame) for frame in stored[::step].tolist()}

    def unseen(frame: int) -> Mask | None:
        """Not kept: of a long film that would be a hundred megabytes."""
        eyes = 0.0 if turned_eyes is None else float(turned_eyes[frame])
        away = ~seen_on_canvas(canvas, mesh.template, mesh.triangles, points[frame], eyes) if eyes > 0 else None
        lines = no_lines() if lettering is None else lines_at(lettering, frame)
        if not len(lines):
            return away
        behind = _behind(lines, canvas.warp(points[frame]).luma((0, 0)))
        return behind if away is None else away | behind

    for frame, shown in studied.items():
        if (away := unseen(frame)) is not None:
            shown[away] = np.nan
    sample = np.stack(list(studied.values()))
    usual = _median_of_seen(sample)
    spread = _median_of_seen(np.abs(sample - usual)) * TO_DEVIATION
    sample = np.where(np.isnan(sample), usual, sample)
    unit = np.maximum(USUAL_CHANGE, SPREADS * spread)
    lips = polygon_mask(cv2.convexHull(to_canvas[OUTER].astype(np.float32))[:, 0], (CANVAS, CANVAS))
    mouth = np.asarray(cv2.dilate(lips, np.ones((9, 9), np.uint8))) > 0
    limit = np.where(mouth, LIPS_LIMIT, SKIN_LIMIT)
    colour = LipColour(sample, usual, to_canvas)
    everywhere = np.ones((CANVAS, CANVAS), bool)
    masks = np.zeros((len(points), CANVAS * CANVAS // 8), np.uint8)
    share = np.zeros(len(points))
    covered: dict[int, NDArray[np.bool_]] = {}
    for frame in stored.tolist():
        checkpoint()
        shown = studied[frame] if frame in studied else _on_canvas(crops, points, canvas, frame)
        seen = everywhere
        if (away := unseen(frame)) is not None:
            seen = ~away
            shown = np.where(seen[..., None], shown, usual)
        shown = _in_usual_light(shown, usual, seen)
        difference = shown - usual
        light = difference[::3, ::3][seen[::3, ::3]]
        if len(light):
            difference -= median(light)  # as a whole
        strange = np.abs(difference) / unit
        strangest = np.where(seen, np.maximum(np.maximum(strange[..., 0], strange[..., 1]), strange[..., 2]), 0)
        mask = _objects(strangest / limit, mouth, seen.mean())
        masks[frame], share[frame] = np.packbits(mask), mask.mean()
        hidden = colour.hidden(shown)
        if hidden.any():
            covered[frame] = mask.astype(bool) | up_to_the_side(hidden)
    for frame in _lasting(covered, len(points)):
        masks[frame], share[frame] = np.packbits(covered[frame]), covered[frame].mean()
    alarm = _count_around(share > ALARM_SHARE, NEIGHBOURS) > 0
    share = np.where(_count_around(share > SHOWN_SHARE, 2) >= 3, share, 0.0)
    standing = find_standing(crops, points, canvas, to_canvas, CANVAS, np.array(list(studied)), unseen)
    if standing is not None:
        _put_before(standing, masks, share, points, to_canvas, stored, unseen)
    return Obstructions(masks, share, alarm, to_canvas)


def _behind(lines: Rows, places: Floats) -> Mask:
    """(h, w): which ``places`` (h, w, 2) of the picture lie behind ``lines`` (k, 6) of letters."""
    corners = lines[:, 1:3], lines[:, 1:3] + lines[:, 3:5]
    apart = places[:, :, None]
    return np.asarray(((apart >= corners[0]) & (apart <= corners[1])).all(-1).any(-1))


def _in_usual_light(shown: Floats, usual: Floats, seen: Mask) -> Floats:
    """``shown`` (h, w, 3) as bright as ``usual``, by what is ``seen`` (h, w), where a fade or a flash changes much."""
    if not seen[::3, ::3].any():
        return shown
    bright, usually = (median(part[::3, ::3, 0][seen[::3, ::3]]) - BLACK[0] for part in (shown, usual))
    change = float(max(bright, 1.0) / max(usually, 1.0))
    if 1 / FADED < change < FADED:
        return shown
    return np.asarray(BLACK + (shown - BLACK) / max(change, LEAST_LIGHT), np.float32)


def _median_of_seen(sample: Floats) -> Floats:
    """(h, w, 3): median over the pictures (n, h, w, 3) of what is a number in them; 0 where nothing ever is."""
    if not np.isnan(sample).any():
        return median(sample)
    count = np.isfinite(sample).sum(0, keepdims=True)
    ordered = np.sort(sample, axis=0)  # what is no number comes last
    middle = [np.take_along_axis(ordered, np.maximum(at, 0), axis=0)[0] for at in ((count - 1) // 2, count // 2)]
    return np.asarray(np.where(count[0] > 0, (middle[0] + middle[1]) / 2, 0), np.float32)


def _put_before(
    standing: Standing, masks: NDArray[np.uint8], share: NDArray[np.float64], points: NDArray[np.floating],
    to_canvas: NDArray[np.float64], stored: NDArray[np.int64], unseen: Callable[[int], Mask | None],
) -> None:  # fmt: skip
    """Add what stands before the face to ``masks`` and ``share``. Its frames still lend their mouths: there are none
    without it."""
    for frame in stored.tolist():
        before = standing.on_canvas(points[frame].astype(np.float64), to_canvas, CANVAS)
        if (away := unseen(frame)) is not None:
            before &= ~away
        if before.mean() > SHOWN_SHARE:
            found = np.unpackbits(masks[frame]).reshape(CANVAS, CANVAS) > 0 if share[frame] else False
            masks[frame] = np.packbits(before | found)
            share[frame] = (before | found).mean()


def _lasting(covered: dict[int, NDArray[np.bool_]], count: int) -> list[int]:
    """Those of the frames ``covered`` around which lips stay covered: a lip is bitten, or rolled in, for a moment."""
    flags = np.zeros(count, bool)
    flags[list(covered)] = True
    lasting = _count_around(flags, COVERED_REACH) >= COVERED_FRAMES
    return [frame for frame in covered if lasting[frame]]


def _count_around(flags: NDArray[np.bool_], reach: int) -> NDArray[np.float64]:
    """(F,): how many of ``flags`` (F,) are set within ``reach`` frames to either side; F may be shorter than that."""
    return np.convolve(np.pad(flags.astype(np.float64), reach), np.ones(2 * reach + 1), "valid")


def _on_canvas(crops: CropStore, points: NDArray[np.floating], canvas: Canvas, frame: int) -> Floats:
    """(72, 72, 3) Y, U, V of one frame's mouth on the canvas."""
    crop = crops[frame]
    warp = canvas.warp(points[frame])
    luma = sample_luma(crop.luma, warp.luma((crop.x, crop.y)))
    chroma: Floats = sample_chroma(crop.chroma, warp.chroma((crop.x, crop.y)))
    chroma = cv2.resize(chroma, (CANVAS, CANVAS), interpolation=cv2.INTER_LINEAR)
    return blurred(np.dstack([luma, chroma]).astype(np.float32), 1.2)


def _objects(strangeness: Floats, mouth: NDArray[np.bool_], seen: float = 1.0) -> NDArray[np.uint8]:
    """(72, 72): the large connected parts of ``strangeness`` over 1 that reach well beyond the mouth, and around them
    what is less strange. Of a canvas of which so much is ``seen``, smaller parts are large.

    What is unusual only between the lips is the mouth itself, open for once.
    """
    core = _opened(strangeness > 1)
    count, labels = cv2.connectedComponents(core)
    large = []
    for part in range(1, count):
        shape = labels == part
        beyond = float((shape & ~mouth).sum())
        if beyond > LEAST_PART * seen**2 * core.size and beyond > BEYOND_LIPS * shape.sum():
            large.append(part)
    if not large:
        return np.zeros_like(core)
    found = cv2.dilate(np.isin(labels, large).astype(np.uint8), np.ones((7, 7), np.uint8))
    _, labels = cv2.connectedComponents(np.maximum(_opened(strangeness > GROWN_TO), np.asarray(found, np.uint8)))
    grown = np.isin(labels, np.unique(labels[found > 0])).astype(np.uint8)
    return np.asarray(cv2.morphologyEx(grown, cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8)), np.uint8)


def _opened(mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Without specks and thin lines."""
    return np.asarray(cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, np.ones((5, 5), np.uint8)), np.uint8)


def in_picture(
    packed: NDArray[np.uint8], to_canvas: NDArray[np.floating], own: NDArray[np.floating], eyes: float,
    box: tuple[int, int, int, int],
) -> Floats:  # fmt: skip
    """(h, w) 0..1 within ``box`` of the picture: where the object is that the packed mask tells of.

    What reaches the canvas' edge goes on beyond it: a hand at the chin has an arm.
    """
    mask = np.unpackbits(packed).reshape(CANVAS, CANVAS).astype(np.float32)
    extended = np.c_[to_canvas, np.ones(len(to_canvas))]
    place = np.linalg.lstsq(extended, own - box[:2], rcond=None)[0].T
    shown = cv2.warpAffine(mask, place.astype(np.float64), (box[2], box[3]), flags=cv2.INTER_LINEAR,
                           borderMode=cv2.BORDER_REPLICATE)  # fmt: skip
    return np.clip(2 * blurred(shown, EDGE_SOFTNESS * eyes), 0, 1)
