"""The table of sync modes, row by row."""

import numpy as np
import pytest

from apps.inference.engine.sync_modes import build_timeline

FPS = 25.0
TIMES = np.arange(10) / FPS
PICTURE = 0.4


def timeline(mode, sound, times=TIMES, picture=PICTURE):
    return build_timeline(times, picture, sound, mode, FPS)


@pytest.mark.parametrize(
    ("mode", "sound", "frames"),
    [
        ("cut_off", 1.0, 10), ("cut_off", 0.2, 5), ("cut_off", 0.21, 6),
        ("loop", 1.0, 25), ("loop", 0.2, 5),
        ("bounce", 1.0, 25), ("bounce", 0.2, 5),
        ("silence", 1.0, 25), ("silence", 0.2, 10),
        ("remap", 1.0, 25), ("remap", 0.2, 5),
    ],
)  # fmt: skip
def test_length_of_the_result(mode, sound, frames):
    line = timeline(mode, sound)
    assert len(line) == frames
    assert line.duration_s == pytest.approx(frames / FPS)
    np.testing.assert_allclose(line.time, np.arange(frames) / FPS, atol=1e-9)


def test_loop_starts_again():
    line = timeline("loop", 1.0)
    assert line.source.tolist() == [*range(10), *range(10), *range(5)]
    assert line.turns.tolist() == [10, 20]


def test_bounce_turns_without_repeating_the_end_frames():
    line = timeline("bounce", 1.0)
    assert line.source.tolist() == [*range(10), *range(8, 0, -1), *range(7)]
    assert line.turns.tolist() == []


def test_silence_holds_the_last_frame():
    assert timeline("silence", 0.6).source.tolist() == [*range(10), 9, 9, 9, 9, 9]


def test_remap_is_the_identity_for_equal_lengths_and_even_otherwise():
    assert timeline("remap", PICTURE).source.tolist() == list(range(10))
    assert timeline("remap", 0.8).source.tolist() == [k // 2 for k in range(20)]
    assert timeline("remap", 0.2).source.tolist() == [0, 2, 4, 6, 8]


@pytest.mark.parametrize("mode", ["cut_off", "loop", "bounce"])
def test_a_picture_that_is_held_ends_with_the_sound(mode):
    """Slides stay for seconds; whoever stops speaking does not wait for the next one."""
    line = timeline(mode, 0.5, np.array([0.0, 0.04, 0.08]), 10.0)
    assert line.source.tolist() == [0, 1, 2]
    assert line.duration_s == pytest.approx(0.5 + 1 / FPS)


def test_a_variable_rate_keeps_its_own_times_and_mirrors_them_on_the_way_back():
    times = np.array([0.0, 0.04, 0.12, 0.16])
    line = timeline("bounce", 0.6, times, 0.2)
    assert line.source.tolist() == [0, 1, 2, 3, 2, 1, 0, 1, 2, 3, 2, 1]
    np.testing.assert_allclose(
        line.time, [0, 0.04, 0.12, 0.16, 0.2, 0.24, 0.32, 0.36, 0.44, 0.48, 0.52, 0.56], atol=1e-9
    )


def test_a_single_frame_can_be_extended():
    assert timeline("bounce", 0.2, np.zeros(1), 0.04).source.tolist() == [0] * 5
