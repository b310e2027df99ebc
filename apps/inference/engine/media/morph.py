"""A picture between two pictures of one scene: where a loop starts again, the head glides instead of jumping."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .video_reader import split_planes

Picture = NDArray[np.uint8]
Floats = NDArray[np.float32]

FLOW_SIDE = 512  # pixels of the longer side at which movement is looked for: 10 ms, and heads are large
# Mean luma difference (0..255) that is left when both pictures are moved onto each other half-way. Loops of one shot
# measure 1 to 6, two different shots 20 and more.
LARGEST_REST = 10.0
STILL = 0.3  # pixels of the small picture


class Morph:
    """The way from one I420 picture (3·H/2, W) to another of the same size."""

    def __init__(self, one: Picture, other: Picture) -> None:
        self._one, self._other = one, other
        small = [_small(picture) for picture in (one, other)]
        finder = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        start = np.zeros((*small[0].shape, 2), np.float32)
        self._onward = _still_held(finder.calc(small[0], small[1], start.copy()))
        self._back = _still_held(finder.calc(small[1], small[0], start.copy()))
        halves = [_moved(small[0], self._onward, 0.5), _moved(small[1], self._back, 0.5)]
        self.rest = float(np.abs(halves[0].astype(np.float32) - halves[1]).mean())

    @property
    def is_one_scene(self) -> bool:
        """Whether the pictures can be moved onto each other at all."""
        return self.rest < LARGEST_REST

    def at(self, share: float) -> Picture:
        """The picture ``share`` (0..1) of the way."""
        result = np.empty_like(self._one)
        for plane, one, other in zip(
            split_planes(result), split_planes(self._one), split_planes(self._other), strict=True
        ):
            near, far = _moved(one, self._onward, share), _moved(other, self._back, 1 - share)
            plane[:] = cv2.addWeighted(near, 1 - share, far, share, 0)
        return result


def _small(picture: Picture) -> Picture:
    luma = split_planes(picture)[0]
    scale = min(1.0, FLOW_SIDE / max(luma.shape))
    return np.asarray(cv2.resize(luma, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)


def _still_held(flow: NDArray[Any]) -> Floats:
    """``flow`` without the trembling of what stands still, which would only blur it."""
    length = np.linalg.norm(flow, axis=2, keepdims=True)
    return np.asarray(flow * np.clip((length - STILL) / STILL, 0, 1), np.float32)


def _moved(plane: Picture, flow: Floats, share: float) -> Picture:
    """``plane`` (h, w) moved along ``share`` of ``flow`` (a, b, 2), which was found at another size."""
    height, width = plane.shape
    scale = np.array([width / flow.shape[1], height / flow.shape[0]], np.float32) * np.float32(share)
    across = np.asarray(cv2.resize(flow, (width, height), interpolation=cv2.INTER_LINEAR)) * scale
    columns, rows = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    at = columns - across[..., 0], rows - across[..., 1]
    return np.asarray(cv2.remap(plane, *at, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE), np.uint8)
