"""The first blocks of Whisper tiny.en's encoder, in NumPy: sound to 50 states a second.

The middle layers know which sound is being made, where the last layer already leans towards words: ridge readouts of
the mouth from blocks 2 and 3 reach r = .75 (docs/engine.md); the last layer is .06 worse. Two convolutions,
sinusoid positions, then pre-norm blocks of 6 heads and width 384 with GELU (Radford et al., 2022).
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from ..model_files import SPEECH_ENCODER, model_path
from ..progress import checkpoint
from .encoder_weights import BLOCKS, load_encoder_weights
from .mel import HOP, SAMPLE_RATE, log_mel

Floats = NDArray[np.float32]

STATE_RATE = 50
WIDTH = 384
HEADS = 6
# Blocks whose states are handed on, side by side.
READ_BLOCKS = (2, 3)
STATE_SIZE = WIDTH * len(READ_BLOCKS)

# Silence appended to the sound, so that its end is heard as an end.
TAIL_S = 0.5
# Longer sound is encoded in windows that overlap; states nearer than EDGE_S to an inner edge are not used, and the
# rest of the overlap is cross-faded.
WINDOW_S = 24.0
OVERLAP_S = 4.0
EDGE_S = 1.0

# Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.26.
ERF = (0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429)
# So few rows stay in the processor's cache: a third of the time.
GELU_ROWS = 32


_loading = Lock()


def speech_encoder(models: Path) -> SpeechEncoder:
    """The encoder of this folder, kept for the next sound: a run listens to two or more, side by side."""
    with _loading:
        return _kept_encoder(models)


@lru_cache(maxsize=1)
def _kept_encoder(models: Path) -> SpeechEncoder:
    return SpeechEncoder(models)


class SpeechEncoder:
    """Encodes 16 kHz mono sound; holds 23 MB of weights in single precision."""

    def __init__(self, models: Path) -> None:
        self._weights = load_encoder_weights(model_path(models, SPEECH_ENCODER))

    def states(self, samples: Floats) -> Floats:
        """States (n, 768) of 16 kHz mono samples; state i stands at 20·i ms, n covers the whole sound.

        Sound longer than 24 s is encoded in overlapping windows. Raises ValueError for less than 25 ms of sound.
        """
        tail = np.zeros(int(TAIL_S * SAMPLE_RATE), np.float32)
        mel = log_mel(np.concatenate([samples.astype(np.float32, copy=False), tail]))
        count = -(-len(samples) // (2 * HOP))
        mel = mel[: len(mel) // 2 * 2]
        total = len(mel) // 2
        result = np.zeros((total, STATE_SIZE), np.float32)
        for start, end, weight in windows(total):
            checkpoint()
            result[start:end] += weight[:, None] * self._encode(mel[2 * start : 2 * end])
        return result[:count]

    def _encode(self, mel: Floats) -> Floats:
        """States of one window of log-mel frames (2n, 80)."""
        w = self._weights
        hidden = gelu(_convolve(mel, w["conv1/weight"], w["conv1/bias"], 1))
        hidden = gelu(_convolve(hidden, w["conv2/weight"], w["conv2/bias"], 2))
        hidden = hidden + positions(len(hidden))
        kept = []
        for block in range(BLOCKS):
            hidden = self._block(hidden, f"layer_{block}/")
            if block + 1 in READ_BLOCKS:
                kept.append(hidden)
        return np.concatenate(kept, axis=1)

    def _block(self, hidden: Floats, name: str) -> Floats:
        attention = name + "self_attention/"
        normed = self._norm(hidden, attention + "layer_norm")
        joint = self._linear(normed, attention + "linear_0").reshape(len(hidden), 3, HEADS, WIDTH // HEADS)
        query, key, value = (joint[:, part].transpose(1, 0, 2) for part in range(3))
        scores: Floats = query @ key.transpose(0, 2, 1) * np.float32((WIDTH / HEADS) ** -0.5)
        scores -= scores.max(-1, keepdims=True)
        np.exp(scores, out=scores)
        scores /= scores.sum(-1, keepdims=True)
        mixed: Floats = np.asarray((scores @ value).transpose(1, 0, 2).reshape(len(hidden), WIDTH))
        hidden = hidden + self._linear(mixed, attention + "linear_1")
        normed = self._norm(hidden, name + "ffn/layer_norm")
        return hidden + self._linear(gelu(self._linear(normed, name + "ffn/linear_0")), name + "ffn/linear_1")

    def _linear(self, inputs: Floats, name: str) -> Floats:
        return np.asarray(inputs @ self._weights[name + "/weight"].T + self._weights[name + "/bias"])

    def _norm(self, inputs: Floats, name: str) -> Floats:
        centred = inputs - inputs.mean(1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(1, keepdims=True) + np.float32(1e-5))
        return np.asarray(scaled * self._weights[name + "/gamma"] + self._weights[name + "/beta"])


def windows(total: int) -> list[tuple[int, int, Floats]]:
    """Windows [start, end) over `total` states with the weight (end - start,) of each state; weights sum to one."""
    length, overlap, edge = (int(seconds * STATE_RATE) for seconds in (WINDOW_S, OVERLAP_S, EDGE_S))
    if total <= length:
        return [(0, total, np.ones(total, np.float32))]
    count = -(-(total - overlap) // (length - overlap))
    starts = np.linspace(0, total - length, count).round().astype(int)
    parts: list[tuple[int, int, Floats]] = []
    for index, start in enumerate(starts):
        weight = np.ones(length, np.float32)
        if index > 0:
            shared = int(starts[index - 1]) + length - int(start)
            weight[:shared] = _fade(shared, edge)
        if index + 1 < count:
            shared = int(start) + length - int(starts[index + 1])
            weight[length - shared :] = 1 - _fade(shared, edge)
        parts.append((int(start), int(start) + length, weight))
    return parts


def _fade(length: int, edge: int) -> Floats:
    """Zero for `edge` states, then a straight rise, then one for `edge` states."""
    return np.clip((np.arange(length, dtype=np.float32) + 0.5 - edge) / (length - 2 * edge), 0.0, 1.0)


def positions(count: int) -> Floats:
    """Whisper's sinusoid positions (count, 384): sines of 192 frequencies from 1 to 1/10000, then cosines."""
    half = WIDTH // 2
    frequencies = np.exp(-np.log(10000.0) / (half - 1) * np.arange(half))
    angles = np.arange(count)[:, None] * frequencies
    return np.concatenate([np.sin(angles), np.cos(angles)], axis=1).astype(np.float32)


