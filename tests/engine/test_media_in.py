"""Reading: what a file holds, upright planar frames with their times, sound on the picture's clock."""

import platform
import resource
from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image, ImageOps

from apps.inference.engine.errors import EngineError
from apps.inference.engine.media.audio import read_mono
from apps.inference.engine.media.colour import RANGE_FULL
from apps.inference.engine.media.frame_source import FrameSource
from apps.inference.engine.media.picture_memory import PictureMemory
from apps.inference.engine.media.probe import probe_media
from apps.inference.engine.media.recent import RecentPictures
from apps.inference.engine.media.video_reader import VideoReader, split_planes

from .tiny_media import click_train, picture, write_tone, write_video, write_wav


def read_all(path):
    with VideoReader(path) as reader:
        return list(reader), reader.colour


def test_probe_tells_exact_rate_count_and_size(tmp_path):
    info = probe_media(write_video(tmp_path / "a.mp4", 30, (128, 96), Fraction(30000, 1001), tone_s=0.5))
    assert (info.kind, info.fps, info.frame_count, info.width, info.height) == (
        "video",
        Fraction(30000, 1001),
        30,
        128,
        96,
    )
    assert (info.vcodec, info.acodec, info.channels, info.sample_rate, info.vfr) == ("h264", "aac", 1, 48000, False)
    assert info.duration_s == pytest.approx(30 * 1001 / 30000, abs=1e-3)


def test_probe_sees_a_variable_rate(tmp_path):
    ticks = [0, 40, 80, 200, 240, 280, 400, 440]
    path = write_video(tmp_path / "v.mkv", 8, ticks=ticks)
    assert probe_media(path).vfr
    frames, _ = read_all(path)
    np.testing.assert_allclose([frame.time for frame in frames], np.array(ticks) / 1000, atol=1e-6)


def test_a_film_whose_pictures_all_have_the_same_time_is_refused(tmp_path):
    path = tmp_path / "film.mkv"
    with av.open(str(write_video(tmp_path / "clip.mp4", 5))) as clip, av.open(str(path), "w") as film:
        stream = film.add_stream_from_template(clip.streams.video[0])
        for packet in clip.demux(video=0):
            if packet.size:
                packet.stream, packet.pts, packet.dts = stream, 0, 0
                film.mux(packet)
    with pytest.raises(EngineError, match="All 5 pictures") as refused:
        probe_media(path)
    assert refused.value.code == "generation_input_video_invalid"


def test_probe_tells_sound_and_pictures_apart(tmp_path):
    sound = probe_media(write_wav(tmp_path / "s.wav", np.zeros(8000, np.float32)))
    assert (sound.kind, sound.duration_s, sound.sample_rate) == ("audio", 0.5, 16000)
    still = tmp_path / "p.png"
    av.VideoFrame.from_ndarray(picture(0, 96, 80), "rgb24").to_image().save(still)
    assert (probe_media(still).kind, probe_media(still).width) == ("image", 96)


@pytest.mark.parametrize(("rotation", "corner"), [(0, (0, 0)), (90, (1, 0)), (180, (1, 1)), (270, (0, 1))])
def test_rotation_flags_are_obeyed(tmp_path, rotation, corner):
    """The mark at the top left goes where players show it; a flag of 90 turns counter-clockwise."""
    path = write_video(tmp_path / "r.mp4", 2, (96, 64), rotation=rotation)
    frames, _ = read_all(path)
    width, height = (64, 96) if rotation % 180 else (96, 64)
    assert frames[0].size == (width, height)
    info = probe_media(path)
    assert (info.width, info.height) == (width, height)
    red = frames[0].planes[2].astype(int)
    row, column = np.unravel_index(red.argmax(), red.shape)
    assert (row > red.shape[0] / 2, column > red.shape[1] / 2) == (bool(corner[0]), bool(corner[1]))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_photos_are_turned_and_mirrored_as_their_exif_data_says(tmp_path, orientation):
    stored = np.zeros((64, 96, 3), np.uint8)
    stored[:32, :48] = 200  # one bright corner tells all eight apart from each other
    stored[:32, 48:] = 90
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "photo.jpg"
    Image.fromarray(stored).save(path, exif=exif, quality=95)
    frames, _ = read_all(path)
    with Image.open(path) as photo:
        shown = np.asarray(ImageOps.exif_transpose(photo).convert("L"), int)
    luma = frames[0].planes[0].astype(int)
    assert luma.shape == shown.shape
    assert np.corrcoef(luma.ravel(), shown.ravel())[0, 1] > 0.99


