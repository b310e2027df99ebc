"""The sound as Wav2Lip's nets were trained on it: 80 mel bands, 80 frames a second, windows of 16 frames.

16 kHz mono, pre-emphasis 0.97, 50 ms periodic Hann windows every 12.5 ms centred on their time (the ends mirrored),
magnitudes, Slaney's mel bands from 55 to 7600 Hz with unit area, decibels below a reference of 20 dB, and the range of
-100 to 0 dB laid onto -4 to 4 (Prajwal et al., "A lip sync expert is all you need", 2020, and its audio settings).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..media.audio import ANALYSIS_RATE, read_mono
from ..segments import ORIGINAL, SoundPart
from ..speech.mel import mel_frequencies

Floats = NDArray[np.float32]

SAMPLE_RATE = ANALYSIS_RATE
WINDOW, HOP, BANDS = 800, 200, 80
FRAMES_PER_S = SAMPLE_RATE / HOP
SPAN = 16  # mel frames a net hears for one picture: 200 ms
LOWEST_HZ, HIGHEST_HZ = 55.0, 7600.0
PRE_EMPHASIS = 0.97
REFERENCE_DB, FLOOR_DB, PEAK = 20.0, -100.0, 4.0
_BLOCK = 2400  # frames transformed at once: 30 s of sound, 8 MB


def mel_filters() -> Floats:
    """Triangular filters (80, 401) between 55 and 7600 Hz, each of unit area."""
    edges = mel_frequencies(np.linspace(_mels(LOWEST_HZ), _mels(HIGHEST_HZ), BANDS + 2))
    bins = np.arange(WINDOW // 2 + 1) * SAMPLE_RATE / WINDOW
    rising = (bins - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - bins) / (edges[2:] - edges[1:-1])[:, None]
    triangles = np.maximum(0.0, np.minimum(rising, falling))
    return np.asarray(triangles * (2.0 / (edges[2:] - edges[:-2]))[:, None], np.float32)


def _mels(hertz: float) -> float:
    """Slaney's scale: the inverse of :func:`..speech.mel.mel_frequencies`."""
    return hertz * 3.0 / 200.0 if hertz < 1000.0 else 15.0 + float(np.log(hertz / 1000.0) / np.log(6.4)) * 27.0


_FILTERS = mel_filters()
_HANN: Floats = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)).astype(np.float32)


def mel_of(samples: Floats) -> Floats:
    """(80, 1 + n // 200) values in -4..4 of n samples at 16 kHz; frame i is centred at 12.5·i ms.

    Raises ValueError for less than 50 ms of sound.
    """
    if samples.ndim != 1 or len(samples) < WINDOW:
        raise ValueError("expected at least 50 ms of mono sound at 16 kHz")
    emphasised = samples.astype(np.float32, copy=True)
    emphasised[1:] -= PRE_EMPHASIS * samples[:-1]
    padded = np.pad(emphasised, WINDOW // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]
    found = np.empty((BANDS, len(frames)), np.float32)
    for start in range(0, len(frames), _BLOCK):
        magnitude = np.abs(np.fft.rfft(frames[start : start + _BLOCK] * _HANN, axis=1)).astype(np.float32)
        found[:, start : start + _BLOCK] = _FILTERS @ magnitude.T
    decibels = 20.0 * np.log10(np.maximum(found, 10.0 ** (FLOOR_DB / 20.0))) - REFERENCE_DB
    return np.clip(2 * PEAK * (decibels - FLOOR_DB) / -FLOOR_DB - PEAK, -PEAK, PEAK)


def window_at(mel: Floats, time_s: float) -> Floats:
    """(80, 16): what a net hears for the picture at ``time_s``; near the end the last window there is.

    Like the reference, the window begins at the picture's time. Sound shorter than a window is followed by silence.
    """
    if mel.shape[1] < SPAN:
        mel = np.pad(mel, ((0, 0), (0, SPAN - mel.shape[1])), constant_values=-PEAK)
    start = min(max(0, int(time_s * FRAMES_PER_S)), mel.shape[1] - SPAN)
    return np.asarray(mel[:, start : start + SPAN], np.float32)


def film_sound(parts: Sequence[SoundPart], files: dict[str, Path], duration_s: float) -> Floats:
    """The new sound of a film on its own timeline, mono at 16 kHz; silent where the original sound is kept.

    ``files`` maps the names of sounds in ``parts`` to files; names that are missing are silent.
    """
    film = np.zeros(max(WINDOW, round(duration_s * SAMPLE_RATE)), np.float32)
    for name, path in files.items():
        here = [part for part in parts if part.source == name and name != ORIGINAL]
        if not here:
            continue
        limit = max(part.from_s + part.end_s - part.start_s for part in here)
        sound = read_mono(path, SAMPLE_RATE, limit_s=limit)
        for part in here:
            first, origin = round(part.start_s * SAMPLE_RATE), round(part.from_s * SAMPLE_RATE)
            taken = sound[origin : origin + round((part.end_s - part.start_s) * SAMPLE_RATE)][: len(film) - first]
            film[first : first + len(taken)] = taken
    return film
