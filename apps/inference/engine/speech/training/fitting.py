"""Fits the ridge readout and says, speaker by speaker, how well it does on a speaker it has not heard."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve
from scipy.ndimage import gaussian_filter1d
from scipy.signal import fftconvolve

from ..analysis import RATE, at_times
from ..mel import SAMPLE_RATE
from ..readout import CLOSED, SPREAD_FLOOR, Readout, with_taps
from .footage import TrainingClip

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
States = Callable[[Floats], Floats]

_STEP = SAMPLE_RATE // RATE
_CLIPS_TOGETHER = 7  # of 3 s: about one window of the encoder
_CLIPS_AT_ONCE = 20


@dataclass(frozen=True)
class Heard:
    """Clips as they were heard in one surrounding: states (n, D) and the targets (n, O) at their times."""

    clip: TrainingClip
    states: Floats
    targets: Doubles
    weight: float


def hear(clips: Sequence[TrainingClip], states_of: States, seed: int = 0) -> list[Heard]:
    """Each clip three times: alone, within a row of others, and in a row again with another room and microphone.

    The encoder's states carry where in the window a sound stands and what surrounds it; hearing clips only alone would
    tie the readout to the first seconds. Speakers with many clips weigh less: a clip counts as the cube root of one
    over their number. The clips' times are those of their sound.
    """
    random = np.random.default_rng(seed)
    number = {clip.speaker: sum(other.speaker == clip.speaker for other in clips) for clip in clips}
    heard = []

    def add(clip: TrainingClip, states: Floats) -> None:
        times = np.arange(len(states)) / RATE
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


@dataclass(frozen=True)
class Moments:
    """Sums a ridge needs: gram (S + 1, S + 1), moment (S + 1, O) and total weight, S standardised inputs and a one."""

    gram: Doubles
    moment: Doubles
    total: float

    def without(self, other: Moments) -> Moments:
        """The sums with another part taken out."""
        return Moments(self.gram - other.gram, self.moment - other.moment, self.total - other.total)


@dataclass(frozen=True)
class Fitter:
    """Weighted ridge on states standardised by mean and spread (D,) over the taps' distances.

    The penalty counts per row of weight, so that it does not depend on how much was heard.
    """

    mean: Floats
    spread: Floats
    taps: tuple[int, ...]
    penalty: float

    @classmethod
    def for_states(cls, heard: Sequence[Heard], taps: tuple[int, ...], penalty: float) -> Fitter:
        """A fitter that standardises by all that was heard."""
        states = np.concatenate([item.states for item in heard])
        return cls(states.mean(0), states.std(0) + np.float32(SPREAD_FLOOR), taps, penalty)

    def moments(self, heard: Sequence[Heard]) -> Moments:
        """Sums over some of what was heard, some clips at a time: adding up large matrices is slow."""
        size = len(self.taps) * len(self.mean) + 1
        outputs = heard[0].targets.shape[1]
        gram, moment, total = np.zeros((size, size)), np.zeros((size, outputs)), 0.0
        for start in range(0, len(heard), _CLIPS_AT_ONCE):
            some = heard[start : start + _CLIPS_AT_ONCE]
            roots = np.concatenate([np.full(len(item.states), item.weight**0.5, np.float32) for item in some])
            rows = np.concatenate([self._inputs(item.states) for item in some]) * roots[:, None]
            targets = np.concatenate([item.targets for item in some]) * roots[:, None]
            gram += rows.T @ rows
            moment += rows.T @ targets
            total += float((roots**2).sum())
        return Moments(gram, moment, total)

    def solve(self, sums: Moments) -> Readout:
        """The readout that fits the sums best."""
        gram = sums.gram.copy()
        inner = np.arange(len(gram) - 1)
        gram[inner, inner] += self.penalty * sums.total
        solution = solve(gram, sums.moment, assume_a="pos", overwrite_a=True).astype(np.float32)
        weights = solution[:-1].reshape(len(self.taps), len(self.mean), -1)
        return Readout(self.mean, self.spread, self.taps, weights, solution[-1], {})

    def _inputs(self, states: Floats) -> Floats:
        rows = with_taps((states - self.mean) / self.spread, self.taps, np.arange(len(states)))
        return np.concatenate([rows, np.ones((len(rows), 1), np.float32)], axis=1)


def agreement(predicted: Doubles, clip: TrainingClip) -> Doubles:
    """Correlation of each mouth parameter (6,) with the tracked mouth; `predicted` (n, 7) every 20 ms of the sound."""
    smooth = gaussian_filter1d(predicted[:, :CLOSED], 1.2, axis=0)
    values = np.stack([at_times(column, clip.times) for column in smooth.T], axis=1)
    return np.array([np.corrcoef(values[:, k], clip.params[:, k])[0, 1] for k in range(CLOSED)])


def leave_one_speaker_out(
    heard: Sequence[Heard], states_of: States, fitter: Fitter, sums: Moments
) -> dict[str, Doubles]:
    """Mean agreement (6,) on each speaker's clips of a readout fitted on all other speakers; `sums` are everybody's."""
    result = {}
    for speaker in dict.fromkeys(item.clip.speaker for item in heard):
        own = [item for item in heard if item.clip.speaker == speaker]
        readout = fitter.solve(sums.without(fitter.moments(own)))
        clips = {item.clip.name: item.clip for item in own}
        scores = [agreement(readout.predict(states_of(c.samples)), c) for c in clips.values()]
        result[speaker] = np.mean(scores, axis=0)
    return result
