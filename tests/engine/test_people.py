"""Several people in one picture: who is who after a cut, and what is a poster; on the sample's own faces."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from django.conf import settings

from apps.inference.engine.analysis import FootageAnalysis
from apps.inference.engine.face.appearance import Appearance
from apps.inference.engine.face.head_reader import HeadReader
from apps.inference.engine.face.people import Head, PeopleTracker
from apps.inference.engine.face.picture import Picture
from apps.inference.engine.media.video_reader import VideoReader
from apps.inference.engine.people import FaceRows, people_of
from tests.engine.synthetic import made_up_person, make_footage, talking_landmarks

SIDE = 320


@pytest.fixture(scope="module")
def pictures(short_sample):
    """RGB (n, 320, 320, 3): a second of the talking portrait."""
    with VideoReader(short_sample.video) as reader:
        frames = [cv2.cvtColor(frame.yuv, cv2.COLOR_YUV2RGB_I420) for frame, _ in zip(reader, range(24), strict=False)]
    return np.stack(frames)


def as_other(picture):
    """The portrait as another person: narrower, other colours, lit from the other side."""
    narrow = cv2.resize(picture, (260, SIDE), interpolation=cv2.INTER_AREA)
    padded = cv2.copyMakeBorder(narrow, 0, 0, 30, 30, cv2.BORDER_REPLICATE)[:, ::-1]
    return (padded[..., [1, 0, 2]] * np.array([0.6, 0.5, 0.8])).astype(np.uint8)


def planar(left, right):
    return cv2.cvtColor(np.ascontiguousarray(np.hstack([left, right])), cv2.COLOR_RGB2YUV_I420)


def follow(tracker, frames, doubt_at=None):
    """Rows by track of everybody seen in the pictures."""
    seen: dict[int, list] = {}
    for index, frame in enumerate(frames):
        if index == doubt_at:
            tracker.doubt()
        for face in tracker.track(Picture(frame)):
            seen.setdefault(face.track, []).append((index, face.points))
    return {
        track: FaceRows(
            np.array([index for index, _ in found]), np.stack([points for _, points in found]), np.ones(len(found)),
            np.ones(len(found)), np.full((len(found), 5), -1),
        )
        for track, found in seen.items()
    }  # fmt: skip


def side_of(rows, first, last):
    inside = (rows.frames >= first) & (rows.frames < last)
    return "left" if np.median(rows.points[inside, :, 0]) < SIDE else "right"


def test_two_people_who_change_sides_at_a_cut_stay_themselves(pictures):
    frames = [
        planar(picture, as_other(picture)) if index < 12 else planar(as_other(picture), picture)
        for index, picture in enumerate(pictures)
    ]
    tracker = PeopleTracker(settings.MODELS_DIR)
    rows = follow(tracker, frames, doubt_at=12)
    assert len(rows) == 4, "everybody has a new track after what may be a cut"
    people = people_of(rows, tracker.heads, np.zeros(24, np.int64), 25.0)
    assert len(people) == 2
    for person in people:
        assert len(person.rows.frames) == 24
        assert side_of(person.rows, 0, 12) != side_of(person.rows, 12, 24)


def test_a_printed_face_is_told_from_one_that_moves(pictures):
    poster = as_other(pictures[0])
    frames = [planar(np.roll(picture, index % 12, axis=1), poster) for index, picture in enumerate(pictures)]
    tracker = PeopleTracker(settings.MODELS_DIR)
    people = people_of(follow(tracker, frames), tracker.heads, np.zeros(24, np.int64), 25.0)
    assert [person.fixed for person in people] == [False, True], "whoever moves comes first"
    assert side_of(people[0].rows, 0, 24) == "left"


def test_a_doubt_without_a_cut_changes_nobody(pictures):
    frames = [planar(picture, as_other(picture)) for picture in pictures[:16]]
    tracker = PeopleTracker(settings.MODELS_DIR)
    people = people_of(follow(tracker, frames, doubt_at=5), tracker.heads, np.zeros(16, np.int64), 25.0)
    assert [len(person.rows.frames) for person in people] == [16, 16]


def passing(pictures, front_first):
    """Two people walk past each other, and whoever walks to the right hides the other."""
    rows, columns = np.ogrid[:SIDE, :SIDE]
    head = (np.hypot((rows - 150) / 140, (columns - 160) / 110) < 1)[..., None]
    for at in range(100):
        both = [pictures[at % len(pictures)], as_other(pictures[at % len(pictures)])]
        front, behind = both if front_first else both[::-1]
        shown = np.full((SIDE, 720, 3), 90, np.uint8)
        for person, x in ((behind, 400 - 4 * at), (front, 4 * at)):
            np.copyto(shown[:, x : x + SIDE], person, where=head)
        yield cv2.cvtColor(shown, cv2.COLOR_RGB2YUV_I420)


@pytest.mark.parametrize("front_first", [True, False])
def test_two_who_pass_each_other_stay_themselves(pictures, front_first):
    """The hidden one's mesh slid onto the face in front, whose own track was given up: the other's lips moved."""
    tracks = follow(PeopleTracker(settings.MODELS_DIR), passing(pictures, front_first))
    assert len(tracks) == 2
    for rows in tracks.values():
        start, end = rows.points[0, 168, 0], rows.points[-1, 168, 0]
        assert rows.frames[-1] == 99
        assert abs(end - start - (396 if start < 360 else -396)) < 40


def nearer(picture, times):
    """As if the camera had come nearer to somebody's chest."""
    place = cv2.getRotationMatrix2D((SIDE / 2, 1.1 * SIDE), 0, times)
    return cv2.warpAffine(picture, place, (SIDE, SIDE), borderMode=cv2.BORDER_REPLICATE)


