"""Phones to the movement of a mouth, by targets and dominance.

Each phone pulls every parameter towards its target with a weight that falls off exponentially around the phone, and
the parameter is the weighted mean of the targets (M. M. Cohen, D. W. Massaro, "Modeling coarticulation in synthetic
visual speech", 1993). Lip closures are then made exact: nothing but zero from the closing to the release.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .lines import Phone

# Targets: opening of the inner lips, narrowing of the mouth (both / eye distance), lower lip tucked under the upper
# teeth (0..1), and dominance. Openings follow the spread of talking faces: median about .06, 95th centile about .15.
_Target = tuple[float, float, float, float]
_TARGETS: dict[str, _Target] = {
    "AA": (0.150, 0.02, 0.0, 1.0),
    "AE": (0.142, -0.01, 0.0, 1.0),
    "AH": (0.105, 0.02, 0.0, 0.9),
    "AO": (0.115, 0.08, 0.0, 1.0),
    "EH": (0.112, 0.00, 0.0, 0.9),
    "AX": (0.065, 0.02, 0.0, 0.5),
    "IH": (0.070, 0.00, 0.0, 0.7),
    "IY": (0.055, -0.02, 0.0, 0.9),
    "ER": (0.065, 0.07, 0.0, 0.9),
    "UH": (0.055, 0.08, 0.0, 0.9),
    **dict.fromkeys(("B", "M", "P"), (0.000, 0.02, 0.0, 1.2)),
    **dict.fromkeys(("F", "V"), (0.014, 0.01, 1.0, 1.2)),
    **dict.fromkeys(("DH", "TH"), (0.045, 0.01, 0.0, 0.7)),
    **dict.fromkeys(("S", "Z"), (0.030, 0.00, 0.0, 0.9)),
    **dict.fromkeys(("CH", "SH"), (0.045, 0.08, 0.0, 0.9)),
    **dict.fromkeys(("D", "L", "N", "T"), (0.048, 0.01, 0.0, 0.5)),
    **dict.fromkeys(("G", "K"), (0.055, 0.01, 0.0, 0.4)),
    "R": (0.048, 0.07, 0.0, 0.8),
    "W": (0.022, 0.13, 0.0, 1.2),
}
# Diphthongs are two targets, one after the other.
_GLIDES: dict[str, tuple[_Target, _Target]] = {
    "AW": ((0.145, 0.02, 0.0, 1.0), (0.055, 0.12, 0.0, 0.9)),
    "AY": ((0.145, 0.01, 0.0, 1.0), (0.070, -0.01, 0.0, 0.8)),
    "EY": ((0.100, 0.00, 0.0, 0.9), (0.062, -0.02, 0.0, 0.8)),
    "OW": ((0.098, 0.09, 0.0, 1.0), (0.045, 0.13, 0.0, 0.9)),
    "OY": ((0.095, 0.11, 0.0, 1.0), (0.062, 0.00, 0.0, 0.8)),
}
_REST: _Target = (0.0, 0.02, 0.0, 1.0)

LIP_CLOSURES = frozenset(("B", "M", "P"))
STEP_S = 0.001
CLOSING_S, OPENING_S = 0.070, 0.055  # how long lips take to meet and to part again
PAUSE_S = 0.12  # a gap between phones longer than this lets the mouth go to rest
REST_REACH_S = 0.09  # the mouth opens so long before the first sound and closes so long after the last
DECAY_S = 0.050  # dominance falls to 1/e this far outside its segment
SMOOTHING_S = 0.012
STRESS_GAIN = {0: 0.98, 1: 1.12, 2: 1.25}


@dataclass(frozen=True)
class MouthMotion:
    """Per time: ``aperture`` (inner-lip opening), ``narrowing`` of the width, both in eye distances; ``tuck`` 0..1."""

    times_s: np.ndarray
    aperture: np.ndarray
    narrowing: np.ndarray
    tuck: np.ndarray


@dataclass(frozen=True)
class _Segment:
    start_s: float
    end_s: float
    target: _Target


def closures(phones: Sequence[Phone]) -> list[tuple[float, float]]:
    """Times (from, to) in which both lips touch: P and B until they burst, M to its end."""
    return [(phone.start_s, phone.closed_until_s) for phone in phones if phone.name in LIP_CLOSURES]


def mouth_motion(phones: Sequence[Phone], duration_s: float, times_s: np.ndarray) -> MouthMotion:
    """The mouth at ``times_s`` (T,) while ``phones`` are spoken in a recording of ``duration_s``."""
    grid = np.arange(0.0, duration_s + STEP_S, STEP_S)
    segments = _segments(phones, duration_s)
    targets = np.array([segment.target for segment in segments])
    weights = np.stack([_dominance(segment, grid) for segment in segments])
    values = _smooth((weights.T @ targets[:, :3]) / weights.sum(0)[:, None])
    values[:, 0] *= _lips_apart(phones, grid)
    at = [np.interp(times_s, grid, values[:, column]) for column in range(3)]
    return MouthMotion(times_s, np.maximum(at[0], 0.0), at[1], np.clip(at[2], 0.0, 1.0))


def _segments(phones: Sequence[Phone], duration_s: float) -> list[_Segment]:
    """Phones, halves of diphthongs and rests as stretches with one target each."""
    segments, spoken_to = [], 0.0
    for phone in phones:
        if phone.start_s - spoken_to > PAUSE_S:
            segments.append(_Segment(spoken_to + REST_REACH_S / 2, phone.start_s - REST_REACH_S, _REST))
        spoken_to = phone.end_s
        if phone.name in _GLIDES:
            middle = phone.start_s + 0.55 * (phone.end_s - phone.start_s)
            first, second = (_stressed(target, phone.stress) for target in _GLIDES[phone.name])
            segments += [_Segment(phone.start_s, middle, first), _Segment(middle, phone.end_s, second)]
        else:
            segments.append(_Segment(phone.start_s, phone.end_s, _stressed(_TARGETS[phone.name], phone.stress)))
    if duration_s - spoken_to > PAUSE_S:
        segments.append(_Segment(spoken_to + REST_REACH_S, duration_s + 1.0, _REST))
    return segments


def _stressed(target: _Target, stress: int) -> _Target:
    """Stressed syllables open wider; consonants carry no stress and stay below a vowel's opening anyway."""
    opening = target[0] * (STRESS_GAIN[stress] if target[0] > 0.06 else 1.0)
    return (opening, *target[1:])


