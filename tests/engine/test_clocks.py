"""What files say of time, fail to say, or say wrongly: every picture and every sound stays at its moment."""

from fractions import Fraction

import av
import numpy as np
import pytest
from django.conf import settings as studio

from apps.inference import engine
from apps.inference.engine.media.audio import read_mono
from apps.inference.engine.media.frame_source import FrameSource
from apps.inference.engine.media.probe import probe_media
from apps.inference.engine.media.video_reader import VideoReader

from .encoded import Track, film, sound
from .test_sounds_in import beeps, starts
from .tiny_media import picture, write_video

B_FRAMES = {"bf": "3", "preset": "medium"}


def frames(count=100):
    return [picture(index, 96, 80) for index in range(count)]


def with_packets(source, path, change):
    """The packets of ``source`` for which ``change(packet, when)`` does not say False."""
    with av.open(str(source)) as given, av.open(str(path), "w") as out:
        streams = {one.index: out.add_stream_from_template(one) for one in given.streams}
        for packet in given.demux():
            if packet.dts is None:
                continue
            when = float(packet.dts * packet.time_base) - (given.start_time or 0) / av.time_base
            if change(packet, when) is not False:
                packet.stream = streams[packet.stream_index]
                out.mux(packet)
    return path


def shown(path):
    with VideoReader(path) as reader:
        return zip(*((frame.time, frame.yuv) for frame in reader), strict=True)


@pytest.mark.parametrize("ending", ["mkv", "mp4", "ts"])
def test_where_sound_is_missing_there_is_silence(ending, tmp_path):
    """A recorder that writes none while nobody speaks, a broadcast that broke off: what follows keeps its moment."""
    track = Track(beeps(48_000, seconds=4, at=(0.2, 3.0)))
    whole = film(tmp_path / f"whole.{ending}", frames(), sounds=[track])
    path = with_packets(
        whole, tmp_path / f"v.{ending}", lambda packet, when: not (packet.stream.type == "audio" and 1 <= when < 2)
    )
    heard = read_mono(path)
    np.testing.assert_allclose(starts(heard, 16_000), (0.2, 3.0), atol=1e-3)
    assert len(heard) == pytest.approx(len(read_mono(whole)), abs=16)


def test_a_trembling_clock_leaves_no_holes_in_the_sound(tmp_path):
    track = Track(beeps(48_000, seconds=2))
    whole = sound(tmp_path / "whole.mka", track)
    chance = np.random.default_rng(1)

    def tremble(packet, when):
        packet.pts += int(chance.integers(0, 20))
        packet.dts = packet.pts

    path = with_packets(whole, tmp_path / "a.mka", tremble)
    np.testing.assert_allclose(read_mono(path), read_mono(whole), atol=1e-6)


@pytest.mark.parametrize("ending", ["ts", "mkv"])
def test_a_recording_that_begins_midway_is_as_long_as_what_is_shown(ending, tmp_path):
    """No picture before the first key frame can be decoded; the sound of that second belongs to none."""
    track = Track(beeps(48_000, seconds=4, at=(0.2, 3.0)))
    whole = film(tmp_path / f"whole.{ending}", frames(), options={"g": "50"}, sounds=[track])
    path = with_packets(whole, tmp_path / f"v.{ending}", lambda packet, when: when >= 1)
    _, given = shown(whole)
    times, seen = shown(path)
    np.testing.assert_array_equal(seen[0], given[50])
    info = probe_media(path)
    assert (info.frame_count, info.duration_s) == (len(times), pytest.approx(2.0, abs=1e-3)) == (50, pytest.approx(2.0))
    np.testing.assert_allclose(starts(read_mono(path), 16_000), [1.0], atol=1.5e-3)


@pytest.mark.parametrize(("ending", "options"), [("ts", {}), ("vob", {"codec": "mpeg2video"})])
def test_a_clock_that_begins_anew_goes_on(ending, options, tmp_path):
    """Recordings copied one behind another: each has its own clock, and none is played at another pace."""
    track = Track(beeps(48_000, seconds=4), codec="aac" if ending == "ts" else "ac3")
    one = film(tmp_path / f"one.{ending}", frames(), sounds=[track], **options)
    path = tmp_path / f"v.{ending}"
    path.write_bytes(2 * one.read_bytes())
    times, given = shown(path)
    np.testing.assert_allclose(times, np.arange(200) / 25, atol=1e-3)
    info = probe_media(path)
    assert (info.frame_count, info.fps, info.vfr, info.duration_s) == (200, 25, False, pytest.approx(8, abs=1e-3))
    np.testing.assert_allclose(starts(read_mono(path), 16_000), (0.2, 0.7, 4.2, 4.7), atol=0.045)
    source = FrameSource(path, np.array(times))
    for index in (0, 150, 199, 130, 20):
        np.testing.assert_array_equal(source.picture(index), given[index])
    source.close()


