"""Pose taken out of the landmarks: what is left is the shape of the face, in units of the eye distance.

Per frame `landmarks = scale · shape @ rotation.T + shift`, with `shape` (N, 3) the frame's pose-free canonical shape.
The rigid fit is Kabsch's with scale (Umeyama 1991) on the points speech does not move. One eye distance (iod) is the
3D distance between the outer eye corners.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .landmarks import CHIN_TIP, EYE_CORNERS, FOREHEAD_TOP, RIGID
from .smoothing import FRAMES, smoothed

Doubles = NDArray[np.float64]
Bools = NDArray[np.bool_]
Indices = NDArray[np.integer]

_TEMPLATE_ROUNDS = 4
_TEMPLATE_FRAMES = 1000  # the median of more costs memory and tells nothing new
_BLOCK = 1000  # frames worked on at once: what is needed in passing would else fill the memory


@dataclass(frozen=True)
class CanonicalFaces:
    """Landmarks of T frames, split into pose and shape.

    landmarks: (T, N, 3) source pixels, gaps filled and smoothed; seen: (T,) frames in which the face was tracked;
    template: (N, 3) the median shape, frontal, eye distance 1; scale (T,), rotation (T, 3, 3), shift (T, 3).
    landmarks are as exact as what was given: in single precision ten minutes take 84 MB. Shapes, which would take as
    much again, are worked out when they are asked for.
    """

    landmarks: NDArray[np.floating]
    seen: Bools
    template: Doubles
    scale: Doubles
    rotation: Doubles
    shift: Doubles

    @property
    def shapes(self) -> NDArray[np.floating]:
        """(T, N, 3) pose-free, in eye distances; all at once, for clips of some seconds."""
        return np.concatenate(list(self.shape_blocks()))

    def shape_blocks(self) -> Iterator[NDArray[np.floating]]:
        """The same in blocks (n, N, 3) of consecutive frames."""
        for start in range(0, len(self.landmarks), _BLOCK):
            yield self.shapes_of(np.arange(start, min(start + _BLOCK, len(self.landmarks))))

    def shapes_of(self, frames: Indices, points: Indices | None = None) -> NDArray[np.floating]:
        """(n, P, 3): the shape in n frames, of all its points or of the P that are named."""
        rows = self.landmarks[frames] if points is None else self.landmarks[np.ix_(frames, points)]
        pose_free = _pose_free(rows, self.scale[frames], self.rotation[frames], self.shift[frames])
        return pose_free.astype(rows.dtype, copy=False)

    @property
    def yaw(self) -> Doubles:
        """Turn of the head about the vertical, degrees (T,)."""
        return np.degrees(np.arctan2(self.rotation[:, 0, 2], self.rotation[:, 2, 2]))

    @property
    def pitch(self) -> Doubles:
        """Nod of the head, degrees (T,)."""
        return np.degrees(np.arcsin(np.clip(-self.rotation[:, 1, 2], -1.0, 1.0)))

    @property
    def roll(self) -> Doubles:
        """Tilt of the head in the picture plane, degrees (T,)."""
        return np.degrees(np.arctan2(self.rotation[:, 1, 0], self.rotation[:, 0, 0]))

    def misfit(self) -> Doubles:
        """(T,) how far the still points of the face lie from where its pose puts them, RMS in eye distances."""
        away = self.shapes_of(np.arange(len(self.scale)), np.array(RIGID)) - self.template[RIGID]
        return np.asarray(np.sqrt((away**2).sum(2).mean(1)))

    def project(self, frame: int, shape: Doubles) -> Doubles:
        """Canonical points (P, 3) put back into the frame's picture: (P, 2) source pixels."""
        placed = self.scale[frame] * shape @ self.rotation[frame].T + self.shift[frame]
        return np.asarray(placed[:, :2])


