"""Where the mouth is in the finished film, coarse enough for a page to follow it with a close-up."""

from __future__ import annotations

from typing import Any

import numpy as np

from .plan import NO_FACE, MotionPlan
from .render.mesh import ALL_LIPS

# A talking head moves little between two places a fifth of a second apart; pages draw straight lines between them.
RATE = 5.0
# An hour at the full rate would be 18,000 places; a long film gets fewer, 40 kB of JSON at most.
MOST = 2000


def mouth_track(plan: MotionPlan) -> dict[str, Any]:
    """``{"rate": places a second, "at": [[x, y, eyes] | None, …]}``.

    ``x`` and ``y`` are the middle of the lips as fractions of the picture's width and height, ``eyes`` the distance of
    the eyes as a fraction of its width; None where no face is followed. Of several faces it is the one that is driven.
    """
    rate = min(RATE, MOST / max(plan.duration_s, 1e-9))
    moments = np.arange(0.0, plan.duration_s, 1 / rate)
    frames = np.clip(np.searchsorted(plan.times, moments, side="right") - 1, 0, len(plan.source) - 1)
    faces = plan.foremost[frames]
    places = [_place(plan.layers[face], frame) for face, frame in zip(faces.tolist(), frames.tolist(), strict=True)]
    return {"rate": round(rate, 4), "at": places}


def _place(plan: MotionPlan, frame: int) -> list[float] | None:
    if plan.passed[frame] == NO_FACE:  # what the plan holds there is made up of the frames around
        return None
    source = plan.source[frame]
    middle = plan.own[source][ALL_LIPS].mean(axis=0)
    eyes = float(plan.eyes[source])
    if not np.isfinite(middle).all() or not np.isfinite(eyes) or eyes <= 0:
        return None
    width, height = plan.size
    return [round(float(middle[0]) / width, 4), round(float(middle[1]) / height, 4), round(eyes / width, 4)]
