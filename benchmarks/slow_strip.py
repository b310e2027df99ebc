"""The mouths of a film one beside the other, large, as slow as one likes: figures do not see everything.

python -m benchmarks.slow_strip FILM OUT.png [--every 2] [--columns 10] [--from 0] [--to 125]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np

from apps.inference.engine.face.landmarks import EYE_CORNERS, OUTER_LIPS
from apps.inference.engine.face.tracker import FaceTracker
from apps.inference.engine.media.video_reader import VideoReader
from apps.inference.engine.model_files import models_folder

from .footage import ROOT

EYES = 250.0  # pixels between the eye corners in the strip
CELL = (230, 150)  # width, height


def main(arguments: list[str] | None = None) -> int:
    """Write the strip; frames count from 0."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.slow_strip", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("film", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--every", type=int, default=2, help="frames from one still to the next")
    parser.add_argument("--columns", type=int, default=10)
    parser.add_argument("--from", dest="first", type=int, default=0)
    parser.add_argument("--to", dest="end", type=int, help="frame before which to stop")
    given = parser.parse_args(arguments)
    stills = slow_strip(given.film, given.first, given.end, given.every)
    if not stills:
        print(f"No face is seen in {given.film}.")
        return 2
    cv2.imwrite(str(given.out), in_rows(stills, given.columns))
    return 0


def slow_strip(film: Path, first: int, end: int | None, every: int) -> list[np.ndarray]:
    """BGR stills of the upright mouth, numbered."""
    tracker = FaceTracker(models_folder(ROOT / "var" / "models"))
    stills = []
    with VideoReader(film) as reader:
        for frame in reader:
            if end is not None and frame.index >= end:
                break
            points = tracker.track(frame.yuv)
            if points is None or frame.index < first or (frame.index - first) % every:
                continue
            still = _mouth(cv2.cvtColor(frame.yuv, cv2.COLOR_YUV2BGR_I420), points[:, :2].astype(np.float64))
            for colour, width in (((255, 255, 255), 3), ((0, 0, 0), 1)):
                cv2.putText(still, str(frame.index), (4, 16), cv2.FONT_HERSHEY_SIMPLEX, 0.5, colour, width, cv2.LINE_AA)
            stills.append(still)
    return stills


def in_rows(stills: list[np.ndarray], columns: int) -> np.ndarray:
    """One picture of all stills, ``columns`` of them in a row."""
    blank = np.zeros_like(stills[0])
    filled = stills + [blank] * (-len(stills) % columns)
    return np.vstack([np.hstack(filled[at : at + columns]) for at in range(0, len(filled), columns)])


def _mouth(picture: np.ndarray, points: np.ndarray) -> np.ndarray:
    across = points[EYE_CORNERS[1]] - points[EYE_CORNERS[0]]
    along = across / float(np.hypot(*across))
    turn = np.stack([along, [-along[1], along[0]]]) * (EYES / float(np.hypot(*across)))
    shift = np.array(CELL) / 2 - turn @ points[OUTER_LIPS].mean(0)
    return np.asarray(cv2.warpAffine(picture, np.hstack([turn, shift[:, None]]), CELL, flags=cv2.INTER_CUBIC))


if __name__ == "__main__":
    raise SystemExit(main())