@pytest.mark.parametrize(
    ("file", "options"),
    [
        ("v.h264", {"options": B_FRAMES}),
        ("v.hevc", {"codec": "libx265", "options": {"x265-params": "log-level=error"}}),
        ("v.avi", {"options": B_FRAMES}),
        ("v.avi", {"codec": "mpeg4", "options": {"bf": "2"}}),
    ],
)
def test_films_that_do_not_tell_when_pictures_are_shown_show_them_evenly(file, options, tmp_path):
    """Bare streams have no clock, AVI has one of decoding alone."""
    path = film(tmp_path / file, frames(150), **options)
    times, given = shown(path)
    np.testing.assert_allclose(times, np.arange(150) / 25, atol=1e-6)
    info = probe_media(path)
    assert (info.frame_count, info.fps, info.vfr, info.duration_s) == (150, 25, False, pytest.approx(6.0))
    source = FrameSource(path, np.array(times))
    for index in (140, 20, 149):
        np.testing.assert_array_equal(source.picture(index), given[index])
    source.close()


def test_a_last_picture_that_is_held_is_held_in_the_film(short_sample, tmp_path):
    """The range reaches to the end that the file tells of, long after its last picture came."""
    with av.open(str(short_sample.video)) as container:
        given = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)][:25]
    whole = film(tmp_path / "whole.mp4", given, sounds=[Track(beeps(48_000, seconds=2, at=(0.2, 1.7)))])

    def hold(packet, when):
        if packet.stream.type == "video" and when > 0.95:
            packet.duration += round(1 / packet.time_base)

    video = with_packets(whole, tmp_path / "v.mp4", hold)
    info = probe_media(video)
    assert (info.vfr, info.fps, info.duration_s) == (False, 25, pytest.approx(2.0))
    out = tmp_path / "out.mp4"
    segments = [engine.Segment(0.4, 0.9), engine.Segment(1.5, info.duration_s, lipsync=False)]
    settings = engine.EngineSettings(model="lipsync-1.9.0-beta")
    engine.lipsync(video, short_sample.new_line, out, settings, segments=segments, models=studio.MODELS_DIR)
    result = probe_media(out)
    assert (result.frame_count, result.duration_s) == (25, pytest.approx(2.0, abs=1e-3))
    assert starts(read_mono(out), 16_000)[-1] == pytest.approx(1.7, abs=2e-3)


def test_pictures_that_stay_for_an_hour_have_a_rate(tmp_path):
    info = probe_media(write_video(tmp_path / "slides.mkv", 3, ticks=[0, 3_600_000, 7_200_000]))
    assert (info.fps, info.frame_count) == (Fraction(1, 3600), 3)
    assert info.duration_s == pytest.approx(7200, abs=1)


@pytest.mark.parametrize(
    ("base", "ticks"),
    [
        (Fraction(1, 10**8), [0, 1, 2, 3, 4]),  # five pictures within 50 nanoseconds
        (Fraction(1, 1000), [0, 40, 80, 2**60]),  # the last one in 36 million years
    ],
)
def test_times_that_cannot_be_meant_are_refused(base, ticks, tmp_path):
    path = tmp_path / ("film.mp4" if base < Fraction(1, 1000) else "film.mkv")
    with av.open(str(path), "w", options={"video_track_timescale": str(base.denominator)}) as out:
        stream = out.add_stream("libx264", rate=25, options={"bf": "0"})
        stream.width, stream.height, stream.pix_fmt = 96, 80, "yuv420p"
        stream.codec_context.time_base = base
        for index, tick in enumerate(ticks):
            frame = av.VideoFrame.from_ndarray(picture(index, 96, 80), format="rgb24")
            frame.pts, frame.time_base = tick, base
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    with pytest.raises(engine.EngineError, match="pictures a second") as refused:
        probe_media(path)
    assert refused.value.code == "generation_input_video_invalid"
