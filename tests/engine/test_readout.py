"""The readout: its arithmetic, its file, what it is fitted to, and what happens without the encoder."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from django.conf import settings

from apps.inference.engine.errors import EngineError
from apps.inference.engine.model_files import SPEECH_ENCODER
from apps.inference.engine.speech.analysis import SpeechAnalysis, SpeechReader
from apps.inference.engine.speech.readout import (
    ENCODER_READOUT,
    OUTPUTS,
    SPECTRAL_READOUT,
    Readout,
    load_readout,
    with_taps,
)
from apps.inference.engine.speech.spectral import spectral_states
from apps.inference.engine.speech.training.fitting import Fitter, hear, leave_one_speaker_out
from apps.inference.engine.speech.training.footage import TrainingClip

from .test_encoder import babble

MODELS = Path(settings.MODELS_DIR)


def random_readout(size: int = 5, taps: tuple[int, ...] = (-2, 0, 3)) -> Readout:
    random = np.random.default_rng(0)
    draw = lambda *shape: random.standard_normal(shape).astype(np.float32)  # noqa: E731
    return Readout(draw(size), 1 + draw(size) ** 2, taps, draw(len(taps), size, OUTPUTS), draw(OUTPUTS), {"clips": 3})


def test_prediction_is_the_sum_over_taps_with_the_ends_held():
    readout = random_readout()
    states = np.random.default_rng(1).standard_normal((10, 5)).astype(np.float32)
    standard = (states - readout.mean) / readout.spread
    for step in (0, 4, 9):
        rows = [standard[min(max(step + tap, 0), 9)] for tap in readout.taps]
        expected = readout.bias + sum(row @ weights for row, weights in zip(rows, readout.weights, strict=True))
        np.testing.assert_allclose(readout.predict(states)[step], expected, atol=1e-4)
    joined = with_taps(standard, readout.taps, np.arange(10))
    flat = joined @ readout.weights.reshape(-1, OUTPUTS) + readout.bias
    np.testing.assert_allclose(readout.predict(states), flat, atol=1e-4)


def test_a_saved_readout_predicts_the_same(tmp_path):
    readout = random_readout(size=64)
    readout.save(tmp_path / "r.npz")
    again = load_readout(tmp_path / "r.npz")
    states = np.random.default_rng(1).standard_normal((200, 64)).astype(np.float32)
    before, after = readout.predict(states), again.predict(states)
    for column in range(OUTPUTS):
        assert np.corrcoef(before[:, column], after[:, column])[0, 1] > 0.999
    assert again.facts == {"clips": 3}
    assert again.taps == readout.taps


def test_a_damaged_readout_is_named(tmp_path):
    with pytest.raises(EngineError, match=r"gone\.npz cannot be read"):
        load_readout(tmp_path / "gone.npz")
    (tmp_path / "bad.npz").write_bytes(b"nothing")
    with pytest.raises(EngineError, match=r"bad\.npz cannot be read"):
        load_readout(tmp_path / "bad.npz")


@pytest.mark.parametrize(("path", "largest"), [(ENCODER_READOUT, 64_000), (SPECTRAL_READOUT, 8_000)])
def test_the_shipped_weights_are_small_and_say_what_they_learnt_from(path, largest):
    readout = load_readout(path)
    assert path.stat().st_size < largest
    assert readout.facts["clips"] >= 60
    assert readout.facts["left_out"][0] > 0.5


def test_without_the_encoder_a_warning_comes_and_the_mouth_still_moves(tmp_path):
    reader = SpeechReader(tmp_path)
    result = reader.read(babble(2.0))
    assert len(result.warnings) == 1
    assert SPEECH_ENCODER in result.warnings[0]
    assert result.mouth.shape == (100, 6)
    assert result.mouth[:, 0].std() > 0.05


def test_an_analysis_goes_to_disk_and_back(tmp_path):
    reader = SpeechReader(MODELS)
    result = reader.read(babble(1.23))
    assert result.warnings == ()
    assert result.duration_s == pytest.approx(1.23)
    assert {len(part) for part in (result.mouth, result.closed, result.activity, result.level_db)} == {62}
    assert 0 <= result.closed.min() <= result.closed.max() <= 1
    result.save(tmp_path)
    again = SpeechAnalysis.load(tmp_path)
    np.testing.assert_allclose(again.mouth, result.mouth, atol=1e-5)
    assert again.duration_s == result.duration_s


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"mouth": np.zeros((50, 1))}, "(50, 6) is needed"),
        ({"mouth": np.full((50, 6), np.nan)}, "no numbers"),
        ({"closed": np.zeros(49)}, "(50,) is needed"),
        ({"duration_s": 2.0}, "50 rows are 1.00 s at 50 a second, but the sound lasts 2.00 s."),
    ],
)
def test_what_a_net_of_ones_own_gets_wrong_is_said(change, said):
    row = np.zeros(50)
    good = {"duration_s": 1.0, "mouth": np.zeros((50, 6)), "closed": row, "activity": row, "level_db": row}
    SpeechAnalysis(**good)
    with pytest.raises(ValueError, match=re.escape(said)):
        SpeechAnalysis(**good | change)


def test_an_empty_sound_is_refused():
    with pytest.raises(EngineError) as caught:
        SpeechReader(MODELS).read(np.zeros(100, np.float32))
    assert caught.value.code == "generation_input_audio_invalid"


def test_spectral_states_do_not_depend_on_loudness():
    samples = babble(2.0)
    np.testing.assert_allclose(spectral_states(samples), spectral_states(0.1 * samples), atol=0.05)


def made_clips(speakers: int, clips: int, late_s: float) -> list[TrainingClip]:
    """Clips whose targets are a linear map of their spectral states, sound `late_s` after the picture."""
    weights = np.random.default_rng(8).standard_normal((27, OUTPUTS)) / 5
    result = []
    for speaker in range(speakers):
        for number in range(clips):
            samples = babble(3.0, seed=10 * speaker + number)
            truth = spectral_states(samples) @ weights
            times = np.arange(5, 70) / 25
            targets = np.stack(
                [np.interp(times + late_s, np.arange(len(truth)) / 50, column) for column in truth.T], axis=1
            )
            name = f"{speaker}_{number}"
            result.append(TrainingClip(name, str(speaker), times + late_s, targets[:, :6], samples, targets))
    return result


@pytest.mark.parametrize("late_s", [0.0, 0.08])
def test_training_finds_a_linear_mouth_on_speakers_left_out(late_s):
    clips = made_clips(3, 3, late_s)
    heard = hear(clips, spectral_states)
    assert len(heard) == 3 * len(clips), "alone, in a row, in another room"
    taps = (-1, 0, 1)
    fitter = Fitter.for_states(heard, taps, 0.01)
    sums = fitter.moments(heard)
    scores = leave_one_speaker_out(heard, spectral_states, fitter, sums)
    assert set(scores) == {"0", "1", "2"}
    assert min(score.min() for score in scores.values()) > 0.85
    wrong = [replace(clip, samples=babble(3.0, seed=900 + k)) for k, clip in enumerate(clips)]
    unrelated = hear(wrong, spectral_states)
    other = Fitter.for_states(unrelated, taps, 0.01)
    chance = leave_one_speaker_out(unrelated, spectral_states, other, other.moments(unrelated))
    assert np.mean([score.mean() for score in chance.values()]) < 0.3
