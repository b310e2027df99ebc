"""The lips of every frame, kept on disk: the pixels from which new mouths are made."""

from __future__ import annotations

import math
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

import numpy as np

from .media.video_reader import Planes

# All frames are stored as long as they fit; of longer films evenly spread runs, which keep the natural movement
# between neighbours. Ten minutes at 1080x1920 take half a gigabyte.
DISK_BUDGET, RUN = 1 << 30, 15
CROP_MARGIN = 0.38  # of the eye distance, around the lips


class Crop(NamedTuple):
    """Part of a frame at (``x``, ``y``): ``luma`` (h, w) and ``chroma`` (h/2, w/2, 2) uint8; x, y, w, h even."""

    luma: np.ndarray
    chroma: np.ndarray
    x: int
    y: int

    @property
    def bytes(self) -> int:
        """What it takes on disk."""
        return self.luma.size + self.chroma.size


def even_box(points: np.ndarray, size: tuple[int, int], margin: float) -> tuple[int, int, int, int]:
    """x, y, width, height (all even, inside a picture of ``size``) around ``points`` (n, 2) plus ``margin`` pixels."""
    low, high = points.min(0).tolist(), points.max(0).tolist()
    left, top = (max(0, math.floor(value - margin)) // 2 * 2 for value in low)
    right, bottom = (min(most, math.ceil(value + margin) + 1) // 2 * 2 for value, most in zip(high, size, strict=True))
    return left, top, max(0, right - left), max(0, bottom - top)


def cut_out(planes: Planes, box: tuple[int, int, int, int]) -> Crop:
    """The part of a picture (Y, U and V) inside ``box`` (x, y, width, height, all even)."""
    x, y, width, height = box
    luma, blue, red = planes
    half = (slice(y // 2, (y + height) // 2), slice(x // 2, (x + width) // 2))
    return Crop(luma[y : y + height, x : x + width], np.dstack([blue[half], red[half]]), x, y)


def in_spread_runs(index: int, frame_count: int, most: int) -> bool:
    """Whether frame ``index`` belongs to evenly spread runs of 15 that together hold about ``most`` frames."""
    if frame_count <= most:
        return True
    run, runs = index // RUN, -(-frame_count // RUN)
    wanted = most // RUN
    return run * wanted // runs != (run - 1) * wanted // runs


class CropWriter:
    """Appends crops to one file as frames go by."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")
        self._rows: list[tuple[int, int, int, int, int]] = []
        self._offset = 0

    def __enter__(self) -> CropWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    def add(self, crop: Crop | None) -> tuple[int, int, int, int, int]:
        """Keep the next crop (None where nothing shall be kept); returns its row of the index."""
        if crop is None or not crop.luma.size:
            self._rows.append((-1, 0, 0, 0, 0))
            return self._rows[-1]
        height, width = crop.luma.shape
        self._rows.append((self._offset, crop.x, crop.y, width, height))
        self._file.write(np.ascontiguousarray(crop.luma).data)
        self._file.write(np.ascontiguousarray(crop.chroma).data)
        self._offset += width * height * 3 // 2
        return self._rows[-1]

    @property
    def index(self) -> np.ndarray:
        """(n, 5) int64, a row for each crop added: offset (-1: none), x, y, width, height."""
        return np.array(self._rows, np.int64).reshape(-1, 5)


class CropStore:
    """Reads crops back one by one, each anew: a map of the file would keep all that was ever looked at in memory."""

    def __init__(self, path: Path, index: np.ndarray) -> None:
        self.index = index
        self._path = path

    def has(self, frame: int) -> bool:
        """Whether the lips of this frame are stored."""
        return bool(self.index[frame, 0] >= 0)

    @property
    def stored(self) -> np.ndarray:
        """(F,) bool: which frames have a crop."""
        return self.index[:, 0] >= 0

    def __getitem__(self, frame: int) -> Crop:
        offset, x, y, width, height = (int(value) for value in self.index[frame])
        if offset < 0:
            raise KeyError(frame)
        area = width * height
        pixels = np.fromfile(self._path, np.uint8, area * 3 // 2, offset=offset)
        return Crop(pixels[:area].reshape(height, width), pixels[area:].reshape(height // 2, width // 2, 2), x, y)
