"""Fits the ridge readout and says, speaker by speaker, how well it does on a speaker it has not heard."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.signal import fftconvolve

from ..analysis import RATE, at_times
from ..mel import SAMPLE_RATE
from ..readout import CLOSED, OUTPUTS, SPREAD_FLOOR, Readout, with_taps
from .footage import TrainingClip

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
States = Callable[[Floats], Floats]

_STEP = SAMPLE_RATE // RATE
_CLIPS_TOGETHER = 7  # of 3 s: about one window of the encoder


@dataclass(frozen=True)
class Heard:
    """One clip as it was heard in one surrounding: states (n, D) and the targets (n, 7) at their times."""

    clip: TrainingClip
    states: Floats
    targets: Doubles
    weight: float


def hear(clips: Sequence[TrainingClip], states_of: States, sound_late_s: float, seed: int = 0) -> list[Heard]:
    """Each clip three times: alone, within a row of others, and in a row again with another room and microphone.

    The encoder's states carry where in the window a sound stands and what surrounds it; hearing clips only alone would
    tie the readout to the first seconds. Speakers with many clips weigh less: a clip counts as the cube root of one
    over their number. `sound_late_s`: by how much the clips' sound comes after their picture.
    """
    random = np.random.default_rng(seed)
    number = {clip.speaker: sum(other.speaker == clip.speaker for other in clips) for clip in clips}
    heard = []

    def add(clip: TrainingClip, states: Floats) -> None:
        times = np.arange(len(states)) / RATE - sound_late_s
        inside = (times >= clip.times[0]) & (times <= clip.times[-1])
        columns = [np.interp(times[inside], clip.times, column) for column in clip.targets.T]
        heard.append(Heard(clip, states[inside], np.stack(columns, 1), number[clip.speaker] ** (-1 / 3)))

    for clip in clips:
        add(clip, states_of(clip.samples))
    for change in (_as_it_is, _other_room):
        order = random.permutation(len(clips))
        for start in range(0, len(order), _CLIPS_TOGETHER):
            row = [clips[index] for index in order[start : start + _CLIPS_TOGETHER]]
            _hear_row(row, states_of, change, random, add)
    return heard


def _hear_row(
    row: Sequence[TrainingClip],
    states_of: States,
    change: Callable[[Floats, np.random.Generator], Floats],
    random: np.random.Generator,
    add: Callable[[TrainingClip, Floats], None],
) -> None:
    """Encode clips one after the other with short gaps and cut the states apart again."""
    parts, spans, length = [], [], 0
    for clip in row:
        gap = np.zeros(int(random.integers(0, 8)) * _STEP, np.float32)
        sound = change(clip.samples, random)
        sound = sound[: len(sound) // _STEP * _STEP]
        sound = 0.5 * sound / (np.abs(sound).max() + 1e-6)
        parts += [gap, sound]
        spans.append((length + len(gap), len(sound)))
        length += len(gap) + len(sound)
    states = states_of(np.concatenate(parts).astype(np.float32))
    for clip, (start, size) in zip(row, spans, strict=True):
        add(clip, states[start // _STEP : (start + size) // _STEP])


def _as_it_is(samples: Floats, random: np.random.Generator) -> Floats:
    return samples


def _other_room(samples: Floats, random: np.random.Generator) -> Floats:
    """A little reverberation (.1 to .35 s) and a microphone off by up to 6 dB in eight bands."""
    decay = random.uniform(0.1, 0.35)
    tail = random.standard_normal(int(decay * SAMPLE_RATE))
    tail *= np.exp(-np.arange(len(tail)) / (decay * SAMPLE_RATE / 5))
    tail *= random.uniform(0.2, 0.5) / np.sqrt((tail**2).sum())
    tail[0] = 1.0
    spectrum = np.fft.rfft(fftconvolve(samples, tail)[: len(samples)])
    bands = np.interp(np.linspace(0, 1, len(spectrum)), np.linspace(0, 1, 8), random.uniform(-6, 6, 8))
    return np.asarray(np.fft.irfft(spectrum * 10 ** (bands / 20), len(samples)), np.float32)


def fit(heard: Sequence[Heard], taps: tuple[int, ...], penalty: float) -> Readout:
    """Weighted ridge; the penalty counts per row of weight, so that it does not depend on how much was heard."""
    states = np.concatenate([item.states for item in heard])
    mean = states.mean(0)
    spread = states.std(0) + SPREAD_FLOOR
    size = len(taps) * len(mean)
    gram = np.zeros((size + 1, size + 1))
    moment = np.zeros((size + 1, OUTPUTS))
    total = 0.0
    for item in heard:
        standard = (item.states - mean) / spread
        inputs = np.c_[with_taps(standard, taps, np.arange(len(standard))), np.ones(len(standard), np.float32)]
        gram += item.weight * (inputs.T @ inputs)
        moment += item.weight * (inputs.T @ item.targets)
        total += item.weight * len(inputs)
    gram[np.arange(size), np.arange(size)] += penalty * total
    solution = np.linalg.solve(gram, moment)
    weights = solution[:-1].reshape(len(taps), len(mean), OUTPUTS)
    return Readout(*_single(mean, spread), taps, *_single(weights, solution[-1]), {})


def _single(*arrays: NDArray[np.floating]) -> list[Floats]:
    return [np.asarray(array, np.float32) for array in arrays]


def agreement(predicted: Doubles, clip: TrainingClip, sound_late_s: float) -> Doubles:
    """Correlation of each mouth parameter (6,) with the tracked mouth; `predicted` (n, 7) every 20 ms of the sound."""
    smooth = gaussian_filter1d(predicted[:, :CLOSED], 1.2, axis=0)
    values = np.stack([at_times(column, clip.times + sound_late_s) for column in smooth.T], axis=1)
    return np.array([np.corrcoef(values[:, k], clip.params[:, k])[0, 1] for k in range(CLOSED)])


def leave_one_speaker_out(
    heard: Sequence[Heard], states_of: States, taps: tuple[int, ...], penalty: float, sound_late_s: float
) -> dict[str, Doubles]:
    """Mean agreement (6,) on each speaker's clips of a readout fitted on all other speakers."""
    result = {}
    for speaker in dict.fromkeys(item.clip.speaker for item in heard):
        readout = fit([item for item in heard if item.clip.speaker != speaker], taps, penalty)
        clips = {item.clip.name: item.clip for item in heard if item.clip.speaker == speaker}
        scores = [agreement(readout.predict(states_of(c.samples)), c, sound_late_s) for c in clips.values()]
        result[speaker] = np.mean(scores, axis=0)
    return result
