"""Whose mouth is driven: by number, place, boxes, voice; on two made-up people whose mouths are known."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from apps.inference.engine.analysis import OWN_SOUND, FootageAnalysis
from apps.inference.engine.choice import choose, taking_part
from apps.inference.engine.errors import EngineError
from apps.inference.engine.film_plan import plan_motion
from apps.inference.engine.report import describe
from apps.inference.engine.segments import Segment
from apps.inference.engine.settings import EngineSettings
from apps.inference.engine.speaking import NOBODY, who_speaks
from apps.inference.engine.speech.analysis import SpeechAnalysis
from tests.engine.synthetic import EYES_PX, made_up_person, make_footage, talking_landmarks, turned

FRAMES, CUT = 200, 100
APART = np.array([150, 0, 0], np.float32)
NO_CROPS = np.tile([-1, 0, 0, 0, 0], (FRAMES, 1))


def opening_of(landmarks):
    return np.linalg.norm(landmarks[:, 13] - landmarks[:, 14], axis=1) / EYES_PX


def heard(opening, activity=None):
    """A sound that asks for this opening (F,) at 25 frames a second."""
    steps = np.arange(2 * len(opening)) / 2
    mouth = np.zeros((len(steps), 6))
    mouth[:, 0] = np.interp(steps, np.arange(len(opening)), (opening - opening.mean()) / opening.std())
    speaks = np.ones(len(steps)) if activity is None else np.repeat(activity, 2).astype(float)
    return SpeechAnalysis(len(steps) / 50, mouth, np.zeros(len(steps)), speaks, np.full(len(steps), -18.0))


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    """Eight seconds of footage; tests put people into it."""
    _, footage = make_footage(tmp_path_factory.mktemp("two"), FRAMES)
    return footage


def film(empty, folder, mouths, sound=None, shots=(0,)):
    """Footage of people with these landmarks, side by side, who fill the same share of the film."""
    people = [made_up_person(points + index * APART, NO_CROPS, index) for index, points in enumerate(mouths)]
    if sound is not None:
        sound.save(folder / OWN_SOUND)
    size = (empty.size[0] + int(len(mouths) * APART[0]), empty.size[1])
    return replace(empty, people=people, person=None, folder=folder, shots=np.array(shots), size=size).of(0)


@pytest.fixture(scope="module")
def talking():
    return talking_landmarks(FRAMES, opening=0.12)


@pytest.fixture(scope="module")
def still():
    return talking_landmarks(FRAMES, opening=0.0)


@pytest.fixture
def both(empty, tmp_path, talking, still) -> FootageAnalysis:
    """The left one talks, the right one listens; the sound is the left one's."""
    return film(empty, tmp_path, [talking, still], heard(opening_of(talking)))


def test_the_main_person_is_meant_where_nothing_is_chosen(both):
    for face in (None, {"kind": "auto"}):
        (chosen,) = choose(both, face)
        assert chosen.person == 0
        assert chosen.frames.all()


def test_a_person_is_chosen_by_number_and_everybody_at_once(both):
    assert [chosen.person for chosen in choose(both, {"kind": "person", "id": 1})] == [1]
    assert [chosen.person for chosen in choose(both, {"kind": "all"})] == [0, 1]


def test_a_point_means_the_face_it_lies_on(both):
    left = both.people[0].rows.points[40, :, :2].mean(axis=0)
    for place, person in ((left, 0), (left + APART[:2], 1)):
        (chosen,) = choose(both, {"kind": "point", "frame": 40, "x": float(place[0]), "y": float(place[1])})
        assert chosen.person == person


def test_a_box_means_whoever_is_in_it_and_frames_without_one_stay(both):
    boxes = []
    for frame in range(FRAMES):
        points = both.people[0 if frame < 80 else 1].rows.points[frame, :, :2]
        boxes.append(None if 60 <= frame < 80 else [*points.min(axis=0).tolist(), *points.max(axis=0).tolist()])
    left, right = choose(both, {"kind": "boxes", "boxes": boxes})
    assert (left.person, np.flatnonzero(left.frames).tolist()) == (0, list(range(60)))
    assert (right.person, np.flatnonzero(right.frames).tolist()) == (1, list(range(80, FRAMES)))
    (short,) = choose(both, {"kind": "boxes", "boxes": boxes[:10]})
    assert np.flatnonzero(short.frames).tolist() == list(range(10))


