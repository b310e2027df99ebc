"""Teaches the readout to tell speech from what else is heard: rows of clips under made-up music and noise."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..activity import RATE, speech_activity
from ..mel import SAMPLE_RATE
from .fitting import Heard, States
from .footage import TrainingClip

Floats = NDArray[np.float32]

_CLIPS_TOGETHER = 5
_LONGEST_GAP_S = 2.0
# Decibels of speech over music or noise; one row of each kind is clean.
_RATIOS_DB = (None, 20.0, 10.0, 5.0, 0.0)
_BEAT_S = 0.5
_STEP = SAMPLE_RATE // RATE


def hear_surroundings(clips: Sequence[TrainingClip], states_of: States, seed: int = 1) -> list[Heard]:
    """Every clip in rows with gaps, clean and under music and noise; target (n, 1): speech, told from the clean row."""
    random = np.random.default_rng(seed)
    heard = []
    for ratio in _RATIOS_DB:
        order = random.permutation(len(clips))
        for start in range(0, len(order), _CLIPS_TOGETHER):
            row = [clips[index] for index in order[start : start + _CLIPS_TOGETHER]]
            speech = _row(row, random)
            target = speech_activity(speech)
            if ratio is not None:
                other = made_music(len(speech), random) if random.random() < 0.5 else made_noise(len(speech), random)
                loud = np.sqrt((speech[np.repeat(target > 0.5, _STEP)] ** 2).mean())
                speech = speech + other * np.float32(loud * 10 ** (-ratio / 20))
            states = states_of(speech.astype(np.float32))
            count = min(len(states), len(target))
            heard.append(Heard(row[0], states[:count], target[:count, None], 1.0))
    return heard


def _row(clips: Sequence[TrainingClip], random: np.random.Generator) -> Floats:
    """Clips at one loudness with gaps of up to two seconds between them."""
    parts = []
    for clip in clips:
        parts.append(np.zeros(int(random.uniform(0, _LONGEST_GAP_S) * SAMPLE_RATE), np.float32))
        parts.append(0.5 * clip.samples / (np.abs(clip.samples).max() + 1e-6))
    row = np.concatenate(parts).astype(np.float32)
    return row[: len(row) // _STEP * _STEP]


def made_noise(count: int, random: np.random.Generator) -> Floats:
    """Noise (count,) of unit power, anything from white to brownish."""
    spectrum = np.fft.rfft(random.standard_normal(count))
    spectrum /= np.maximum(1, np.arange(len(spectrum))) ** random.uniform(0, 0.8)
    noise = np.fft.irfft(spectrum, count)
    return np.asarray(noise / noise.std(), np.float32)


def made_music(count: int, random: np.random.Generator) -> Floats:
    """Chords of decaying harmonics with a drum on each beat, unit power."""
    beat = int(_BEAT_S * random.uniform(0.6, 1.4) * SAMPLE_RATE)
    time = np.arange(beat * 2) / SAMPLE_RATE
    sound = np.zeros(count + 2 * beat)
    for start in range(0, count, beat):
        root = 110.0 * 2 ** (random.integers(0, 25) / 12)
        chord = np.zeros(len(time))
        for step in (0, random.choice([3, 4]), 7):
            tone = root * 2 ** (step / 12)
            harmonics = int(random.integers(2, 8))
            chord += sum(np.sin(2 * np.pi * tone * k * time) / k for k in range(1, harmonics))
        drum = random.uniform(0, 3) * np.exp(-time * 40) * random.standard_normal(len(time))
        sound[start : start + len(time)] += chord * np.exp(-time * random.uniform(1, 6)) + drum
    sound = sound[:count]
    return np.asarray(sound / sound.std(), np.float32)
