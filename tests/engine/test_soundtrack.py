"""Sound from several files: right place, right level, no clicks at borders, the original untouched outside."""

import numpy as np
import pytest

from apps.inference.engine.media.audio import OUTPUT_RATE
from apps.inference.engine.media.soundtrack import FADE, Clip, Soundtrack

from .tiny_media import write_wav

RATE = OUTPUT_RATE


def ramp(path, seconds, low, high):
    """A file whose level tells the time: from ``low`` to ``high``."""
    return write_wav(path, np.linspace(low, high, round(seconds * RATE), dtype=np.float32), RATE)


def heard(clips, samples):
    blocks = list(Soundtrack.of(clips).blocks(samples))
    assert all(block.dtype == np.float32 for block in blocks)
    return np.concatenate(blocks, axis=1)


@pytest.fixture
def files(tmp_path):
    return ramp(tmp_path / "old.wav", 3, -0.5, -0.2), ramp(tmp_path / "new.wav", 2, 0.2, 0.4)


def test_one_file_is_heard_as_it_is_and_then_silence(files):
    _, new = files
    sound = heard([Clip(new, 0, 1 << 60)], 3 * RATE)
    assert sound.shape == (1, 3 * RATE)
    np.testing.assert_allclose(sound[0, : 2 * RATE], np.linspace(0.2, 0.4, 2 * RATE), atol=1e-4)
    assert not sound[0, 2 * RATE :].any()


def test_the_original_is_exact_up_to_the_border_and_the_new_sound_right_after_the_fade(files):
    old, new = files
    start, end, offset = RATE, 2 * RATE, RATE // 2
    clips = [
        Clip(old, 0, start, 0, original=True), Clip(new, start, end, offset), Clip(old, end, 3 * RATE, end, True)
    ]  # fmt: skip
    sound = heard(clips, 3 * RATE)[0]
    before, after = np.linspace(-0.5, -0.2, 3 * RATE), np.linspace(0.2, 0.4, 2 * RATE)
    np.testing.assert_allclose(sound[:start], before[:start], atol=1e-4)
    np.testing.assert_allclose(sound[end:], before[end:], atol=1e-4)
    inside = slice(start + FADE, end - FADE)
    np.testing.assert_allclose(
        sound[inside], after[inside.start - start + offset : inside.stop - start + offset], atol=1e-4
    )
    steps = np.abs(np.diff(sound))
    # A raised cosine over FADE samples changes by at most pi/2 of the jump divided by its length from one to the next.
    assert steps.max() < 1.6 * 0.9 / FADE


def test_a_sound_that_simply_goes_on_is_not_faded(files):
    old, _ = files
    whole = heard([Clip(old, 0, 3 * RATE)], 3 * RATE)
    parts = heard([Clip(old, 0, RATE, 0), Clip(old, RATE, 3 * RATE, RATE)], 3 * RATE)
    np.testing.assert_array_equal(whole, parts)


def test_the_same_file_can_be_heard_twice_and_backward_in_time(files):
    _, new = files
    clips = [Clip(new, 0, RATE, RATE), Clip(None, RATE, RATE + 4800), Clip(new, RATE + 4800, 2 * RATE, 0)]
    sound = heard(clips, 2 * RATE)[0]
    level = np.linspace(0.2, 0.4, 2 * RATE)
    assert sound[RATE // 2] == pytest.approx(level[RATE + RATE // 2], abs=1e-4)
    assert not sound[RATE + FADE : RATE + 4800].any()
    assert sound[RATE + 4800 + 2 * FADE] == pytest.approx(level[2 * FADE], abs=1e-4)


def test_files_of_any_rate_and_width_become_one_track(tmp_path):
    import wave

    stereo = tmp_path / "stereo.wav"
    with wave.open(str(stereo), "wb") as out:
        out.setparams((2, 2, 22_050, 0, "NONE", ""))
        out.writeframes((np.tile([[0.5, -0.25]], (22_050, 1)) * 32767).astype("<i2").tobytes())
    mono = write_wav(tmp_path / "mono.wav", np.full(8_000, 0.1, np.float32), 8_000)
    sound = heard([Clip(stereo, 0, RATE, 0, original=True), Clip(mono, RATE, 2 * RATE)], 2 * RATE)
    assert sound.shape == (2, 2 * RATE)
    np.testing.assert_allclose(sound[:, RATE // 2], [0.5, -0.25], atol=2e-3)
    assert sound[0, RATE + RATE // 2] == sound[1, RATE + RATE // 2] == pytest.approx(0.1, abs=0.03)


def test_many_short_clips_of_one_file_open_it_once(files, monkeypatch):
    from apps.inference.engine.media import soundtrack

    opened = []
    real = soundtrack.blocks
    monkeypatch.setattr(soundtrack, "blocks", lambda *args: opened.append(args[0]) or real(*args))
    old, _ = files
    clips = []
    for index in range(10):
        clips += [Clip(old, index * 9600, index * 9600 + 4800, index * 9600)]
        clips += [Clip(None, index * 9600 + 4800, (index + 1) * 9600)]
    heard(clips, 96_000)
    assert len(opened) == 1
