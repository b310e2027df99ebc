"""How far a clip's own sound and picture are apart, and whether they belong together at all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..face.mouth_params import APERTURE, JAW, WIDTH
from .analysis import SpeechAnalysis

Doubles = NDArray[np.float64]

SEARCH_S = 0.32
STEP_S = 0.02
# Clips with their own sound measured .45 to .75, with somebody else's at most .48 (95 % below .35).
TRUSTED = 0.42
LEAST_FRAMES = 25


@dataclass(frozen=True)
class SoundOffset:
    """What is seen at video time t is heard at t + `seconds`; `confidence` is the weighted correlation there."""

    seconds: float
    confidence: float

    @property
    def is_trusted(self) -> bool:
        """True when sound and mouth belong together: then the clip's own sound may be learnt from."""
        return self.confidence >= TRUSTED


def estimate_offset(speech: SpeechAnalysis, times: Doubles, params: Doubles) -> SoundOffset:
    """Offset between a clip's sound and its tracked mouth, params (T, 6) at times (T,) in seconds.

    The aperture counts half, width and jaw a quarter each; ±320 ms in steps of 20 ms, refined by a parabola. Less than
    a second of mouth, or a mouth that never moves, gives offset 0 and confidence 0.
    """
    if len(times) < LEAST_FRAMES or params[:, APERTURE].std() < 1e-4:
        return SoundOffset(0.0, 0.0)
    shifts = np.arange(-SEARCH_S, SEARCH_S + STEP_S / 2, STEP_S)
    scores = np.array([_score(speech.mouth_at(times + shift), params) for shift in shifts])
    best = int(scores.argmax())
    fine = 0.0
    if 0 < best < len(shifts) - 1:
        before, peak, after = scores[best - 1 : best + 2]
        fine = 0.5 * (before - after) / min(before - 2 * peak + after, -1e-9)
    return SoundOffset(float(shifts[best] + np.clip(fine, -0.5, 0.5) * STEP_S), float(scores[best]))


def _score(predicted: Doubles, params: Doubles) -> float:
    """Correlations of aperture, width and jaw, weighted 2 : 1 : 1."""
    centred, real = predicted - predicted.mean(0), params - params.mean(0)
    strength = np.sqrt((centred**2).sum(0) * (real**2).sum(0)) + 1e-12
    r = (centred * real).sum(0) / strength
    return float((2 * r[APERTURE] + r[WIDTH] + r[JAW]) / 4)
