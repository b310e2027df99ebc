"""The encoder's speech detector: music and noise are not speech, and quiet is quiet whatever it sounds like."""

from pathlib import Path

import numpy as np
import pytest
from django.conf import settings

from apps.inference.engine.speech.activity import RATE, heard_activity, speech_activity
from apps.inference.engine.speech.analysis import SpeechReader
from apps.inference.engine.speech.mel import SAMPLE_RATE
from apps.inference.engine.speech.training.surroundings import made_music, made_noise

from .test_encoder import babble


@pytest.mark.parametrize("made", [made_music, made_noise])
def test_music_and_noise_alone_are_mostly_not_speech(made):
    sound = 0.1 * made(6 * SAMPLE_RATE, np.random.default_rng(3))
    assert sound.std() == pytest.approx(0.1, rel=0.01)
    heard = SpeechReader(Path(settings.MODELS_DIR)).read(sound.astype(np.float32))
    assert (heard.activity > 0.5).mean() < 0.25


def test_the_detector_crosses_its_border_with_speech():
    samples = babble(4.0)
    detected = np.repeat([0.0, 1.0, 0.0, 1.0], RATE)
    heard = heard_activity(detected, samples)
    assert len(heard) == 4 * RATE
    assert heard[10:40].max() == 0
    assert heard[60:90].min() > 0.9


def test_what_is_far_quieter_than_the_rest_is_no_speech():
    samples = babble(4.0)
    samples[2 * SAMPLE_RATE : 3 * SAMPLE_RATE] *= 0.001
    heard = heard_activity(np.ones(4 * RATE), samples)
    assert heard[105:145].max() == 0
    assert (heard[:95] > 0.5).mean() > 0.8


def test_a_quiet_recording_is_heard_as_a_loud_one_is():
    """Its softer half was taken for pauses, in which the mouth rested, where it lay below a level fixed for all."""
    samples = babble(6.0)
    samples[2 * SAMPLE_RATE : 3 * SAMPLE_RATE] = 0
    samples[4 * SAMPLE_RATE :] *= 0.05
    samples += np.random.default_rng(4).normal(0, 0.01 * samples.std(), len(samples)).astype(np.float32)
    loud = heard_activity(np.ones(6 * RATE), samples)
    assert (loud[205:] > 0.5).mean() > 0.9 and loud[110:140].max() == 0
    quiet = heard_activity(np.ones(6 * RATE), samples * np.float32(10 ** (-30 / 20)))
    assert ((quiet > 0.5) == (loud > 0.5)).mean() > 0.98
    quiet = speech_activity(samples * np.float32(10 ** (-20 / 20)))
    assert ((quiet > 0.5) == (speech_activity(samples) > 0.5)).mean() > 0.98


def test_a_word_in_a_minute_of_noise_is_found_and_the_noise_is_not():
    """What is loud is told from the loudest half a second: the word is no more than a thirtieth of the sound."""
    samples = np.random.default_rng(4).normal(0, 10 ** (-66 / 20), 40 * SAMPLE_RATE)
    word = babble(1.2)
    samples[20 * SAMPLE_RATE :][: len(word)] += 0.1 * word
    heard = heard_activity(np.ones(40 * RATE), samples.astype(np.float32))
    assert (heard[20 * RATE + 5 : 21 * RATE] > 0.5).all()
    assert (heard[: 19 * RATE].max(), heard[22 * RATE :].max()) == (0, 0)


@pytest.mark.parametrize("noise_db", [-30, -15])
def test_a_pause_in_which_only_the_microphone_is_heard_is_no_speech(noise_db):
    """The encoder takes it for speech, and 45 dB below the voice it is not."""
    samples = babble(6.0)
    samples[2 * SAMPLE_RATE : 3 * SAMPLE_RATE] = 0
    hiss = np.random.default_rng(4).normal(0, samples.std() * 10 ** (noise_db / 20), len(samples))
    heard = heard_activity(np.ones(6 * RATE), (samples + hiss).astype(np.float32))
    assert heard[110:140].max() == 0
    assert (heard[:95] > 0.5).mean() > 0.9 and (heard[155:] > 0.5).mean() > 0.9


def test_a_sound_that_is_loud_all_the_time_has_no_floor():
    tone = 0.2 * np.sin(np.arange(4 * SAMPLE_RATE) * 0.2)
    assert (heard_activity(np.ones(4 * RATE), tone.astype(np.float32)) > 0.5).all()


def test_a_constant_beside_the_sound_changes_nothing():
    samples = babble(4.0)
    reader = SpeechReader(Path(settings.MODELS_DIR))
    plain, shifted = reader.read(samples), reader.read(samples + np.float32(0.1))
    np.testing.assert_allclose(shifted.mouth, plain.mouth, atol=0.02)
    np.testing.assert_allclose(shifted.level_db, plain.level_db, atol=0.5)
