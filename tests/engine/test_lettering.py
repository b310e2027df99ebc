"""Captions before a face: found, taken off to read and draw the mouth, and laid back as they were."""

from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from django.conf import settings

from apps.inference.engine import EngineSettings, lipsync
from apps.inference.engine.analysis import FootageAnalysis, analyse_footage
from apps.inference.engine.crops import CropWriter
from apps.inference.engine.face.people import PeopleTracker
from apps.inference.engine.face.picture import Picture
from apps.inference.engine.footage.check import check_footage
from apps.inference.engine.lettering.lines import lasting, lines_at, lines_before, no_lines
from apps.inference.engine.lettering.removal import lay_back, take_off
from apps.inference.engine.media.video_reader import VideoReader, split_planes
from apps.inference.engine.media.video_writer import PieceWriter
from apps.inference.engine.pieces import drawn_frames
from apps.inference.engine.plan import MotionPlan
from apps.inference.engine.planning import lettered
from apps.inference.engine.reading import read

MODELS = Path(settings.MODELS_DIR)
FIRST, LAST = 10, 60  # frames with the caption
ONE_SHOT = np.zeros(75, np.int64)


def written(yuv, text, at, *, bar=False, colour=(255, 255, 255), size=0.8, outline=6):
    """A copy of an I420 picture with a caption about ``at`` (x, y), and the mask of what it changed."""
    picture = cv2.cvtColor(yuv, cv2.COLOR_YUV2BGR_I420)
    (width, height), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_DUPLEX, size, 2)
    x, y = int(at[0] - width / 2), int(at[1] + height / 2)
    if bar:
        cv2.rectangle(picture, (x - 10, y - height - 8), (x + width + 10, y + 8), (20, 20, 20), -1)
    for shade, thick in (((0, 0, 0), outline), (colour, 2)):
        cv2.putText(picture, text, (x, y), cv2.FONT_HERSHEY_DUPLEX, size, shade, thick, cv2.LINE_AA)
    changed = cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420)
    return changed, np.abs(split_planes(changed)[0].astype(int) - split_planes(yuv)[0]) > 30


@pytest.fixture(scope="module")
def clean(short_sample, tmp_path_factory):
    """The sample's pictures and what is seen in them."""
    footage = analyse_footage(short_sample.video, tmp_path_factory.mktemp("clean"), own_sound=False, models=MODELS)
    return [frame.yuv for frame in VideoReader(short_sample.video)], footage


def chin(footage, frame=0):
    """Between the lower lip and the chin."""
    return footage.landmarks[frame, [17, 152], :2].mean(0)


@pytest.fixture(scope="module")
def captioned(clean, tmp_path_factory):
    """The sample with a caption over the chin for two seconds: film and what is seen in it."""
    pictures, footage = clean
    film = tmp_path_factory.mktemp("captioned") / "film.mp4"
    height, width = split_planes(pictures[0])[0].shape
    with PieceWriter(film, (width, height), Fraction(25), footage.colour) as writer:
        for number, picture in enumerate(pictures):
            shown = written(picture, "say it again", chin(footage))[0] if FIRST <= number < LAST else picture
            list(writer.write(shown) or ())
        list(writer.finish() or ())
    return film, analyse_footage(film, tmp_path_factory.mktemp("seen"), own_sound=False, models=MODELS)


def lines_in(yuv, footage, frame=0):
    return lines_before(Picture(yuv), [footage.landmarks[frame]], frame)


@pytest.mark.parametrize("look", [{}, {"bar": True}, {"colour": (30, 230, 255)}, {"size": 1.4}, {"size": 0.6}], ids=str)
def test_a_caption_is_found_where_it_stands(clean, look):
    pictures, footage = clean
    shown, mask = written(pictures[0], "say it", chin(footage), **look)
    (line,) = lines_in(shown, footage)
    _, x, y, width, height, bar = line.tolist()
    inside = np.zeros_like(mask)
    inside[max(0, y) : y + height, max(0, x) : x + width] = True
    assert (mask & inside).sum() > 0.97 * mask.sum()
    assert height < 2.5 * np.flatnonzero(mask.any(1)).size
    assert bool(bar) == look.get("bar", False)


def test_a_face_alone_has_no_letters(clean):
    pictures, footage = clean
    assert not any(len(lines_in(picture, footage, number)) for number, picture in enumerate(pictures))


