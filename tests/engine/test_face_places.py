"""Where faces are over time, for the boxes of a page."""

from dataclasses import replace

import numpy as np
import pytest

from apps.inference.engine.footage.places import MOST, face_places
from tests.engine.synthetic import made_up_person, make_footage, talking_landmarks

FRAMES = 50


@pytest.fixture(scope="module")
def footage(tmp_path_factory):
    """Two seconds; the left one is there all the time, the right one for the first second."""
    _, empty = make_footage(tmp_path_factory.mktemp("two"), FRAMES)
    points, no_crops = talking_landmarks(FRAMES), np.tile([-1, 0, 0, 0, 0], (FRAMES, 1))
    gone = points + np.array([150, 0, 0], np.float32)
    gone[25:] = np.nan
    people = [made_up_person(one, no_crops, number) for number, one in enumerate((points, gone))]
    return replace(empty, people=people)


def test_boxes_hold_the_face_and_end_where_it_goes(footage):
    places = face_places(footage)
    assert places["rate"] == 5
    left, right = (person["boxes"] for person in places["people"])
    assert len(left) == len(right) == 10
    assert all(left)
    assert [box is not None for box in right] == [True] * 7 + [False] * 3  # up to a quarter of a second after
    points = footage.people[0].rows.points[0, :, :2] / np.array(footage.size)
    x, y, width, height = left[0]
    assert (points.min(axis=0) > [x, y]).all()
    assert (points.max(axis=0) < [x + width, y + height]).all()
    assert right[0][0] - x == pytest.approx(150 / footage.size[0], abs=2e-3)


def test_a_long_film_gets_no_more_boxes_than_a_page_can_take(footage):
    places = face_places(replace(footage, end_s=7200.0))
    assert all(len(person["boxes"]) <= MOST + 1 for person in places["people"])