def _dominance(segment: _Segment, grid: np.ndarray) -> np.ndarray:
    """1 inside the segment (times its strength), falling exponentially outside."""
    outside = np.maximum(np.maximum(segment.start_s - grid, grid - segment.end_s), 0.0)
    # The small floor keeps the weighted mean defined far from every segment.
    return segment.target[3] * np.exp(-outside / DECAY_S * 2.2) + 1e-9


def _lips_apart(phones: Sequence[Phone], grid: np.ndarray) -> np.ndarray:
    """0 while the lips touch, 1 away from closures, eased by a raised cosine while they close and part."""
    apart = np.ones_like(grid)
    for start, end in closures(phones):
        before = np.clip((start - grid) / CLOSING_S, 0.0, 1.0)
        after = np.clip((grid - end) / OPENING_S, 0.0, 1.0)
        apart = np.minimum(apart, 0.5 - 0.5 * np.cos(np.pi * np.maximum(before, after)))
    return apart


def _smooth(values: np.ndarray) -> np.ndarray:
    """Gaussian over time with the ends held."""
    reach = round(4 * SMOOTHING_S / STEP_S)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) * STEP_S / SMOOTHING_S) ** 2)
    kernel /= kernel.sum()
    padded = np.pad(values, ((reach, reach), (0, 0)), mode="edge")
    return np.stack([np.convolve(column, kernel, "valid") for column in padded.T], 1)
