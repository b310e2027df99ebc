"""What keeps the portrait from being a frozen frame: the head sways, eyes blink, light drifts, film has grain."""

from __future__ import annotations

import cv2
import numpy as np

from . import portrait as traced
from .portrait import Portrait

HEAD_CENTRE = (223.0, 118.0)  # about which the head turns and nods
HEAD_RADIUS = (78.0, 92.0)  # the ellipse that moves as one, in picture pixels
FADE = 0.75  # the movement dies away over so much of the radius
GRAIN_LEVELS = 2.2  # standard deviation of the grain, of 255
LIGHT_SHARE = 0.018
BLINK_HALF_S = 0.10
BLINKS_S = (0.10, 3.06, 4.98, 7.45, 9.02)
SKIN_SHARE = 0.62  # of the stretch above the lid's edge, the part without lashes
LID_SHADE = np.array([0.06, 0.10, 0.11], np.float32)  # light that a lid turned down loses at its edge
BLOCK = 8
SEED = 1999


class Liveliness:
    """Adds movement, blinks, light and grain to drawn pictures; the same for the same frame times."""

    def __init__(self, portrait: Portrait) -> None:
        self._portrait = portrait
        size = portrait.rgb.shape[0]
        # Movement is smooth: it is worked out at the middles of 8 x 8 blocks and interpolated.
        middles = (np.arange(size // BLOCK, dtype=np.float32) + 0.5) * BLOCK - 0.5
        self._middles = np.stack(np.meshgrid(middles, middles), 2)
        ys, xs = np.mgrid[:size, :size].astype(np.float32)
        self._spots = np.stack([xs, ys], 2)
        self._centre = portrait.points(HEAD_CENTRE).astype(np.float32)
        away = (self._middles - self._centre) / np.float32(np.array(HEAD_RADIUS) * portrait.scale)
        distance = np.hypot(away[:, :, 0], away[:, :, 1])
        eased = np.clip((1 + FADE - distance) / FADE, 0, 1)
        self._moves = (eased * eased * (3 - 2 * eased)).astype(np.float32)
        # The nose stands nearer to the camera than the ears: a turn shifts it further.
        self._depth = np.exp(-(distance**2) * 1.6).astype(np.float32)
        self._eyes = [_Lid(portrait, upper, lower) for upper, lower in traced.EYES]
        self._noise = np.random.default_rng(SEED)

    def finish(self, picture: np.ndarray, time_s: float) -> np.ndarray:
        """RGB uint8 (S, S, 3) of ``picture`` (float32 RGB) as the camera would have it at ``time_s``."""
        shut = max(0.0, *(1 - abs(time_s - blink) / BLINK_HALF_S for blink in BLINKS_S))
        if shut > 0:
            for lid in self._eyes:
                lid.close(picture, float(np.sin(np.pi / 2 * shut)))
        moved = self._sway(picture, time_s)
        light = np.float32(1) + np.float32(LIGHT_SHARE * np.sin(2 * np.pi * time_s / 6.7 + 0.4))
        size = moved.shape[:2]
        grain = self._noise.standard_normal(size, dtype=np.float32)
        grain = cv2.GaussianBlur(grain, (0, 0), 0.7) * (GRAIN_LEVELS * 2.2)
        return np.clip(moved * light + grain[:, :, None] + 0.5, 0, 255).astype(np.uint8)

    def _sway(self, picture: np.ndarray, time_s: float) -> np.ndarray:
        """Shift, lean, turn and near the head by a few incommensurable slow waves."""
        unit = self._portrait.eye_distance

        def wave(period_s: float, phase: float) -> float:
            return float(np.sin(2 * np.pi * time_s / period_s + phase))

        lean = np.deg2rad(1.3 * wave(4.3, 0.3) + 0.5 * wave(1.9, 1.1))
        shift = unit * np.array(
            [0.035 * wave(5.1, 0.0) + 0.008 * wave(1.7, 2.0), 0.020 * wave(3.7, 1.0) + 0.012 * wave(1.3, 0.5)]
        )
        turn = unit * np.array([0.035 * wave(3.9, 0.8), 0.020 * wave(2.9, 2.2)])
        nearer = 1 + 0.010 * wave(7.3, 1.5)
        cosine, sine = np.cos(lean) / nearer, np.sin(lean) / nearer
        back = np.array([[cosine, sine], [-sine, cosine]])
        source = (self._middles - self._centre - shift.astype(np.float32)) @ back.T.astype(np.float32) + self._centre
        source -= self._depth[:, :, None] * turn.astype(np.float32)
        moves = (source - self._middles) * self._moves[:, :, None]
        where = self._spots + cv2.resize(moves, self._spots.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        x, y = cv2.split(where)
        return cv2.remap(picture, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


class _Lid:
    """Draws an upper lid down over one eye by stretching the skin above it."""

    STRETCHED_FROM = 6.5  # picture pixels above the lid's edge, where the stretch begins

    def __init__(self, portrait: Portrait, upper: list[tuple[float, float]], lower: list[tuple[float, float]]) -> None:
        edges = portrait.points(upper), portrait.points(lower)
        self._unit = portrait.scale
        margin = self.STRETCHED_FROM * portrait.scale
        self._left = int(np.floor(edges[0][0, 0]))
        self._top = int(np.floor(edges[0][:, 1].min() - margin)) - 1
        xs = np.arange(self._left, int(np.ceil(edges[0][-1, 0])) + 1)
        self._upper = np.interp(xs, *edges[0].T) - self._top
        self._lower = np.interp(xs, *edges[1].T) - self._top
        self._from = self._upper - margin * np.clip((self._lower - self._upper) / (3 * portrait.scale), 0, 1)
        self._shape = (int(np.ceil(edges[1][:, 1].max())) - self._top + 2, len(xs))

    def close(self, picture: np.ndarray, amount: float) -> None:
        """Close the eye by ``amount`` 0..1, in place: skin from above the lashes, and a line of lashes at its edge."""
        height, width = self._shape
        area = picture[self._top : self._top + height, self._left : self._left + width]
        y = np.arange(height, dtype=np.float64)[:, None]
        edge = self._upper + amount * (self._lower - self._upper)
        skin_to = self._from + (self._upper - self._from) * SKIN_SHARE
        stretch = (skin_to - self._from) / np.maximum(edge - self._from, 1e-3)
        x = np.broadcast_to(np.arange(width, dtype=np.float32), (height, width))
        source = np.maximum(self._from + (y - self._from) * stretch, 0).astype(np.float32)
        lid = cv2.remap(area.copy(), np.ascontiguousarray(x), source, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        opening = np.clip((self._lower - self._upper) / (4.5 * self._unit), 0, 1)
        lashes = 0.5 * np.exp(-(((y - edge + 0.4 * self._unit) / (0.7 * self._unit)) ** 2)) * opening
        down = np.clip((y - self._from) / np.maximum(edge - self._from, 1e-3), 0, 1)[:, :, None]
        lid = lid * (1 - LID_SHADE * down) * (1 - lashes)[:, :, None]
        covers = opening * np.clip(edge - y + 0.5, 0, 1) * np.clip((y - self._from) / (2 * self._unit), 0, 1)
        area += (lid - area) * (covers * min(1.0, amount * 4))[:, :, None]