def test_odd_sizes_gain_a_repeated_row_and_column(tmp_path):
    path = write_video(tmp_path / "o.mkv", 2, (97, 81), codec="ffv1")
    frames, _ = read_all(path)
    assert frames[0].size == (98, 82)
    luma = frames[0].planes[0]
    np.testing.assert_array_equal(luma[:, 97], luma[:, 96])
    np.testing.assert_array_equal(luma[81], luma[80])


def test_ten_bits_and_full_range_come_out_as_eight_bits_with_their_range(tmp_path):
    ten, _ = read_all(write_video(tmp_path / "t.mkv", 2, codec="ffv1", pix_fmt="yuv420p10le"))
    eight, _ = read_all(write_video(tmp_path / "e.mkv", 2, codec="ffv1"))
    assert np.abs(ten[0].yuv.astype(int) - eight[0].yuv).max() <= 1
    full, colour = read_all(write_video(tmp_path / "f.mkv", 2, codec="mjpeg", pix_fmt="yuvj420p"))
    assert colour.range == RANGE_FULL
    assert full[0].planes[0].max() > eight[0].planes[0].max()


def test_sound_is_placed_on_the_clock_of_the_picture(tmp_path):
    early = read_mono(write_video(tmp_path / "a.mp4", 25, tone_s=0.6))
    late = read_mono(write_video(tmp_path / "b.mkv", 25, tone_s=0.6, sound_delay_s=0.25))
    starts = [np.flatnonzero(np.abs(sound) > 0.1)[0] / 16000 for sound in (early, late)]
    assert starts[1] - starts[0] == pytest.approx(0.25, abs=0.003)


def test_wav_samples_keep_their_places(tmp_path):
    sound = read_mono(write_wav(tmp_path / "c.wav", click_train(1.0, [0.1, 0.7])))
    loud = np.flatnonzero(np.abs(sound) > 0.4)
    assert len(sound) == 16000
    assert (loud[0] / 16000, loud[-1] / 16000) == pytest.approx((0.1, 0.702), abs=1e-3)


