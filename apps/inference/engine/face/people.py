"""Follows every face of a video at once: one track a face, from its coming up until it is gone for good."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .appearance import Appearance, describe, likeness
from .detector import Detection, FaceDetector, Region
from .head_reader import HeadReader, Reading
from .landmarks import EYE_CORNERS
from .mesh import region_around
from .picture import Picture
from .tracker import MEMORY_FRAMES, same_place

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]

# Somebody large who comes into the picture is noticed after at most LOOK_EVERY frames, by one net; faces down to a
# tenth of the shorter side after at most SQUARES_EVERY, by four more at 16:9; down to a twentieth, by some twenty nets,
# at cuts and after at most SEARCH_EVERY. While nobody is there it is looked for them more often.
LOOK_EVERY, SQUARES_EVERY, SEARCH_EVERY = 10, 20, 120
LOOK_EMPTY_EVERY, SEARCH_EMPTY_EVERY = 5, 20
MOST_FACES = 6  # at once; in a crowd the largest
# Of two who pass each other the mesh of the hidden one slides onto the other's face, and as they part that of the other
# one may lie across both: for so long whoever is seen there is looked for in every frame.
MEETING = 50
# So much more like one of the two is the face in front where the mesh lies well on it (.2 to .7; .1 where it does not).
CLEARLY = 0.2
LOOKS_EVERY = 10  # frames between two looks at somebody's appearance
HEAD_SIDE = 192  # pixels of a kept head


@dataclass(frozen=True)
class Sighting:
    """One face in one frame: number of its track, landmarks (N, 3) in pixels, and whether it is turned out of sight."""

    track: int
    points: Floats
    hidden: bool = False


@dataclass
class Head:
    """How somebody looks over a track, and the best picture of the head: RGB (192, 192, 3), seen in ``frame``."""

    looks: Appearance
    worth: float = 0.0
    picture: Bytes | None = None
    frame: int = 0


@dataclass(eq=False)
class _Followed:
    track: int
    region: Region
    missed: int = 0
    doubted: bool = False
    since: int = 0  # frame of its first sighting under this number
    met: int | None = None  # frame in which this face and that of the ``rival`` came to lie in one place
    rival: _Followed | None = None
    told: bool = True  # whose of the two this face is
    yaw: float | None = None


class PeopleTracker:
    """Landmarks of all faces, frame by frame.

    A face that is lost for up to 12 frames and comes up again near its place keeps its track; after a cut, and where
    there may be one, everybody has a new one. Who is who across tracks is told afterwards, from ``heads``.
    """

    def __init__(self, models: Path, threads: int = 1) -> None:
        self._detector = FaceDetector(models, threads)
        self._reader = HeadReader(models, threads, self._detector)
        self._followed: list[_Followed] = []
        self._frame = -1
        self._shot_began = 0
        self._tracks = 0
        self.heads: dict[int, Head] = {}

    @property
    def points(self) -> int:
        """How many landmarks a face has: 468, or 478 with the owner's bundle."""
        return self._reader.points

    def cut(self) -> None:
        """A new shot begins with the next picture: every track ends."""
        self._followed = []
        self._shot_began = self._frame + 1

    def doubt(self) -> None:
        """There may be a cut before the next picture: faces stay in their places, under new tracks."""
        self._followed = [replace(one, doubted=True, met=None, rival=None) for one in self._followed if not one.missed]
        self._shot_began = self._frame + 1

    def track(self, picture: Picture) -> list[Sighting]:
        """Everybody seen in the next picture."""
        self._frame += 1
        found = None
        for one in self._followed:
            if one.met is not None and self._frame - one.met > MEETING:
                one.met = one.rival = None
        doubted = [one for one in self._followed if (one.doubted or one.rival) and not one.missed]
        if doubted:
            found = self._detector.detect_all(picture, self._squares())
            self._place(doubted, found, picture)
        seen = [sighting for one in self._followed if (sighting := self._follow(one, picture)) is not None]
        self._followed = [one for one in self._followed if one.missed <= (MEETING if one.rival else MEMORY_FRAMES)]
        if self._is_time_to_look():
            seen += self._take_up(picture, found)
        if self._frame % LOOKS_EVERY == 0:
            meeting = {one.track for one in self._followed if one.rival}  # their looks may be each other's
            for sighting in seen:
                if not sighting.hidden and sighting.track not in meeting:
                    self._remember(sighting, picture)
        return seen

    def _place(self, doubted: list[_Followed], found: list[Detection], picture: Picture) -> None:
        """Look for ``doubted`` faces where they are ``found`` now.

        A camera that has come nearer leaves half of a face where it was, and the mesh read in that takes some ten
        frames to creep onto the whole one.
        """
        for one in doubted:
            near = [face for face in found if same_place(face, one.region)]
            for face in sorted(near, key=lambda face: math.hypot(face.x - one.region.x, face.y - one.region.y)):
                seen = self._reader.take_up(picture, face)
                if seen is not None:
                    one.region, one.yaw = region_around(seen.points), seen.yaw
                    break

    def _follow(self, one: _Followed, picture: Picture) -> Sighting | None:
        """The face where it was in the frame before; while it is missed its last place is kept."""
        if one.missed:
            one.missed += 1
            return None
        seen = self._reader.read(picture, one.region, one.yaw)
        region = region_around(seen.points)
        face = seen.is_face(picture, one.region)
        other = self._older_at(one, region) if face else None
        if other is not None and self._frame - one.since > MEMORY_FRAMES:
            one.met = other.met = self._frame
            one.rival, other.rival, other.told = other, one, False
        if not face or other is not None:
            one.missed, one.yaw = 1, None
            return None
        one.region, one.yaw = region, seen.yaw
        if one.doubted:
            self._number(one, picture, seen.points)
        if one.rival is not None and not one.told:
            self._tell(one, one.rival, self._rather(one, picture, seen))
        return Sighting(one.track, seen.points, seen.hidden)

    def _older_at(self, one: _Followed, region: Region) -> _Followed | None:
        """The older track, if any, that follows the face already onto which this one has come."""
        for other in self._followed:
            if other.track < one.track and not other.missed and _same_face(other.region, region.x, region.y):
                return other
        return None

    def _tell(self, one: _Followed, rival: _Followed, rather: float) -> None:
        """Give ``one`` who stayed in front the number of the ``rival`` where it is clearly that one's face."""
        one.told = abs(rather) > CLEARLY or not rival.missed
        if rather < -CLEARLY and rival.missed:
            one.track, rival.track = rival.track, one.track

    def _rather(self, one: _Followed, picture: Picture, seen: Reading) -> float:
        """By how much more the face that is ``seen`` looks like this one than like its rival."""
        assert one.rival is not None
        now = describe(picture, seen.points)
        return likeness(now, self.heads[one.track].looks) - likeness(now, self.heads[one.rival.track].looks)

    def _is_time_to_look(self) -> bool:
        since = self._frame - self._shot_began
        if not self._followed:
            return since % LOOK_EMPTY_EVERY == 0
        if self._anybody_missed():
            return True
        return len(self._followed) < MOST_FACES and since % LOOK_EVERY == 0

    def _take_up(self, picture: Picture, found: list[Detection] | None) -> list[Sighting]:
        """Faces that nobody follows yet, of those ``found`` where that is known: lost ones near their place, or new."""
        taken = []
        for face in self._detector.detect_all(picture, self._squares()) if found is None else found:
            if any(_same_face(one.region, face.x, face.y) for one in self._followed if not one.missed):
                continue
            lost = next((one for one in self._followed if one.missed and same_place(face, one.region)), None)
            if lost is None and len(self._followed) >= MOST_FACES:
                continue
            seen = self._reader.take_up(picture, face)
            if seen is not None:
                taken.append(self._begin(picture, seen, lost or self._behind(picture, face, seen)))
        return taken

    def _behind(self, picture: Picture, face: Detection, seen: Reading) -> _Followed | None:
        """Who comes up again from behind somebody else's face, on whichever side of it."""
        for one in self._followed:
            near = math.hypot(one.region.x - face.x, one.region.y - face.y) < 2 * one.region.side
            if one.missed and one.rival is not None and near and self._rather(one, picture, seen) > 0:
                return one
        return None

    def _squares(self) -> int:
        """How many sizes of squares are looked at beside the whole picture."""
        since, present = self._frame - self._shot_began, any(not one.missed for one in self._followed)
        if since % (SEARCH_EVERY if present else SEARCH_EMPTY_EVERY) == 0:
            return 2
        return int(not present or self._anybody_missed() or since % SQUARES_EVERY == 0)

    def _anybody_missed(self) -> bool:
        """Whether somebody was lost shortly before, or somebody else in the same place."""
        return any(one.missed or one.rival for one in self._followed)

    def _begin(self, picture: Picture, seen: Reading, lost: _Followed | None) -> Sighting:
        one = lost
        if one is None:
            one = _Followed(self._tracks, region_around(seen.points))
            self._followed.append(one)
        if lost is None or lost.doubted:
            self._number(one, picture, seen.points)
        one.region, one.missed, one.yaw = region_around(seen.points), 0, seen.yaw
        sighting = Sighting(one.track, seen.points)
        self._remember(sighting, picture)
        return sighting

    def _number(self, one: _Followed, picture: Picture, points: Floats) -> None:
        """A track of its own from here on."""
        one.track, one.doubted, one.since = self._tracks, False, self._frame
        self._tracks += 1
        self.heads[one.track] = Head(describe(picture, points))

    def _remember(self, sighting: Sighting, picture: Picture) -> None:
        """Average the looks, and keep the picture of the head that is largest and most frontal."""
        head = self.heads[sighting.track]
        head.looks = describe(picture, sighting.points, head.looks)
        worth = _worth(sighting.points)
        if worth > 1.1 * head.worth:
            region = region_around(sighting.points)
            scale = HEAD_SIDE / (1.2 * region.side)
            shift = HEAD_SIDE / 2 - scale * np.array([region.x, region.y])
            matrix = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]], np.float32)
            shown = np.rint(255 * picture.patch(matrix, HEAD_SIDE)).astype(np.uint8)
            head.worth, head.picture, head.frame = worth, shown, self._frame


def _same_face(region: Region, x: float, y: float) -> bool:
    """Whether a face at this place is the one the region lies around; regions are 1.5 times as wide as faces."""
    return bool(np.hypot(region.x - x, region.y - y) < 0.4 * region.side)


def _worth(points: Floats) -> float:
    """How good a portrait this is: eye distance in pixels, times how near the nose is to the middle of the eyes."""
    left, right = points[EYE_CORNERS[0], :2], points[EYE_CORNERS[1], :2]
    across = right - left
    length = float(np.linalg.norm(across))
    nose = float((points[1, :2] - left) @ across) / max(length, 1e-6) ** 2
    return length * max(0.1, 1 - 2 * abs(nose - 0.5))
