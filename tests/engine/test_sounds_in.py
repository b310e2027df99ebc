"""Sounds of every kind, alone and beside a picture: each moment stays at its place and as loud as it was."""

from itertools import pairwise

import av
import numpy as np
import pytest
from django.conf import settings as studio

from apps.inference import engine
from apps.inference.engine.media.audio import OUTPUT_RATE, blocks, channel_count, read_mono
from apps.inference.engine.media.probe import probe_media
from apps.inference.engine.media.soundtrack import Clip, Soundtrack
from apps.inference.engine.media.video_reader import VideoReader

from .encoded import Track, cut_by_edit_list, film, sound
from .tiny_media import picture

BEEPS_S, BEEP_S, LEVEL = (0.2, 0.7), 0.05, 0.6
CHANNELS = {"mono": 1, "stereo": 2, "2.1": 3, "5.1": 6}


def beeps(rate, channels=1, seconds=1.0, at=BEEPS_S):
    """(channels, n): beeps of 1 kHz."""
    time = np.arange(round(seconds * rate)) / rate
    wave = sum(np.where((time >= t) & (time < t + BEEP_S), np.sin(2000 * np.pi * (time - t)), 0) for t in at)
    return np.tile(LEVEL * wave, (channels, 1))


def starts(samples, rate):
    """When beeps begin, in seconds."""
    loud = np.flatnonzero(np.abs(samples) > 0.25 * LEVEL) / rate
    return [loud[0], *(late for early, late in pairwise(loud) if late - early > 0.1)]


