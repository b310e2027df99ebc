"""Looks at the finished film again and says how well the mouth did what was planned."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .faces_in_time import runs
from .gates import gates
from .model_files import models_folder
from .mouth_track import mouth_track
from .plan import DRIVEN, REASONS, MotionPlan
from .progress import Progress
from .proof import seen_opening
from .versions import ENGINE_VERSION, card_versions

Doubles = NDArray[np.float64]

WINDOW_S = 2.0  # a second is judged by the two seconds around its middle: one alone holds too few syllables
LARGEST_LAG_S = 0.2
STEADY = 0.008  # iod: an opening that moves less has nothing to correlate


@dataclass
class Report:
    """What was done and how well; :meth:`to_dict` is JSON.

    Of several faces, what is measured is each time the one that is driven, see :attr:`.plan.MotionPlan.foremost`.
    ``per_second`` rows hold ``second``, ``driven`` (share of it), ``agreement`` (correlation of the opening
    seen with the opening planned, None where the mouth rests) and ``offset_ms`` (picture late positive). ``mouth`` is
    where the mouth is, see :func:`.mouth_track.mouth_track`. ``segments`` repeat what was asked of each range, with
    its ``lipsynced_s``, ``agreement`` and ``offset_ms``. ``watermark``: every frame carries the studio's name.
    ``mended`` is what `reasoning` found: rows of ``start_s``, ``end_s``, the faults ``found`` (see :mod:`.artefacts`)
    and what was ``done`` about them, None where nothing helped. ``gates`` are bounds a good film keeps, see
    :func:`.gates.gates`. ``made_with`` names nets and readouts as the model card does.
    """

    model: str
    settings: dict[str, Any]
    frames: int
    fps: float
    width: int
    height: int
    duration_s: float
    driven_frames: int
    lipsynced_s: float
    passed: list[dict[str, Any]]
    per_second: list[dict[str, Any]] = field(default_factory=list)
    median_offset_ms: float | None = None
    agreement: float | None = None
    timings_s: dict[str, float] = field(default_factory=dict)
    real_time_factor: float = 0.0
    warnings: list[dict[str, str]] = field(default_factory=list)
    mouth: dict[str, Any] = field(default_factory=dict)
    segments: list[dict[str, Any]] = field(default_factory=list)
    watermark: bool = False
    mended: list[dict[str, Any]] = field(default_factory=list)
    gates: list[dict[str, Any]] = field(default_factory=list)
    made_with: dict[str, str] = field(default_factory=dict)
    engine_version: str = ENGINE_VERSION

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return dict(vars(self))


def describe(plan: MotionPlan) -> Report:
    """The part of the report that the plan alone tells."""
    lengths, driven = np.diff(np.append(plan.times, plan.duration_s)), plan.anybody_driven
    return Report(
        model=plan.settings.model, settings=plan.settings.to_dict(), frames=len(plan), fps=float(plan.fps),
        width=plan.size[0], height=plan.size[1], duration_s=plan.duration_s, driven_frames=int(driven.sum()),
        lipsynced_s=float(lengths[driven].sum()), passed=passed_ranges(plan), warnings=list(plan.warnings),
        mouth=mouth_track(plan), segments=[_segment(plan, asked, lengths) for asked in plan.segments],
        watermark=plan.settings.watermark,
    )  # fmt: skip


def _segment(plan: MotionPlan, asked: dict[str, Any], lengths: Doubles) -> dict[str, Any]:
    """What became of one range."""
    driven = plan.anybody_driven & _inside(plan, asked)
    return asked | {"lipsynced_s": round(float(lengths[driven].sum()), 3), "agreement": None, "offset_ms": None}


def _inside(plan: MotionPlan, asked: dict[str, Any]) -> NDArray[np.bool_]:
    """(N,): frames of a range."""
    return np.asarray((plan.times >= asked["start_s"] - 1e-3) & (plan.times < asked["end_s"] - 1e-3))


def passed_ranges(plan: MotionPlan) -> list[dict[str, Any]]:
    """Stretches left as they were: ``start_s``, ``end_s`` and the ``reason``'s name."""
    ends, why = np.append(plan.times[1:], plan.duration_s), plan.why_left
    return [
        {"start_s": float(plan.times[first]), "end_s": float(ends[last - 1]), "reason": REASONS[why[first]]}
        for first, last in runs(why != DRIVEN, why)
    ]


