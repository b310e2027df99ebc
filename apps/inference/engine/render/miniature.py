"""A face and what shall be drawn into it, made as small as the landmark net sees faces anyway."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from ..crops import Crop
from ..media.video_reader import split_planes
from .compose import FrameJob, Mouth

Points = NDArray[np.floating]

# Eye distance in pixels that a miniature keeps at least: the net's own patch shows about as many.
EYES_PX = 56


def shrink_of(eyes: float) -> int:
    """How many pixels of a face with this eye distance, in pixels, become one."""
    return max(1, int(eyes / EYES_PX))


def miniature(
    picture: NDArray[np.uint8], job: FrameJob, corners: Points
) -> tuple[NDArray[np.uint8], FrameJob, NDArray[np.float64]]:
    """The part of an I420 ``picture`` inside ``corners`` (n, 2), small; the job to draw into it; its place (x, y)."""
    shrink = shrink_of(job.eyes)
    size = np.array([picture.shape[1], picture.shape[0] * 2 // 3])
    low = np.clip(np.floor(corners.min(0)), 0, size).astype(int) // 2 * 2
    span = (np.clip(np.ceil(corners.max(0)), 0, size).astype(int) - low) // (2 * shrink) * shrink
    planes = [
        _shrunk(plane[low[1] // scale :, low[0] // scale :], span * 2 // scale, shrink)
        for plane, scale in zip(split_planes(picture), (1, 2, 2), strict=True)
    ]
    small = np.concatenate([plane.ravel() for plane in planes]).reshape(-1, planes[0].shape[1])
    lent = [mouth and _small_mouth(mouth, shrink) for mouth in (job.mouth, job.fading)]
    tiny = replace(
        job, own=small_points(job.own, low, shrink), target=small_points(job.target, low, shrink),
        eyes=job.eyes / shrink, mouth=lent[0], fading=lent[1], detail=None,
    )  # fmt: skip
    return small, tiny, low.astype(np.float64)


def small_points(points: Points, place: NDArray[np.integer] | NDArray[np.float64], shrink: int) -> Points:
    """Points (…, 2) of a picture where they lie in its part at ``place``, shrunk; pixel centres are whole numbers."""
    return (points - np.asarray(place) + 0.5) / shrink - 0.5


def _shrunk(plane: NDArray[np.uint8], size: NDArray[np.integer], shrink: int) -> NDArray[np.uint8]:
    """The first ``size`` (width, height) pixels of a plane, averaged."""
    part = plane[: size[1], : size[0]]
    if shrink == 1:
        return part
    small = (int(size[0]) // shrink, int(size[1]) // shrink)
    return np.asarray(cv2.resize(part, small, interpolation=cv2.INTER_AREA), np.uint8)


def _small_mouth(mouth: Mouth, shrink: int) -> Mouth:
    """An exemplar with fewer pixels; it lies at the corner of its own little picture."""
    crop = mouth.crop
    span = np.array([crop.luma.shape[1], crop.luma.shape[0]]) // (2 * shrink) * shrink
    luma = _shrunk(crop.luma, span * 2, shrink)
    chroma = _shrunk(crop.chroma, span, shrink)
    return Mouth(Crop(luma, chroma, 0, 0), small_points(mouth.points, np.array([crop.x, crop.y]), shrink))
