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

from .face.landmarks import APERTURE_PAIRS, WARP_INDEX
from .face.mesh import FaceMesh, region_around
from .face.picture import Picture
from .plan import MotionPlan
from .render.mesh import POINT_COUNT, face_axes

Doubles = NDArray[np.float64]

# Draws output frames [first, last) by a plan: (output frame, I420 picture).
Drawing = Callable[[MotionPlan, int, int], Iterator[tuple[int, NDArray[np.uint8]]]]

# The net's readings jitter by about .004 eye distances a frame: they are averaged over neighbours, and what is left
# below the first number is no miss. More than the second is a face misread, not a mouth misdrawn.
SMOOTHING, REACH = 1.0, 4  # frames
LEAST_MISS, LARGEST_MISS = 0.004, 0.06
_PAIRS = np.array([[WARP_INDEX[point] for point in pair] for pair in APERTURE_PAIRS])


def look_again(draw: Drawing, plan: MotionPlan, landmarks: NDArray[np.floating], first: int, last: int,
               mesh: FaceMesh) -> MotionPlan:  # fmt: skip
    """``plan`` with the points of frames [``first``, ``last``) moved to where they come out as wanted.

    ``landmarks`` (F, N, 3) of the face in the source frames, in pixels. Some frames to either side are drawn as well,
    so that a film drawn in pieces is that of one drawn at once.
    """
    start, stop = max(0, first - 2 * REACH), min(len(plan), last + 2 * REACH)
    if not plan.driven[start:stop].any():
        return plan
    opens = opening_direction(plan)
    wanted = opening(plan.target[start:stop], plan.eyes[plan.source[start:stop]])
    before = _missed(draw, plan, landmarks, start, stop, mesh, wanted)
    moved = _moved(plan, opens, start, _steady(before))
    after = _missed(draw, moved, landmarks, start, stop, mesh, wanted)
    better = np.abs(_steady(after)) < np.abs(_steady(before))
    return _moved(plan, opens, start, np.where(better, _steady(before), 0.0))


def opening(points: NDArray[np.floating], eyes: NDArray[np.floating]) -> Doubles:
    """(n,) mean distance of the inner lips in eye distances, for points (n, Q, 2) and eyes (n,) in pixels."""
    apart = points[:, _PAIRS[:, 1]] - points[:, _PAIRS[:, 0]]
    return np.asarray(np.linalg.norm(apart, axis=-1).mean(1) / eyes, np.float64)


def opening_direction(plan: MotionPlan) -> Doubles:
    """(Q, 2): how the points move per unit of opening, along the face's own axes: a regression over the plan itself."""
    frames = np.flatnonzero(plan.driven)
    own = plan.own[plan.source[frames]]
    eyes = plan.eyes[plan.source[frames]].astype(np.float64)
    axes = np.stack([np.stack(face_axes(points), axis=1) for points in own])
    shift = np.einsum("nqd,nde->nqe", (plan.target[frames] - own) / eyes[:, None, None], axes)
    change = opening(plan.target[frames], eyes) - opening(own, eyes)
    change -= change.mean()
    if change.std() < LEAST_MISS:
        return np.zeros(own.shape[1:])
    return np.asarray(np.einsum("n,nqe->qe", change, shift - shift.mean(0)) / (change @ change))


def _missed(draw: Drawing, plan: MotionPlan, landmarks: NDArray[np.floating], start: int, stop: int, mesh: FaceMesh,
            wanted: Doubles) -> Doubles:  # fmt: skip
    """(n,): how much of the opening ``wanted`` (n,) is not seen in the drawn frames [start, stop)."""
    missing = np.zeros(stop - start)
    pairs = np.array(APERTURE_PAIRS)
    for index, picture in draw(plan, start, stop):
        known = landmarks[plan.source[index]]
        if not plan.driven[index] or plan.glides_from(index) >= 0 or not np.isfinite(known[0, 0]):
            continue
        seen, _ = mesh.landmarks(Picture(picture), region_around(known))
        apart = np.linalg.norm(seen[pairs[:, 1], :2] - seen[pairs[:, 0], :2], axis=1).mean()
        missing[index - start] = wanted[index - start] - apart / plan.eyes[plan.source[index]]
    return missing


def _steady(missing: Doubles) -> Doubles:
    """What is missed in truth, without the net's jitter."""
    steady = gaussian_filter1d(median_filter(missing, 3, mode="nearest"), SMOOTHING, mode="nearest", radius=REACH - 1)
    return np.sign(steady) * np.clip(np.abs(steady) - LEAST_MISS, 0, LARGEST_MISS)


def _moved(plan: MotionPlan, opens: Doubles, start: int, more: Doubles) -> MotionPlan:
    """The plan with its mouths opened by ``more`` (n,) eye distances from frame ``start`` on; ring points stay."""
    target = plan.target.copy()
    for row, index in enumerate(range(start, start + len(more))):
        if more[row] and plan.driven[index]:
            source = plan.source[index]
            axes = np.stack(face_axes(plan.own[source]), axis=0)
            step = more[row] * float(plan.eyes[source] * plan.strength[index])
            target[index, :POINT_COUNT] += (opens[:POINT_COUNT] * step) @ axes
    return replace(plan, target=target)