def test_somebody_too_small_to_be_driven_keeps_nobody_else_from_it(both, talking):
    """In a box as large as the picture, whoever is in the background was taken wherever the speaker is not seen."""
    tiny = made_up_person(talking_landmarks(FRAMES, eyes=15), NO_CROPS, 1)
    away = talking.copy()
    away[60:100] = np.nan
    speaker = made_up_person(away, NO_CROPS, 0)
    film = replace(both, people=[speaker, tiny])
    boxes = {"kind": "boxes", "boxes": [[0, 0, 256, 256]] * FRAMES}
    (chosen,) = choose(film, boxes)
    assert (chosen.person, np.flatnonzero(~chosen.frames).tolist()) == (0, list(range(60, 100)))
    with pytest.raises(EngineError, match="only 30 pixels wide"):
        choose(replace(both, people=[replace(tiny, id=0)], person=None), boxes)


def in_one_place(empty, mouths, shots=(0,)):
    """People whose lips are kept, so that they can be planned for."""
    people = [made_up_person(points, empty.crops.index, index) for index, points in enumerate(mouths)]
    return replace(empty, people=people, person=None, shots=np.array(shots)).of(0)


def test_warnings_are_of_the_film_and_of_every_face_in_it(empty, tmp_path, talking):
    """Where people are shown in turn, each is unseen for half of the film; somebody is driven all the time."""
    first, second = talking.copy(), turned(talking, 38)
    first[CUT:], second[:CUT] = np.nan, np.nan
    footage = in_one_place(empty, [first, second], (0, CUT))
    settings = EngineSettings(model="sync-3", face={"kind": "all"})
    plan = plan_motion(footage, heard(opening_of(talking)), settings, tmp_path / "plan")
    assert plan.anybody_driven.all()
    assert {warning["code"] for warning in plan.warnings} - {"small_face"} == {"turned_head"}
    first[60:] = np.nan
    footage = in_one_place(empty, [second, first], (0, CUT))
    plan = plan_motion(footage, heard(opening_of(talking)), settings, tmp_path / "plan")
    assert {warning["code"] for warning in plan.warnings} - {"small_face"} == {"turned_head", "no_face"}
    (left,) = describe(plan).passed
    assert left == {"start_s": 2.4, "end_s": 4.0, "reason": "no_face"}


def test_a_stretch_is_left_for_the_reason_of_whoever_was_asked_for(empty, tmp_path, talking):
    away = talking.copy()
    away[150:] = np.nan
    footage = in_one_place(empty, [talking, away])
    segments = [Segment(0, 4, face={"kind": "person", "id": 0}), Segment(4, 8, face={"kind": "person", "id": 1})]
    plan = plan_motion(
        footage, heard(opening_of(talking)), EngineSettings(), tmp_path / "plan", segments=segments, sounds={}
    )
    assert [row["reason"] for row in describe(plan).passed] == ["no_face"], "not “outside_range”, the first one's"


def test_a_box_holds_a_face_that_is_missed_for_a_moment(both, talking):
    missed = talking.copy()
    missed[50:58], missed[100:120] = np.nan, np.nan
    film = replace(both, people=[made_up_person(missed, NO_CROPS, 0), both.people[1]])
    boxes = [[0, 0, 200, 256] if not 150 <= frame < 155 else None for frame in range(FRAMES)]
    (chosen,) = choose(film, {"kind": "boxes", "boxes": boxes})
    left = [*range(100, 120), *range(150, 155)]
    assert np.flatnonzero(~chosen.frames).tolist() == left, "for long, or where none is asked for"


def test_whoever_speaks_is_never_seen_for_long_enough(both, talking):
    """A footage check keeps such an analysis; the take that came to it ended in an unknown error."""
    flashing = talking.copy()
    flashing[(np.arange(FRAMES) % 100 < 50) | (np.arange(FRAMES) % 100 >= 57)] = np.nan
    film = replace(both, people=[made_up_person(flashing, NO_CROPS, 0)], person=None).of(0)
    with pytest.raises(EngineError) as refusal:
        choose(film, {"kind": "active_speaker"})
    assert refusal.value.code == "generation_input_video_no_face"


@pytest.mark.parametrize(
    "face",
    [
        {"kind": "nose"},
        {"kind": "person", "id": 7},
        {"kind": "person", "id": None},
        {"kind": "point", "frame": FRAMES, "x": 1, "y": 1},
        {"kind": "point", "frame": 3, "x": 2, "y": 250},
        {"kind": "point", "frame": 3},
        {"kind": "boxes", "boxes": [[0, 0, 5, 5]]},
        {"kind": "boxes", "boxes": [[0, 0, 5]]},
        {"kind": "boxes", "boxes": None},
    ],
)
def test_a_choice_that_names_nobody_is_refused_with_advice(both, face):
    with pytest.raises(EngineError) as refusal:
        choose(both, face)
    assert refusal.value.code == "generation_input_face_selection_invalid"
    assert refusal.value.advice


