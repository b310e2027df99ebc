"""The landmarks of one face, however it is turned: read as it stands, beyond some 30° from the front."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from .detector import Detection, FaceDetector, Region
from .from_the_front import FrontReader, yaw_read
from .landmarks import EYE_CORNERS
from .mesh import FaceMesh, region_around
from .picture import Picture

Floats = NDArray[np.float32]

PRESENCE_THRESHOLD = 0.5
# A face is taken up only when the mesh is sure of it: real ones read above .95, chance finds below .1.
TAKE_UP_PRESENCE = 0.8
# A face that stands on its head is detected as an upright one, whose eyes are a mouth, with .56 to .86; upright ones
# with .9 and more. Turned over, the detector tells which way up it is.
UPRIGHT_SCORE = 0.9
# A face that the net reads as turned by more than this may be turned by more than 20°: then its key points are asked.
ASK_FROM = 15.0
# Between these turns both ways of reading count, the second one ever more. Up to 30° they are as exact, the first one
# less so by half at 40°.
FRONT_FROM, FRONT_ONLY = 25.0, 35.0
# Eye distance over the side of the square in which a face was looked for: .30 to .53 in forty clips, turned heads and
# such as lie on their side among them. A reading far from that is none, and the next square, laid about it, worse.
LEAST_EYES, MOST_EYES = 0.2, 0.7


@dataclass(frozen=True)
class Reading:
    """Landmarks (N, 3) in picture pixels, and how sure the net is that they are a face's, 0..1.

    ``yaw`` is the turn believed in degrees, None for a face that looks into the camera; ``hidden`` tells a head that is
    there but turned too far to be read: its points are those of the mean head in profile.
    """

    points: Floats
    presence: float
    yaw: float | None = None
    hidden: bool = False

    def is_face(self, picture: Picture, region: Region, least: float = PRESENCE_THRESHOLD) -> bool:
        """Whether this is a face of sensible size in the picture, of at least so much presence."""
        eyes = math.dist(self.points[EYE_CORNERS[0]], self.points[EYE_CORNERS[1]])
        x, y, *_ = cv2.mean(self.points[:, None])
        inside = 0 <= x < picture.width and 0 <= y < picture.height
        return bool(self.presence >= least and inside and LEAST_EYES < eyes / region.side < MOST_EYES)


class HeadReader:
    """One net for a face that looks into the camera, three for one that is turned away."""

    def __init__(self, models: Path, threads: int = 1, detector: FaceDetector | None = None) -> None:
        self.mesh = FaceMesh(models, threads)
        self._detector = detector or FaceDetector(models, threads)
        self._front = FrontReader(self._detector, self.mesh)

    @property
    def points(self) -> int:
        """How many landmarks a face has: 468, or 478 with the owner's bundle."""
        return self.mesh.points

    def read(self, picture: Picture, region: Region, yaw: float | None = None) -> Reading:
        """The face within `region`; `yaw` is what was read in the frame before, None at first."""
        straight = None
        if yaw is None or abs(yaw) < FRONT_ONLY:
            straight = Reading(*self.mesh.landmarks(picture, region))
            ahead = abs(yaw_read(straight.points)) < ASK_FROM
            if ahead and straight.presence >= PRESENCE_THRESHOLD and (yaw is None or abs(yaw) < FRONT_FROM):
                return straight
        pose = self._front.stand(picture, region, yaw)
        share = 0.0 if pose is None else (abs(pose.yaw) - FRONT_FROM) / (FRONT_ONLY - FRONT_FROM)
        if straight is None and share < 1:
            straight = Reading(*self.mesh.landmarks(picture, region))
        if pose is None or (straight is not None and share <= 0):
            assert straight is not None
            return replace(straight, yaw=None if pose is None else pose.yaw)
        front = self._front.read(picture, pose)
        if front.hidden:
            return Reading(front.points, PRESENCE_THRESHOLD, front.yaw, hidden=True)
        if share >= 1 or straight is None:
            return Reading(front.points, front.presence, front.yaw)
        mixed = straight.points + np.float32(share) * (front.points - straight.points)
        return Reading(mixed, max(straight.presence, front.presence), front.yaw)

    def take_up(self, picture: Picture, face: Detection) -> Reading | None:
        """The face that was detected, or None where there is none.

        The detector's square is a rough one: the face is read again within its own, as in every later frame, and is one
        there as well, which hands and patterns mostly are not.
        """
        square = face.region()
        if face.score < UPRIGHT_SCORE:
            over = replace(square, tilt=square.tilt + math.pi)
            square = max((square, over), key=lambda region: self._detector.score(picture, region))
        rough = self.read(picture, square)
        if not rough.is_face(picture, square, TAKE_UP_PRESENCE):
            return None
        own = region_around(rough.points)
        seen = self.read(picture, own, rough.yaw)
        return seen if seen.is_face(picture, own, TAKE_UP_PRESENCE) else None

    def again(self, picture: Picture, region: Region, known: NDArray[np.floating]) -> Floats:
        """Landmarks (N, 3) of a face whose turn is known from those it had, `known`, before it was drawn anew."""
        yaw = yaw_read(known)
        if abs(yaw) < FRONT_FROM:
            return self.mesh.landmarks(picture, region)[0]
        return self.read(picture, region, yaw).points
