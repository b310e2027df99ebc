"""A sheet of stills to look at: original, result, and both mouths close up.

    python -m benchmarks.contact_sheet ORIGINAL RESULT OUT.png [--frames 10] [--from 0] [--every N]

Frame k of the result must show frame k of the original. OUT may end in .png or .jpg.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import cv2
import numpy as np

from apps.inference.engine.face.landmarks import EYE_CORNERS, LIPS
from apps.inference.engine.face.tracker import FaceTracker
from apps.inference.engine.media.video_reader import VideoReader
from apps.inference.engine.model_files import models_folder

from .footage import ROOT

CELL = 168  # pixels of a still's width
GAP = 4
GROUND = 24  # grey behind the stills
MOUTH_HEIGHT = 0.72  # eye distances shown of a mouth; the width follows the cell


def main(arguments: list[str] | None = None) -> int:
    """Write the sheet."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.contact_sheet", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("original", type=Path)
    parser.add_argument("result", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--frames", type=int, default=10, help="stills in a row")
    parser.add_argument("--from", dest="first", type=int, default=0, help="first frame")
    parser.add_argument("--every", type=int, help="frames from one still to the next (default: spread over the film)")
    given = parser.parse_args(arguments)
    sheet = contact_sheet(given.original, given.result, given.frames, given.first, given.every)
    if not cv2.imwrite(str(given.out), sheet, [cv2.IMWRITE_JPEG_QUALITY, 84]):
        print(f"{given.out} cannot be written. Name a .png or .jpg file in an existing folder.", file=sys.stderr)
        return 2
    return 0


def contact_sheet(original: Path, result: Path, stills: int, first: int = 0, every: int | None = None) -> np.ndarray:
    """BGR uint8: rows are original, result, original's mouth, result's mouth."""
    count = sum(1 for _ in _pictures(result))
    step = every or max(1, (count - first) // stills)
    wanted = list(range(first, count, step))[:stills]
    tracker = FaceTracker(models_folder(ROOT / "var" / "models"))
    columns = []
    for index, (own, new) in enumerate(zip(_pictures(original), _pictures(result), strict=False)):
        points = tracker.track(cv2.cvtColor(own, cv2.COLOR_BGR2RGB))
        if index in wanted:
            columns.append(_column(own, new, points, index))
    return np.hstack([_padded(column) for column in columns])


def _pictures(video: Path):  # type: ignore[no-untyped-def]
    with VideoReader(video) as reader:
        for frame in reader:
            yield cv2.cvtColor(frame.yuv, cv2.COLOR_YUV2BGR_I420)


def _column(own: np.ndarray, new: np.ndarray, points: np.ndarray | None, index: int) -> np.ndarray:
    """One moment: two stills and two mouths on top of each other."""
    cells = [_still(own, points), _still(new, points), _mouth(own, points), _mouth(new, points)]
    cv2.putText(cells[0], str(index), (5, 16), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (255, 255, 255), 2, cv2.LINE_AA)
    cv2.putText(cells[0], str(index), (5, 16), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (0, 0, 0), 1, cv2.LINE_AA)
    return np.vstack([_padded(cell) for cell in cells])


def _still(picture: np.ndarray, points: np.ndarray | None) -> np.ndarray:
    """The head, or the whole picture where no face is known."""
    if points is None:
        height, width = picture.shape[:2]
        return _cell(picture, np.array([width / 2, height / 2]), min(width, height) / 2, CELL)
    low, high = points[:, :2].min(0), points[:, :2].max(0)
    return _cell(picture, (low + high) / 2, 0.72 * float((high - low).max()), CELL)


def _mouth(picture: np.ndarray, points: np.ndarray | None) -> np.ndarray:
    height = CELL * 3 // 4
    if points is None:
        return np.full((height, CELL, 3), GROUND, np.uint8)
    eyes = float(np.linalg.norm(points[EYE_CORNERS[0], :2] - points[EYE_CORNERS[1], :2]))
    return _cell(picture, points[LIPS, :2].mean(0), MOUTH_HEIGHT * eyes * CELL / height / 2, height)


def _cell(picture: np.ndarray, centre: np.ndarray, half_width: float, height: int) -> np.ndarray:
    """``CELL`` x ``height`` pixels round ``centre``, ``half_width`` source pixels to either side."""
    scale = CELL / (2 * half_width)
    matrix = np.array([[scale, 0, CELL / 2 - scale * centre[0]], [0, scale, height / 2 - scale * centre[1]]])
    if scale < 0.7:
        picture = cv2.GaussianBlur(picture, (0, 0), 0.4 / scale)
    return cv2.warpAffine(picture, matrix, (CELL, height), flags=cv2.INTER_CUBIC, borderValue=(GROUND,) * 3)


def _padded(cell: np.ndarray) -> np.ndarray:
    return cv2.copyMakeBorder(cell, GAP // 2, GAP // 2, GAP // 2, GAP // 2, cv2.BORDER_CONSTANT, value=(GROUND,) * 3)


if __name__ == "__main__":
    sys.exit(main())