FILES = {
    "a.wav": ("pcm_u8", 8_000, "mono"), "b.wav": ("pcm_s16le", 22_050, "stereo"),
    "c.wav": ("pcm_s24le", 96_000, "stereo"), "d.wav": ("pcm_s32le", 48_000, "5.1"),
    "e.wav": ("pcm_f32le", 44_100, "mono"), "f.wav": ("pcm_f64le", 192_000, "stereo"),
    "g.aiff": ("pcm_s16be", 11_025, "mono"), "h.flac": ("flac", 44_100, "5.1"), "i.flac": ("flac", 32_000, "2.1"),
    "j.mp3": ("libmp3lame", 44_100, "stereo"), "k.mp3": ("libmp3lame", 24_000, "mono"),
    "l.m4a": ("aac", 44_100, "5.1"), "m.m4a": ("aac", 16_000, "mono"), "n.m4a": ("alac", 44_100, "stereo"),
    "o.ogg": ("libopus", 48_000, "stereo"), "p.webm": ("libopus", 24_000, "mono"),
    "q.ogg": ("vorbis", 44_100, "stereo"), "r.mka": ("ac3", 48_000, "5.1"),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_every_codec_rate_and_layout_keeps_its_moments_and_level(name, tmp_path):
    codec, rate, layout = FILES[name]
    path = sound(tmp_path / name, Track(beeps(rate, CHANNELS[layout]), rate, codec, layout))
    heard = read_mono(path)
    np.testing.assert_allclose(starts(heard, 16_000), BEEPS_S, atol=1e-3)
    assert channel_count(path) == min(2, CHANNELS[layout])
    track = np.concatenate(list(blocks(path, OUTPUT_RATE, channel_count(path))), axis=1)
    for samples in (heard, *track):
        assert np.sqrt((samples**2).sum() / len(samples)) == pytest.approx(
            LEVEL * np.sqrt(len(BEEPS_S) * BEEP_S / 2), rel=0.12
        )
        assert len(samples) / len(heard) in (1, pytest.approx(3, abs=0.001))
    assert 0.99 < len(heard) / 16_000 < 1.03


def test_planar_and_interleaved_samples_are_the_same(tmp_path):
    """FLAC decodes to interleaved samples, ALAC to planar ones; both lose nothing."""
    files = [("a.flac", "flac", "s16"), ("b.flac", "flac", "s32"), ("c.m4a", "alac", "s16p"), ("d.m4a", "alac", "s32p")]
    heard = []
    for name, codec, kind in files:
        path = sound(tmp_path / name, Track(beeps(48_000, 2), 48_000, codec, "stereo"), kind)
        with av.open(str(path)) as container:
            assert container.streams.audio[0].format.name == kind
        heard.append(read_mono(path))
    for other in heard[1:]:
        np.testing.assert_allclose(other, heard[0], atol=1e-4)


def test_full_channels_are_mixed_without_being_cut_off(tmp_path):
    """Six equally loud channels: weights that add up to more than one would cut every peak."""
    path = sound(tmp_path / "a.wav", Track(beeps(48_000, 6) * 1.6, 48_000, "pcm_f32le", "5.1"))
    for channels in (1, 2):
        block = np.concatenate(list(blocks(path, OUTPUT_RATE, channels)), axis=1)
        assert 0.9 < np.abs(block).max() < 1.0


@pytest.mark.parametrize("layout", ["mono", "stereo", "5.1"])
def test_what_is_no_number_is_silent_in_any_number_of_channels(layout, tmp_path):
    data = beeps(48_000, CHANNELS[layout])
    data[:, 24_000:30_000] = np.nan
    heard = read_mono(sound(tmp_path / "a.wav", Track(data, 48_000, "pcm_f32le", layout)))
    np.testing.assert_allclose(starts(heard, 16_000), BEEPS_S, atol=1e-3)
    assert np.abs(heard[8_000:10_000]).max() < 0.01


def test_a_voice_is_as_loud_in_one_channel_as_in_two(tmp_path):
    mono = sound(tmp_path / "mono.wav", Track(beeps(48_000), 48_000, "pcm_s16le"))
    (one,), two = (np.concatenate(list(blocks(mono, OUTPUT_RATE, channels)), axis=1) for channels in (1, 2))
    np.testing.assert_array_equal(two, [one, one])
    stereo = sound(tmp_path / "stereo.wav", Track(beeps(48_000, 2), 48_000, "pcm_s16le", "stereo"))
    np.testing.assert_allclose(read_mono(stereo, OUTPUT_RATE), one, atol=1e-6)


def test_a_voice_whose_channels_cancel_each_other_out_is_heard(tmp_path):
    """One channel turned round, as a miswired microphone records it; the left one is a little louder."""
    left = beeps(48_000)[0]
    path = sound(tmp_path / "turned.wav", Track(np.stack([left, -0.8 * left]), 48_000, "pcm_s16le", "stereo"))
    heard = read_mono(path)
    np.testing.assert_allclose(starts(heard, 16_000), BEEPS_S, atol=1e-3)
    assert np.abs(heard).max() == pytest.approx(LEVEL, rel=0.05)


def test_a_mono_original_stays_as_it_is_beside_a_stereo_segment(tmp_path):
    old = sound(tmp_path / "old.wav", Track(beeps(48_000), 48_000, "pcm_s16le"))
    new = sound(tmp_path / "new.wav", Track(beeps(48_000, 2), 48_000, "pcm_s16le", "stereo"))
    track = Soundtrack.of(
        [Clip(old, 0, 24_000, 0, True), Clip(new, 24_000, 48_000), Clip(old, 48_000, 60_000, 0, True)]
    )
    heard = np.concatenate(list(track.blocks(48_000)), axis=1)
    np.testing.assert_array_equal(heard[:, :24_000], [read_mono(old, OUTPUT_RATE)[:24_000]] * 2)


def test_a_stream_that_changes_its_layout_is_heard_to_the_end(tmp_path):
    """Broadcast recordings switch between one and two channels, each announced by the packet itself."""
    parts = [
        sound(tmp_path / f"{layout}.aac", Track(beeps(48_000, count), 48_000, "aac", layout)).read_bytes()
        for layout, count in (("mono", 1), ("stereo", 2))
    ]
    (tmp_path / "both.aac").write_bytes(b"".join(parts))
    heard = starts(read_mono(tmp_path / "both.aac"), 16_000)
    late = 1024 / 48_000  # the codec's own delay, of which bare AAC says nothing; the first part is padded by as much
    np.testing.assert_allclose(heard, [0.2 + late, 0.7 + late, 1.224 + late, 1.724 + late], atol=0.025)


def frames(count=25):
    return [picture(index, 96, 80) for index in range(count)]


BESIDE = {
    "late": ("v.mp4", {}, {"delay_s": 0.25}, 0.25),
    "late, MKV": ("v.mkv", {}, {"delay_s": 0.25}, 0.25),
    "before the picture": ("v.mkv", {"ticks": [150 + 40 * k for k in range(25)]}, {}, -0.15),
    "before the picture, MP4": ("v.mp4", {"ticks": [150 + 40 * k for k in range(25)]}, {}, -0.15),
    "B-frames": ("v.mp4", {"options": {"bf": "3", "preset": "medium"}}, {}, 0.0),
    "B-frames, TS": ("v.ts", {"options": {"bf": "3", "preset": "medium"}}, {}, 0.0),
    "Opus in WebM": ("v.webm", {"codec": "libvpx", "options": {"deadline": "realtime"}}, {"codec": "libopus"}, 0.0),
    "24 bits in MOV": ("v.mov", {"codec": "prores_ks", "pix_fmt": "yuv422p10le"}, {"codec": "pcm_s24le"}, 0.0),
}


@pytest.mark.parametrize("name", BESIDE)
def test_sound_beside_a_picture_is_heard_at_its_frame(name, tmp_path):
    file, options, track, late = BESIDE[name]
    path = film(tmp_path / file, frames(), sounds=[Track(beeps(48_000), **track)], **options)
    np.testing.assert_allclose(starts(read_mono(path), 16_000), np.array(BEEPS_S) + late, atol=1.5e-3)


def test_of_several_sounds_the_first_is_heard(tmp_path):
    tracks = [
        Track(beeps(48_000)),
        Track(beeps(48_000, at=(0.4,)), delay_s=0.1),
        Track(beeps(44_100, 2), 44_100, "aac", "stereo"),
    ]
    path = film(tmp_path / "v.mkv", frames(), sounds=tracks)
    np.testing.assert_allclose(starts(read_mono(path), 16_000), BEEPS_S, atol=1e-3)


@pytest.mark.parametrize("file", ["cut.mp4", "cut.mov"])
def test_what_an_edit_list_hides_is_neither_seen_nor_heard(file, tmp_path):
    """A phone trims a film without writing it again: at a frame exactly, between two frames to within one."""
    whole = film(
        tmp_path / "v.mp4", frames(), options={"g": "5", "bf": "2", "preset": "medium"}, sounds=[Track(beeps(48_000))]
    )
    with VideoReader(whole) as reader:
        given = [frame.yuv.copy() for frame in reader]
    for start_s, first, slack in ((0.16, 4, 1e-3), (0.1, 3, 0.02)):
        path = cut_by_edit_list(whole, tmp_path / file, start_s)
        with VideoReader(path) as reader:
            shown = list(reader)
        assert len(shown) == 25 - first
        for frame, old in zip(shown, given[first:], strict=True):
            np.testing.assert_array_equal(frame.yuv, old)
        np.testing.assert_allclose([frame.time for frame in shown], np.arange(25 - first) / 25, atol=1e-3)
        assert probe_media(path).fps == 25
        np.testing.assert_allclose(starts(read_mono(path), 16_000), np.array(BEEPS_S) - first / 25, atol=slack + 1e-3)


def test_new_sound_and_picture_start_together_in_the_film(short_sample, tmp_path):
    """The new line comes in at 0 although the footage's own sound is late and the picture's clock starts at 2 s."""
    with av.open(str(short_sample.video)) as container:
        pictures = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)][:50]
    ticks = [2000 + 40 * index for index in range(50)]
    video = film(tmp_path / "v.mkv", pictures, ticks=ticks, sounds=[Track(beeps(48_000), delay_s=2.3)] * 2)
    out = tmp_path / "out.mp4"
    engine.lipsync(
        video, short_sample.new_line, out, engine.EngineSettings(model="lipsync-1.9.0-beta"), models=studio.MODELS_DIR
    )
    with av.open(str(out)) as container:
        assert [(stream.type, stream.start_time) for stream in container.streams] == [("video", 0), ("audio", 0)]
    heard, given = read_mono(out)[:30_000], read_mono(short_sample.new_line)[:30_000]
    lag = np.argmax(np.correlate(heard, given, "full")) - (len(given) - 1)
    assert abs(lag) <= 8, "half a millisecond"
