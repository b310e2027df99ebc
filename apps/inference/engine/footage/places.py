"""Where everybody's face is in the picture over time: what a page draws its boxes from."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..analysis import FootageAnalysis
from ..people import Person

# Boxes a second, and at most so many of one person: an hour then has one every 1.8 s.
RATE, MOST = 5.0, 2000
# The landmarks end at brows and chin; a face is a little more than that, above all upward (shares of the box).
AROUND, ABOVE = 0.08, 0.3
# A face that is seen within this of a moment is shown there.
NEAR_S = 0.25


def face_places(footage: FootageAnalysis) -> dict[str, Any]:
    """``{"rate", "people": [{"id", "boxes"}]}``: at each 1/rate s a box (x, y, width, height in shares of the picture)
    or None where the face is not seen. Plain values for JSON.
    """
    rate = min(RATE, MOST / max(footage.end_s, 1e-6))
    moments = np.arange(0.0, footage.end_s, 1 / rate)
    people = [{"id": person.id, "boxes": _boxes(person, footage, moments)} for person in footage.people]
    return {"rate": round(rate, 4), "people": people}


def _boxes(person: Person, footage: FootageAnalysis, moments: np.ndarray) -> list[list[float] | None]:
    seen = footage.times[person.rows.frames]
    after = np.clip(np.searchsorted(seen, moments), 0, len(seen) - 1)
    before = np.maximum(after - 1, 0)
    nearest = np.where(np.abs(seen[before] - moments) <= np.abs(seen[after] - moments), before, after)
    points = person.rows.points[nearest, :, :2]
    low, high = points.min(axis=1), points.max(axis=1)
    span = high - low
    low = low - span * [AROUND, ABOVE]
    span = span * [1 + 2 * AROUND, 1 + ABOVE + AROUND]
    boxes = np.hstack([low, span]) / np.tile(np.asarray(footage.size, float), 2)
    near = np.abs(seen[nearest] - moments) <= NEAR_S
    return [
        [round(float(value), 4) for value in box] if is_near else None for box, is_near in zip(boxes, near, strict=True)
    ]
