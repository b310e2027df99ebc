"""Where the proof looks for the mouth in the finished film."""

from types import SimpleNamespace

import numpy as np

from apps.inference.engine.face.tracker import FaceChoice
from apps.inference.engine.proof import Proof

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


def test_a_face_is_looked_for_anew_where_it_leaps_or_comes_back_and_not_at_all_where_it_is_away():
    """Without that, half of a face was followed after a cut, and fast cuts were reported at .58 instead of .96."""
    middles = np.array([[100, 90], [104, 90], [150, 90], [150, 90], [np.nan, np.nan], [150, 90]], np.float32)
    plan = SimpleNamespace(
        own=np.repeat(middles[:, None], 7, axis=1), eyes=np.array([60, 60, 60, 80, np.nan, 80]), source=np.arange(6),
        fields="", lines=lambda index: (), fps=25, settings=SimpleNamespace(model="sync-3"),
    )  # fmt: skip
    proof = Proof(plan, 0, 6, every_frame=True)
    tracker = proof.__dict__["_tracker"] = Tracker()
    for number in range(6):
        proof.look(number, PICTURE)
    assert tracker.told == [
        FaceChoice(100, 90), "track", "track", FaceChoice(150, 90), "track", FaceChoice(150, 90), "track",
        FaceChoice(150, 90), "track",
    ]  # fmt: skip
