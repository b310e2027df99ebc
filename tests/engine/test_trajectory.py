"""From wanted to real mouths: range, temperature, pauses, closures."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from apps.inference.engine.face.mouth_params import APERTURE, JAW, LOWER_LIP, UPPER_LIP
from apps.inference.engine.motion.trajectory import MouthRange, mouth_trajectory, still_range
from apps.inference.engine.speaker import mouth_range

from .speech_made import speaker_params, syllables

FPS = 25.0
SPEAKER = MouthRange(speaker_params())


def frames(seconds: float, fps: float = FPS) -> np.ndarray:
    return np.arange(int(seconds * fps)) / fps


def test_the_mouth_keeps_the_speakers_range_and_follows_the_sound():
    speech, times = syllables(12), frames(12)
    made = mouth_trajectory(speech, times, SPEAKER, FPS)
    assert made.shape == (300, 6)
    seen = SPEAKER.params[:, APERTURE]
    assert made[:, APERTURE].min() >= min(seen.min(), SPEAKER.closed) - 1e-9
    assert np.percentile(made[:, APERTURE], 95) == pytest.approx(np.percentile(seen, 95), rel=0.2)
    assert made[:, APERTURE].mean() == pytest.approx(seen.mean(), rel=0.15)
    wanted = speech.mouth_at(times)
    assert np.corrcoef(made[:, APERTURE], wanted[:, APERTURE])[0, 1] > 0.9


def test_temperature_widens_the_range_smoothly():
    speech, times = syllables(8), frames(8)
    spreads = [
        mouth_trajectory(speech, times, SPEAKER, FPS, temperature)[:, APERTURE].std()
        for temperature in np.linspace(0, 1, 11)
    ]
    steps = np.diff(spreads)
    assert (steps > 0).all()
    assert steps.max() < 1.5 * steps.min()
    assert spreads[-1] / spreads[0] == pytest.approx(1.4 / 0.6, rel=0.1)


def test_only_long_pauses_bring_the_mouth_to_rest():
    speech = syllables(10, pauses=((2.0, 2.3), (5.0, 6.5)))
    without = syllables(10)
    times = frames(10)
    made, plain = (mouth_trajectory(item, times, SPEAKER, FPS)[:, APERTURE] for item in (speech, without))
    short, long = (times > 2.0) & (times < 2.3), (times > 5.3) & (times < 6.08)
    assert np.corrcoef(made[short], plain[short])[0, 1] > 0.95
    assert made[long].max() < SPEAKER.closed + 0.01
    around = (times > 4.9) & (times < 5.0)
    np.testing.assert_allclose(made[around], plain[around], atol=0.02)


def test_lips_part_before_the_next_word_but_not_long_after_the_last():
    """In a breath of .6 s they shut behind the word and are on their way before the next one."""
    times = frames(10)
    made, without = (
        mouth_trajectory(syllables(10, pauses=pauses), times, SPEAKER, FPS)[:, APERTURE] - SPEAKER.closed
        for pauses in (((5.0, 5.6),), ())
    )
    shut, ready = (times > 5.14) & (times < 5.26), (times > 5.4) & (times < 5.6)
    assert made[shut].max() < 0.3 * without[shut].max()
    assert np.corrcoef(made[ready], without[ready])[0, 1] > 0.95


def test_nothing_moves_in_a_sound_without_speech_at_its_edges():
    speech = syllables(6, pauses=((0.0, 1.0), (5.0, 6.0)))
    made = mouth_trajectory(speech, frames(6), SPEAKER, FPS)
    np.testing.assert_allclose(made[:15, APERTURE], SPEAKER.closed, atol=0.005)
    np.testing.assert_allclose(made[-15:, APERTURE], SPEAKER.closed, atol=0.005)


def test_closures_shut_the_lips_and_the_jaw_comes_along():
    speech, times = syllables(6), frames(6)
    plain = mouth_trajectory(speech, times, SPEAKER, FPS)
    widest = times[plain[:, APERTURE].argmax()]
    closed = np.zeros_like(speech.closed)
    closed[int(widest * 50) - 3 : int(widest * 50) + 4] = 1.0
    made = mouth_trajectory(replace(speech, closed=closed), times, SPEAKER, FPS)
    at = np.abs(times - widest) <= 0.041
    np.testing.assert_allclose(made[at, APERTURE], SPEAKER.closed, atol=1e-6)
    away = np.abs(times - widest) > 0.15
    np.testing.assert_allclose(made[away], plain[away])
    for column in (JAW, LOWER_LIP):
        assert (made[at, column] < plain[at, column] - 0.01).all()


def test_the_lips_are_as_far_apart_as_the_opening_says():
    made = mouth_trajectory(syllables(8), frames(8), SPEAKER, FPS)
    seen = SPEAKER.params
    slope, start = np.polyfit(seen[:, APERTURE], seen[:, LOWER_LIP] - seen[:, UPPER_LIP], 1)
    gap = made[:, LOWER_LIP] - made[:, UPPER_LIP]
    np.testing.assert_allclose(gap, start + slope * made[:, APERTURE], atol=1e-9)


def test_the_frame_rate_does_not_change_what_the_mouth_does():
    speech = syllables(6)
    slow, fast = (mouth_trajectory(speech, frames(6, fps), SPEAKER, fps) for fps in (25.0, 50.0))
    assert np.corrcoef(fast[::2, APERTURE], slow[:, APERTURE])[0, 1] > 0.98
    assert fast[::2, APERTURE].std() == pytest.approx(slow[:, APERTURE].std(), rel=0.1)


def test_a_still_smile_gets_a_closed_rest_and_openings_of_its_own():
    smile = np.tile([0.05, 0.7, 0.95, 0.12, 0.18, 0.04], (50, 1))
    made = still_range(smile)
    assert made.closed < 0.025
    assert np.percentile(made.params[:, APERTURE], 95) == pytest.approx(0.018 + 1.96 * 0.062, abs=0.01)
    shut = made.params[made.params[:, APERTURE].argmin()]
    assert shut[LOWER_LIP] < 0.18 - 0.02, "the lower lip went up to close the smile"
    trajectory = mouth_trajectory(syllables(5), frames(5), made, FPS)
    assert np.ptp(trajectory[:, APERTURE]) > 0.1
    assert np.corrcoef(trajectory[:, APERTURE], trajectory[:, JAW])[0, 1] > 0.7


def test_a_short_quiet_word_is_not_blown_up_to_the_whole_range():
    """Half a second in which the readout asks for next to nothing, against a sound that asks for everything."""
    loud = syllables(10)
    hum = replace(syllables(0.6), mouth=0.1 * syllables(0.6).mouth - 0.8)
    murmured = mouth_trajectory(hum, frames(0.6), SPEAKER, FPS)[:, APERTURE]
    spoken = mouth_trajectory(loud, frames(10), SPEAKER, FPS)[:, APERTURE]
    assert murmured.max() < np.percentile(spoken, 40)


def test_a_sound_shorter_than_a_word_gives_a_mouth_too():
    made = mouth_trajectory(syllables(0.3), frames(0.3), SPEAKER, FPS)
    assert np.isfinite(made).all()


def test_a_mouth_moves_no_faster_than_it_does_in_its_footage_and_still_shuts():
    speech, times = syllables(8), frames(8)
    closed = np.zeros(len(speech.closed))
    closed[150:154] = 1  # lips meet for 80 ms at 3 s
    speech = replace(speech, closed=closed)
    plain = mouth_trajectory(speech, times, SPEAKER, FPS)
    quickest = np.percentile(np.abs(np.diff(plain, axis=0)), 90, axis=0) * FPS
    slow = mouth_trajectory(speech, times, replace(SPEAKER, quickest=quickest), FPS)
    free = [0, 1]  # jaw and lips follow the opening
    assert (np.abs(np.diff(plain[:, free], axis=0)).max(0) * FPS > 1.2 * quickest[free]).all()
    assert (np.abs(np.diff(slow[:, free], axis=0)).max(0) * FPS <= quickest[free] + 1e-9).all()
    assert slow[75:77, APERTURE] == pytest.approx(plain[75:77, APERTURE], abs=1e-9)
    assert np.corrcoef(slow[:, APERTURE], plain[:, APERTURE])[0, 1] > 0.95


def test_who_listens_for_most_of_the_footage_speaks_no_slower_for_that():
    talk = speaker_params()[:150]

    def seen_with(rest):
        params = np.concatenate([talk, np.repeat(talk[-1:], rest, axis=0)])
        track = SimpleNamespace(usable=np.ones(len(params), bool), params=params)
        return mouth_range(SimpleNamespace(is_still=False, track=track, shot=np.zeros(len(params))), FPS)

    talks, listens = seen_with(rest=0), seen_with(rest=1350)
    assert listens.quickest == pytest.approx(talks.quickest, rel=0.1)
    assert listens.closed == pytest.approx(talks.closed, abs=0.005)
