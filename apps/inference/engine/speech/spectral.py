"""Plain spectral states: what the engine hears by where the speech encoder's file is missing.

Thirteen cepstra of the log-mel spectrum, their slopes and the loudness, standardised over the speech of the clip. They
follow opening and closing, less so rounding: r = .33 for the opening against .76 (docs/engine.md).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dct
from scipy.ndimage import gaussian_filter1d

from .activity import speech_activity
from .mel import HOP, SAMPLE_RATE, log_mel

Floats = NDArray[np.float32]

CEPSTRA = 13
STATE_SIZE = 2 * CEPSTRA + 1


def spectral_states(samples: Floats) -> Floats:
    """States (n, 27) of 16 kHz mono samples, one every 20 ms. Raises ValueError for less than 25 ms of sound."""
    tail = np.zeros(SAMPLE_RATE // 2, np.float32)
    mel = log_mel(np.concatenate([samples.astype(np.float32, copy=False), tail]))
    count = -(-len(samples) // (2 * HOP))
    cepstra = gaussian_filter1d(dct(mel, axis=1, norm="ortho")[:, :CEPSTRA], 1.0, axis=0)
    slopes = gaussian_filter1d(np.gradient(cepstra, axis=0), 1.0, axis=0) * 5.0
    states = np.concatenate([cepstra, slopes, mel.mean(1, keepdims=True)], axis=1)[::2][:count]
    speech = speech_activity(samples)[: len(states)] > 0.5
    heard = states[: len(speech)][speech] if speech.sum() > 10 else states
    return np.asarray((states - heard.mean(0)) / (heard.std(0) + 1e-3), np.float32)
