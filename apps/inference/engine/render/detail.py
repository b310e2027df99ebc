"""Fine detail of lips and teeth, brought up to what the speaker's sharper frames show.

Detail is measured in two bands, fine (pores, edges of teeth) and middling (folds of the lips). Frames that fall short
of the speaker's own best are raised, never beyond a limit: what was never recorded is not invented.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..crops import CropStore
from .layers import Floats, blurred
from .mesh import ALL_LIPS

# Widths of the two Gaussians in eye distances; at least so many pixels.
WIDTHS = (0.009, 0.022)
LEAST_PX = (0.8, 1.6)
REFERENCE_SHARE = 1.0
MOST_GAIN = (0.7, 0.2)
LEAST_GAIN = (0.12, 0.04)
NO_GAIN = (0.0, 0.0)  # for lips that shall be no sharper than wanted
LIMITS = (14.0, 10.0)  # of 255: a stronger edge needs no help and would ring


def bands(luma: Floats, eyes: float) -> tuple[Floats, Floats]:
    """The fine and the middling detail of a luma picture (h, w) float32."""
    fine, middling = (blurred(luma, max(least, width * eyes)) for width, least in zip(WIDTHS, LEAST_PX, strict=True))
    return luma - fine, fine - middling


def strength(detail: tuple[Floats, Floats], weight: Floats) -> tuple[float, float]:
    """RMS of both bands where ``weight`` (h, w) lies."""
    total = float(weight.sum()) + 1e-6
    fine, middling = (float(np.sqrt((band**2 * weight).sum() / total)) for band in detail)
    return fine, middling


def reference_detail(
    crops: CropStore, points: NDArray[np.floating], eyes: NDArray[np.floating], frames: NDArray[np.integer],
    percentile: float,
) -> tuple[float, float]:  # fmt: skip
    """Both strengths in the speaker's frames: the ``percentile`` over ``frames``, measured on the lips' box."""
    rows = []
    for frame in frames[:: max(1, len(frames) // 150)].tolist():
        crop = crops[frame]
        lips = points[frame, ALL_LIPS] - [crop.x, crop.y]
        (left, top), (right, bottom) = np.maximum(lips.min(0), 0).astype(int), np.ceil(lips.max(0)).astype(int)
        luma = crop.luma[top:bottom, left:right].astype(np.float32)
        if luma.size:
            rows.append(strength(bands(luma, float(eyes[frame])), np.ones_like(luma)))
    fine, middling = np.percentile(rows, percentile, axis=0) if rows else (0.0, 0.0)
    return float(fine), float(middling)


def restored(
    luma: Floats, mask: Floats, lips: Floats, eyes: float, wanted: tuple[float, float],
    least: tuple[float, float] = LEAST_GAIN,
) -> Floats:  # fmt: skip
    """``luma`` (h, w) with the detail inside ``mask`` raised towards ``wanted``, by no less than ``least``.

    ``lips`` (h, w) weighs where the present detail is measured: the same place the reference was taken from.
    """
    detail = bands(luma, eyes)
    present = strength(detail, lips)
    result = luma
    for band, now, goal, low, high, limit in zip(detail, present, wanted, least, MOST_GAIN, LIMITS, strict=True):
        gain = min(max(REFERENCE_SHARE * goal / (now + 1e-3) - 1, low), high)
        result = result + mask * (gain * np.clip(band, -limit, limit))
    return result
