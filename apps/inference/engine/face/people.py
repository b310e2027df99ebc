"""Follows every face of a video at once: one track a face, from its coming up until it is gone for good."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .appearance import Appearance, describe
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


@dataclass
class _Followed:
    track: int
    region: Region
    missed: int = 0
    doubted: bool = False
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
        self._followed = [replace(one, doubted=True) for one in self._followed if not one.missed]
        self._shot_began = self._frame + 1

    def track(self, picture: Picture) -> list[Sighting]:
        """Everybody seen in the next picture."""
        self._frame += 1
        found = None
        doubted = [one for one in self._followed if one.doubted and not one.missed]
        if doubted:
            found = self._detector.detect_all(picture, self._squares())
            self._place(doubted, found, picture)
        seen = [sighting for one in self._followed if (sighting := self._follow(one, picture)) is not None]
        self._followed = [one for one in self._followed if one.missed <= MEMORY_FRAMES]
        if self._is_time_to_look():
            seen += self._take_up(picture, found)
        if self._frame % LOOKS_EVERY == 0:
            for sighting in seen:
                if not sighting.hidden:
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
        if not seen.is_face(picture, one.region) or self._is_another(one, region):
            one.missed, one.yaw = 1, None
            return None
        one.region, one.yaw = region, seen.yaw
        if one.doubted:
            self._number(one, picture, seen.points)
        return Sighting(one.track, seen.points, seen.hidden)

    def _is_another(self, one: _Followed, region: Region) -> bool:
        """Whether a track has slid onto a face that an older track follows already."""
        return any(
            other.track < one.track and not other.missed and _same_face(other.region, region.x, region.y)
            for other in self._followed
        )

    def _is_time_to_look(self) -> bool:
        since = self._frame - self._shot_began
        if not self._followed:
            return since % LOOK_EMPTY_EVERY == 0
        if any(one.missed for one in self._followed):
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
                taken.append(self._begin(picture, seen, lost))
        return taken

    def _squares(self) -> int:
        """How many sizes of squares are looked at beside the whole picture."""
        since, present = self._frame - self._shot_began, any(not one.missed for one in self._followed)
        if since % (SEARCH_EVERY if present else SEARCH_EMPTY_EVERY) == 0:
            return 2
        anybody_missed = any(one.missed for one in self._followed)
        return int(not present or anybody_missed or since % SQUARES_EVERY == 0)

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
        one.track, one.doubted = self._tracks, False
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
