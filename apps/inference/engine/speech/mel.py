"""Whisper's log-mel spectrogram: 80 bands, 100 frames a second.

Follows OpenAI's reference: 25 ms periodic Hann windows every 10 ms, centred on their time (the ends mirrored), power
spectrum, Slaney's mel bands, log10, floor 8 decades below the peak, then (x + 4) / 4.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

SAMPLE_RATE = 16000
WINDOW = 400
HOP = 160
BANDS = 80
_BLOCK = 3000  # frames transformed at once: 30 s of sound, 5 MB


def mel_frequencies(mels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Slaney's mel scale to hertz: linear up to 1 kHz (15 mel), then 27 mel per factor 6.4."""
    linear = mels * 200.0 / 3.0
    return np.asarray(np.where(mels < 15.0, linear, 1000.0 * np.exp((mels - 15.0) * np.log(6.4) / 27.0)))


def mel_filters() -> Floats:
    """Triangular filters (80, 201) from 0 to 8 kHz, each of unit area."""
    top = 15.0 + np.log(SAMPLE_RATE / 2 / 1000.0) * 27.0 / np.log(6.4)
    edges = mel_frequencies(np.linspace(0.0, top, BANDS + 2))
    bins = np.arange(WINDOW // 2 + 1) * SAMPLE_RATE / WINDOW
    rising = (bins - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - bins) / (edges[2:] - edges[1:-1])[:, None]
    triangles = np.maximum(0.0, np.minimum(rising, falling))
    return np.asarray(triangles * (2.0 / (edges[2:] - edges[:-2]))[:, None], np.float32)


_FILTERS = mel_filters()
_HANN: Floats = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)).astype(np.float32)


def log_mel(samples: Floats) -> Floats:
    """Log-mel spectrogram (frames, 80) of 16 kHz mono samples; frame i is centred at 10·i ms.

    There are len(samples) // 160 frames. Raises ValueError for less than 25 ms of sound.
    """
    if samples.ndim != 1 or len(samples) < WINDOW:
        raise ValueError("expected at least 25 ms of mono sound at 16 kHz")
    padded = np.pad(samples.astype(np.float32, copy=False), WINDOW // 2, mode="reflect")
    count = len(samples) // HOP
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP][:count]
    energies = np.empty((count, BANDS), np.float32)
    for start in range(0, count, _BLOCK):
        spectrum = np.fft.rfft(frames[start : start + _BLOCK] * _HANN, axis=1)
        power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32)
        energies[start : start + _BLOCK] = power @ _FILTERS.T
    logarithm = np.log10(np.maximum(energies, 1e-10))
    return np.asarray((np.maximum(logarithm, logarithm.max() - 8.0) + 4.0) / 4.0, np.float32)
