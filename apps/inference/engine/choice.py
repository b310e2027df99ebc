"""Whose mouth is driven: from a choice of a face to people and the frames in which they are meant.

| kind             | further fields            | who is meant                                                          |
|------------------|---------------------------|-----------------------------------------------------------------------|
| auto             |                           | whom the film is mostly about                                         |
| person           | id                        | the person of this number in the footage check                        |
| point            | frame, x, y               | who is seen at this place (pixels of the picture) in this frame       |
| boxes            | boxes                     | who is inside the box of each frame; frames without a box stay as is  |
| active_speaker   |                           | whoever speaks in the footage, by mouth and sound together            |
| all              |                           | everybody who plays a part: no posters, nobody who is there by chance |
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .analysis import FootageAnalysis, unfit
from .errors import EngineError
from .faces_in_time import LONGEST_GAP_S, is_cut_off, runs, usable_frames
from .people import Person
from .reading import MIN_EYES_PX
from .speaking import who_speaks

Bools = NDArray[np.bool_]

KINDS = ("auto", "person", "point", "boxes", "active_speaker", "all")
# The landmarks end at brows and chin: a point or a box may miss them by this share of the face.
AROUND = 0.25
NEAR_S = 0.5  # a face that is not seen in the very frame of a point may be so shortly before or after
LEAST_S = 1.0  # of everybody, those who are there for so long


@dataclass(frozen=True)
class Chosen:
    """Somebody whose mouth is driven, in the source frames that are set in ``frames`` (F,)."""

    person: int
    frames: Bools


def choose(footage: FootageAnalysis, face: Mapping[str, Any] | None) -> list[Chosen]:
    """The people that ``face`` means (see above), at least one.

    Of several, those who can be driven. Raises EngineError (generation_input_face_selection_invalid) for a choice that
    names nobody.
    """
    kind = "auto" if face is None else str(face.get("kind"))
    everywhere = np.ones(footage.frame_count, bool)
    if kind not in KINDS:
        raise _refused(f"“{kind}” is no way to choose a face.", f"Use one of: {', '.join(KINDS)}.")
    if kind == "auto" or face is None or not footage.people:
        return [Chosen(footage.person or 0, everywhere)]
    if kind == "person":
        return [Chosen(_by_id(footage, face.get("id")), everywhere)]
    if kind == "point":
        return [Chosen(_at_point(footage, face), everywhere)]
    if kind == "boxes":
        return _in_boxes(footage, face.get("boxes"))
    parts = _fit(footage, taking_part(footage))
    if kind == "all":
        return [Chosen(person.id, everywhere) for person in parts]
    speaks = who_speaks(footage, parts)
    found = [Chosen(person.id, speaks == person.id) for person in parts if (speaks == person.id).any()]
    if not found:
        raise _refused("Nobody in the video is seen speaking.", "Choose a person instead of the active speaker.")
    return found


def taking_part(footage: FootageAnalysis) -> list[Person]:
    """Everybody who plays a part, or the main person where nobody does."""
    least = min(LEAST_S * footage.fps, 0.5 * footage.frame_count)
    shot = footage.shot_of()
    found = []
    for person in footage.people:
        seen = np.zeros(footage.frame_count, bool)
        seen[person.rows.frames[~is_cut_off(person.rows.points, footage.size)]] = True
        stays = usable_frames(seen, footage.times, shot).sum() >= least
        if stays and not person.fixed and person.eyes_px >= MIN_EYES_PX:
            found.append(person)
    return found or footage.people[:1]


def _by_id(footage: FootageAnalysis, number: Any) -> int:
    known = [person.id for person in footage.people]
    if isinstance(number, bool) or number not in known:
        raise _refused(f"There is no person {number} in this video.", f"Choose one of: {', '.join(map(str, known))}.")
    return int(number)


def _at_point(footage: FootageAnalysis, face: Mapping[str, Any]) -> int:
    try:
        frame, x, y = int(face["frame"]), float(face["x"]), float(face["y"])
    except (KeyError, TypeError, ValueError) as error:
        raise _refused("The point of the face cannot be read.", "Send a frame and x and y in pixels.") from error
    if not 0 <= frame < footage.frame_count:
        raise _refused(f"There is no frame {frame} in the video.", f"Choose one from 0 to {footage.frame_count - 1}.")
    near = []
    for person in footage.people:
        row = int(np.argmin(np.abs(person.rows.frames - frame)))
        away = abs(footage.times[person.rows.frames[row]] - footage.times[frame])
        low, high = _extent(person, row)
        middle, half = (low + high) / 2, (0.5 + AROUND) * (high - low)
        if away <= NEAR_S and abs(x - middle[0]) <= half[0] and abs(y - middle[1]) <= half[1]:
            near.append((float(np.hypot(x - middle[0], y - middle[1])), person.id))
    if not near:
        raise _refused(
            f"There is no face at {x:.0f}, {y:.0f} in frame {frame}.",
            "Choose a point on a face that is well seen; the footage check lists the people and where they are.",
        )
    return min(near)[1]


def _in_boxes(footage: FootageAnalysis, boxes: Any) -> list[Chosen]:
    """Each frame's box is taken for the person whose face lies nearest to its middle, and inside it.

    Who cannot be driven takes no frame from who can: boxes may be large, and somebody small in the background.
    """
    wanted = np.full((footage.frame_count, 4), np.nan)
    try:
        for frame, box in enumerate(boxes[: footage.frame_count]):
            if box is not None:
                wanted[frame] = [float(value) for value in box]
    except (TypeError, ValueError) as error:
        raise _refused("The boxes of the face cannot be read.", "Send [x1, y1, x2, y2] or null per frame.") from error
    middle, half = (wanted[:, :2] + wanted[:, 2:]) / 2, np.abs(wanted[:, 2:] - wanted[:, :2]) / 2
    distance = np.full((len(footage.people), footage.frame_count), np.inf)
    for row, person in enumerate(footage.people):
        frames = person.rows.frames
        points = person.rows.points[:, :, :2]
        centre = (points.min(axis=1) + points.max(axis=1)) / 2
        away = np.abs(centre - middle[frames])
        inside = (away <= (1 + AROUND) * half[frames]).all(axis=1)
        distance[row, frames] = np.where(inside, np.hypot(away[:, 0], away[:, 1]), np.inf)
    seen = np.isfinite(distance).any(axis=1)
    if not seen.any():
        raise _refused(
            "No face lies in the boxes.", "Send boxes in pixels of the picture, one for each frame from the first on."
        )
    fit = {person.id for person in _fit(footage, [footage.people[row] for row in np.flatnonzero(seen)])}
    distance[[person.id not in fit for person in footage.people]] = np.inf
    nearest = np.where(np.isfinite(distance).any(axis=0), distance.argmin(axis=0), -1)
    _bridge(nearest, footage, np.isfinite(middle[:, 0]))
    return [Chosen(person.id, nearest == row) for row, person in enumerate(footage.people) if (nearest == row).any()]


def _bridge(nearest: NDArray[np.integer], footage: FootageAnalysis, boxed: Bools) -> None:
    """Give ``nearest`` (F,), in place, the frames with a box in which a face is missed shortly, as everywhere else."""
    times, shot = footage.times, footage.shot_of()
    for first, last in runs((nearest < 0) & boxed, shot):
        if first == 0 or last == len(shot) or shot[first - 1] != shot[last] or nearest[first - 1] != nearest[last]:
            continue
        row = int(nearest[last])
        missed = row >= 0 and not np.isin(np.arange(first, last), footage.people[row].rows.frames).any()
        if missed and times[last] - times[first] <= LONGEST_GAP_S:
            nearest[first:last] = row


def _fit(footage: FootageAnalysis, people: Sequence[Person]) -> list[Person]:
    """Those of ``people`` who can be driven: one who cannot shall not keep the others from it.

    Raises what is amiss with the first where that is so of all.
    """
    refusals = [unfit(footage.of(person.id)) for person in people]
    found = [person for person, refusal in zip(people, refusals, strict=True) if refusal is None]
    if not found and refusals[0] is not None:
        raise refusals[0]
    return found


def _extent(person: Person, row: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    points = person.rows.points[row, :, :2]
    return points.min(axis=0), points.max(axis=0)


def _refused(message: str, advice: str) -> EngineError:
    return EngineError("generation_input_face_selection_invalid", message, advice)