def test_a_frame_without_a_face_is_not_searched(clean):
    assert lines_before(Picture(clean[0][0]), [], 0).shape == (0, 6)


LOOKS = [{}, {"bar": True}, {"size": 1.4}, {"colour": (0, 0, 0), "outline": 2, "size": 1.2}]


@pytest.mark.parametrize("look", LOOKS, ids=str)
def test_letters_are_taken_off_and_laid_back_as_they_were(clean, look):
    pictures, footage = clean
    shown, mask = written(pictures[0], "say it", chin(footage), **look)
    bare = shown.copy()
    taken = take_off(split_planes(bare), lines_in(shown, footage))
    luma, was = split_planes(bare)[0].astype(int), split_planes(pictures[0])[0].astype(int)
    caption = split_planes(shown)[0].astype(int)
    assert np.abs(luma - was)[mask].mean() < 0.35 * np.abs(caption - was)[mask].mean()
    lay_back(split_planes(bare), taken)
    assert (bare == shown).all()


def test_a_dark_mouth_above_the_letters_is_no_part_of_them(clean):
    pictures, footage = clean
    shown, mask = written(pictures[0], "said", chin(footage), size=1.4)
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    height = rows[-1] - rows[0]
    mouth = (int(columns.mean()), int(rows[0] - 0.6 * height))
    bare = shown.copy()
    cv2.circle(split_planes(bare)[0], mouth, int(0.2 * height), 15, -1)
    line = [0, columns[0], rows[0] - height, columns[-1] - columns[0], 2 * height, 0]
    taken = take_off(split_planes(bare), np.array([line], np.int32))
    split_planes(bare)[0][mouth[1] - 5 : mouth[1] + 5, mouth[0] - 5 : mouth[0] + 5] = 200  # drawn anew
    lay_back(split_planes(bare), taken)
    assert split_planes(bare)[0][mouth[1], mouth[0]] == 200


def test_lines_over_each_other_come_back_too(clean):
    pictures, footage = clean
    shown, _ = written(pictures[0], "say it", chin(footage))
    lines = lines_in(shown, footage)
    twice = np.concatenate([lines, lines + np.array([0, 9, 5, 0, 0, 0], np.int32)])
    bare = shown.copy()
    lay_back(split_planes(bare), take_off(split_planes(bare), twice))
    assert (bare == shown).all()


def test_what_is_drawn_stays_behind_the_letters(clean):
    pictures, footage = clean
    shown, _ = written(pictures[0], "say it", chin(footage))
    bare = shown.copy()
    planes = split_planes(bare)
    taken = take_off(planes, lines_in(shown, footage))
    planes[0][:] = 90  # as if something had been drawn all over it
    behind = [one.behind(planes) for one in taken]
    lay_back(planes, taken)
    strong = np.abs(split_planes(shown)[0].astype(int) - split_planes(pictures[0])[0]) > 60
    assert (planes[0][strong] == split_planes(shown)[0][strong]).mean() > 0.97
    lay_back(planes, behind)
    assert (planes[0] == 90).all()


def test_lines_at_the_edge_of_the_picture_do_no_harm(clean):
    shown = clean[0][0].copy()
    before = shown.copy()
    outside = np.array([[0, -30, -20, 60, 40, 0], [0, 300, 310, 90, 30, 1], [0, 400, 400, 20, 20, 0]], np.int32)
    lay_back(split_planes(shown), take_off(split_planes(shown), outside))
    assert (shown == before).all()


def row(frame, x=100, bar=0):
    return [frame, x, 200, 80, 20 + 12 * bar, bar]


def test_what_is_seen_for_a_frame_only_is_no_line():
    rows = np.array([row(3), *[row(frame) for frame in range(20, 30)], row(40), row(43)], np.int32)
    assert lasting(rows, ONE_SHOT)[:, 0].tolist() == list(range(20, 30))
    assert lasting(no_lines(), ONE_SHOT).shape == (0, 6)


def test_a_line_elsewhere_does_not_count_nor_one_of_another_shot():
    away = np.array([row(3), row(4, x=400), row(5)], np.int32)
    assert not len(lasting(away, ONE_SHOT))
    here = np.array([row(frame) for frame in range(6, 12)], np.int32)
    assert len(lasting(here, ONE_SHOT)) == 6
    assert lasting(here, (np.arange(75) >= 9).astype(np.int64)).tolist() == []


