"""The log-mel spectrogram against its formula."""

import numpy as np
import pytest

from apps.inference.engine.speech.mel import BANDS, HOP, SAMPLE_RATE, WINDOW, log_mel, mel_filters


def tone(frequency: float, seconds: float = 1.0) -> np.ndarray:
    return np.sin(2 * np.pi * frequency * np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE).astype(np.float32)


def test_filters_have_unit_area_and_cover_speech():
    filters = mel_filters()
    assert filters.shape == (BANDS, WINDOW // 2 + 1)
    step = SAMPLE_RATE / WINDOW
    # Narrow low bands are sampled by one or two bins only, so their area is right on average.
    assert np.mean(filters.sum(1) * step) == pytest.approx(1.0, abs=0.03)
    centres = filters.argmax(1) * step
    assert (np.diff(centres) >= 0).all()
    assert centres[-1] > 7000


def test_one_frame_equals_the_formula_written_out():
    random = np.random.default_rng(0)
    samples = random.standard_normal(4000).astype(np.float32)
    mel = log_mel(samples)
    frame = 12
    times = np.arange(WINDOW)
    piece = samples[frame * HOP - WINDOW // 2 : frame * HOP + WINDOW // 2] * (0.5 - 0.5 * np.cos(np.pi * times / 200))
    power = [abs(np.sum(piece * np.exp(-2j * np.pi * k * times / WINDOW))) ** 2 for k in range(WINDOW // 2 + 1)]
    expected = (np.log10(np.array(power) @ mel_filters().T) + 4) / 4
    np.testing.assert_allclose(mel[frame], expected, atol=1e-4)


def test_a_tone_lands_in_its_band_and_the_floor_is_eight_decades_down():
    mel = log_mel(tone(1000.0))
    assert mel.shape == (100, BANDS)
    assert mel_filters()[mel[50].argmax()].argmax() * SAMPLE_RATE / WINDOW == pytest.approx(1000, abs=40)
    assert mel.max() - mel.min() == pytest.approx(2.0, abs=1e-5)


def test_long_sound_is_transformed_in_blocks_without_a_seam():
    samples = np.tile(tone(440.0), 32)
    mel = log_mel(samples)
    assert len(mel) == 3200
    np.testing.assert_allclose(mel[2990:3010], np.tile(mel[2900], (20, 1)), atol=1e-3)


def test_too_little_sound_is_refused():
    with pytest.raises(ValueError, match="25 ms"):
        log_mel(np.zeros(WINDOW - 1, np.float32))
