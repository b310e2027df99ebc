"""Which frames show the face well enough, and its pose-free shape in each of them."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from .face.canonical import CanonicalFaces, canonicalise
from .face.landmarks import EYE_CORNERS, OUTER_LIPS
from .face.mouth_params import mouth_params
from .face.smoothing import FRAMES, smoothed

# No point is smoothed away from where it was read by more than the net's own readings jitter (eye distances). Where a
# film leaves out frames, or lips move fast, points would lie beside the lips by five times that, and a mouth warped by
# them shows its old teeth beside the new ones.
JITTER = 0.0045
SHORTEST_RUN_S = 0.4  # a face seen for less of a shot is a passer-by or no face at all
LONGEST_GAP_S = 0.5  # a face missed for less is bridged
# Lips nearer to the picture's border than so many eye distances count as cut off by it: half a mouth is read as a whole
# one that lies up to .03 inside.
BORDER = 0.05
# The landmark net takes a turned head for less turned than it is, by a quarter (`python -m benchmarks.turned`); from
# 25° on heads are read from the front ever more (`face/head_reader.py`), from 35° on their turn is what it is.
READ, TURNED = (0.0, 18.75, 35.0, 180.0), (0.0, 25.0, 35.0, 180.0)
# From about 60° on the nets lose the far side, and may read any angle; the still parts of the face then fit the head's
# own shape no more: by .02 eye distances from the front, .05 at 50°, .06 to .08 where the lips are misread by a tenth.
MISFIT, BEYOND = 0.058, 85.0


@dataclass(frozen=True)
class FaceTrack:
    """The followed face over F frames.

    ``usable`` (F,): seen, or missed so shortly that the landmarks in between can be told; ``faces``: pose and shape
    (rows that are not usable are meaningless); ``params`` (F, 6): what the mouth does. ``cut_off`` (F,): the mouth lies
    at the picture's border or beyond it, so that the frame is not usable.
    """

    usable: NDArray[np.bool_]
    seen: NDArray[np.bool_]
    cut_off: NDArray[np.bool_]
    faces: CanonicalFaces
    params: NDArray[np.float64]

    @property
    def pose(self) -> NDArray[np.float64]:
        """(F, 4): yaw, pitch, roll in degrees, log of size."""
        faces = self.faces
        return np.stack([faces.yaw, faces.pitch, faces.roll, np.log(faces.scale)], axis=1)

    @cached_property
    def turn(self) -> NDArray[np.float64]:
        """(F,) degrees by which the head is turned to either side; BEYOND and more where it is too far to be read."""
        faces = self.faces
        turn = np.interp(np.abs(faces.yaw), READ, TURNED)
        return np.where(faces.misfit() > MISFIT, BEYOND, turn)


def follow_face(
    landmarks: NDArray[np.floating], times: NDArray[np.floating], shot: NDArray[np.integer], smooth: bool = True,
    size: tuple[int, int] | None = None,
) -> FaceTrack:  # fmt: skip
    """Smooth ``landmarks`` (F, N, 3; NaN where unseen) within each shot and take the pose out of them.

    Frames that are farther apart than those of a film shall not be smoothed: a closure would be lost between them.
    ``size`` (width, height) of the picture tells where mouths are cut off.
    """
    seen = np.isfinite(landmarks[:, 0, 0])
    usable, cut_off = in_view(landmarks, times, shot, size)
    points = np.array(landmarks, np.float32)
    points[~usable] = np.nan
    steady = [(first, last) for first, last in runs(usable & seen, shot) if smooth and last - first >= FRAMES]
    for first, last in steady:
        _take_jitter_out(points[first:last])
    faces = canonicalise(points, smooth=False)
    params = np.concatenate([mouth_params(block.astype(np.float64)) for block in faces.shape_blocks()])
    for first, last in steady:  # what a mouth does on the whole counts here, not where each frame's lips lie
        params[first:last] = smoothed(params[first:last])
    return FaceTrack(usable, usable & seen, cut_off, faces, params)


def _take_jitter_out(points: NDArray[np.float32]) -> None:
    """Smooth ``points`` (n, N, 3) in place."""
    eyes = np.linalg.norm(points[:, EYE_CORNERS[0]] - points[:, EYE_CORNERS[1]], axis=1)
    moved = smoothed(points) - points
    far = np.linalg.norm(moved[..., :2], axis=2)
    moved[..., :2] *= np.minimum(1, JITTER * eyes[:, None] / np.maximum(far, 1e-6))[..., None]
    points += moved


def is_cut_off(landmarks: NDArray[np.floating], size: tuple[int, int]) -> NDArray[np.bool_]:
    """(F,): faces whose mouth lies at the border of a picture of this ``size`` (width, height) or beyond it."""
    lips = np.asarray(landmarks[:, OUTER_LIPS, :2])
    eyes = np.linalg.norm(landmarks[:, EYE_CORNERS[0]] - landmarks[:, EYE_CORNERS[1]], axis=1)
    least = BORDER * eyes[:, None, None]
    return np.asarray(((lips < least) | (lips > np.array(size) - least)).any(axis=(1, 2)))


def in_view(
    landmarks: NDArray[np.floating], times: NDArray[np.floating], shot: NDArray[np.integer],
    size: tuple[int, int] | None,
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:  # fmt: skip
    """(F,) each: frames of a face that stays for a while, and those in which the picture's border cuts its mouth off.

    Moments between the latter that are too short to be driven count among them; the former are without them.
    """
    usable = usable_frames(np.isfinite(landmarks[:, 0, 0]), times, shot)
    none = np.zeros(len(usable), bool)
    cut_off = none if size is None else usable & is_cut_off(landmarks, size)
    if not cut_off.any():
        return usable, none
    whole = cut_off.copy()
    for first, last in runs(usable & ~cut_off, shot):
        before, after = max(0, first - 1), min(last, len(shot) - 1)
        beside = any(cut_off[at] and shot[at] == shot[first] for at in (before, after))
        if beside and times[last - 1] - times[first] < SHORTEST_RUN_S:
            whole[first:last] = True
    return usable & ~whole, whole


def usable_frames(seen: NDArray[np.bool_], times: NDArray[np.floating], shot: NDArray[np.integer]) -> NDArray[np.bool_]:
    """(F,): frames of a face that stays for a while or all through a shot, short gaps within one shot bridged."""
    usable = seen.copy()
    for first, last in runs(~seen, shot):
        inside = first > 0 and last < len(seen) and shot[first - 1] == shot[last]
        if inside and times[last] - times[first] <= LONGEST_GAP_S:
            usable[first:last] = True
    film = times[-1] - times[0] + (times[1] - times[0] if len(times) > 1 else 0)
    shortest = min(SHORTEST_RUN_S, 0.8 * film)
    step = float(np.median(np.diff(times))) if len(times) > 1 else 0.0
    for first, last in runs(usable, shot):
        whole_shot = (first == 0 or shot[first - 1] != shot[first]) and (last == len(shot) or shot[last] != shot[first])
        if not whole_shot and times[last - 1] - times[first] + step < shortest:
            usable[first:last] = False
    return usable


def runs(mask: NDArray[np.bool_], shot: NDArray[np.integer]) -> list[tuple[int, int]]:
    """[first, last) of each stretch of True frames inside one shot."""
    padded = np.concatenate([[False], mask, [False]])
    edges = np.flatnonzero(padded[1:] != padded[:-1]).reshape(-1, 2)
    found = []
    for first, last in edges:
        borders = np.flatnonzero(np.diff(shot[first:last])) + 1 + first
        cuts = [int(first), *borders.tolist(), int(last)]
        found += list(itertools.pairwise(cuts))
    return found
