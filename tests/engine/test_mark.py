"""The studio's name in the corner: in every frame that is encoded, nowhere else, and only where it was asked for."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from apps.inference.engine.face.head_reader import HeadReader
from apps.inference.engine.media.video_reader import VideoReader, split_planes
from apps.inference.engine.media.video_writer import PieceWriter
from apps.inference.engine.model_files import models_folder
from apps.inference.engine.pieces import drawn_frames, render_piece
from apps.inference.engine.plan import MotionPlan
from apps.inference.engine.planning import make_plan
from apps.inference.engine.render.mark import Mark
from apps.inference.engine.report import describe
from apps.inference.engine.settings import EngineSettings
from apps.inference.engine.speaker import mouth_range, study_speaker
from apps.inference.engine.sync_modes import build_timeline

from .synthetic import make_footage, wanted_mouth


def flat(size: tuple[int, int], luma: int) -> np.ndarray:
    width, height = size
    picture = np.full((height * 3 // 2, width), 90, np.uint8)
    picture[:height] = luma
    return picture


@pytest.mark.parametrize("luma", [16, 128, 235])
@pytest.mark.parametrize("size", [(1280, 720), (1080, 1920), (320, 320)])
def test_the_words_are_seen_on_any_picture_and_touch_the_corner_only(size, luma):
    picture = flat(size, luma)
    mark = Mark(size)
    mark.blend(picture)
    x, y, width, height = mark.box
    assert (x + width, y + height) == size
    assert width <= 0.6 * size[0] and 0.03 <= height / size[1] <= 0.07
    for plane, old, scale in zip(split_planes(picture), (luma, 90, 90), (1, 2, 2), strict=True):
        corner = plane[y // scale :, x // scale :].astype(int)
        assert np.ptp(corner) >= 10
        rest = plane.copy()
        rest[y // scale :, x // scale :] = old
        assert (rest == old).all()
    words = split_planes(picture)[0][y:, x:].astype(int) - luma
    assert words.max() > 30 if luma < 235 else words.min() < -40


def test_the_words_stay_quiet():
    """Six tenths of white over black at most: the picture goes on below."""
    picture = flat((640, 360), 16)
    Mark((640, 360)).blend(picture)
    assert picture[:360].max() <= 16 + 0.62 * (235 - 16)


def test_wide_pixels_get_narrow_words():
    assert Mark((720, 576), Fraction(16, 11)).box[2] == pytest.approx(Mark((720, 576)).box[2] * 11 / 16, abs=2)


@pytest.mark.parametrize("size", [(2, 2), (16, 400), (64, 48)])
def test_pictures_without_room_are_no_error(size):
    mark = Mark(size)
    mark.blend(flat(size, 128))
    assert min(mark.box[:2]) >= 0


@pytest.fixture(scope="module")
def looped(tmp_path_factory):
    """1.6 s of footage, half of it without a face, looped to 2.4 s: driven, passed and repeated frames."""
    video, footage = make_footage(tmp_path_factory.mktemp("marked"), 40, unseen=range(20, 40))
    speaker = study_speaker(footage)
    line = build_timeline(footage.times, footage.end_s, 2.4, "loop", footage.fps)
    wanted = wanted_mouth(mouth_range(speaker, footage.fps).params, len(line))
    return video, footage, make_plan(footage, speaker, line, wanted, EngineSettings("lipsync-2", "loop"))


def marked(plan: MotionPlan) -> MotionPlan:
    return replace(plan, settings=replace(plan.settings, watermark=True))


def encoded(looped, plan, path, monkeypatch) -> list[np.ndarray]:
    """The pictures that the encoder is given."""
    video, footage, _ = looped
    given, write = [], PieceWriter.write

    def noted(self, picture):
        given.append(picture.copy())
        return write(self, picture)

    with monkeypatch.context() as patched:
        patched.setattr(PieceWriter, "write", noted)
        render_piece(video, footage, plan, 0, len(plan), path)
    return given


def test_every_frame_is_marked_and_nothing_but_its_corner_differs(looped, tmp_path, monkeypatch):
    video, footage, plan = looped
    assert plan.driven.any() and not plan.driven.all() and len(plan) > 40
    reader = HeadReader(models_folder())
    as_drawn = [picture.copy() for _, picture in drawn_frames(video, footage, plan, 0, len(plan), reader=reader)]
    plain = encoded(looped, plan, tmp_path / "plain.mp4", monkeypatch)
    given = encoded(looped, marked(plan), tmp_path / "marked.mp4", monkeypatch)
    mark = Mark(plan.size)
    assert len(plain) == len(given) == len(plan)
    for drawn, without, with_mark in zip(as_drawn, plain, given, strict=True):
        np.testing.assert_array_equal(without, drawn)
        assert (with_mark != drawn).any()
        mark.blend(drawn)  # once: a frame that is shown again must not be marked again
        np.testing.assert_array_equal(with_mark, drawn)


def test_the_mark_survives_the_encoder(looped, tmp_path):
    video, footage, plan = looped
    films = []
    for wish, name in ((plan, "plain.mp4"), (marked(plan), "marked.mp4")):
        render_piece(video, footage, wish, 30, 36, tmp_path / name)
        with VideoReader(tmp_path / name) as reader:
            films.append([frame.yuv[: plan.size[1]].astype(int) for frame in reader])
    x, y, _, _ = Mark(plan.size).box
    for without, with_mark in zip(*films, strict=True):
        changed = np.abs(with_mark - without)
        assert changed[y:, x:].max() > 25
        assert changed[: y - 16].max() <= 12  # the encoder's own noise


def test_plan_and_report_tell_it(looped, tmp_path):
    plan = looped[2]
    assert describe(plan).to_dict()["watermark"] is False
    marked(plan).save(tmp_path)
    again = MotionPlan.load(tmp_path)
    assert describe(again).to_dict()["watermark"] is True
    assert again.fingerprint(0, 20) != plan.fingerprint(0, 20)
