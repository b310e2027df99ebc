"""Heads turned far to the side are read from the front: where the lips are, how far they are turned, when they hide."""

import itertools
from pathlib import Path

import cv2
import numpy as np
import pytest
from django.conf import settings

from apps.inference.engine.face.canonical import canonicalise, fit_pose
from apps.inference.engine.face.detector import Detection, FaceDetector, Region
from apps.inference.engine.face.from_the_front import FrontReader, mean_face, yaw_read
from apps.inference.engine.face.head_reader import FRONT_FROM, FRONT_ONLY, HeadReader
from apps.inference.engine.face.landmarks import LIPS, POINTS, RIGID
from apps.inference.engine.face.mesh import FaceMesh
from apps.inference.engine.face.people import PeopleTracker
from apps.inference.engine.face.picture import Picture
from apps.inference.engine.face.tracker import FaceTracker
from apps.inference.engine.faces_in_time import BEYOND, follow_face
from apps.inference.engine.model_files import PORTRAIT, model_path
from benchmarks.turned_clips import EYES, draw_turned, head_triangles, pattern, placed

MODELS = Path(settings.MODELS_DIR)
SIDE = 400
EYES_PX = EYES * SIDE


@pytest.fixture(scope="module")
def turned_head():
    """The project's portrait turned by some degrees: planar picture and where its landmarks truly are (468, 3)."""
    bgr = cv2.imread(str(model_path(MODELS, PORTRAIT)))
    frame = cv2.cvtColor(bgr[0:240, 100:340], cv2.COLOR_BGR2YUV_I420)
    points = FaceTracker(MODELS).track(frame)[:POINTS]
    faces = canonicalise(points[None].copy(), smooth=False)
    rotation, eyes, triangles = faces.rotation[0], float(faces.scale[0]), head_triangles()

    def turn(degrees):
        picture, by = pattern(SIDE), degrees - float(faces.yaw[0])
        draw_turned(picture, frame, points, eyes, rotation, by, triangles)
        return picture, placed(points, rotation, eyes, by, SIDE)

    return turn


def about(truth):
    x, y = truth[:, :2].mean(0)
    return Region(float(x), float(y), 2.94 * EYES_PX, 0.0)


def off(points, truth):
    """Mean distance of the lips' landmarks from the truth, in eye distances."""
    return float(np.linalg.norm(points[LIPS, :2] - truth[LIPS, :2], axis=1).mean()) / EYES_PX


def test_the_mean_face_is_symmetric_and_measured_in_eye_distances():
    head = mean_face()
    assert head.shape == (POINTS, 3)
    assert np.linalg.norm(head[33] - head[263]) == pytest.approx(1, abs=2e-3)
    distances = np.linalg.norm(head[:, None] * [-1, 1, 1] - head[None], axis=2).min(1)
    assert distances.max() < 2e-3
    assert head[4, 2] < head[[234, 454], 2].min() - 0.5, "the nose is nearer to the camera than the ears"


@pytest.mark.parametrize("degrees", [50, -50, 60, -60])
def test_how_far_a_head_is_turned_is_told(turned_head, degrees):
    picture, truth = turned_head(degrees)
    reading = HeadReader(MODELS).read(Picture(picture), about(truth))
    assert reading.presence > 0.8
    assert reading.yaw == pytest.approx(degrees, abs=13)
    assert yaw_read(reading.points) == pytest.approx(reading.yaw, abs=8)


@pytest.mark.parametrize("degrees", [-40.0, 0.0, 15.0])
def test_the_turn_is_told_whatever_the_tilt(degrees):
    nod, tilt = cv2.Rodrigues(np.array([0.3, 0, 0]))[0], cv2.Rodrigues(np.array([0, 0, 0.2]))[0]
    turn = cv2.Rodrigues(np.array([0, np.radians(degrees), 0]))[0]
    points = (90 * mean_face() @ (turn @ nod @ tilt).T + [300, 200, 10]).astype(np.float32)
    _, (rotation,), _ = fit_pose(mean_face()[RIGID], points[None, RIGID].astype(np.float64))
    assert yaw_read(points) == pytest.approx(np.degrees(np.arctan2(rotation[0, 2], rotation[2, 2])), abs=1e-3)
    assert yaw_read(points) == pytest.approx(degrees, abs=1e-3)


