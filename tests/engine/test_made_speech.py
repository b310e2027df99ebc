"""Speech made by a program for training: its phones in time, and what of it reaches the readout."""

import numpy as np
import pytest

from apps.inference.engine.face.mouth_params import WIDTH
from apps.inference.engine.speech.activity import speech_activity
from apps.inference.engine.speech.readout import OUTPUTS, Readout
from apps.inference.engine.speech.spectral import STATE_SIZE, spectral_states
from apps.inference.engine.speech.training import made_speech
from apps.inference.engine.speech.training.fitting import Fitter
from apps.inference.engine.speech.training.made_speech import hear_made, phones_of, with_rounding


def test_marks_of_stress_and_length_count_to_the_sounds_they_belong_to():
    symbols = ["", "b", "ˈ", "u", "ː", "t", " ", "A", "?"]
    ends = np.cumsum([0.1, 0.08, 0.02, 0.06, 0.05, 0.07, 0.2, 0.15, 0.1])
    found = phones_of(symbols, ends)
    assert [(one.name, one.stress) for one in found] == [("B", 0), ("UH", 1), ("T", 0), ("EY", 0)]
    times = [(round(one.start_s, 2), round(one.end_s, 2)) for one in found]
    assert times == [(0.10, 0.18), (0.18, 0.31), (0.31, 0.38), (0.58, 0.73)]


@pytest.fixture
def two_lines(monkeypatch):
    monkeypatch.setattr(made_speech, "SENTENCES", made_speech.SENTENCES[:2])


@pytest.mark.usefixtures("two_lines")
def test_phones_lie_where_the_voice_is_loud():
    for line in made_speech._made_lines(np.random.default_rng(0)):
        activity = speech_activity(line.samples)
        spoken = np.flatnonzero(activity > 0.5) / 50
        assert line.phones[0].start_s == pytest.approx(spoken[0], abs=0.15)
        assert line.phones[-1].end_s == pytest.approx(spoken[-1], abs=0.35)  # a last plosive is faint
        assert all(one.end_s <= other.start_s + 1e-6 for one, other in zip(line.phones, line.phones[1:], strict=False))
        inside = activity[(np.array([one.start_s + one.end_s for one in line.phones]) * 25).astype(int)]
        assert (inside > 0.5).mean() > 0.9


@pytest.mark.usefixtures("two_lines")
def test_made_speech_teaches_the_width_and_nothing_else():
    made = hear_made(spectral_states)
    assert len(made) == 2
    targets = np.concatenate([item.targets for item in made])
    assert targets.shape[1] == 1
    assert (targets.mean(), targets.std()) == (pytest.approx(0, abs=1e-6), pytest.approx(1))
    fitter = Fitter.for_states(made, (-2, 0, 2), 0.5)
    nothing = Readout(
        fitter.mean, fitter.spread, fitter.taps, np.zeros((3, STATE_SIZE, OUTPUTS), np.float32),
        np.zeros(OUTPUTS, np.float32), {},
    )  # fmt: skip
    learnt = with_rounding(nothing, fitter, made)
    others = [column for column in range(OUTPUTS) if column != WIDTH]
    assert not learnt.weights[:, :, others].any()
    assert not learnt.bias[others].any()
    item = made[0]
    width = learnt.for_voice(item.states, item.spoken).predict(item.states)[:, WIDTH]
    assert np.corrcoef(width, item.targets[:, 0])[0, 1] > 0.2
