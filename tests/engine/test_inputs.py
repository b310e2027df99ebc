"""Unusual pictures through the whole run: what comes out has the size, shape, tags, times and pixels that went in."""

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from django.conf import settings as studio

from apps.inference import engine
from apps.inference.engine.media.probe import probe_media
from apps.inference.engine.media.video_reader import VideoReader

BT2020_PQ = (9, 9, 16)
BT709 = (1, 1, 1)


@pytest.fixture(scope="module")
def pictures(short_sample):
    """One second of the talking portrait, RGB at 240 pixels."""
    with av.open(str(short_sample.video)) as container:
        frames = [frame.to_ndarray(format="rgb24") for _, frame in zip(range(25), container.decode(video=0))]  # noqa: B905
    return [cv2.resize(frame, (240, 240), interpolation=cv2.INTER_AREA) for frame in frames]


def film(
    path, frames, *, codec="libx264", pix_fmt="yuv420p", aspect=None, rotation=0, tags=None, full=False, ticks=None
):
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = pix_fmt
        stream.options = {"crf": "12", "preset": "ultrafast"} if codec.startswith("libx26") else {}
        coder = stream.codec_context
        if aspect:
            coder.sample_aspect_ratio = aspect
        if tags:
            coder.colorspace, coder.color_primaries, coder.color_trc = tags
        if full:
            coder.color_range = 2
        if rotation:
            stream.set_display_rotation(rotation)
        base = Fraction(1, 1000) if ticks is not None else Fraction(1, 25)
        coder.time_base = base
        for index, picture in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            frame = frame.reformat(format=pix_fmt, dst_color_range=2 if full else 1)
            frame.pts, frame.time_base = (ticks[index] if ticks is not None else index), base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def turned(frames, turns):
    return [np.rot90(frame, -turns) for frame in frames]


def stretched(frames, size):
    return [cv2.resize(frame, size, interpolation=cv2.INTER_CUBIC) for frame in frames]


CASES = {
    "ten bits": lambda at, f: film(at / "v.mkv", f, codec="libx265", pix_fmt="yuv420p10le", tags=BT2020_PQ),
    "turned": lambda at, f: film(at / "v.mp4", turned(f, 1), rotation=90),
    "upside down": lambda at, f: film(at / "v.mp4", turned(f, 2), rotation=180),
    "odd size, 4:4:4": lambda at, f: film(at / "v.mkv", stretched(f, (237, 241)), pix_fmt="yuv444p"),
    "wide pixels": lambda at, f: film(at / "v.mp4", stretched(f, (180, 240)), aspect=Fraction(4, 3)),
    "full range": lambda at, f: film(at / "v.mp4", f, pix_fmt="yuvj420p", full=True, tags=BT709),
    "uneven times": lambda at, f: film(
        at / "v.mp4", f, ticks=np.cumsum(np.random.default_rng(3).integers(15, 90, len(f))).tolist()
    ),
}  # fmt: skip


def frames_of(path):
    with VideoReader(path) as reader:
        frames = [(frame.time, frame.yuv.copy()) for frame in reader]
        return np.array([time for time, _ in frames]), [yuv for _, yuv in frames], reader.colour


@pytest.mark.parametrize("name", CASES)
def test_it_comes_out_as_it_went_in(name, pictures, short_sample, tmp_path):
    video, out = CASES[name](tmp_path, pictures), tmp_path / "out.mp4"
    engine.lipsync(
        video, short_sample.new_line, out, engine.EngineSettings(model="lipsync-1.9.0-beta"),
        models=Path(studio.MODELS_DIR),
    )  # fmt: skip
    before, after = probe_media(video), probe_media(out)
    assert (after.width, after.height) == (before.width + before.width % 2, before.height + before.height % 2)
    assert (after.rotation, after.sample_aspect, after.bit_depth) == (0, before.sample_aspect, 8)
    times, given, tags = frames_of(video)
    seen, got, kept = frames_of(out)
    assert len(got) == len(given) == 25
    np.testing.assert_allclose(seen, times, atol=2e-3)
    assert (kept.space, kept.primaries, kept.transfer) == (tags.space, tags.primaries, tags.transfer)
    assert (kept.range == 2) == (tags.range == 2)
    top = after.height // 5  # above the eyes nothing changes but what the encoder loses
    error = np.mean([(one[:top].astype(float) - other[:top]) ** 2 for one, other in zip(given, got, strict=True)])
    assert 10 * np.log10(255**2 / error) > 40


@pytest.mark.parametrize("ending", ["png", "bmp", "tiff", "webp", "jpg"])
def test_white_and_black_of_a_photo_stay_white_and_black(ending, tmp_path):
    image = np.zeros((96, 128, 3), np.uint8)
    image[:, 64:] = 255
    cv2.imwrite(str(tmp_path / f"photo.{ending}"), image, [cv2.IMWRITE_WEBP_QUALITY, 101])
    with VideoReader(tmp_path / f"photo.{ending}") as reader:
        luma = next(iter(reader)).planes[0]
        black, white = (0, 255) if reader.colour.range == 2 else (16, 235)
    assert (int(luma[80, 20]), int(luma[80, 100])) == (black, white)


def test_ten_bits_are_spread_over_neighbours_instead_of_cut_off(tmp_path):
    """A ramp over five steps of eight bits keeps its quarters on average, so that skies do not show bands."""
    path = tmp_path / "ramp.mkv"
    ramp = np.round(np.linspace(400, 420, 256)).astype("<u2")
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 256, 64, "yuv420p10le"
        frame = av.VideoFrame(256, 64, "yuv420p10le")
        for plane, values in zip(frame.planes, (ramp, np.full(128, 512, "<u2"), np.full(128, 512, "<u2")), strict=True):
            rows = np.zeros((plane.height, plane.line_size // 2), "<u2")
            rows[:, : len(values)] = values
            plane.update(rows.tobytes())
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with VideoReader(path) as reader:
        luma = next(iter(reader)).planes[0].astype(float)
    assert np.abs(luma.mean(0) - ramp / 4).max() <= 0.25
    assert np.abs(luma[:, 120:130].mean() - ramp[120:130].mean() / 4) < 0.2
    assert (np.abs(luma - ramp / 4) < 1).all()
