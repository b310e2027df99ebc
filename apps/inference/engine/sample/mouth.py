"""The portrait's mouth: lips moved by two smooth warps, the real upper teeth behind them, the rest painted.

The upper and the lower half of the face are warped apart, each by its own thin-plate spline, so that neither folds
where the lips meet. Between the inner outlines lies a picture of the inside, fixed to the skull.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from . import portrait as traced
from .brush import below, border, feather, line, polygon, thin_plate
from .portrait import Portrait

COLUMNS = 17  # control columns across the mouth
OUTLINE = 65  # points of a drawn outline
CLOSED_AT = 0.52  # the lips meet so far down between the outlines of the smile
UPPER_SHARE = 0.14  # of the opening, the part the upper lip makes
LIP_INSET = 0.018  # outlines are taken so far inside the lips, or teeth would fringe them
TUCK_LIFT = 0.030
SEAM_DARKENS = np.array([0.28, 0.43, 0.41], np.float32)  # share of red, green, blue lost where the lips touch
# The smile relaxes a little to speak: corners come down and in, more so in a wide opening.
CORNER_DROP, CORNER_INWARD, NARROWS_OPENING = 0.045, 0.035, 0.22
LIP_TINT = np.array([0.99, 1.0, 1.02], np.float32)
# Lips fade into the skin over so many eye distances; light above this share of theirs is gloss; and what is left of the
# photograph's grain, of 255: more is drawn out into pale streaks where the lower lip thickens.
LIP_SOFTNESS, MATT_SHARE, LIP_GRAIN = 0.016, 0.7, 1.0
GRID_STEP = 6  # the warp is solved on every sixth pixel

# Mean of the opening's profile at the three pairs of lip points that define it, at q of about -.28, 0 and .28.
PROFILE_AT_PAIRS = float(np.mean([(1 - abs(q) ** 2.2) ** 0.8 for q in (-0.28, 0.0, 0.28)]))


@dataclass(frozen=True)
class MouthPose:
    """``aperture`` and ``narrowing`` in eye distances, ``tuck`` 0..1 (lower lip to the upper teeth)."""

    aperture: float
    narrowing: float
    tuck: float


class Mouth:
    """Draws the portrait with a given mouth."""

    def __init__(self, portrait: Portrait) -> None:
        self._portrait = portrait
        self._unit = portrait.eye_distance
        to_level = np.array([[np.cos(traced.TILT), np.sin(traced.TILT)], [-np.sin(traced.TILT), np.cos(traced.TILT)]])
        ends = portrait.points([traced.INNER_UPPER[0], traced.INNER_UPPER[-1]])
        self._centre, self._to_level = ends.mean(0), to_level
        self._half_width = float(((ends[1] - ends[0]) @ to_level.T)[0] / 2 / self._unit)
        self._q = np.linspace(-1, 1, COLUMNS)
        self._outline_q = np.linspace(-1, 1, OUTLINE)
        self._upper = self._level(traced.INNER_UPPER)
        self._lower = self._level(traced.INNER_LOWER)
        self._region = self._crop_region()
        self._skin = self._without_teeth()
        self._inside = self._paint_inside()

    def draw(self, pose: MouthPose) -> np.ndarray:
        """RGB float32 (S, S, 3): the portrait with this mouth."""
        left, top, right, bottom = self._region
        upper_edge, lower_edge = self._edges(pose, self._outline_q)
        shape = (bottom - top, right - left)
        upper = self._warped(*self._upper_controls(pose), shape)
        lower = self._warped(*self._lower_controls(pose), shape)
        low = below(shape, (upper_edge + lower_edge) / 2 - [left, top], 0.10 * self._unit)[:, :, None]
        out = upper + (lower - upper) * low
        out = self._open(out, pose, upper_edge - [left, top], lower_edge - [left, top])
        picture = self._portrait.rgb.copy()
        weight = feather(shape, 0.12 * self._unit)[:, :, None]
        picture[top:bottom, left:right] += (out - picture[top:bottom, left:right]) * weight
        return picture

    # -- geometry ------------------------------------------------------------------------------------------------

    def _level(self, points: object) -> np.ndarray:
        """Traced points in the mouth's own frame: eye distances, x along the mouth, y down."""
        return (self._portrait.points(points) - self._centre) @ self._to_level.T / self._unit

    def _pixels(self, level: np.ndarray) -> np.ndarray:
        return level * self._unit @ self._to_level + self._centre

    def _photo(self, outline: np.ndarray, q: np.ndarray) -> np.ndarray:
        """The traced outline at relative positions q (-1 left corner, 1 right corner)."""
        return np.stack([q * self._half_width, np.interp(q * self._half_width, outline[:, 0], outline[:, 1])], 1)

    def _level_edges(self, pose: MouthPose, q: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Upper and lower inner edge of the drawn mouth, in the mouth's frame."""
        upper, lower = self._photo(self._upper, q), self._photo(self._lower, q)
        meet = upper[:, 1] + CLOSED_AT * (lower[:, 1] - upper[:, 1]) - TUCK_LIFT * pose.tuck * (1 - q**2)
        corner_drop = CORNER_DROP * np.abs(q) ** 2
        inward = CORNER_INWARD + pose.narrowing / 2 + NARROWS_OPENING * pose.aperture
        x = upper[:, 0] * (1 - inward / self._half_width)
        opening = pose.aperture * (1 - np.abs(q) ** 2.2) ** 0.8 / PROFILE_AT_PAIRS
        rise = UPPER_SHARE * opening
        return (
            np.stack([x, meet + corner_drop - rise], 1),
            np.stack([x, meet + corner_drop + opening - rise], 1),
        )

    def _edges(self, pose: MouthPose, q: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        upper, lower = self._level_edges(pose, q)
        return self._pixels(upper), self._pixels(lower)

    def _upper_controls(self, pose: MouthPose) -> tuple[np.ndarray, np.ndarray]:
        """(from, to) pixels of what moves the upper half."""
        photo = self._photo(self._upper, self._q)
        edge = self._level_edges(pose, self._q)[0]
        move = edge - photo
        source = photo - [0, LIP_INSET] * self._inset(self._q)
        outer = self._level(traced.OUTER_UPPER)
        along = np.stack([np.interp(outer[:, 0], photo[:, 0], move[:, k]) for k in (0, 1)], 1)
        rounding = max(pose.narrowing, 0.0)
        along *= [0.9, 0.40]
        along[:, 1] -= 0.10 * rounding
        return self._with_fixed(source, edge, outer, outer + along, move, jaw=0.0)

    def _lower_controls(self, pose: MouthPose) -> tuple[np.ndarray, np.ndarray]:
        """(from, to) pixels of what moves the lower half."""
        photo = self._photo(self._lower, self._q)
        edge = self._level_edges(pose, self._q)[1]
        move = edge - photo
        source = photo + [0, LIP_INSET] * self._inset(self._q)
        outer = self._level(traced.OUTER_LOWER)
        along = np.stack([np.interp(outer[:, 0], photo[:, 0], move[:, k]) for k in (0, 1)], 1)
        along = along * [0.9, 0.55]
        drop = (1 - UPPER_SHARE) * pose.aperture
        # The lip keeps its thickness as the jaw drops; it only thickens while it closes and when it is rounded.
        along[:, 1] += 0.38 * drop * np.clip(1 - (outer[:, 0] / self._half_width) ** 2, 0, 1)
        along[:, 1] += 0.10 * max(pose.narrowing, 0.0)
        return self._with_fixed(source, edge, outer, outer + along, move, jaw=drop)

    def _inset(self, q: np.ndarray) -> np.ndarray:
        return (1 - np.abs(q) ** 4)[:, None]

    def _with_fixed(
        self,
        inner: np.ndarray,
        inner_to: np.ndarray,
        outer: np.ndarray,
        outer_to: np.ndarray,
        move: np.ndarray,
        *,
        jaw: float,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Add jaw, creases and still points, and turn everything into pixels."""
        jaw_points = self._level([point for point, _ in traced.JAW])
        jaw_to = jaw_points + np.array([[0.0, share * jaw] for _, share in traced.JAW])
        creases = self._level(traced.CREASES)
        corner_moves = np.array([move[0], move[-1], move[0], move[-1]])
        still = self._level(traced.STILL)
        source = np.concatenate([inner, outer, jaw_points, creases, still])
        target = np.concatenate([inner_to, outer_to, jaw_to, creases + 0.5 * corner_moves, still])
        return self._pixels(source), self._pixels(target)

    # -- pictures ------------------------------------------------------------------------------------------------

    def _crop_region(self) -> tuple[int, int, int, int]:
        """(left, top, right, bottom) of everything the mouth moves."""
        low = np.floor(self._portrait.points([(176.0, 116.0)])[0]).astype(int)
        high = np.ceil(self._portrait.points([(270.0, 198.0)])[0]).astype(int)
        return int(low[0]), int(low[1]), int(high[0]), int(high[1])

    def _without_teeth(self) -> np.ndarray:
        """The region with the inside of the mouth filled from the lips around it."""
        left, top, right, bottom = self._region
        q = self._outline_q
        around = np.concatenate([self._photo(self._upper, q), self._photo(self._lower, q)[::-1]])
        mask = polygon((bottom - top, right - left), self._pixels(around) - [left, top]) > 0.02
        grown = cv2.dilate(
            mask.astype(np.uint8), np.ones((3, 3), np.uint8), iterations=max(1, round(0.008 * self._unit))
        )
        area = np.clip(self._portrait.rgb[top:bottom, left:right], 0, 255).astype(np.uint8)
        filled = np.asarray(cv2.inpaint(area, grown, 3, cv2.INPAINT_TELEA), np.float32)
        return self._without_gloss(filled)

    def _without_gloss(self, area: np.ndarray) -> np.ndarray:
        """Give the lips one colour and an even light: the photograph has white gloss and teeth's edges on them.

        A face mesh takes the gloss on the lower lip for teeth: it then reads the closed mouth as .08 eye distances
        open, without gloss as .04. Patches of gloss in the colour stay to be seen in every frame.
        """
        left, top = self._region[:2]
        around = np.concatenate([self._level(traced.OUTER_UPPER), self._level(traced.OUTER_LOWER)[::-1]])
        lips = polygon(area.shape[:2], self._pixels(around) - [left, top], LIP_SOFTNESS * self._unit)
        light = np.maximum(area.mean(2), 1.0)
        tint = area / light[:, :, None]
        red = lips * np.clip((tint[:, :, 0] - np.quantile(tint[lips > 0.9, 0], 0.5)) * 50, 0, 1)
        lip_tint = LIP_TINT * (tint * red[:, :, None]).sum((0, 1)) / red.sum()
        matt = lips * (light < np.quantile(light[lips > 0.9], MATT_SHARE))
        reach = 0.05 * self._unit
        broad = cv2.GaussianBlur(light * matt, (0, 0), reach) / (cv2.GaussianBlur(matt, (0, 0), reach) + 1e-3)
        grain = np.clip(light - cv2.GaussianBlur(light, (0, 0), 0.02 * self._unit), -LIP_GRAIN, LIP_GRAIN)
        even = (broad + grain)[:, :, None] * lip_tint
        return np.asarray(area + (even - area) * lips[:, :, None], np.float32)

    def _paint_inside(self) -> np.ndarray:
        """Upper teeth of the photograph over a painted cavity and tongue, same size as the region."""
        left, top, right, bottom = self._region
        shape = (bottom - top, right - left)
        level = self._level_map(shape)
        x, y = level[:, :, 0], level[:, :, 1]
        floor = float(self._lower[:, 1].max())
        depth = np.clip((y - floor + 0.03) / 0.14, 0, 1)[:, :, None]
        cavity = np.array([46, 18, 20], np.float32) * (1 - 0.35 * depth)
        tongue = np.exp(-((x / 0.19) ** 2) - ((y - floor - 0.125) / 0.055) ** 2)[:, :, None]
        inside = cavity + (np.array([148, 76, 76], np.float32) - cavity) * 0.75 * tongue
        q = self._outline_q
        lower = self._photo(self._lower, q)
        lower[:, 1] -= 0.006
        around = np.concatenate([self._photo(self._upper, q) - [0, 0.02], lower[::-1]])
        teeth = polygon(shape, self._pixels(around) - [left, top], 0.007 * self._unit)[:, :, None]
        photo = self._portrait.rgb[top:bottom, left:right]
        return np.asarray(inside + (photo * 0.93 - inside) * teeth, np.float32)

    def _level_map(self, shape: tuple[int, int]) -> np.ndarray:
        """The mouth frame's coordinates of every pixel of the region, (h, w, 2)."""
        left, top = self._region[:2]
        ys, xs = np.mgrid[: shape[0], : shape[1]]
        pixels = np.stack([xs + left, ys + top], 2) - self._centre
        return np.asarray(pixels @ self._to_level.T / self._unit, np.float32)

    def _warped(self, source: np.ndarray, target: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
        """The lips-only region moved so that ``source`` comes to lie on ``target`` (full-picture pixels)."""
        corner = np.array(self._region[:2], np.float64)
        rim = border(shape)
        to = np.concatenate([target - corner, rim])
        shift = np.concatenate([source - target, np.zeros_like(rim)])
        ys = np.arange(0, shape[0] + GRID_STEP, GRID_STEP, dtype=np.float64)
        xs = np.arange(0, shape[1] + GRID_STEP, GRID_STEP, dtype=np.float64)
        coarse = thin_plate(to, shift, np.stack(np.meshgrid(xs, ys), 2).reshape(-1, 2))
        coarse = coarse.reshape(len(ys), len(xs), 2).astype(np.float32)
        spots = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
        fine = cv2.remap(coarse, spots[1] / GRID_STEP, spots[0] / GRID_STEP, cv2.INTER_LINEAR)
        return cv2.remap(
            self._skin, spots[1] + fine[:, :, 0], spots[0] + fine[:, :, 1], cv2.INTER_CUBIC,
            borderMode=cv2.BORDER_REPLICATE,
        )  # fmt: skip

    def _open(self, skin: np.ndarray, pose: MouthPose, upper: np.ndarray, lower: np.ndarray) -> np.ndarray:
        """Put the inside between the edges, shaded under the upper lip, and a seam where the lips touch."""
        shape = skin.shape[:2]
        mask = polygon(shape, np.concatenate([upper, lower[::-1]]), 0.006 * self._unit)
        shaded = np.array([0.0, 0.014 * self._unit])
        shadow = polygon(shape, np.concatenate([upper + shaded, lower[::-1]]), 0.010 * self._unit)
        mask *= min(1.0, pose.aperture / 0.012)
        inside = self._inside * (0.68 + 0.32 * shadow)[:, :, None]
        seam = line(shape, (upper + lower) / 2, 0.007 * self._unit, max(1, round(0.006 * self._unit)))
        seam *= np.clip(1 - pose.aperture / 0.03, 0, 1)
        out = skin * (1 - seam[:, :, None] * SEAM_DARKENS)
        return np.asarray(out + (inside - out) * mask[:, :, None], np.float32)
