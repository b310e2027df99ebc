"""Planning and drawing on made-up footage: what moves, what must not, and that pieces are but parts of one film."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from apps.inference.engine.analysis import FootageAnalysis, put_forward, require_face
from apps.inference.engine.assembly import assemble
from apps.inference.engine.errors import EngineError
from apps.inference.engine.face.landmarks import OUTER_LIPS
from apps.inference.engine.media.frame_source import FrameSource
from apps.inference.engine.media.video_reader import VideoReader, split_planes
from apps.inference.engine.mouth_track import mouth_track
from apps.inference.engine.pieces import drawn_frames, frame_job, render_piece
from apps.inference.engine.plan import CUT_OFF, NO_FACE, OUTSIDE_RANGE, STILL_MOUTH, MotionPlan
from apps.inference.engine.planning import make_plan
from apps.inference.engine.render.compose import face_box
from apps.inference.engine.render.mesh import LOWER_LINE, UPPER_LINE
from apps.inference.engine.report import describe, measure, planned_opening
from apps.inference.engine.settings import MODELS, EngineSettings
from apps.inference.engine.speaker import mouth_range, study_speaker
from apps.inference.engine.sync_modes import build_timeline

from .synthetic import made_up_person, make_footage, wanted_mouth


def planned(footage, model="sync-3", mode="cut_off", seconds=None):
    speaker = study_speaker(footage)
    line = build_timeline(footage.times, footage.end_s, seconds or footage.end_s, mode, footage.fps)
    wanted = wanted_mouth(mouth_range(speaker, footage.fps).params, len(line))
    return make_plan(footage, speaker, line, wanted, EngineSettings(model=model, sync_mode=mode))


@pytest.fixture(scope="module")
def talking(tmp_path_factory):
    return make_footage(tmp_path_factory.mktemp("talking"), 50)


@pytest.mark.parametrize("model", MODELS)
def test_nothing_outside_the_face_changes_by_a_single_bit(talking, model):
    video, footage = talking
    plan = planned(footage, model)
    source = FrameSource(video, footage.times)
    changed = 0
    for index, picture in drawn_frames(video, footage, plan, 0, 12):
        original = source.picture(int(plan.source[index]))
        x, y, width, height = face_box(frame_job(footage, plan, index), plan.size)
        for new, old, scale in zip(split_planes(picture), split_planes(original), (1, 2, 2), strict=True):
            outside = np.ones(new.shape, bool)
            outside[y // scale : (y + height) // scale, x // scale : (x + width) // scale] = False
            np.testing.assert_array_equal(new[outside], old[outside])
        changed += int((picture != original).sum())
    source.close()
    assert width < 0.8 * plan.size[0]
    assert changed > 1000


@pytest.mark.parametrize("mode", ["cut_off", "bounce"])
def test_pieces_hold_the_same_pictures_as_one_run(talking, mode):
    video, footage = talking
    plan = planned(footage, mode=mode, seconds=3.0 if mode == "bounce" else None)
    whole = [picture for _, picture in drawn_frames(video, footage, plan, 0, len(plan))]
    for first, last in ((0, 7), (7, 8), (30, len(plan))):
        for index, picture in drawn_frames(video, footage, plan, first, last):
            np.testing.assert_array_equal(picture, whole[index])


def test_the_mouth_opens_as_wide_as_planned(talking):
    """Dark pixels between the lips follow the planned opening."""
    video, footage = talking
    plan = planned(footage)
    gaps, dark = [], []
    for index, picture in drawn_frames(video, footage, plan, 0, 40):
        points = plan.target[index]
        gaps.append(np.linalg.norm(points[LOWER_LINE[5]] - points[UPPER_LINE[5]]))
        x, y = points[UPPER_LINE[5]].astype(int)
        column = cv2.GaussianBlur(split_planes(picture)[0], (3, 3), 0)[y - 12 : y + 24, x]
        dark.append(int((column < 70).sum()))
    assert np.corrcoef(gaps, dark)[0, 1] > 0.85


def test_frames_without_a_face_pass_through_and_are_reported(tmp_path):
    video, footage = make_footage(tmp_path, 60, unseen=range(20, 40))
    plan = planned(footage)
    assert (plan.passed[20:40] == NO_FACE).all()
    source = FrameSource(video, footage.times)
    for index, picture in drawn_frames(video, footage, plan, 20, 40):
        np.testing.assert_array_equal(picture, source.picture(index))
    source.close()
    (passed,) = describe(plan).passed
    assert (passed["start_s"], passed["end_s"], passed["reason"]) == (0.8, 1.6, "no_face")
    assert describe(plan).lipsynced_s == pytest.approx(1.6)
    assert not np.isin(plan.exemplar[plan.driven], range(20, 40)).any()


def test_outside_the_wanted_ranges_frames_stay_as_they_were(talking):
    _, footage = talking
    speaker = study_speaker(footage)
    line = build_timeline(footage.times, footage.end_s, footage.end_s, "cut_off", footage.fps)
    wanted = wanted_mouth(mouth_range(speaker, footage.fps).params, len(line))
    asked = line.within(0.4, 0.8) | line.within(1.2, 1.6)
    plan = make_plan(footage, speaker, line, wanted, EngineSettings(), asked)
    assert plan.driven.nonzero()[0].tolist() == [*range(10, 20), *range(30, 40)]
    assert [row["reason"] for row in describe(plan).passed] == ["outside_range"] * 3
    assert plan.strength[10] < plan.strength[12] <= plan.strength[15] == 1


def test_a_mouth_moves_fully_from_a_cut_on_and_eases_over_elsewhere(tmp_path):
    _, footage = make_footage(tmp_path, 60, unseen=[*range(20), *range(40, 60)])
    plan = planned(replace(footage, shots=np.array([0, 20])))
    assert plan.driven.nonzero()[0].tolist() == list(range(20, 40))
    assert (plan.strength[20:36] == 1).all()
    assert plan.strength[39] < plan.strength[38] < 1


def test_where_the_border_cuts_the_mouth_off_frames_pass_through(tmp_path):
    """Half a mouth was read as a whole one, and lent."""
    _, footage = make_footage(tmp_path, 60)
    landmarks = footage.landmarks.copy()
    landmarks[30:, :, 1] += footage.size[1] - landmarks[30:, OUTER_LIPS, 1].max(1, keepdims=True)
    plan = planned(replace(footage, landmarks=landmarks))
    assert plan.driven.nonzero()[0].tolist() == list(range(30))
    assert (plan.passed[30:] == CUT_OFF).all()
    assert (plan.exemplar[:30] < 30).all()
    assert describe(plan).passed[0]["reason"] == "mouth_cut_off"
    with pytest.raises(EngineError, match="cut off") as refused:
        require_face(replace(footage, landmarks=np.concatenate([landmarks[30:], landmarks[30:]])))
    assert refused.value.code == "generation_input_video_no_face"


def test_who_can_be_driven_comes_before_who_is_seen_most(tmp_path):
    """The film was refused for the mouth of a person outside the picture, whoever else spoke in it."""
    _, footage = make_footage(tmp_path, 30)
    below = made_up_person(footage.landmarks + np.float32([0, footage.size[1], 0]), footage.crops.index, 0)
    speaker = replace(footage.people[0], id=1)
    film = replace(footage, people=[below, speaker], person=None)
    put_forward(film)
    assert film.people == [speaker, below] and [person.id for person in film.people] == [0, 1]
    require_face(film.of(0))


def test_a_film_is_refused_where_nobody_in_it_can_be_driven(tmp_path):
    _, footage = make_footage(tmp_path, 30)
    low, lower = (
        made_up_person(footage.landmarks + np.float32([0, more * footage.size[1], 0]), footage.crops.index, row)
        for row, more in enumerate((1, 2))
    )
    film = replace(footage, people=[low, lower], person=None)
    put_forward(film)
    assert film.people == [low, lower]
    with pytest.raises(EngineError, match="cut off"):
        require_face(film.of(0))


def test_seconds_in_which_a_picture_is_held_are_reported_as_it_is(tmp_path):
    """A second in which no frame begins counted as left alone."""
    _, footage = make_footage(tmp_path, 40)
    plan = planned(footage)
    plan.times = np.where(np.arange(40) < 20, plan.times, plan.times + 3)
    plan.duration_s += 3
    plan.passed[30:] = NO_FACE
    report = measure(tmp_path / "film.mp4", plan, seen=planned_opening(plan))
    assert [row["driven"] for row in report.per_second] == [1.0, 1.0, 1.0, 1.0, pytest.approx(0.2 / 0.6, abs=0.001)]


def test_of_several_faces_the_one_that_is_driven_is_reported(tmp_path):
    """The seconds of whoever spoke second counted as left alone, and the close-up stayed on the first one."""
    _, footage = make_footage(tmp_path, 100)
    first, second = planned(footage), planned(footage)
    second.own = second.own + np.float32(10)
    first.passed[50:] = second.passed[:50] = OUTSIDE_RANGE
    second.params = np.roll(second.params, 3, axis=0)
    plan = replace(first, others=[second])
    seen = planned_opening(plan)
    np.testing.assert_allclose(seen[50:], planned_opening(second)[50:])
    report = measure(tmp_path / "film.mp4", plan, seen=seen)
    assert [row["driven"] for row in report.per_second] == [1.0] * 4
    assert min(row["agreement"] for row in report.per_second) > 0.99
    assert {row["gate"]: row["kept"] for row in report.gates}["unseen_s"]
    places = np.array(report.mouth["at"])
    assert (places[10:, 0] - mouth_track(first)["at"][10][0] > 5 / plan.size[0]).all()
    lost = measure(tmp_path / "film.mp4", plan, seen=np.where(np.arange(100) < 50, seen, np.nan))
    assert not {row["gate"]: row["kept"] for row in lost.gates}["unseen_s"]


def test_a_short_miss_is_bridged(tmp_path):
    _, footage = make_footage(tmp_path, 40, unseen=range(20, 25))
    assert planned(footage).driven.all()


def test_a_still_mouth_is_opened_by_sync_3_only(tmp_path):
    video, footage = make_footage(tmp_path, 30, opening=0.0)
    left_alone = planned(footage, "lipsync-2")
    assert (left_alone.passed == STILL_MOUTH).all()
    opened = planned(footage, "sync-3")
    assert opened.driven.all()
    index = int(opened.params[:, 0].argmax())
    ((_, picture),) = drawn_frames(video, footage, opened, index, index + 1)
    points = opened.target[index]
    x, y = ((points[LOWER_LINE[5]] + 2 * points[UPPER_LINE[5]]) / 3).astype(int)
    source = FrameSource(video, footage.times)
    assert np.abs(picture[y - 2 : y + 3, x].astype(int) - source.picture(index)[y - 2 : y + 3, x]).max() > 20
    source.close()


def test_analysis_and_plan_survive_the_way_to_another_process(talking, tmp_path):
    video, footage = talking
    plan = planned(footage)
    plan.save(tmp_path)
    again, seen = MotionPlan.load(tmp_path), FootageAnalysis.load(footage.folder)
    assert (again.settings, again.fps, again.size) == (plan.settings, plan.fps, plan.size)
    first = next(iter(drawn_frames(video, footage, plan, 9, 10)))[1]
    np.testing.assert_array_equal(next(iter(drawn_frames(video, seen, again, 9, 10)))[1], first)


def test_a_film_made_of_pieces_shows_all_frames(talking, tmp_path):
    video, footage = talking
    plan = planned(footage)
    pieces = [render_piece(video, footage, plan, a, b, tmp_path / f"{a}.mp4") for a, b in ((20, 50), (0, 20))]
    out = tmp_path / "film.mp4"
    assemble(pieces, None, plan, out)
    drawn = dict(drawn_frames(video, footage, plan, 0, 50))
    with VideoReader(out) as reader:
        frames = list(reader)
    assert len(frames) == 50
    worst = max(np.abs(frame.yuv.astype(int) - drawn[frame.index]).mean() for frame in frames)
    assert worst < 4
    assert not out.with_name("film.mp4.part").exists()
