"""The speech encoder: the same every time, and windows that agree where they meet."""

from pathlib import Path

import numpy as np
import pytest
from django.conf import settings

from apps.inference.engine.speech import encoder as module
from apps.inference.engine.speech.encoder import STATE_RATE, STATE_SIZE, SpeechEncoder, gelu, positions, windows
from apps.inference.engine.speech.mel import SAMPLE_RATE

MODELS = Path(settings.MODELS_DIR)


@pytest.fixture(scope="module")
def encoder() -> SpeechEncoder:
    return SpeechEncoder(MODELS)


def babble(seconds: float, seed: int = 0) -> np.ndarray:
    """Something speech-like: a buzzing source whose resonance and loudness wander."""
    random = np.random.default_rng(seed)
    times = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    knots = np.arange(0, seconds + 0.2, 0.12)
    wander = [np.interp(times, knots, random.uniform(low, high, len(knots))) for low, high in ((0, 1), (300, 2500))]
    phase = 2 * np.pi * np.cumsum(np.full(len(times), 120.0)) / SAMPLE_RATE
    resonance = np.cos(2 * np.pi * np.cumsum(wander[1]) / SAMPLE_RATE)
    return (0.2 * wander[0] * np.sign(np.sin(phase)) * resonance).astype(np.float32)


def test_states_cover_the_sound_fifty_times_a_second(encoder):
    states = encoder.states(babble(1.5))
    assert states.shape == (75, STATE_SIZE)
    assert states.dtype == np.float32
    assert np.isfinite(states).all()
    assert states.std() > 0.1


def test_the_same_sound_gives_the_same_states(encoder):
    samples = babble(1.0)
    np.testing.assert_array_equal(encoder.states(samples), encoder.states(samples.copy()))


def test_states_follow_the_sound_in_time(encoder):
    """Silence with one burst: the states change most at the burst."""
    samples = np.zeros(2 * SAMPLE_RATE, np.float32)
    samples[SAMPLE_RATE : SAMPLE_RATE + 3200] = babble(0.2, 3)
    change = np.abs(np.diff(encoder.states(samples), axis=0)).sum(1)
    assert abs(change.argmax() / STATE_RATE - 1.1) < 0.15


def test_windows_agree_with_one_long_window(encoder, monkeypatch):
    samples = babble(9.0, 1)
    whole = encoder.states(samples)
    monkeypatch.setattr(module, "WINDOW_S", 6.0)
    monkeypatch.setattr(module, "OVERLAP_S", 3.0)
    pieces = encoder.states(samples)
    assert pieces.shape == whole.shape
    # The encoder knows where in its window a sound stands, so windows agree closely, not exactly.
    assert np.corrcoef(pieces.ravel(), whole.ravel())[0, 1] > 0.85
    steps = np.abs(np.diff(pieces, axis=0)).sum(1)
    assert steps.max() < 2.0 * np.abs(np.diff(whole, axis=0)).sum(1).max(), "no seam where windows meet"


@pytest.mark.parametrize("total", [1, 600, 1200, 1201, 1399, 4321])
def test_window_weights_add_up_to_one(total):
    weight = np.zeros(total)
    for start, end, part in windows(total):
        assert 0 <= start < end <= total
        assert end - start <= module.WINDOW_S * STATE_RATE
        weight[start:end] += part
    np.testing.assert_allclose(weight, 1.0, atol=1e-5)


def test_positions_and_gelu_are_whispers():
    table = positions(4)
    np.testing.assert_allclose(table[0], np.r_[np.zeros(192), np.ones(192)], atol=1e-7)
    assert table[3, 0] == pytest.approx(np.sin(3.0), abs=1e-6)
    assert table[3, 191] == pytest.approx(np.sin(3e-4), abs=1e-6)
    values = gelu(np.array([-1.0, 0.0, 1.0, 3.0], np.float32))
    np.testing.assert_allclose(values, [-0.15865525, 0.0, 0.84134475, 2.9959502], atol=1e-6)


def test_too_little_sound_still_gives_states_or_a_word(encoder):
    assert len(encoder.states(np.zeros(160, np.float32))) == 1
    assert len(encoder.states(np.zeros(0, np.float32))) == 0
