"""Sound and picture apart by a known time, and pairs that do not belong together."""

from dataclasses import replace

import numpy as np
import pytest

from apps.inference.engine.speech.offset import TRUSTED, estimate_offset
from apps.inference.engine.speech.voice import learn_voice

from .speech_made import syllables


def mouth_of(speech, delay_s: float, noise: float = 0.8, seed: int = 9) -> tuple[np.ndarray, np.ndarray]:
    """A tracked mouth at 25 fps whose sound comes `delay_s` after the picture."""
    times = np.arange(20, int(speech.duration_s * 25) - 20) / 25
    random = np.random.default_rng(seed)
    params = speech.mouth_at(times + delay_s) + noise * random.standard_normal((len(times), 6))
    return times, 0.1 + 0.03 * params


@pytest.mark.parametrize("delay_s", [-0.24, -0.08, 0.0, 0.03, 0.14])
def test_a_known_offset_is_recovered(delay_s):
    speech = syllables(12)
    times, params = mouth_of(speech, delay_s)
    found = estimate_offset(speech, times, params)
    assert found.seconds == pytest.approx(delay_s, abs=0.012)
    assert found.confidence > 0.6
    assert found.is_trusted


def test_the_wrong_sound_is_not_trusted():
    confidences = []
    for seed in range(8):
        times, params = mouth_of(syllables(12, seed=seed), 0.0)
        confidences.append(estimate_offset(syllables(12, seed=50 + seed), times, params).confidence)
    assert max(confidences) < TRUSTED


def test_a_still_mouth_and_too_few_frames_say_nothing():
    speech = syllables(4)
    times, params = mouth_of(speech, 0.0)
    still = np.tile(params[:1], (len(times), 1))
    assert estimate_offset(speech, times, still).confidence == 0
    assert estimate_offset(speech, times[:20], params[:20]).confidence == 0


def test_a_voice_is_learnt_only_from_its_own_sound():
    speech = syllables(12)
    times, params = mouth_of(speech, 0.06)
    voice = learn_voice(speech, times, params)
    assert voice is not None
    assert voice.offset.seconds == pytest.approx(0.06, abs=0.012)
    assert learn_voice(syllables(12, seed=77), times, params) is None


def test_a_speaker_who_speaks_with_the_jaw_is_heard_so():
    """This speaker's width follows what the general readout calls jaw."""
    speech = syllables(20)
    times, params = mouth_of(speech, 0.0, noise=0.3)
    params[:, 1] = params[:, 2]
    voice = learn_voice(speech, times, params)
    assert voice is not None
    other = syllables(20, seed=3)
    adapted = voice.adapt(other)
    before = np.corrcoef(other.mouth[:, 1], other.mouth[:, 2])[0, 1]
    after = np.corrcoef(adapted.mouth[:, 1], other.mouth[:, 2])[0, 1]
    assert after > before + 0.3
    assert adapted.mouth.std(0) == pytest.approx(np.ones(6), abs=0.25)
    np.testing.assert_array_equal(replace(adapted, mouth=other.mouth).activity, other.activity)