def test_turned_mouths_are_found_better_from_the_front(turned_head):
    reader, plain, fronts = HeadReader(MODELS), [], []
    for degrees in (50, -50, 60, -60, 65, -65):
        picture, truth = turned_head(degrees)
        plain.append(off(reader.mesh.landmarks(Picture(picture), about(truth))[0], truth))
        fronts.append(off(reader.read(Picture(picture), about(truth)).points, truth))
    assert max(fronts) < 0.12
    assert np.mean(fronts) < 0.8 * np.mean(plain)


def test_a_face_that_looks_into_the_camera_costs_one_net(turned_head, monkeypatch):
    picture, truth = turned_head(0)
    calls = []
    monkeypatch.setattr(FrontReader, "stand", lambda *arguments: calls.append(arguments))
    reading = HeadReader(MODELS).read(Picture(picture), about(truth))
    assert reading.yaw is None
    assert not calls
    plain, _ = FaceMesh(MODELS).landmarks(Picture(picture), about(truth))
    np.testing.assert_array_equal(reading.points, plain)


def test_the_two_ways_of_reading_pass_into_each_other(turned_head):
    """What is read moves on steadily while the turn believed goes from one way to the other."""
    picture, truth = turned_head(32)
    reader, shown = HeadReader(MODELS), Picture(picture)
    rows = [reader.read(shown, about(truth), yaw).points for yaw in np.arange(FRONT_FROM - 4, FRONT_ONLY + 5, 1.0)]
    assert max(off(now, before) for before, now in itertools.pairwise(rows)) < 0.02


def test_rgb_and_planes_are_laid_out_alike(turned_head):
    picture, truth = turned_head(50)
    reader = FrontReader(FaceDetector(MODELS), FaceMesh(MODELS))
    planes, rgb = (
        reader.read(shown, reader.stand(shown, about(truth), None))
        for shown in (Picture(picture), Picture(cv2.cvtColor(picture, cv2.COLOR_YUV2RGB_I420)))
    )
    assert off(planes.points, rgb.points) < 0.015


def test_a_large_picture_is_read_as_a_small_one(turned_head):
    picture, truth = turned_head(50)
    large = cv2.resize(cv2.cvtColor(picture, cv2.COLOR_YUV2RGB_I420), None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC)
    region = about(truth)
    wide = Region(4 * region.x, 4 * region.y, 4 * region.side, 0.0)
    reader = HeadReader(MODELS)
    assert off(reader.read(Picture(large), wide).points / 4, reader.read(Picture(picture), region).points) < 0.04


def test_key_points_that_no_head_turned_so_can_show_are_none(turned_head, monkeypatch):
    """Seen in a street: such a head would be of negative size, and the whole film could not be looked at."""
    picture, truth = turned_head(0)
    points = np.array([[428, 81], [430, 82], [423, 87], [425, 92], [437, 81], [443, 84]], np.float64)
    chance = Detection(430.0, 84.0, 30.0, 0.0, 0.57, points)
    monkeypatch.setattr(FaceDetector, "nearest", lambda *arguments: chance)
    reader = HeadReader(MODELS)
    assert reader._front.stand(Picture(picture), about(truth), -43.4) is None
    reading = reader.read(Picture(picture), about(truth), -43.4)
    assert reading.yaw is None and np.isfinite(reading.points).all()


def test_a_head_whose_front_is_no_face_counts_as_turned_too_far(turned_head, monkeypatch):
    """Followed, not taken up anew, and beyond every model's limit."""
    frames = [turned_head(degrees)[0] for degrees in (30, 40, 50, 55)]
    tracker = PeopleTracker(MODELS)
    seen = [tracker.track(Picture(frame)) for frame in frames]
    plain = FaceMesh.read
    monkeypatch.setattr(FaceMesh, "read", lambda self, patch: (plain(self, patch)[0], 0.1))
    seen += [tracker.track(Picture(frames[-1])) for _ in range(4)]
    assert [[one.track for one in faces] for faces in seen] == [[0]] * len(seen)
    assert [faces[0].hidden for faces in seen] == [False] * 4 + [True] * 4
    landmarks = np.stack([faces[0].points for faces in seen])
    track = follow_face(landmarks, np.arange(len(seen)) / 25, np.zeros(len(seen), np.int64))
    assert (track.turn[-3:] >= BEYOND).all()
    assert PeopleTracker(MODELS).track(Picture(frames[-1])) == []
