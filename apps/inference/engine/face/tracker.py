"""Follows one person's face from frame to frame, at about one net a frame."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..media.video_reader import Planes
from .appearance import Appearance, describe, likeness
from .detector import Detection, FaceDetector, Region
from .head_reader import PRESENCE_THRESHOLD, HeadReader, Reading
from .mesh import region_around
from .picture import Picture

Floats = NDArray[np.float32]

# While no face is found, the search in many small squares (some twenty nets) runs only on every n-th frame.
SEARCH_EVERY = 5
# Every so many frames one cheap look tells whether a far larger face has come up beside a tiny followed one …
LARGER_EVERY = 25
# … which is followed instead when it is so many times larger, twice running.
LARGER_RATIO = 2.5
# For so many frames after a loss only a face of like size near the old place counts as the same person.
MEMORY_FRAMES = 12


@dataclass(frozen=True)
class FaceChoice:
    """Which face to follow: the one at a point of the next frame that shows a face there, in source pixels."""

    x: float
    y: float


class FaceTracker:
    """Landmarks of one person through a video.

    The largest face is taken up first. After a loss the same person is looked for: near the old place at first, then by
    looks (head shape and colours), never just the nearest inset. Call `look_at()` where the face to follow is known, at
    first or in a new shot.
    """

    def __init__(self, models: Path, threads: int = 1) -> None:
        self._detector = FaceDetector(models, threads)
        self._reader = HeadReader(models, threads, self._detector)
        self._choice: FaceChoice | None = None
        self._region: Region | None = None
        self._last: Region | None = None
        self._yaw: float | None = None
        self._looks: Appearance | None = None
        self._frame = 0
        self._missed = 0
        self._larger_seen = 0

    @property
    def points(self) -> int:
        """How many landmarks `track` returns: 468, or 478 with the owner's bundle."""
        return self._reader.points

    def look_at(self, choice: FaceChoice) -> None:
        """From the next picture on the face to follow is the one at this place, whoever was followed before."""
        self._choice = choice
        self._region = self._last = self._yaw = self._looks = None
        self._missed = 0

    def track(self, image: NDArray[np.uint8] | Planes, scale: float = 1.0) -> Floats | None:
        """Landmarks (N, 3) in source pixels, or None where no usable face is seen.

        `image` is RGB (H, W, 3), planar 4:2:0 (3·H/2, W) or its planes; `scale` is source pixels per pixel of `image`.
        """
        picture = Picture(image)
        self._frame += 1
        points = self._follow(picture)
        if points is None:
            points = self._find(picture, scale)
        if points is None:
            self._missed += 1
            return None
        self._missed = 0
        if self._frame % LARGER_EVERY == 0:
            self._look_for_larger(picture)
        return points * np.float32(scale)

    def _follow(self, picture: Picture) -> Floats | None:
        """The mesh where the face was in the frame before."""
        if self._region is None:
            return None
        seen = self._reader.read(picture, self._region, self._yaw)
        if not seen.is_face(picture, self._region):
            self._region = self._yaw = None
            return None
        return self._keep(picture, seen)

    def _find(self, picture: Picture, scale: float) -> Floats | None:
        """The mesh on whichever detected face is the one to follow."""
        if self._choice is not None and self._looks is None:
            chosen = self._detector.detect_at(picture, self._choice.x / scale, self._choice.y / scale)
            faces = [] if chosen is None else [chosen]
        else:
            faces = self._detector.detect(picture, search=self._missed % SEARCH_EVERY == 0)
        for face in self._ranked(faces, picture):
            seen = self._reader.take_up(picture, face)
            if seen is not None:
                return self._keep(picture, seen)
        return None

    def _keep(self, picture: Picture, seen: Reading) -> Floats:
        """Landmarks of the face that is followed; the region moves along."""
        self._region = self._last = region_around(seen.points)
        self._yaw = seen.yaw
        if self._looks is None or (self._frame % LARGER_EVERY == 0 and not seen.hidden):
            self._looks = describe(picture, seen.points, self._looks)
        return seen.points

    def _ranked(self, faces: list[Detection], picture: Picture) -> list[Detection]:
        """Faces worth trying, the likeliest to be the followed person first."""
        if self._looks is None:
            return faces
        if self._last is not None and self._missed < MEMORY_FRAMES:
            return [face for face in faces if same_place(face, self._last)]
        known = self._looks
        scored = [(self._likeness(face, picture, known) + 0.1 * np.log(face.size), face) for face in faces]
        return [face for _, face in sorted(scored, key=lambda pair: -pair[0])]

    def _likeness(self, face: Detection, picture: Picture, known: Appearance) -> float:
        """How much a detected face looks like the followed one, at most 1."""
        points, presence = self._reader.mesh.landmarks(picture, face.region())
        return likeness(known, describe(picture, points)) if presence >= PRESENCE_THRESHOLD else -1.0

    def _look_for_larger(self, picture: Picture) -> None:
        """Change over to a face that stays far larger than the followed one (which then is an inset or a poster)."""
        if self._choice is not None or self._region is None:
            return
        followed = self._region.side / 1.5
        larger = [face for face in self._detector.detect(picture) if face.size > LARGER_RATIO * followed]
        self._larger_seen = self._larger_seen + 1 if larger else 0
        if self._larger_seen >= 2:
            self._larger_seen = 0
            self._region, self._last, self._looks, self._yaw = larger[0].region(), None, None, None


def same_place(face: Detection, last: Region) -> bool:
    """Near where the face was lost (within its own width) and of like size (half to double)."""
    near = np.hypot(face.x - last.x, face.y - last.y) < 0.7 * last.side
    return bool(near and 0.5 < face.region().side / last.side < 2.0)