def test_whoever_talks_is_driven_and_whoever_listens_is_not(both):
    (chosen,) = choose(both, {"kind": "active_speaker"})
    assert chosen.person == 0
    assert chosen.frames.mean() > 0.95


def test_two_who_swap_at_a_cut_are_followed_by_their_mouths(empty, tmp_path, talking, still):
    turn = np.arange(FRAMES)[:, None, None] < CUT
    sound = heard(opening_of(talking))
    swapping = film(empty, tmp_path, [np.where(turn, talking, still), np.where(turn, still, talking)], sound, (0, CUT))
    first, second = choose(swapping, {"kind": "active_speaker"})
    assert (first.person, second.person) == (0, 1)
    assert np.abs(np.flatnonzero(first.frames)[[0, -1]] - [0, CUT - 1]).max() <= 12
    assert not (first.frames & second.frames).any()
    assert (first.frames | second.frames).mean() > 0.95


@pytest.mark.parametrize("cut", [100, 101, 104])
def test_who_comes_up_at_a_cut_and_speaks_is_driven_from_its_first_frame_on(empty, tmp_path, talking, cut):
    """It was from the next of five looks a second on: beside cuts a fifth of a second kept the old mouth."""
    first, second = talking.copy(), talking.copy()
    first[cut:], second[:cut] = np.nan, np.nan
    footage = film(empty, tmp_path, [first, second], heard(opening_of(talking)), (0, cut))
    assert who_speaks(footage, footage.people).tolist() == [0] * cut + [1] * (FRAMES - cut)


def test_a_mouth_that_moves_otherwise_than_the_sound_does_not_win(empty, tmp_path, talking):
    other = talking_landmarks(2 * FRAMES, opening=0.14)[FRAMES // 2 + 7 :: 2][:FRAMES]  # other rhythm, other words
    other = np.concatenate([other, talking_landmarks(FRAMES, opening=0.14)[::-1]])[:FRAMES]
    footage = film(empty, tmp_path, [other, talking], heard(opening_of(talking)))
    assert (who_speaks(footage, footage.people) == 1).mean() > 0.9


def test_a_small_mouth_that_is_heard_wins_over_a_large_one_that_is_not(empty, tmp_path):
    small, large = talking_landmarks(FRAMES, opening=0.04), talking_landmarks(3 * FRAMES, opening=0.14)[7::3][:FRAMES]
    footage = film(empty, tmp_path, [large, small], heard(opening_of(small)))
    assert (who_speaks(footage, footage.people) == 1).mean() > 0.9


def test_a_voice_that_is_nobodys_in_the_picture_drives_nobody(empty, tmp_path, talking, still):
    footage = film(empty, tmp_path, [still], heard(opening_of(talking)))
    assert (who_speaks(footage, footage.people) == NOBODY).all()
    with pytest.raises(EngineError, match="Nobody in the video is seen speaking"):
        choose(footage, {"kind": "active_speaker"})


def test_a_pause_leaves_the_turn_with_whoever_had_it(empty, tmp_path, talking, still):
    activity = np.ones(FRAMES, bool)
    activity[80:130] = False
    paused = np.where(activity[:, None, None], talking, still)
    footage = film(empty, tmp_path, [still, paused], heard(opening_of(paused), activity))
    assert (who_speaks(footage, footage.people) == 1).mean() > 0.95


def test_without_sound_the_mouth_that_moves_is_taken(empty, tmp_path, talking, still):
    footage = film(empty, tmp_path, [still, talking])
    assert (who_speaks(footage, footage.people) == 1).mean() > 0.95


def test_whoever_is_many_people_they_are_not_all_in_memory_at_once(empty, tmp_path, talking):
    """Each is 250 MB in half an hour of film: of twelve, three gigabytes."""
    missed = talking.copy()
    missed[3] = np.nan
    peaks = []
    for count in (1, 6):
        footage = film(empty, tmp_path, [missed] * count)
        tracemalloc.start()
        who_speaks(footage, footage.people)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.5 * peaks[0]


def test_posters_tiny_faces_and_passers_by_take_no_part(both, talking):
    both.people[1].fixed = True
    tiny = made_up_person(talking + 2 * APART, NO_CROPS, 2)
    tiny.eyes_px = 15.0
    shortly = talking.copy()
    shortly[20:] = np.nan
    passing = made_up_person(shortly + 3 * APART, NO_CROPS, 3)
    assert [person.id for person in taking_part(replace(both, people=[*both.people, tiny, passing]))] == [0]
