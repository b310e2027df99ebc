"""Where the proof looks for the mouth in the finished film."""

from types import SimpleNamespace

import numpy as np

from apps.inference.engine.face.tracker import FaceChoice
from apps.inference.engine.faces_in_time import follow_face
from apps.inference.engine.proof import Proof
from tests.engine.synthetic import talking_landmarks

PICTURE = np.zeros((24, 16), np.uint8)


class Tracker:
    """Notes what it is told."""

    points = 468

    def __init__(self):
        self.told = []

    def look_at(self, choice):
        self.told.append(choice)

    def track(self, planes):
        self.told.append("track")


def plan_of(middles, eyes):
    plan = SimpleNamespace(
        own=np.repeat(middles[:, None], 7, axis=1), eyes=np.array(eyes), source=np.arange(len(eyes)), fields="",
        lines=lambda index: (), fps=25, settings=SimpleNamespace(model="sync-3"), foremost=np.zeros(len(eyes), int),
        times=np.arange(len(eyes)) / 25,
    )  # fmt: skip
    plan.layers = [plan]
    return plan


def test_a_face_is_looked_for_anew_where_it_leaps_or_comes_back_and_not_at_all_where_it_is_away():
    """Without that, half of a face was followed after a cut, and fast cuts were reported at .58 instead of .96."""
    middles = np.array([[100, 90], [104, 90], [150, 90], [150, 90], [np.nan, np.nan], [150, 90]], np.float32)
    plan = plan_of(middles, [60, 60, 60, 80, np.nan, 80])
    proof = Proof(plan, 0, 6, every_frame=True)
    tracker = proof.__dict__["_tracker"] = Tracker()
    for number in range(6):
        proof.look(number, PICTURE)
    assert tracker.told == [
        FaceChoice(100, 90), "track", "track", FaceChoice(150, 90), "track", FaceChoice(150, 90), "track",
        FaceChoice(150, 90), "track",
    ]  # fmt: skip


def test_whoever_is_driven_is_looked_at_each_with_a_shape_of_its_own():
    """What was seen of the second one was left out of the report, or of the first one's shape."""
    one, other = (plan_of(np.full((60, 2), 100, np.float32), np.full(60, 60)) for _ in range(2))
    one.layers, one.foremost = [one, other], (np.arange(60) >= 30).astype(int)
    proof = Proof(one, 0, 60, every_frame=True)
    tracker = proof.__dict__["_tracker"] = Tracker()
    mouths = talking_landmarks(60), talking_landmarks(60)[::-1] * np.float32([1.2, 1, 1])
    both = iter(np.concatenate([mouths[0][:30], mouths[1][30:]]))
    tracker.track = lambda planes: next(both)
    for number in range(60):
        proof.look(number, PICTURE)
    assert len(tracker.told) == 2, "in the same place, but somebody else"
    for mouth, part in zip(mouths, (slice(0, 30), slice(30, 60)), strict=True):
        alone = follow_face(mouth[part], one.times[part], np.zeros(30, int)).params[:, 0]
        np.testing.assert_allclose(proof.opening()[part], alone)