@pytest.mark.parametrize("times", [1.25, 1.35])
def test_a_face_that_is_suddenly_nearer_is_read_whole_at_once(pictures, times):
    """In the half that is left where it was, a mesh was read that took ten frames to creep onto the whole face."""
    frames = [planar(picture if at < 6 else nearer(picture, times), 0 * picture) for at, picture in enumerate(pictures)]
    tracker = PeopleTracker(settings.MODELS_DIR)
    one, other = (rows for _, rows in sorted(follow(tracker, frames, doubt_at=6).items()))
    assert (one.frames[-1], other.frames[0]) == (5, 6)
    eyes = np.linalg.norm(other.points[:, 33, :2] - other.points[:, 263, :2], axis=1)
    assert abs(eyes[0] / eyes[-1] - 1) < 0.05
    assert abs(eyes[-1] / np.linalg.norm(one.points[-1, 33, :2] - one.points[-1, 263, :2]) / times - 1) < 0.08
    assert len(people_of({0: one, 1: other}, tracker.heads, np.zeros(24, np.int64), 25.0)) == 1


def test_two_people_in_hundreds_of_shots_are_two():
    """Of a talk cut at every sentence only the 120 longest tracks counted: half of five minutes was left alone."""
    random, rows, heads = np.random.default_rng(5), {}, {}
    faces = [(random.normal(2, 0.2, 8), random.random((48, 48, 3))) for _ in range(2)]
    points = talking_landmarks(1)
    for track in range(600):
        proportions, colours = faces[track % 3 == 0]
        looks = Appearance(
            proportions + random.normal(0, 0.02, 8),
            (colours + random.normal(0, 0.05, colours.shape)).astype(np.float32),
        )
        frames = np.arange(12 * track, 12 * track + 12)
        rows[track] = FaceRows(
            frames, np.repeat(points, 12, axis=0), np.ones(12), np.ones(12), np.full((12, 5), -1),
        )  # fmt: skip
        heads[track] = Head(looks, frame=12 * track)
    people = people_of(rows, heads, np.arange(7200) // 12, 25.0)
    assert [len(person.rows.frames) for person in people] == [4800, 2400]
    assert (people[1].rows.frames // 12 % 3 == 0).all()


def test_what_is_a_face_in_one_square_only_is_taken_for_none(pictures, monkeypatch):
    """Hands may be read as a face within the detector's square, but not within their own."""
    shown, sure = Picture(planar(pictures[0], pictures[0])), HeadReader.read
    assert len(PeopleTracker(settings.MODELS_DIR).track(shown)) == 2
    readings = []

    def once(self, picture, region, yaw=None):
        readings.append(sure(self, picture, region, yaw))
        return replace(readings[-1], presence=0.5) if len(readings) == 2 else readings[-1]  # its own, upright

    monkeypatch.setattr(HeadReader, "read", once)
    assert len(PeopleTracker(settings.MODELS_DIR).track(shown)) == 1


def test_people_are_kept_with_the_analysis(tmp_path):
    _, footage = make_footage(tmp_path, 30, unseen=range(10, 14))
    loaded = FootageAnalysis.load(tmp_path)
    (person,) = loaded.people
    assert person.rows.frames.tolist() == footage.people[0].rows.frames.tolist()
    np.testing.assert_array_equal(loaded.landmarks, footage.landmarks)
    assert loaded.of(0).crops.stored.tolist() == footage.crops.stored.tolist()
    assert person.facts() == footage.people[0].facts()


def test_somebody_who_holds_the_head_still_but_talks_is_no_poster():
    shapes = talking_landmarks(60, opening=0.08)
    shapes -= shapes[:, 168:169] - shapes[0, 168]
    talks = made_up_person(shapes, np.tile([-1, 0, 0, 0, 0], (60, 1)), 0)
    rests = made_up_person(np.repeat(shapes[:1], 60, axis=0), np.tile([-1, 0, 0, 0, 0], (60, 1)), 0)
    for person, fixed in ((talks, False), (rests, True)):
        head = Head(Appearance(np.ones(8), np.zeros((48, 48, 3), np.float32)))
        (found,) = people_of({0: person.rows}, {0: head}, np.zeros(60, np.int64), 25.0)
        assert found.fixed is fixed
