"""From what the sound asks for, in standard deviations, to what this mouth does, in eye distances."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_erosion, gaussian_filter1d
from scipy.special import ndtr, ndtri

from ..face.mouth_params import APERTURE, JAW, LOWER_LIP, UPPER_LIP, WIDTH
from ..speech.activity import RATE, long_pauses
from ..speech.analysis import SpeechAnalysis, at_times

Doubles = NDArray[np.float64]

# The range is scaled by .6 at temperature 0, by 1 at .5 and by 1.4 at 1.
_LEAST_RANGE, _RANGE_PER_TEMPERATURE = 0.6, 0.8
# The speaker's rarest mouths (mistracked frames, yawns) are not asked for.
_QUANTILES = (0.02, 0.97)
_CLOSED_PERCENTILE = 4
_REST_PERCENTILE = 15
# Half of the opening keeps the speaker's distribution, half the predicted proportions.
_MATCHED_SHARE = 0.5
_LINEAR_SPREAD = 0.85
_OTHER_SPREAD = 0.8
# Jaw and lips follow the opening really shown in part; the rest is what the sound says of them alone. More coupling
# (.75) costs the jaw a correlation of .50 down to .46, none lets lips and jaw drift apart.
_COUPLED_SHARE = 0.4
_LOWER_SHARE = 0.85  # the lower lip's share of an opening, over eleven speakers
_SMOOTHING_S = 0.022
# Lips linger after a word, and part for the breath that is drawn before the next one: ten speakers of GRID have their
# mouths a third open .1 s before they are heard, and a man who breathes in for .64 s half open for the last .4.
_LINGER_S, _READY_S = 0.1, 0.3
_PAUSE_EASE_S = 0.05
# The readout's closure rarely reaches 1; from .2 it starts to count, at .55 the lips are shut (precision .65 at .35).
_CLOSURE_FROM, _CLOSURE_FULL = 0.2, 0.55
_LEAST_SPEECH = 10  # steps of 20 ms
# What the readout says of ordinary speech, over nine voices; they differ by about .08. Counting it in brings the error
# of one-second sounds from .82 to .70 of the speaker's spread.
_USUAL_MEAN = np.array([0.35, -0.02, 0.28, -0.2, 0.33, -0.3])
_USUAL_SPREAD = np.array([0.53, 0.64, 0.42, 0.6, 0.5, 0.55])
_USUAL_STEPS = 100

# Mouths that never move in the footage: openings seen over eleven speakers.
_STILL_CLOSED = 0.018
_STILL_SPREAD = 0.062
_STILL_WIDTH_SPREAD = 0.03
_STILL_STEPS = 200
# How far jaw, upper and lower lip move with the opening.
STILL_COUPLING = {JAW: 0.75, UPPER_LIP: -0.12, LOWER_LIP: 0.85}


@dataclass(frozen=True)
class MouthRange:
    """How one mouth moves: what it does over its footage (R, 6), in eye distances.

    ``quickest`` (6,) is how fast it does so at most, in eye distances a second; None where that is not known.
    """

    params: Doubles
    quickest: Doubles | None = None

    @property
    def closed(self) -> float:
        """Opening at which the lips touch (the tracker reads a little above zero)."""
        return float(np.percentile(self.params[:, APERTURE], _CLOSED_PERCENTILE))

    @property
    def rest(self) -> Doubles:
        """The mouth in silence (6,): the median of its most closed frames."""
        opening = self.params[:, APERTURE]
        return np.asarray(np.median(self.params[opening <= np.percentile(opening, _REST_PERCENTILE)], axis=0))


def still_range(params: Doubles) -> MouthRange:
    """A range for a mouth that hardly moves in its footage, params (R, 6): its own rest, openings of other speakers.

    Where the still is an open smile, jaw and lips are taken back to a closed pose first.
    """
    rest = np.median(params, axis=0)
    closed = min(_STILL_CLOSED, float(np.percentile(params[:, APERTURE], 5)))
    already_open = max(0.0, rest[APERTURE] - closed)
    share = (np.arange(_STILL_STEPS) + 0.5) / _STILL_STEPS
    opening = np.asarray(ndtri(0.5 + share / 2)) * _STILL_SPREAD  # half-normal
    result = np.tile(rest, (_STILL_STEPS, 1))
    result[:, APERTURE] = closed + opening
    for column, factor in STILL_COUPLING.items():
        result[:, column] += factor * (opening - already_open)
    # Widths vary on their own: the same quantiles in an order that has nothing to do with the opening.
    shuffled = (np.arange(_STILL_STEPS) * 89) % _STILL_STEPS
    result[:, WIDTH] += _STILL_WIDTH_SPREAD * np.asarray(ndtri((shuffled + 0.5) / _STILL_STEPS))
    return MouthRange(result)


def mouth_trajectory(
    speech: SpeechAnalysis, times: Doubles, mouth: MouthRange, fps: float, temperature: float = 0.5
) -> Doubles:
    """Mouth parameters (T, 6) in eye distances at times (T,) seconds of the sound.

    The sound's own distribution over its speech is laid onto the speaker's. Temperature 0..1 scales the range. The
    mouth comes to rest in long pauses only, and shuts where the sound says the lips meet.
    """
    asked = _Spread.of(speech)
    standard = (speech.mouth_at(times) - asked.mean) / asked.spread
    gain = _LEAST_RANGE + _RANGE_PER_TEMPERATURE * temperature
    moving = 1.0 - at_times(_pauses(speech), times)
    mean, spread = mouth.params.mean(0), mouth.params.std(0)
    smoothing = _SMOOTHING_S * fps

    result = mean + standard * spread * _OTHER_SPREAD * gain
    result = mouth.rest + (result - mouth.rest) * moving[:, None]
    opening = mouth.closed + (_opening(asked, standard[:, APERTURE], mouth) - mouth.closed) * gain * moving
    result[:, APERTURE] = np.maximum(opening, min(mouth.closed, mouth.params[:, APERTURE].min()))
    result = gaussian_filter1d(result, smoothing, axis=0) if smoothing > 0.3 else result

    shut = np.clip((at_times(speech.closed, times) - _CLOSURE_FROM) / (_CLOSURE_FULL - _CLOSURE_FROM), 0.0, 1.0)
    result[:, APERTURE] = mouth.closed + (result[:, APERTURE] - mouth.closed) * (1.0 - shut)
    if mouth.quickest is not None:
        result = _no_faster(result, times, mouth.quickest * max(1.0, gain))
    return _coupled(result, mouth)


def _no_faster(params: Doubles, times: Doubles, most: Doubles) -> Doubles:
    """``params`` (T, 6) that change by at most ``most`` (6,) a second: a mouth that jumps is seen to pop.

    The opening keeps its closures and gives way at its peaks, everything else gives way to both sides.
    """
    reach = times[:, None] * most
    under, over = _below(params, reach), -_below(-params, reach)
    result = (under + over) / 2
    result[:, APERTURE] = under[:, APERTURE]
    return result


def _below(values: Doubles, reach: Doubles) -> Doubles:
    """The highest curves (T, 6) under ``values`` that rise and fall no faster than ``reach`` (T, 6) rises."""
    before = np.minimum.accumulate(values - reach) + reach
    after = np.minimum.accumulate((values + reach)[::-1])[::-1] - reach
    return np.minimum(before, after)


def _pauses(speech: SpeechAnalysis) -> Doubles:
    """Where the mouth comes to rest (n,), 0..1, in steps of 20 ms: inside long pauses, away from the words around."""
    linger, ready = round(_LINGER_S * RATE), round(_READY_S * RATE)
    around = np.r_[np.zeros(ready - linger), np.ones(linger + 1 + ready)]
    inside = binary_erosion(long_pauses(speech.activity), around, border_value=1)
    return np.asarray(gaussian_filter1d(inside.astype(np.float64), _PAUSE_EASE_S * RATE))


@dataclass(frozen=True)
class _Spread:
    """What this sound asks for over its speech: mean and spread (6,), openings in standard deviations, steps heard."""

    mean: Doubles
    spread: Doubles
    openings: Doubles

    @classmethod
    def of(cls, speech: SpeechAnalysis) -> _Spread:
        """A short sound says little about its own spread, so two seconds of ordinary speech are counted in."""
        spoken = speech.mouth[speech.activity > 0.5]
        if len(spoken) < _LEAST_SPEECH:
            return cls(_USUAL_MEAN, _USUAL_SPREAD, np.empty(0))
        own = len(spoken) / (len(spoken) + _USUAL_STEPS)
        mean = own * spoken.mean(0) + (1 - own) * _USUAL_MEAN
        spread = np.sqrt(own * spoken.var(0) + (1 - own) * _USUAL_SPREAD**2)
        return cls(mean, spread, np.sort((spoken[:, APERTURE] - mean[APERTURE]) / spread[APERTURE]))

    def share(self, standard: Doubles) -> Doubles:
        """Share of speech (T,) with a smaller opening."""
        usual = ndtr(standard)
        count = len(self.openings)
        if count == 0:
            return np.asarray(usual)
        counted = np.interp(standard, self.openings, (np.arange(count) + 0.5) / count)
        return np.asarray((count * counted + _USUAL_STEPS * usual) / (count + _USUAL_STEPS))


def _opening(asked: _Spread, standard: Doubles, mouth: MouthRange) -> Doubles:
    """Opening (T,) before temperature, pauses and closures."""
    seen = mouth.params[:, APERTURE]
    matched = np.quantile(seen, np.clip(asked.share(standard), *_QUANTILES))
    linear = np.clip(seen.mean() + standard * seen.std() * _LINEAR_SPREAD, mouth.closed, seen.max())
    return np.asarray(_MATCHED_SHARE * matched + (1 - _MATCHED_SHARE) * linear)


def _coupled(params: Doubles, mouth: MouthRange) -> Doubles:
    """Jaw and lips moved part of the way to where this speaker has them at the opening shown.

    The opening is the distance of the lips, so the two may not contradict it: what is missing is put right, mostly by
    the lower one.
    """
    result = params.copy()
    if mouth.params[:, APERTURE].std() < 1e-6:
        return result
    columns = [JAW, UPPER_LIP, LOWER_LIP]
    slope, start = np.polyfit(mouth.params[:, APERTURE], mouth.params[:, columns], 1)
    expected = params[:, [APERTURE]] * slope + start
    result[:, columns] = _COUPLED_SHARE * expected + (1 - _COUPLED_SHARE) * params[:, columns]
    missing = (expected[:, 2] - expected[:, 1]) - (result[:, LOWER_LIP] - result[:, UPPER_LIP])
    result[:, LOWER_LIP] += _LOWER_SHARE * missing
    result[:, UPPER_LIP] -= (1 - _LOWER_SHARE) * missing
    return result
