"""A decoded picture from which square patches are sampled, without converting the rest of it to RGB."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from ..media.video_reader import Planes, split_planes

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]

# Video levels 16..235 to 0..1; the nets do not mind which matrix the colours came from.
_LIMITED_TO_UNIT: Floats = np.clip((np.arange(256) - 16) / 219, 0, 1).astype(np.float32)
_EMPTY: Floats = np.empty(0, np.float32)  # places are given as one array, not as two
_FULL_TO_UNIT: Floats = (np.arange(256) / 255).astype(np.float32)


class _Plane:
    """A plane or an RGB picture with its halved copies, made when they are first asked for."""

    def __init__(self, pixels: Bytes) -> None:
        self._levels = [pixels]

    def reduced(self, width: int, height: int) -> Bytes:
        """The smallest halved copy that is still so large."""
        level = 0
        while min(self._levels[level].shape[0] // 2 - height, self._levels[level].shape[1] // 2 - width) >= 0:
            if len(self._levels) == level + 1:
                self._levels.append(halved(self._levels[level]))
            level += 1
        return self._levels[level]

    def patch(self, matrix: Floats, size: int, outside: int = 0) -> Bytes:
        """Affine resampling into a square; where that shrinks a lot, of the copy nearest to twice the patch's scale."""
        level = self._level(float(np.hypot(matrix[0, 0], matrix[1, 0])))
        if level:
            # Pixel centres: pixel i of a copy covers source times·(i + .5) - .5.
            times, shift = float(1 << level), (1 << level) / 2 - 0.5
            matrix = matrix @ np.array([[times, 0, shift], [0, times, shift], [0, 0, 1]], np.float32)
        return cv2.warpAffine(
            self._levels[level], matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT,
            borderValue=(outside,) * 3,
        ).astype(np.uint8, copy=False)  # fmt: skip

    def resample(self, places: Floats, step: float, outside: int = 0) -> Bytes:
        """Pixels at `places` (h, w, 2) x and y, which lie about `step` pixels apart."""
        level = self._level(1 / step)
        there = (places + np.float32(0.5)) / np.float32(1 << level) - np.float32(0.5)
        return cv2.remap(
            self._levels[level], there, _EMPTY, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT,
            borderValue=(outside,) * 3,
        ).astype(np.uint8, copy=False)  # fmt: skip

    def _level(self, scale: float) -> int:
        """Of which copy to take a patch that shows the picture at `scale`; the copies up to it are made."""
        level = max(0, round(float(np.log2(0.5 / scale))))
        while len(self._levels) <= level and min(self._levels[-1].shape[:2]) > 1:
            self._levels.append(halved(self._levels[-1]))
        return min(level, len(self._levels) - 1)


def halved(plane: Bytes) -> Bytes:
    """A plane or picture of half the size, each pixel the mean of four; an odd last row or column is left out."""
    height, width = (side // 2 for side in plane.shape[:2])
    even = plane[: 2 * height, : 2 * width]
    return np.asarray(cv2.resize(even, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


class Picture:
    """RGB (H, W, 3), planar 4:2:0 (3·H/2, W) or its planes, 8 bits; H and W even for the latter.

    Nothing but patches is converted; halved copies (a tenth of a millisecond at 1080p) serve all patches of a frame.
    """

    def __init__(self, image: Bytes | Planes) -> None:
        if isinstance(image, tuple):
            self._planes = [_Plane(plane) for plane in image]
            self.height, self.width = image[0].shape
            return
        if image.dtype != np.uint8 or not (image.ndim == 2 or (image.ndim == 3 and image.shape[2] == 3)):
            raise ValueError("expected an 8-bit RGB or planar 4:2:0 picture")
        if image.ndim == 3:
            self._planes = [_Plane(image)]
            self.height, self.width = image.shape[:2]
            return
        rows, self.width = image.shape
        self.height = rows * 2 // 3
        if rows % 3 or self.width % 2 or self.height % 2:
            raise ValueError("a planar 4:2:0 picture needs an even width and height")
        self._planes = [_Plane(plane) for plane in split_planes(np.ascontiguousarray(image))]

    def reduced(self, width: int, height: int) -> list[Bytes]:
        """Each plane (Y, U, V of a planar picture) as its smallest halved copy that is still so large."""
        return [plane.reduced(width, height) for plane in self._planes]

    def patch(self, matrix: Floats, size: int) -> Floats:
        """RGB patch (size, size, 3) in 0..1; `matrix` (2, 3) maps picture pixels to patch pixels.

        Outside the picture is black. Where the patch shrinks the picture more than 1.4 times, the picture is averaged
        first, so that fine detail does not alias into jitter of the landmarks.
        """
        if len(self._planes) == 1:
            return np.asarray(cv2.LUT(self._planes[0].patch(matrix, size), _FULL_TO_UNIT), np.float32)
        luma, blue, red = self._planes
        # A chroma sample stands for 2x2 luma pixels; its centre lies at (2i + .5) in luma pixels.
        to_luma = np.array([[2, 0, 0.5], [0, 2, 0.5], [0, 0, 1]], np.float32)
        half = (matrix @ to_luma).astype(np.float32)
        return _rgb([luma.patch(matrix, size), red.patch(half, size, 128), blue.patch(half, size, 128)])

    def resample(self, places: Floats, step: float) -> Floats:
        """RGB (h, w, 3) in 0..1 at `places` (h, w, 2), x and y in pixels, which lie about `step` pixels apart."""
        if len(self._planes) == 1:
            return np.asarray(cv2.LUT(self._planes[0].resample(places, step), _FULL_TO_UNIT), np.float32)
        luma, blue, red = self._planes
        half = (places - np.float32(0.5)) / np.float32(2)
        tint = [plane.resample(half, step / 2, 128) for plane in (red, blue)]
        return _rgb([luma.resample(places, step), *tint])


def _rgb(parts: list[Bytes]) -> Floats:
    """RGB in 0..1 of planes of Y, Cr and Cb."""
    return np.asarray(cv2.LUT(cv2.cvtColor(cv2.merge(parts), cv2.COLOR_YCrCb2RGB), _LIMITED_TO_UNIT), np.float32)
