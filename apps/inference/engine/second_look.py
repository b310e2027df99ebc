"""lipsync-2-pro's `reasoning`: drawn mouths are looked at before they are kept, and drawn again where they miss.

A warped mouth does not always show what its points were told: teeth that touch the lower lip, lips in the shade or a
soft picture make it look less open than it shall, or not quite closed. Viewers and the landmark net see the same
picture. So the drawn faces are tracked, and where the opening seen is not the one wanted, the lips are moved on by
what is missing, as this speaker's mouth opens; a frame keeps the second drawing only where it comes out better.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d, median_filter

from .face.head_reader import HeadReader
from .face.landmarks import APERTURE_PAIRS
from .face.mesh import region_around
from .face.picture import Picture
from .first_look import moved_points, opening
from .plan import MotionPlan

Doubles = NDArray[np.float64]

# Draws output frames [first, last) by a plan: (output frame, I420 picture).
Drawing = Callable[[MotionPlan, int, int], Iterator[tuple[int, NDArray[np.uint8]]]]

# The net's readings jitter by about .004 eye distances a frame: they are averaged over neighbours, and what is left
# below the first number is no miss. More than the second is a face misread, not a mouth misdrawn.
SMOOTHING, REACH = 1.0, 4  # frames
LEAST_MISS, LARGEST_MISS = 0.004, 0.06


def look_again(draw: Drawing, plan: MotionPlan, landmarks: NDArray[np.floating], first: int, last: int,
               reader: HeadReader) -> MotionPlan:  # fmt: skip
    """``plan`` with the points of frames [``first``, ``last``) moved to where they come out as wanted.

    ``landmarks`` (F, N, 3) of the face in the source frames, in pixels. Some frames to either side are drawn as well,
    so that a film drawn in pieces is that of one drawn at once.
    """
    start, stop = max(0, first - 2 * REACH), min(len(plan), last + 2 * REACH)
    if not plan.driven[start:stop].any():
        return plan
    wanted = opening(plan.target[start:stop], plan.eyes[plan.source[start:stop]])
    before = _missed(draw, plan, landmarks, start, stop, reader, wanted)
    moved = _moved(plan, start, _steady(before))
    after = _missed(draw, moved, landmarks, start, stop, reader, wanted)
    better = np.abs(_steady(after)) < np.abs(_steady(before))
    return _moved(plan, start, np.where(better, _steady(before), 0.0))


def _missed(draw: Drawing, plan: MotionPlan, landmarks: NDArray[np.floating], start: int, stop: int, reader: HeadReader,
            wanted: Doubles) -> Doubles:  # fmt: skip
    """(n,): how much of the opening ``wanted`` (n,) is not seen in the drawn frames [start, stop)."""
    missing = np.zeros(stop - start)
    pairs = np.array(APERTURE_PAIRS)
    for index, picture in draw(plan, start, stop):
        known = landmarks[plan.source[index]]
        if not plan.driven[index] or plan.glides_from(index) >= 0 or not np.isfinite(known[0, 0]):
            continue
        seen = reader.again(Picture(picture), region_around(known), known)
        apart = np.linalg.norm(seen[pairs[:, 1], :2] - seen[pairs[:, 0], :2], axis=1).mean()
        missing[index - start] = wanted[index - start] - apart / plan.eyes[plan.source[index]]
    return missing


def _steady(missing: Doubles) -> Doubles:
    """What is missed in truth, without the net's jitter."""
    steady = gaussian_filter1d(median_filter(missing, 3, mode="nearest"), SMOOTHING, mode="nearest", radius=REACH - 1)
    return np.sign(steady) * np.clip(np.abs(steady) - LEAST_MISS, 0, LARGEST_MISS)


def _moved(plan: MotionPlan, start: int, more: Doubles) -> MotionPlan:
    """The plan with its mouths opened by ``more`` (n,) eye distances from frame ``start`` on."""
    target = plan.target.copy()
    for row, index in enumerate(range(start, start + len(more))):
        if more[row] and plan.driven[index]:
            target[index] = moved_points(plan, index, float(more[row]))
    return replace(plan, target=target)
