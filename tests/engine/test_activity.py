"""Where somebody speaks, at any loudness."""

import numpy as np
import pytest

from apps.inference.engine.speech.activity import RATE, long_pauses, loudness_db, speech_activity
from apps.inference.engine.speech.mel import SAMPLE_RATE

from .test_encoder import babble


def spoken(gain: float, noise: float = 0.0) -> np.ndarray:
    """One second of quiet, two of speech, one of quiet."""
    samples = np.zeros(4 * SAMPLE_RATE, np.float32)
    samples[SAMPLE_RATE : 3 * SAMPLE_RATE] = babble(2.0)
    samples += noise * np.random.default_rng(5).standard_normal(len(samples)).astype(np.float32)
    return gain * samples


@pytest.mark.parametrize(("gain", "noise"), [(1.0, 0.0), (0.02, 0.0), (1.0, 0.003), (0.1, 0.01)])
def test_speech_is_found_at_any_loudness_and_over_some_noise(gain, noise):
    activity = speech_activity(spoken(gain, noise))
    assert len(activity) == 4 * RATE
    assert activity[: int(0.8 * RATE)].max() < 0.5
    assert activity[int(3.2 * RATE) :].max() < 0.5
    assert (activity[int(1.2 * RATE) : int(2.8 * RATE)] > 0.5).mean() > 0.75


def test_digital_silence_has_no_speech():
    assert speech_activity(np.zeros(SAMPLE_RATE, np.float32)).max() < 0.5


def test_level_is_in_decibels_of_full_scale():
    tone = np.sin(2 * np.pi * 1000 * np.arange(SAMPLE_RATE) / SAMPLE_RATE).astype(np.float32)
    assert np.median(loudness_db(tone)) == pytest.approx(-3.01, abs=0.05)
    assert np.median(loudness_db(0.1 * tone)) == pytest.approx(-23.01, abs=0.05)


def test_pauses_count_by_length_and_less_is_enough_at_the_edges():
    activity = np.ones(300)
    activity[0:12] = activity[100:120] = activity[200:230] = 0.0
    pauses = long_pauses(activity)
    assert pauses[:12].all(), "0.24 s before the first word"
    assert not pauses[100:120].any(), "0.4 s between words"
    assert pauses[200:230].all(), "0.6 s between words"
    assert pauses.sum() == 42
