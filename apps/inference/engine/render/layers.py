"""Luma and half-size chroma that are worked on together, and the small operations on them."""

from __future__ import annotations

from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from ..media.video_reader import split_planes

Floats = NDArray[Any]  # of float32; the picture library types its results no closer
Box = tuple[int, int, int, int]


class Layer(NamedTuple):
    """``luma`` (h, w) and ``chroma`` (h/2, w/2, 2), uint8 or float32 in 0..255."""

    luma: NDArray
    chroma: NDArray

    def floats(self) -> Layer:
        """The same in float32."""
        return Layer(self.luma.astype(np.float32), self.chroma.astype(np.float32))

    def bytes(self) -> Layer:
        """Rounded to uint8."""
        return Layer(to_bytes(self.luma), to_bytes(self.chroma))

    def part(self, box: Box) -> Layer:
        """A view of ``box`` (x, y, width, height, all even)."""
        x, y, width, height = box
        return Layer(
            self.luma[y : y + height, x : x + width],
            self.chroma[y // 2 : (y + height) // 2, x // 2 : (x + width) // 2],
        )

    def mix(self, other: Layer, weight: Floats) -> Layer:
        """This layer where ``weight`` (any resolution, 0..1) is 0, ``other`` where it is 1."""
        fine = resized(weight, self.luma.shape)
        coarse = resized(weight, self.chroma.shape)[..., None]
        return Layer(self.luma + (other.luma - self.luma) * fine, self.chroma + (other.chroma - self.chroma) * coarse)

    def shrunk(self, shape: tuple[int, int]) -> Floats:
        """(h', w', 3) float32, averaged down."""
        size = (shape[1], shape[0])
        luma = cv2.resize(self.luma, size, interpolation=cv2.INTER_AREA)
        chroma = cv2.resize(self.chroma, size, interpolation=cv2.INTER_AREA)
        return cv2.merge([luma, chroma]).astype(np.float32, copy=False)


def resized(image: Floats, shape: tuple[int, ...]) -> Floats:
    """``image`` enlarged (or shrunk) to ``shape[:2]``."""
    if image.shape[:2] == tuple(shape[:2]):
        return image
    return cv2.resize(image, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR)


def to_bytes(image: NDArray) -> NDArray[np.uint8]:
    """Rounded and clipped to 0..255; all values are positive or clip to 0, so absolute values never matter."""
    return cv2.convertScaleAbs(np.maximum(image, 0)) if image.dtype != np.uint8 else image


def read_box(yuv: NDArray[np.uint8], box: Box) -> Layer:
    """A copy of the part of an I420 picture inside ``box``."""
    x, y, width, height = box
    luma, blue, red = split_planes(yuv)
    half = (slice(y // 2, (y + height) // 2), slice(x // 2, (x + width) // 2))
    return Layer(luma[y : y + height, x : x + width].copy(), cv2.merge([blue[half], red[half]]))


def write_box(yuv: NDArray[np.uint8], box: Box, layer: Layer) -> None:
    """Put a uint8 layer back into an I420 picture."""
    x, y, width, height = box
    luma, blue, red = split_planes(yuv)
    half = (slice(y // 2, (y + height) // 2), slice(x // 2, (x + width) // 2))
    luma[y : y + height, x : x + width] = layer.luma
    blue[half], red[half] = layer.chroma[..., 0], layer.chroma[..., 1]


def polygon_mask(points: NDArray[np.floating], shape: tuple[int, int], step: float = 1.0) -> Floats:
    """(h, w) 0..1: the inside of a polygon given in pixels, ``step`` of which make one mask cell."""
    mask = np.zeros(shape, np.float32)
    fixed = np.round(points / step * 16).astype(np.int32)
    cv2.fillPoly(mask, [fixed], 1.0, lineType=cv2.LINE_AA, shift=4)
    return mask


def dilated(mask: Floats, radius: float) -> Floats:
    """Grown by ``radius`` cells, at least one."""
    size = 2 * max(1, int(radius)) + 1
    return cv2.dilate(mask, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)))


def blurred(image: Floats, sigma: float) -> Floats:
    """Gaussian with a sigma of at least half a cell."""
    return cv2.GaussianBlur(image, (0, 0), max(0.5, sigma))


def median(values: Floats) -> Floats:
    """Over the first axis: NumPy sorts in a fifth of the time in which it takes a median."""
    ordered = np.sort(values, axis=0)
    return (ordered[(len(values) - 1) // 2] + ordered[len(values) // 2]) / 2