def damaged(tmp_path, kind):
    good = write_video(tmp_path / "good.mp4", 12)
    bad = tmp_path / f"{kind}.mp4"
    content = good.read_bytes()
    bad.write_bytes({
        "empty": b"", "text": b"this is a letter, not a film\n" * 40, "truncated": content[: len(content) // 2],
        "noise": np.random.default_rng(1).integers(0, 256, 4000, np.uint8).tobytes(),
        "playlist": b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n" + good.name.encode() + b"\n#EXT-X-ENDLIST\n",
        "script": b"ffconcat version 1.0\nfile '" + good.name.encode() + b"'\n",
    }[kind])  # fmt: skip
    return bad


@pytest.mark.parametrize("kind", ["empty", "text", "truncated", "noise", "playlist", "script"])
def test_what_is_no_film_is_refused(tmp_path, kind):
    """Playlists and concat scripts too: they would make the engine open other files and addresses."""
    with pytest.raises(EngineError) as refusal:
        probe_media(damaged(tmp_path, kind))
    assert refusal.value.code == "generation_input_video_invalid"
    assert refusal.value.advice


def test_a_missing_file_and_a_huge_picture_are_refused(tmp_path):
    with pytest.raises(EngineError) as missing:
        probe_media(tmp_path / "nowhere.mp4")
    assert missing.value.code == "generation_infra_storage_error"
    assert "nowhere.mp4" in missing.value.message
    assert missing.value.advice.startswith("Check that it is there")
    with pytest.raises(EngineError) as tiny:
        probe_media(write_video(tmp_path / "t.mp4", 2, (48, 48)))
    assert tiny.value.code == "generation_input_resolution_unsupported"


def test_sound_without_a_picture_cannot_be_read_as_video(tmp_path):
    path = tmp_path / "only.m4a"
    with av.open(str(path), "w", format="mp4") as container:
        write_tone(container, container.add_stream("aac", rate=48000, layout="mono"), 0.3)
    assert probe_media(path).kind == "audio"
    with pytest.raises(EngineError):
        VideoReader(path)


def test_a_damaged_middle_loses_frames_but_not_the_film(tmp_path):
    good = write_video(tmp_path / "good.mkv", 50, options={"crf": "4", "g": "10"})
    content = bytearray(good.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 400] = b"\x55" * 400
    (tmp_path / "hurt.mkv").write_bytes(content)
    frames, _ = read_all(tmp_path / "hurt.mkv")
    assert 10 < len(frames) <= 50
    times = [frame.time for frame in frames]
    assert times == sorted(times)


@pytest.mark.parametrize("order", [[0, 1, 2, 40, 41], [47, 46, 45, 44, 3, 2, 1, 0], [10, 199, 5, 150, 149, 148]])
def test_frames_by_number_are_those_of_a_straight_pass(tmp_path, order):
    path = write_video(tmp_path / "n.mp4", 200, (64, 64), options={"crf": "4", "g": "24"})
    frames, _ = read_all(path)
    source = FrameSource(path, np.array([frame.time for frame in frames]))
    for index in order:
        np.testing.assert_array_equal(source.picture(index), frames[index].yuv)
    source.close()


def test_frames_a_millisecond_apart_are_told_apart(tmp_path):
    """As browsers record calls: pictures that were held up come one right behind the other."""
    ticks = [40 * index for index in range(200)]
    ticks[151] = ticks[150] + 1
    path = write_video(tmp_path / "v.mkv", 200, ticks=ticks, options={"crf": "4", "g": "25"})
    with VideoReader(path) as reader:
        given = [(frame.time, frame.yuv) for frame in reader]
    source = FrameSource(path, np.array([time for time, _ in given]))
    for index in range(145, 156):
        np.testing.assert_array_equal(source.picture(index), given[index][1])
    source.close()


def test_pictures_still_in_memory_are_not_decoded_again(tmp_path):
    path = write_video(tmp_path / "n.mp4", 30, (64, 64))
    frames, _ = read_all(path)
    recent = RecentPictures(10 * frames[0].yuv.nbytes)
    for frame in frames:
        recent.keep(frame.index, frame.yuv)
    assert [index for index in range(30) if recent.wants(index, 30, (64, 64))] == list(range(20, 30))
    assert [index for index in range(30) if recent.get(index) is not None] == list(range(20, 30))
    source = FrameSource(path, np.array([frame.time for frame in frames]), recent=recent)
    for index in (25, 3, 19, 20, 29):
        np.testing.assert_array_equal(source.picture(index), frames[index].yuv)
        assert (source.picture(index) is frames[index].yuv) == (index >= 20)
    source.close()


@pytest.mark.parametrize("size", [(64, 48), (63, 47)])
def test_a_picture_is_copied_once_and_only_where_it_is_asked_for_as_a_whole(tmp_path, size):
    with VideoReader(write_video(tmp_path / "n.mp4", 3, size, pix_fmt="yuv444p" if size[0] % 2 else "yuv420p")) as read:
        frame = next(iter(read))
        before, whole = frame.planes, frame.yuv
        assert (frame.size, before[1].shape) == ((64, 48), (24, 32))
        assert whole is frame.yuv
        for own, plane, part in zip(before, frame.planes, split_planes(whole), strict=True):
            np.testing.assert_array_equal(own, part)
            assert np.shares_memory(plane, part)
            assert np.shares_memory(own, part) == (size == (63, 47)), "an odd picture is copied as it is extended"


def test_memory_of_a_picture_is_used_again_when_nothing_looks_at_it():
    memory = PictureMemory()
    first = memory.picture(6, 4)
    first[:] = 1
    chroma = split_planes(first)[1]
    where = first.ctypes.data
    del first
    other = memory.picture(6, 4)
    other[:] = 2
    assert (chroma == 1).all(), "a part of it is still looked at"
    del chroma
    again = memory.picture(6, 4)
    assert again.ctypes.data == where
    memory.close()
    assert (other == 2).all() and memory.picture(3, 4).shape == (3, 4)


def populates():
    kernel = platform.release().split(".")
    return platform.system() == "Linux" and (int(kernel[0]), int(kernel[1])) >= (5, 14)


@pytest.mark.skipif(not populates(), reason="elsewhere memory comes page by page")
def test_new_memory_of_a_picture_is_there_before_it_is_written_to():
    picture = PictureMemory().picture(3000, 4096)
    before = resource.getrusage(resource.RUSAGE_THREAD).ru_minflt
    picture.fill(1)
    assert resource.getrusage(resource.RUSAGE_THREAD).ru_minflt - before < 300, "of 3000 pages"


def test_planes_are_views():
    yuv = np.zeros((96, 64), np.uint8)
    luma, blue, red = split_planes(yuv)
    blue[0, 0], red[-1, -1] = 7, 9
    assert (luma.shape, yuv[64, 0], yuv[95, 63]) == ((64, 64), 7, 9)


def test_a_film_whose_codec_nobody_knows_is_refused(tmp_path):
    """One changed letter of the codec's name: the container is whole, the picture cannot be decoded."""
    path = write_video(tmp_path / "v.mov", codec="mjpeg", pix_fmt="yuvj420p", tone_s=0.3)
    path.write_bytes(path.read_bytes().replace(b"jpeg\x00\x00\x00\x00", b"jqxg\x00\x00\x00\x00"))
    with av.open(str(path)) as container:
        assert container.streams.video[0].codec_context is None
    with pytest.raises(EngineError) as refusal:
        VideoReader(path)
    assert refusal.value.code == "generation_input_video_invalid"
    assert probe_media(path).kind == "audio"
    assert len(read_mono(path)) > 4000
