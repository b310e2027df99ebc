"""A decoded picture from which square patches are sampled, without converting the rest of it to RGB."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]

# Video levels 16..235 to 0..1; the nets do not mind which matrix the colours came from.
_LIMITED_TO_UNIT: Floats = np.clip((np.arange(256) - 16) / 219, 0, 1).astype(np.float32)


class Picture:
    """RGB (H, W, 3) or planar 4:2:0 (3·H/2, W), 8 bits; H and W even for the latter.

    Only the pixels under a patch are touched, so the cost of tracking follows the face, not the frame.
    """

    def __init__(self, image: Bytes) -> None:
        if image.dtype != np.uint8 or not (image.ndim == 2 or (image.ndim == 3 and image.shape[2] == 3)):
            raise ValueError("expected an 8-bit RGB or planar 4:2:0 picture")
        self._planes: tuple[Bytes, Bytes, Bytes] | None = None
        self._rgb: Bytes | None = None
        if image.ndim == 3:
            self._rgb = image
            self.height, self.width = image.shape[:2]
            return
        rows, self.width = image.shape
        self.height = rows * 2 // 3
        if rows % 3 or self.width % 2 or self.height % 2:
            raise ValueError("a planar 4:2:0 picture needs an even width and height")
        luma = self.height * self.width
        chroma = luma // 4
        flat = np.ascontiguousarray(image).reshape(-1)
        half = (self.height // 2, self.width // 2)
        self._planes = (
            flat[:luma].reshape(self.height, self.width),
            flat[luma : luma + chroma].reshape(half),
            flat[luma + chroma :].reshape(half),
        )

    def patch(self, matrix: Floats, size: int) -> Floats:
        """RGB patch (size, size, 3) in 0..1; `matrix` (2, 3) maps picture pixels to patch pixels.

        Outside the picture is black. Where the patch shrinks the picture more than twice, the picture is averaged
        first, so that fine detail does not alias into jitter of the landmarks.
        """
        if self._rgb is not None:
            return _warp(self._rgb, matrix, size).astype(np.float32) / 255.0
        assert self._planes is not None
        luma, blue, red = self._planes
        # A chroma sample stands for 2x2 luma pixels; its centre lies at (2i + .5) in luma pixels.
        to_luma = np.array([[2, 0, 0.5], [0, 2, 0.5], [0, 0, 1]], np.float32)
        half = (matrix @ to_luma).astype(np.float32)
        parts = [_warp(luma, matrix, size), _warp(red, half, size, 128), _warp(blue, half, size, 128)]
        rgb = cv2.cvtColor(cv2.merge(parts), cv2.COLOR_YCrCb2RGB)
        return np.asarray(_LIMITED_TO_UNIT[rgb], np.float32)


def _warp(plane: Bytes, matrix: Floats, size: int, outside: int = 0) -> Bytes:
    """Affine resampling of one plane or RGB picture into a square, averaging first where it shrinks a lot."""
    scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    shrink = int(0.5 / scale) if scale < 0.5 else 1
    border = (outside,) * 3
    if shrink < 2:
        return cv2.warpAffine(
            plane, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=border
        ).astype(np.uint8, copy=False)
    height, width = plane.shape[:2]
    back = cv2.invertAffineTransform(matrix)
    corners = np.array([[0, 0, 1], [size, 0, 1], [0, size, 1], [size, size, 1]], np.float32) @ back.T
    left, top = np.clip(np.floor(corners.min(0) - shrink), 0, [width - 1, height - 1]).astype(int)
    right, bottom = np.clip(np.ceil(corners.max(0) + shrink), [left + 1, top + 1], [width, height]).astype(int)
    small_size = (max(1, (right - left) // shrink), max(1, (bottom - top) // shrink))
    small = cv2.resize(plane[top:bottom, left:right], small_size, interpolation=cv2.INTER_AREA)
    ratio_x, ratio_y = (right - left) / small_size[0], (bottom - top) / small_size[1]
    # Pixel centres: small (i) covers source left + (i + .5)·ratio - .5.
    to_source = np.array(
        [[ratio_x, 0, left + ratio_x / 2 - 0.5], [0, ratio_y, top + ratio_y / 2 - 0.5], [0, 0, 1]], np.float32
    )
    return cv2.warpAffine(
        small,
        (matrix @ to_source).astype(np.float32),
        (size, size),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=border,
    ).astype(np.uint8, copy=False)
