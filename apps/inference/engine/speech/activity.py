"""Where somebody speaks.

Two detectors: by energy, following the loudness of the recording, and by what the speech encoder hears, which tells
speech from music and noise (speakers left out, 10 dB over music or noise: 97 % of speech found and a quarter of the
rest taken for it, mostly at its borders; energy alone finds 61 to 83 % and takes 28 to 56 %).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_opening, gaussian_filter1d, uniform_filter1d

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Bools = NDArray[np.bool_]

RATE = 50
_HOP = 160  # 10 ms
_BLOCK = 6000  # of these: a minute, 8 MB in double precision; ten minutes at once would take 150
_MAJORITY = 9  # frames of 10 ms
_EASE = 3.0  # frames of 10 ms
# Levels below are those of a recording whose loudest half a second has the first, so that a quiet one is heard as a
# loud one is; what has no more than the second is no recorded sound, and stays so.
_LOUDEST_DB, _NO_SOUND_DB = -8.0, -89.0
_LOUDEST = 50  # frames of 10 ms

# Speech lies above the floor by a quarter of the range, not more than 38 dB below the loud parts, above -62 dBFS.
_RANGE_SHARE = 0.25
_BELOW_LOUD_DB = 38.0
_QUIETEST_DB = -62.0

# The encoder's detector reads about .6 at the border between speech and everything else.
_HEARD_BORDER, _HEARD_SLOPE, _HEARD_SMOOTHING = 0.62, 2.5, 2.0
# What is so much quieter than the loud parts is no speech, whatever it sounds like.
_HEARD_BELOW_LOUD_DB = 45.0
# Nor is what is no louder than the recording's own floor, averaged over a tenth of a second, where the loud parts lie
# well above it: in three of five recordings the encoder takes all long pauses for speech in which only a microphone's
# noise is heard, at 30 dB below the voice as at 10. With this nine of ten are found (benchmarks.hearing).
_FLOOR_PERCENTILE, _AT_FLOOR_DB, _LEAST_RANGE_DB = 3, 3.0, 11.0
_FLOOR_SMOOTHING, _NOTHING_DB = 11, -75.0  # frames of 10 ms; what lies below is no recorded floor
_LEAST_AT_FLOOR = 50  # frames of 10 ms: shorter gaps bring no mouth to rest, and belong to what is spoken

# A pause closes the mouth when it is longer than this; people keep it open in shorter ones (closing there too cost
# a correlation of .58 down to .07 on one clip).
LONG_PAUSE_S = 0.5
# Before the first and after the last word less is enough.
EDGE_PAUSE_S = 0.2


def loudness_db(samples: Floats) -> Doubles:
    """Level in dBFS of each 10 ms, averaged over 25 ms."""
    count = max(1, len(samples) // _HOP)
    power = np.empty(count)
    for first in range(0, count, _BLOCK):
        last = min(first + _BLOCK, count)
        given = samples[first * _HOP : last * _HOP]
        block = np.zeros((last - first) * _HOP)
        block[: len(given)] = given
        power[first:last] = (block.reshape(-1, _HOP) ** 2).mean(1)
    return np.asarray(10 * np.log10(np.convolve(power, np.ones(3) / 3, "same") + 1e-9))


def speech_activity(samples: Floats) -> Doubles:
    """Speech (0..1, eased) every 20 ms of 16 kHz mono samples."""
    level = _evened(loudness_db(samples))
    floor, loud = np.percentile(level, [5, 95])
    threshold = max(floor + _RANGE_SHARE * (loud - floor), loud - _BELOW_LOUD_DB, _QUIETEST_DB)
    votes = np.convolve(level > threshold, np.ones(_MAJORITY) / _MAJORITY, "same")
    speech = (votes > 0.35).astype(np.float64)
    return np.asarray(gaussian_filter1d(speech, _EASE)[::2])


def heard_activity(detected: Doubles, samples: Floats) -> Doubles:
    """Speech (0..1) from the encoder's detector (n,), every 20 ms; quiet steps of `samples` are never speech."""
    smooth = gaussian_filter1d(detected, _HEARD_SMOOTHING)
    level = _evened(loudness_db(samples))
    quiet = level[::2] < max(np.percentile(level[::2], 95) - _HEARD_BELOW_LOUD_DB, _QUIETEST_DB)
    quiet |= _at_floor(level)[::2]
    result = np.clip(0.5 + _HEARD_SLOPE * (smooth - _HEARD_BORDER), 0.0, 1.0)
    result[: len(quiet)][quiet[: len(result)]] = 0.0
    return np.asarray(result)


def _evened(level: Doubles) -> Doubles:
    """``level`` (n,) in dBFS as of a recording that is neither quiet nor loud."""
    loudest = np.partition(level, -_LOUDEST)[-_LOUDEST:] if len(level) > _LOUDEST else level
    return np.where(level > _NO_SOUND_DB, level + _LOUDEST_DB - loudest.mean(), level)


def _at_floor(level: Doubles) -> Bools:
    """Where nothing but the recording's own floor is heard, for an evened ``level`` (n,) in dBFS every 10 ms."""
    steady = 10 * np.log10(uniform_filter1d(10 ** (level / 10), _FLOOR_SMOOTHING))
    recorded = steady[steady > _NOTHING_DB]
    if not len(recorded):
        return np.zeros(len(level), np.bool_)
    floor = np.percentile(recorded, _FLOOR_PERCENTILE)
    stands_out = _LOUDEST_DB - floor > _LEAST_RANGE_DB
    low = np.pad((steady < floor + _AT_FLOOR_DB) & stands_out, _LEAST_AT_FLOOR, mode="edge")
    return binary_opening(low, np.ones(_LEAST_AT_FLOOR))[_LEAST_AT_FLOOR:-_LEAST_AT_FLOOR]


def long_pauses(activity: Doubles) -> Bools:
    """Which 20 ms steps lie in a pause long enough for the mouth to close."""
    quiet = activity <= 0.5
    edges = np.flatnonzero(np.diff(np.r_[False, quiet, False].astype(np.int8)))
    result = np.zeros(len(quiet), np.bool_)
    for start, end in edges.reshape(-1, 2):
        at_edge = start == 0 or end == len(quiet)
        if (end - start) / RATE > (EDGE_PAUSE_S if at_edge else LONG_PAUSE_S):
            result[start:end] = True
    return result
