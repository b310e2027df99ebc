"""What every finished film is held against: bounds that a good film keeps, told with its report."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .faces_in_time import runs
from .plan import MotionPlan

Doubles = NDArray[np.float64]
Bools = NDArray[np.bool_]

LEAST_AGREEMENT = 0.85
FINEST_OFFSET_MS = (
    20.0  # offsets are searched in steps of 10 ms: what is filmed faster than this is held to two of them
)
LONGEST_UNSEEN_S = 0.5  # a driven face that the tracker no longer finds in the film
LARGEST_REST = 0.03  # eye distances above the film's own closed mouth, where the mouth is planned at rest
REST_S, REST_EDGE_S = 0.5, 0.15
REST_ABOVE, REST_CHANGE = 0.008, 0.0008  # eye distances above the plan's closed mouth, and from frame to frame
CLOSED_PERCENTILE = 4
LARGEST_REACH = 0.35  # eye distances that a mesh point is moved from where the frame has it
BLOCK = 500  # frames


def gates(plan: MotionPlan, seen: Doubles, agreement: float | None, offset_ms: float | None) -> list[dict[str, Any]]:
    """Rows of ``gate``, ``value``, ``bound`` and ``kept``; what cannot be told of this film is left out.

    ``seen`` (N,) is the opening in the encoded film in eye distances, NaN where none was seen or looked for.

    | gate         | value                                                                      | bound             |
    |--------------|----------------------------------------------------------------------------|-------------------|
    | agreement    | correlation of the opening seen with the opening planned                   | ≥ .85             |
    | offset_ms    | shift at which it is highest                                               | a frame, or 20 ms |
    | unseen_s     | longest time a driven face is not found in the film                        | ≤ .5              |
    | rest         | opening seen above the closed mouth where the plan rests for half a second | ≤ .03             |
    | reach        | largest way of a mesh point, in eye distances                              | ≤ .35             |
    """
    rows = []
    if agreement is not None:
        rows.append(_row("agreement", agreement, LEAST_AGREEMENT, agreement >= LEAST_AGREEMENT))
    if offset_ms is not None:
        bound_ms = max(1000 / float(plan.fps), FINEST_OFFSET_MS)
        rows.append(_row("offset_ms", offset_ms, bound_ms, abs(offset_ms) <= bound_ms))
    for name, value, bound in (
        ("unseen_s", longest_unseen_s(plan, seen), LONGEST_UNSEEN_S),
        ("rest", opening_at_rest(plan, seen), LARGEST_REST),
        ("reach", reach(plan), LARGEST_REACH),
    ):
        if value is not None:
            rows.append(_row(name, value, bound, value <= bound))
    return rows


def _row(gate: str, value: float, bound: float, kept: bool) -> dict[str, Any]:
    return {"gate": gate, "value": round(float(value), 3), "bound": round(bound, 3), "kept": bool(kept)}


def longest_unseen_s(plan: MotionPlan, seen: Doubles) -> float:
    """Seconds between two sightings of the face, at most, in any driven stretch; its ends count as sightings."""
    longest = 0.0
    ends = np.append(plan.times[1:], plan.duration_s)
    for first, last in runs(plan.anybody_driven, np.zeros(len(plan), np.int64)):
        found = plan.times[first:last][np.isfinite(seen[first:last])]
        marks = np.concatenate([[plan.times[first]], found, [ends[last - 1]]])
        longest = max(longest, float(np.diff(marks).max()))
    return longest


def opening_at_rest(plan: MotionPlan, seen: Doubles) -> float | None:
    """Eye distances, the most of all faces; None where the plan never rests for half a second."""
    foremost = plan.foremost
    told = [_at_rest(layer, np.where(foremost == face, seen, np.nan)) for face, layer in enumerate(plan.layers)]
    return max((value for value in told if value is not None), default=None)


def _at_rest(plan: MotionPlan, seen: Doubles) -> float | None:
    """The same for one face, ``seen`` (N,) where it was looked at."""
    planned = plan.params[:, 0].astype(np.float64)
    still = plan.driven & (np.abs(np.gradient(planned)) < REST_CHANGE) if len(plan) > 1 else plan.driven
    low = np.nanpercentile(planned[plan.driven], CLOSED_PERCENTILE) if plan.driven.any() else 0.0
    resting = still & (planned <= low + REST_ABOVE)
    found = []
    for first, last in runs(resting, np.zeros(len(plan), np.int64)):
        start, end = plan.times[first], plan.times[last - 1]
        if end - start >= REST_S:
            inside = (plan.times >= start + REST_EDGE_S) & (plan.times <= end - REST_EDGE_S) & np.isfinite(seen)
            found += seen[inside].tolist()
    return float(max(found) - np.nanpercentile(seen, CLOSED_PERCENTILE)) if found else None


def reach(plan: MotionPlan) -> float | None:
    """Eye distances, the most of all faces; None where nothing is driven."""
    told = [_reach(layer) for layer in plan.layers]
    return max((value for value in told if value is not None), default=None)


def _reach(plan: MotionPlan) -> float | None:
    frames = np.flatnonzero(plan.driven)
    largest = [
        np.nanmax(
            np.linalg.norm(plan.target[block] - plan.own[plan.source[block]], axis=2)
            / plan.eyes[plan.source[block], None]
        )
        for block in (frames[at : at + BLOCK] for at in range(0, len(frames), BLOCK))
    ]
    return float(max(largest)) if largest else None