def canonicalise(landmarks: NDArray[np.floating], smooth: bool = True) -> CanonicalFaces:
    """Split tracked landmarks (T, N, 3) into pose and shape; frames without a face are rows of NaN and filled in place.

    Raises ValueError when no frame has a face.
    """
    filled, seen = fill_missing(landmarks)
    if smooth and len(filled) > FRAMES:
        filled = smoothed(filled)
    template = _template(filled[:: max(1, len(filled) // _TEMPLATE_FRAMES)].astype(np.float64))
    scale, rotation, shift = fit_pose(template[RIGID], filled[:, RIGID].astype(np.float64))
    return CanonicalFaces(filled, seen, template, scale, rotation, shift)


def fill_missing(landmarks: NDArray[np.floating]) -> tuple[NDArray[np.floating], Bools]:
    """Landmarks with gaps filled linearly in time (held at the ends), in place, and which frames were seen."""
    values = landmarks
    seen: Bools = np.asarray(np.isfinite(values).all(axis=(1, 2)))
    if not seen.any():
        raise ValueError("no frame has a face")
    if not seen.all():
        known = np.flatnonzero(seen)
        unseen = np.flatnonzero(~seen)
        for missing in np.split(unseen, range(_BLOCK, len(unseen), _BLOCK)):
            after = np.clip(np.searchsorted(known, missing), 0, len(known) - 1)
            before = np.clip(np.searchsorted(known, missing) - 1, 0, len(known) - 1)
            left, right = known[before], known[after]
            span = np.maximum(right - left, 1)
            weight = np.clip((missing - left) / span, 0.0, 1.0)[:, None, None]
            values[missing] = (1 - weight) * values[left] + weight * values[right]
    return values, seen


def fit_pose(template: Doubles, points: Doubles) -> tuple[Doubles, Doubles, Doubles]:
    """Scale (T,), rotation (T, 3, 3) and shift (T, 3) that lay `template` (P, 3) best onto `points` (T, P, 3)."""
    centre = template.mean(0)
    centred = template - centre
    centres = points.mean(1)
    covariance = np.einsum("ni,tnj->tij", centred, points - centres[:, None])
    left, strength, right = np.linalg.svd(covariance)
    mirror = np.ones((len(points), 3))
    mirror[:, 2] = np.sign(np.linalg.det(left @ right))
    rotation = np.einsum("tji,tj,tkj->tik", right, mirror, left)
    scale = (strength * mirror).sum(1) / (centred**2).sum()
    shift = centres - scale[:, None] * np.einsum("tij,j->ti", rotation, centre)
    return scale, rotation, shift


def _pose_free(landmarks: NDArray[np.floating], scale: Doubles, rotation: Doubles, shift: Doubles) -> Doubles:
    return np.asarray((landmarks - shift[:, None]) @ (rotation / scale[:, None, None]))


def _template(landmarks: Doubles) -> Doubles:
    """Median of the frames laid onto each other, starting from the frame of median size; frontal, eye distance 1."""
    sizes = np.linalg.norm(landmarks[:, EYE_CORNERS[0]] - landmarks[:, EYE_CORNERS[1]], axis=1)
    template = _normalised(landmarks[np.argmin(np.abs(sizes - np.median(sizes)))])
    for _ in range(_TEMPLATE_ROUNDS):
        scale, rotation, shift = fit_pose(template[RIGID], landmarks[:, RIGID])
        ordered = np.sort(_pose_free(landmarks, scale, rotation, shift), axis=0)  # sooner done than a median
        template = _normalised((ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2)
    across = template[EYE_CORNERS[1]] - template[EYE_CORNERS[0]]
    across /= np.linalg.norm(across)
    down = template[CHIN_TIP] - template[FOREHEAD_TOP]
    down -= across * (down @ across)
    down /= np.linalg.norm(down)
    return np.asarray(template @ np.stack([across, down, np.cross(across, down)]).T)


def _normalised(shape: Doubles) -> Doubles:
    """Centred on its rigid points, eye distance 1."""
    moved = shape - shape[RIGID].mean(0)
    return np.asarray(moved / np.linalg.norm(moved[EYE_CORNERS[0]] - moved[EYE_CORNERS[1]]))