def gelu(values: Floats) -> Floats:
    """Gaussian error linear unit, exact form, of values (n, width)."""
    result = np.empty_like(values)
    for start in range(0, len(values), GELU_ROWS):
        result[start : start + GELU_ROWS] = _gelu(values[start : start + GELU_ROWS])
    return result


def _gelu(values: Floats) -> Floats:
    """The same; erf after Abramowitz and Stegun 7.1.26 (off by less than 2e-7).

    SciPy's own erf works in double precision and takes three times as long.
    """
    x = np.abs(values) * np.float32(0.5**0.5)
    t = 1 / (1 + np.float32(0.3275911) * x)
    tail = t * np.float32(ERF[-1])
    for factor in reversed(ERF[:-1]):
        tail += np.float32(factor)
        tail *= t
    x *= -x
    tail *= np.exp(x, out=x)
    tail *= np.float32(0.5)  # half of 1 - erf(|x|): the share of a value below zero that is let through
    return np.asarray(values * np.where(values < 0, tail, 1 - tail))


def _convolve(frames: Floats, weight: Floats, bias: Floats, stride: int) -> Floats:
    """Convolution over time with kernel 3 and one frame of zero padding: (n, in) to (n / stride, out)."""
    padded = np.pad(frames, ((1, 1), (0, 0)))
    columns = np.concatenate([padded[k : k + len(frames)][::stride] for k in range(3)], axis=1)
    kernel = weight.transpose(0, 2, 1).reshape(len(weight), -1)
    return np.asarray(columns @ kernel.T + bias)
