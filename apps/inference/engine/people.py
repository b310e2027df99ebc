"""Who is in the footage: tracks of faces joined into people, with everything that was seen of each."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .face.landmarks import APERTURE_PAIRS, EYE_CORNERS
from .face.people import Head
from .faces_in_time import SHORTEST_RUN_S
from .kept_arrays import open_arrays, read_array
from .same_person import same_people

Floats = NDArray[np.float32]
Indices = NDArray[np.int64]

MOST_PEOPLE = 12  # who is seen least is left out
MOST_TRACKS = 2000  # the longest; each is compared with each
LEAST_TRACK = 5  # frames: right after a cut one face may be taken up twice, until one of both gives way
# A head whose middle never moves by more than this (median deviation) and whose lips open by no more than that (between
# the tenth and the ninetieth percentile; both in eye distances) is a picture on a wall or a screen that stands still.
# Printed heads read up to .0004 and .01; people who hold their heads still as they talk .006 and .035 at least.
FIXED_EYES, FIXED_LIPS = 0.01, 0.015
SETTLED = 12  # frames after which landmarks of a face that has just been taken up have settled
# Such a picture counts this much when the main person is chosen.
FIXED_SHARE = 0.2


@dataclass
class FaceRows:
    """What was seen of one face: ``frames`` (n,) ascending, ``points`` (n, N, 3), ``sharpness`` and ``light`` (n,) of
    the lips (variance of the Laplacian; mean luma), ``crops`` (n, 5) rows of the crop index."""

    frames: Indices
    points: Floats
    sharpness: NDArray[np.float64]
    light: NDArray[np.float64]
    crops: Indices

    @classmethod
    def joined(cls, parts: list[FaceRows]) -> FaceRows:
        """The rows of several tracks, none of which shows the same frame, in order of the frames."""
        whole = cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in ROWS))
        if (np.diff(whole.frames) > 0).all():  # tracks that follow each other: spares a second copy of everything
            return whole
        order = np.argsort(whole.frames, kind="stable")
        return cls(*(getattr(whole, name)[order] for name in ROWS))


ROWS = ("frames", "points", "sharpness", "light", "crops")


@dataclass
class Person:
    """Somebody in the footage. ``id`` counts from 0, who is seen most first, but behind who can be driven.

    ``eyes_px`` is the median distance of the outer eye corners; ``fixed`` tells a poster or a standing inset; the
    head's picture was taken at ``head_frame``, where the head fills ``head_box`` (x, y, width, height in pixels).
    """

    id: int
    rows: FaceRows
    eyes_px: float
    fixed: bool
    head_frame: int
    head_box: tuple[float, float, float, float]
    head: NDArray[np.uint8] | None = field(default=None, repr=False)

    def dense(self, frame_count: int, landmarks: int) -> tuple[Floats, NDArray[np.float64], Indices]:
        """Landmarks (F, N, 3; NaN where unseen), sharpness (F,) and crop index (F, 5) of a whole film.

        Landmarks of somebody who is seen all the time stay on disk: ten minutes are 84 MB.
        """
        if len(self.rows.frames) == frame_count:
            return self.rows.points, self.rows.sharpness, self.rows.crops
        points = np.full((frame_count, landmarks, 3), np.nan, np.float32)
        sharpness = np.zeros(frame_count)
        index = np.zeros((frame_count, 5), np.int64)
        index[:, 0] = -1
        points[self.rows.frames] = self.rows.points
        sharpness[self.rows.frames] = self.rows.sharpness
        index[self.rows.frames] = self.rows.crops
        return points, sharpness, index

    def facts(self) -> dict[str, Any]:
        """Everything but the arrays, for JSON."""
        return {
            "id": self.id, "eyes_px": self.eyes_px, "fixed": self.fixed, "head_frame": self.head_frame,
            "head_box": self.head_box,
        }  # fmt: skip


def people_of(rows: dict[int, FaceRows], heads: dict[int, Head], shot: NDArray[np.integer], fps: float) -> list[Person]:
    """People from tracks: ``rows`` and ``heads`` by track, ``shot`` (F,) of each frame.

    Who is seen for less than 0.4 s is a passer-by or no face at all; of a film shorter than that, 80 % must be seen.
    """
    shortest = min(SHORTEST_RUN_S * fps, 0.8 * len(shot))
    longest = sorted(rows, key=lambda number: -len(rows[number].frames))[:MOST_TRACKS]
    longest = [number for number in longest if len(rows[number].frames) >= min(LEAST_TRACK, shortest)]
    longest.sort()
    groups = same_people([rows[number] for number in longest], [heads[number].looks for number in longest], shot)
    found = []
    for group in groups:
        seen = FaceRows.joined([rows[longest[track]] for track in group])
        if len(seen.frames) >= shortest:
            found.append(_person(seen, [heads[longest[track]] for track in group]))
    found.sort(key=lambda person: -_presence(person))
    for place, person in enumerate(found[:MOST_PEOPLE]):
        person.id = place
    return found[:MOST_PEOPLE]


def _person(rows: FaceRows, heads: list[Head]) -> Person:
    best = max(heads, key=lambda head: head.worth)
    row = int(np.argmin(np.abs(rows.frames - best.frame)))
    points = rows.points[row, :, :2]
    low, high = points.min(0), points.max(0)
    box = (float(low[0]), float(low[1]), float(high[0] - low[0]), float(high[1] - low[1]))
    eyes = float(np.median(_eyes(rows.points)))
    return Person(0, rows, eyes, _is_fixed(rows, eyes), best.frame, box, best.picture)


def _is_fixed(rows: FaceRows, eyes: float) -> bool:
    """Whether the head stands still and its lips with it, in every second of the film, as printed ones do."""
    settled = rows.points[min(SETTLED, len(rows.points) // 2) :]
    sample = settled[:: max(1, len(settled) // 200)]
    place = np.median(np.abs(np.diff(sample[:, 168, :2], axis=0)), axis=0).max() if len(sample) > 2 else 0.0
    spread = np.median(np.abs(sample[:, 168, :2] - np.median(sample[:, 168, :2], axis=0)), axis=0).max()
    upper, lower = np.array(APERTURE_PAIRS).T
    opening = np.linalg.norm(sample[:, upper].astype(np.float64) - sample[:, lower], axis=2).mean(1)
    lips = np.subtract(*np.percentile(opening, (90, 10)))
    return bool(max(place, spread) < FIXED_EYES * eyes and lips < FIXED_LIPS * eyes)


def _presence(person: Person) -> float:
    """How much of the film somebody fills: frames times eye distance; pictures of people count for little."""
    return len(person.rows.frames) * person.eyes_px * (FIXED_SHARE if person.fixed else 1.0)


def _eyes(points: Floats) -> NDArray[np.float64]:
    """(n,) distance of the outer eye corners in pixels."""
    between = points[:, EYE_CORNERS[0]].astype(np.float64) - points[:, EYE_CORNERS[1]]
    return np.asarray(np.linalg.norm(between, axis=1))


def save_people(people: list[Person], folder: Path) -> None:
    """Write each person's arrays and head (WebP) beside the footage."""
    for person in people:
        rows = {name: getattr(person.rows, name) for name in ROWS if name != "points"}
        np.savez(folder / f"person-{person.id}.npz", **rows)
        np.save(folder / f"person-{person.id}.npy", person.rows.points)
        if person.head is not None:
            picture = cv2.cvtColor(person.head, cv2.COLOR_RGB2BGR)
            cv2.imwrite(str(head_file(folder, person.id)), picture, [cv2.IMWRITE_WEBP_QUALITY, 85])


def load_people(facts: list[dict[str, Any]], folder: Path) -> list[Person]:
    """The inverse of :func:`save_people`; the landmarks stay on disk until they are looked at."""
    people = []
    for one in facts:
        with open_arrays(folder / f"person-{one['id']}.npz") as arrays:
            points = read_array(folder / f"person-{one['id']}.npy", mmap_mode="r")
            rows = FaceRows(points=points, **dict(arrays))
        people.append(Person(rows=rows, **{**one, "head_box": tuple(one["head_box"])}))
    return people


def head_file(folder: Path, person: int) -> Path:
    """Picture of a person's head, 192 pixels square."""
    return folder / f"person-{person}.webp"