def test_a_bar_that_is_missed_in_one_frame_is_known_from_those_around_it():
    rows = np.array([row(frame, bar=int(frame != 12)) for frame in range(10, 16)], np.int32)
    assert lasting(rows, ONE_SHOT)[:, 4:].tolist() == [[32, 1]] * 6


def test_mouths_behind_letters_are_dear():
    own = np.zeros((3, 468, 2), np.float32) + np.linspace(100, 140, 468)[None, :, None].astype(np.float32)
    share = lettered(np.array([[1, 80, 80, 100, 100, 0]], np.int32), own, np.full(3, 60.0))
    assert share[1] > 0.9 and share[[0, 2]].tolist() == [0, 0]


def test_the_caption_of_a_film_is_found_from_its_first_frame_to_its_last(captioned):
    _, footage = captioned
    assert sorted(set(footage.lettering[:, 0].tolist())) == list(range(FIRST, LAST))
    again = FootageAnalysis.load(footage.folder)
    assert (again.lettering == footage.lettering).all()


def test_stretches_find_the_same_lines_as_one_go(captioned, tmp_path):
    film, footage = captioned
    rows = []
    for number, stretch in enumerate([(0, 40), (40, 75)]):
        with CropWriter(tmp_path / f"{number}.bin") as crops:
            seen = read(film, PeopleTracker(MODELS), crops, 75, stretch=stretch, times=footage.times, on_frame=len_of)
        rows.append(seen.lettering)
    whole = np.concatenate(rows)
    assert sorted(set(whole[:, 0].tolist())) == list(range(FIRST, LAST))


def len_of(number):
    """Nobody asks how far it is."""


def test_landmarks_and_lips_are_read_without_the_letters(clean, captioned):
    _, bare = clean
    _, footage = captioned
    eyes = np.linalg.norm(bare.landmarks[:, 33] - bare.landmarks[:, 263], axis=1)
    off = np.linalg.norm(footage.landmarks - bare.landmarks, axis=2).mean(1) / eyes
    assert off[FIRST + 1 : LAST].mean() < 0.03
    light = footage.people[0].rows.light - bare.people[0].rows.light
    assert np.abs(light[FIRST + 1 : LAST]).max() < 8


@pytest.fixture(scope="module")
def driven(captioned, short_sample, tmp_path_factory):
    """A run over the captioned film by the fastest model: report, plan and the folder."""
    film, _ = captioned
    folder = tmp_path_factory.mktemp("driven")
    chosen = EngineSettings(model="lipsync-1.9.0-beta")
    report = lipsync(film, short_sample.new_line, folder / "out.mp4", chosen, workdir=folder / "work", models=MODELS)
    return report, MotionPlan.load(folder / "work"), folder


def test_the_finished_film_keeps_its_caption_and_moves_the_mouth_behind_it(captioned, driven):
    film, _ = captioned
    report, plan, folder = driven
    footage = FootageAnalysis.load(folder / "work")
    assert report.agreement > 0.8
    assert "captions" in {warning["code"] for warning in report.warnings}
    pictures = [frame.yuv for frame in VideoReader(film)]
    moved = 0.0
    for index, picture in drawn_frames(film, footage, plan, 20, 50):
        original = pictures[plan.source[index]]
        bare = original.copy()
        for one in take_off(split_planes(bare), lines_at(footage.lettering, int(plan.source[index]))):
            cover = one.cover == 1
            part = (slice(one.y, one.y + cover.shape[0]), slice(one.x, one.x + cover.shape[1]))
            assert (split_planes(picture)[0][part][cover] == split_planes(original)[0][part][cover]).all()
        moved = max(moved, float(np.abs(split_planes(picture)[0].astype(int) - split_planes(original)[0]).max()))
    assert moved > 40


def test_a_plan_with_letters_is_another_plan(driven):
    _, plan, _ = driven
    with_letters = plan.fingerprint(0, 30)
    assert plan.lines(20).shape[1] == 6
    plan.lettering = None
    assert plan.fingerprint(0, 30) != with_letters
    assert plan.lines(20).shape == (0, 6)


def test_the_footage_check_tells_where_captions_stand(captioned):
    _, footage = captioned
    (found,) = [finding for finding in check_footage(footage).findings if finding.kind == "captions"]
    assert (found.start_s, found.end_s, found.severity) == (FIRST / 25, LAST / 25, "info")
    assert all("behind them" in advice for advice in found.advice.values())
    assert "obstruction" not in check_footage(footage).kinds()