def measure(
    film: Path,
    plan: MotionPlan,
    *,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
    models: Path | None = None,
    seen: Doubles | None = None,
    mended: Sequence[dict[str, Any]] = (),
) -> Report:
    """The report on ``film``, its face tracked anew from the encoded pictures.

    ``seen`` (N,) is the opening where :func:`seen_opening` was asked before, piece by piece;
    ``mended`` what the pieces tell of it.
    """
    report = describe(plan)
    report.mended = list(mended)
    report.made_with = card_versions(models_folder(models))
    if not plan.anybody_driven.any():
        return report
    if seen is None:
        seen = seen_opening(film, plan, progress=progress, cancelled=cancelled, models=models)
    planned = planned_opening(plan)
    valid = plan.anybody_driven & np.isfinite(seen)
    report.agreement, offset = agreement(plan.times, planned, seen, valid)
    report.per_second = [_second(plan, planned, seen, valid, at) for at in range(int(np.ceil(plan.duration_s)))]
    offsets = [row["offset_ms"] for row in report.per_second if row["offset_ms"] is not None]
    report.median_offset_ms = float(np.median(offsets)) if offsets else offset
    for row in report.segments:
        row["agreement"], row["offset_ms"] = agreement(plan.times, planned, seen, valid & _inside(plan, row))
    report.gates = gates(plan, seen, report.agreement, report.median_offset_ms)
    return report


def planned_opening(plan: MotionPlan) -> Doubles:
    """(N,): how open the mouth that is measured shall look, in eye distances."""
    return np.asarray(np.choose(plan.foremost, [_planned(layer) for layer in plan.layers]))


def _planned(plan: MotionPlan) -> Doubles:
    """The same for one face: where its mouth goes over to what was there, between both."""
    wanted, own = (params[:, 0].astype(np.float64) for params in (plan.params, plan.own_params[plan.source]))
    return np.where(plan.driven, own + plan.strength * (wanted - own), wanted)


def _second(plan: MotionPlan, planned: Doubles, seen: Doubles, valid: NDArray[np.bool_], at: int) -> dict[str, Any]:
    ends = np.append(plan.times[1:], plan.duration_s)
    shown = np.clip(np.minimum(ends, at + 1) - np.maximum(plan.times, at), 0, None)  # a picture may be held for seconds
    near = valid & (np.abs(plan.times - at - 0.5) <= WINDOW_S / 2)
    value, offset = agreement(plan.times, planned, seen, near)
    share = float(shown[plan.anybody_driven].sum() / max(shown.sum(), 1e-9))
    return {"second": at, "driven": round(share, 3), "agreement": value, "offset_ms": offset}


def agreement(
    times: Doubles, planned: Doubles, seen: Doubles, valid: NDArray[np.bool_]
) -> tuple[float | None, float | None]:
    """Correlation at lag 0, and the lag in ms (picture late positive) at which it is highest, or None for stillness."""
    if valid.sum() < 10 or planned[valid].std() < STEADY or seen[valid].std() < STEADY / 2:
        return None, None
    at, values = times[valid], seen[valid]
    here = float(np.corrcoef(planned[valid], values)[0, 1])
    lags = np.arange(-LARGEST_LAG_S, LARGEST_LAG_S + 1e-9, 0.01)
    scores = _correlations(np.interp(at - lags[:, None], times, planned), values)
    return round(here, 3), round(float(lags[int(np.argmax(scores))]) * 1000)


def _correlations(rows: Doubles, other: Doubles) -> Doubles:
    """(n,) correlation of each of ``rows`` (n, m) with ``other`` (m,), -1 for those that do not vary."""
    off, high = rows - rows.mean(1, keepdims=True), other - other.mean()
    spread = np.sqrt((off**2).sum(1) * (high**2).sum())
    varies = rows.std(1) >= 1e-9
    return np.where(varies, off @ high / np.where(varies, spread, 1.0), -1.0)
