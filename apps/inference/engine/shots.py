"""Where one shot ends and another begins, seen from pictures shrunk to 64x36."""

from __future__ import annotations

import cv2
import numpy as np

from .media.video_reader import split_planes

THUMB = (64, 36)
# A cut changes the colours and the picture at once. Highest values within one shot of 16 clips: .14 and 14.3; at the
# cuts of a joined clip: .60 and 58.
HISTOGRAM_JUMP, LUMA_JUMP = 0.35, 18.0
# The face itself jumps: its middle by half an eye distance, or its size by a quarter (in one shot at most .31, .06).
FACE_JUMP, FACE_SCALE_JUMP = 0.5, 0.25


class CutDetector:
    """Compares each frame with the one before."""

    def __init__(self) -> None:
        self._luma: np.ndarray | None = None
        self._histogram: np.ndarray | None = None
        self.motion = 0.0

    def __call__(self, yuv: np.ndarray) -> bool:
        """Whether ``yuv`` (an I420 picture) starts a new shot; sets ``motion``, the mean luma change in 0..255."""
        thumb = thumbnail(yuv)
        hsv = cv2.cvtColor(cv2.cvtColor(thumb, cv2.COLOR_YCrCb2BGR), cv2.COLOR_BGR2HSV)
        counts = cv2.calcHist([hsv], [0, 1, 2], None, [8, 4, 4], [0, 180, 0, 256, 0, 256]).ravel()
        histogram = np.asarray(counts, np.float32) / THUMB[0] / THUMB[1]
        luma = thumb[..., 0].astype(np.float32)
        cut = False
        self.motion = 0.0
        if self._luma is not None and self._histogram is not None:
            self.motion = float(np.abs(luma - self._luma).mean())
            jump = 0.5 * float(np.abs(histogram - self._histogram).sum())
            cut = jump > HISTOGRAM_JUMP and self.motion > LUMA_JUMP
        self._luma, self._histogram = luma, histogram
        return cut


def thumbnail(yuv: np.ndarray) -> np.ndarray:
    """(36, 64, 3) uint8 Y, Cr, Cb of an I420 picture; large pictures are thinned out before they are averaged."""
    luma, blue, red = split_planes(yuv)
    step = max(1, luma.shape[1] // 320)
    half = max(1, step // 2)
    parts = [luma[::step, ::step], red[::half, ::half], blue[::half, ::half]]
    return cv2.merge([cv2.resize(part, THUMB, interpolation=cv2.INTER_AREA) for part in parts])


def face_jumped(points: np.ndarray, before: np.ndarray) -> bool:
    """Whether the face of one frame cannot be the continuation of the frame before; both (N, 3) in pixels."""
    eyes, eyes_before = (float(np.linalg.norm(p[33] - p[263])) for p in (points, before))
    moved = float(np.linalg.norm(points[168, :2] - before[168, :2])) / eyes_before
    return bool(moved > FACE_JUMP or abs(np.log(eyes / eyes_before)) > FACE_SCALE_JUMP)
