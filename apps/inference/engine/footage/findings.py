"""The result of a check, in plain values for pages and programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Bools = NDArray[np.bool_]
INFO, WARNING, BLOCKING = "info", "warning", "blocking"


@dataclass(frozen=True)
class Finding:
    """One thing that shows in the result, from ``start_s`` to ``end_s``.

    ``reason`` says what is so. ``advice`` holds a sentence for each model, by the model's id, and ``fixes`` what a
    page can do with one click: ``{"action": "exclude_range", "start_s", "end_s"}``, ``{"action": "use_model",
    "model"}``, ``{"action": "set_option", "option", "value", "models"}``, ``{"action": "choose_person", "person"}``.
    Where ``use_model`` has ``models`` too, it helps those who chose one of them.
    """

    kind: str
    start_s: float
    end_s: float
    severity: str
    reason: str
    advice: dict[str, str] = field(default_factory=dict)
    fixes: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class PersonSeen:
    """Somebody in the footage: on screen from ``first_s`` to ``last_s`` for ``seconds``, ``share`` of the film.

    At ``thumbnail_time_s`` the face fills ``box``: x, y, width, height in shares of the picture. ``fixed`` tells a
    poster or an inset that stands still.
    """

    id: int
    first_s: float
    last_s: float
    seconds: float
    share: float
    thumbnail_time_s: float
    box: list[float]
    fixed: bool = False


@dataclass(frozen=True)
class FootageCheck:
    """All findings, in order of time; :meth:`to_dict` is JSON."""

    version: str
    duration_s: float
    fps: float
    width: int
    height: int
    findings: list[Finding]
    people: list[PersonSeen]
    cuts_s: list[float]
    suggested_model: str

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)

    def kinds(self) -> set[str]:
        """Which kinds of finding there are."""
        return {finding.kind for finding in self.findings}


def stretches(
    mask: Bools, times: NDArray[np.float64], end_s: float, least_s: float, bridge_s: float = 0.0
) -> list[tuple[float, float]]:
    """Seconds [start, end) of the stretches of ``mask`` (F,) that last ``least_s``; gaps of ``bridge_s`` are bridged.

    ``times`` (F,) are the frames' times; the last frame ends at ``end_s``.
    """
    edges = np.flatnonzero(np.diff(np.r_[False, mask, False].astype(np.int8))).reshape(-1, 2)
    ends = np.append(times, end_s)
    found: list[tuple[float, float]] = []
    for first, last in edges:
        start, end = float(times[first]), float(ends[last])
        if found and start - found[-1][1] <= bridge_s:
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return [(start, end) for start, end in found if end - start >= least_s - 1e-6]


def said(ranges: Sequence[tuple[float, float]]) -> str:
    """``0:12–0:17``, or ``0:12–0:17 and 0:31–0:33`` for several ranges."""
    names = [f"{clock(start)}–{clock(end)}" for start, end in ranges]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def clock(seconds: float) -> str:
    """``1:07``, and ``0:07.5`` where a second is too coarse."""
    whole = int(seconds)
    part = f"{seconds - whole:.1f}"[1:] if 0.05 <= seconds - whole < 0.95 else ""
    whole = whole + 1 if seconds - whole >= 0.95 else whole
    return f"{whole // 60}:{whole % 60:02d}{part}"
