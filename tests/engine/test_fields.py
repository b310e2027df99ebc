"""Interlaced footage: read and drawn at one of its two moments, and otherwise kept as it is."""

from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import av
import numpy as np
import pytest
from django.conf import settings

from apps.inference.engine import EngineSettings, lipsync
from apps.inference.engine.analysis import FootageAnalysis, analyse_footage
from apps.inference.engine.footage.check import check_footage
from apps.inference.engine.media.colour import ColourTags
from apps.inference.engine.media.fields import fields_of, lay_over, take_apart
from apps.inference.engine.media.probe import probe_media
from apps.inference.engine.media.video_reader import VideoReader, copied, split_planes
from apps.inference.engine.media.video_writer import PieceWriter
from apps.inference.engine.pieces import drawn_frames
from apps.inference.engine.plan import MotionPlan
from apps.inference.engine.proof import seen_opening

MODELS = Path(settings.MODELS_DIR)
SHIFT = 6  # pixels from one moment to the next


@pytest.fixture(scope="module")
def portrait(short_sample):
    """The sample's first picture, I420."""
    with VideoReader(short_sample.video) as reader:
        return next(iter(reader)).yuv.copy()


def moved(yuv, by):
    """The picture, everything in it ``by`` pixels farther to the right."""
    picture = yuv.copy()
    for plane, step in zip(split_planes(picture), (by, by // 2, by // 2), strict=True):
        plane[:] = np.roll(plane, step, axis=1)
    return picture


def woven(one, other, fields):
    """``one``, with the rows of the later moment ``other``."""
    both = one.copy()
    for plane, later in zip(split_planes(both), split_planes(other), strict=True):
        plane[fields == "top" :: 2] = later[fields == "top" :: 2]
    return both


def off(planes, others):
    return float(np.mean([np.abs(a.astype(int) - b).mean() for a, b in zip(planes, others, strict=True)]))


@pytest.mark.parametrize("fields", ["top", "bottom"])
def test_the_comb_of_what_moves_is_filled_in_from_the_earlier_moment(portrait, fields):
    both = woven(portrait, moved(portrait, SHIFT), fields)
    planes = copied(split_planes(both))
    take_apart(planes, fields)
    assert off(planes, split_planes(portrait)) < 0.3 * off(split_planes(both), split_planes(portrait))
    for plane, was in zip(planes, split_planes(portrait), strict=True):
        assert (plane[fields != "top" :: 2] == was[fields != "top" :: 2]).all(), "the earlier rows are as they were"


def test_what_stands_still_stays_as_sharp_as_it_is(portrait):
    planes = copied(split_planes(portrait))
    take_apart(planes, "top")
    assert off(planes, split_planes(portrait)) < 0.05


def test_the_last_row_has_no_other_beyond_it():
    for fields, last in (("top", 3), ("bottom", 0)):
        plane = np.full((4, 8), 50, np.uint8)
        plane[last] = 200
        take_apart((plane, plane.copy(), plane.copy()), fields)
        assert (plane == 50).all()


def test_only_what_was_drawn_replaces_the_woven_picture(portrait):
    both = woven(portrait, moved(portrait, SHIFT), "top")
    before = both.copy()
    take_apart(split_planes(before), "top")
    drawn = before.copy()
    drawn[100:120, 100:140] = 0
    lay_over(split_planes(drawn), split_planes(before), split_planes(both))
    assert (drawn[100:120, 100:140] == 0).mean() > 0.99
    drawn[100:120, 100:140] = both[100:120, 100:140]
    assert (drawn == both).all()


@pytest.mark.parametrize("fields", ["top", "bottom", ""])
def test_films_say_which_rows_come_first(portrait, fields, tmp_path):
    film = tmp_path / "film.mp4"
    height, width = split_planes(portrait)[0].shape
    with PieceWriter(film, (width, height), Fraction(25), ColourTags(), fields=fields) as writer:
        for number in range(8):
            writer.write(woven(moved(portrait, 2 * number), moved(portrait, 2 * number + 1), fields or "top"))
    assert probe_media(film).fields == fields
    with av.open(str(film)) as container:
        assert all(frame.interlaced_frame == bool(fields) for frame in container.decode(video=0))
    with VideoReader(film) as reader:
        assert reader.fields == ""  # nothing is known before the first picture
        next(iter(reader))
        assert reader.fields == fields


def test_a_stream_of_fields_whose_pictures_are_whole_is_not_woven():
    whole = SimpleNamespace(interlaced_frame=False, height=576)
    assert fields_of(SimpleNamespace(field_order=2, name="mpeg2video"), whole) == ""
    for order, name, fields in (
        (0, "dvvideo", "bottom"),
        (0, "mjpeg", "top"),
        (4, "h264", "bottom"),
        (5, "h264", "top"),
    ):
        context = SimpleNamespace(field_order=order, name=name)
        assert fields_of(context, SimpleNamespace(interlaced_frame=True, height=576)) == fields
        assert fields_of(context, SimpleNamespace(interlaced_frame=True, height=486)) == ""


@pytest.fixture(scope="module")
def swaying(short_sample, tmp_path_factory):
    """The sample swaying from side to side, woven of two moments, and the same at one moment only."""
    folder = tmp_path_factory.mktemp("swaying")
    with VideoReader(short_sample.video) as reader:
        pictures = [frame.yuv.copy() for frame in reader]
    height, width = split_planes(pictures[0])[0].shape
    films = folder / "woven.mp4", folder / "plain.mp4"
    size, rate = (width, height), Fraction(25)
    with (
        PieceWriter(films[0], size, rate, ColourTags(), fields="top") as both,
        PieceWriter(films[1], size, rate, ColourTags()) as plain,
    ):
        for number, picture in enumerate(pictures):
            now, later = (moved(picture, 2 * round(8 * np.sin((number + half) / 4))) for half in (0, 0.5))
            both.write(woven(now, later, "top"))
            plain.write(now)
    return films


@pytest.fixture(scope="module")
def driven(swaying, short_sample, tmp_path_factory):
    """A run by sync-3 over the woven film: report and folder."""
    folder = tmp_path_factory.mktemp("driven")
    report = lipsync(swaying[0], short_sample.new_line, folder / "out.mp4", EngineSettings(model="sync-3"),
                     workdir=folder / "work", models=MODELS)  # fmt: skip
    return report, folder


def test_faces_are_read_as_in_a_film_of_one_moment(swaying, driven, tmp_path):
    footage = FootageAnalysis.load(driven[1] / "work")
    plain = analyse_footage(swaying[1], tmp_path, own_sound=False, models=MODELS)
    eyes = np.linalg.norm(plain.landmarks[:, 33] - plain.landmarks[:, 263], axis=1)
    off_by = np.linalg.norm(footage.landmarks - plain.landmarks, axis=2).mean(1) / eyes
    assert np.nanmean(off_by) < 0.01
    assert np.isfinite(off_by).mean() > 0.9


def combs(plane):
    """Share of pixels that lie far above or below both rows beside theirs."""
    values = plane.astype(int)
    before, own, after = values[:-2], values[1:-1], values[2:]
    return float((((own - before) * (own - after) > 0) & (np.minimum(abs(own - before), abs(own - after)) > 12)).mean())


def test_the_mouth_is_drawn_without_a_comb_and_all_else_keeps_its_own(swaying, driven):
    report, folder = driven
    footage, plan = FootageAnalysis.load(folder / "work"), MotionPlan.load(folder / "work")
    assert report.agreement > 0.85
    assert (plan.fields, probe_media(folder / "out.mp4").fields) == ("top", "top")
    with VideoReader(swaying[0]) as reader:
        given = [frame.yuv.copy() for frame in reader]
    lips, lips_given = [], []
    for index, picture in drawn_frames(swaying[0], footage, plan, 20, 40):
        source = given[plan.source[index]]
        points = plan.own[plan.source[index]]
        left, top = points.min(0).astype(int) - 4
        right, bottom = points.max(0).astype(int) + 4
        outside = np.ones(split_planes(source)[0].shape, bool)
        outside[top:bottom, left:right] = False
        luma, was = split_planes(picture)[0], split_planes(source)[0]
        assert (luma[outside] == was[outside]).all()
        x, y = footage.landmarks[plan.source[index]][[61, 291, 0, 17], :2].T
        mouth = slice(int(y.min()), int(y.max())), slice(int(x.min()), int(x.max()))
        lips.append(combs(luma[mouth]))
        lips_given.append(combs(was[mouth]))
    assert np.mean(lips_given) > 0.03
    assert np.mean(lips) < 0.4 * np.mean(lips_given)


def test_the_finished_film_is_looked_at_without_its_combs(driven):
    folder = driven[1]
    plan = MotionPlan.load(folder / "work")
    seen = seen_opening(folder / "out.mp4", plan, models=MODELS, every_frame=True)
    known = np.isfinite(seen) & plan.driven
    assert np.corrcoef(seen[known], plan.params[known, 0])[0, 1] > 0.9
    fingerprint = plan.fingerprint(0, 20)
    plan.fields = ""
    assert plan.fingerprint(0, 20) != fingerprint


def test_the_footage_check_says_so(driven):
    footage = FootageAnalysis.load(driven[1] / "work")
    (found,) = [finding for finding in check_footage(footage).findings if finding.kind == "interlaced"]
    assert (found.start_s, found.severity) == (0.0, "info")
    assert found.end_s == pytest.approx(footage.end_s)
