"""How well captions before a face are found: words written over chins, in several sizes and looks.

    python -m benchmarks.captions [FOLDER] [--clips p01,p02,p03,p11] [--font FILE]

Columns are letters' heights in eye distances. Each cell: the share of pictures (twelve of each clip, one every 12
frames) in which nine tenths of the letters lie within the lines found, as far as letters are looked for at all. The
last line tells of the clips as they are: how many of their frames have lines before a face, and how many as they last.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from apps.inference.engine.face.picture import Picture
from apps.inference.engine.face.tracker import FaceTracker
from apps.inference.engine.lettering.lines import lasting, lines_before, looked_at
from apps.inference.engine.media.video_reader import VideoReader, split_planes
from apps.inference.engine.model_files import models_folder

from .footage import ROOT, VIDEO_SUFFIXES, clips_folder

PICTURES, EVERY = 12, 12
CHANGED = 30  # levels of luma: a letter, or the outline or bar behind it
COVERED = 0.9
# Letters' height in eye distances, and what is written so large.
TEXTS = {0.12: "she never said what it was", 0.2: "what she said", 0.4: "WHAT", 0.8: "OH"}
Pixels = NDArray[np.uint8]
Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Look:
    """Colours are red, green and blue; ``outline`` is a share of the letters' height."""

    letters: Colour
    around: Colour | None = None
    outline: float = 0.0
    bar: bool = False


LOOKS = {
    "white, outlined": Look((255, 255, 255), (0, 0, 0), 0.08),
    "yellow, outlined": Look((250, 230, 30), (0, 0, 0), 0.08),
    "red on white": Look((220, 40, 40), (255, 255, 255), 0.1),
    "white on a bar": Look((255, 255, 255), bar=True),
    "white alone": Look((255, 255, 255)),
    "black alone": Look((10, 10, 10)),
}


def written(rgb: Pixels, points: NDArray[np.floating], size: float, look: Look, font: str | None) -> Pixels:
    """A copy of ``rgb`` (h, w, 3) with words between lower lip and chin of a face, (N, 3) landmarks in pixels."""
    height = size * float(np.linalg.norm(points[33] - points[263]))
    points_high = max(6.0, 1.4 * height)  # a font's size is that of its lines; capitals have some seven tenths of it
    letters = ImageFont.truetype(font, points_high) if font else ImageFont.load_default(points_high)
    x, y = points[[17, 152], :2].mean(0).tolist()
    image = Image.fromarray(rgb)
    draw = ImageDraw.Draw(image)
    if look.bar:
        left, top, right, bottom = draw.textbbox((x, y), TEXTS[size], letters, anchor="mm")
        more = height / 2
        draw.rectangle((left - more, top - more, right + more, bottom + more), (20, 20, 20))
    outline = round(look.outline * points_high)
    draw.text((x, y), TEXTS[size], look.letters, letters, "mm", stroke_width=outline, stroke_fill=look.around)
    return np.asarray(image, np.uint8)


def is_found(yuv: Pixels, points: NDArray[np.floating], size: float, look: Look, font: str | None) -> bool:
    """Whether words written so are found in an I420 picture."""
    shown = cv2.cvtColor(
        written(np.asarray(cv2.cvtColor(yuv, cv2.COLOR_YUV2RGB_I420), np.uint8), points, size, look, font),
        cv2.COLOR_RGB2YUV_I420,
    )
    luma = split_planes(np.asarray(shown, np.uint8))[0]
    changed = cv2.absdiff(luma, split_planes(yuv)[0]) > CHANGED
    left, top, right, bottom = (max(0, int(side)) for side in looked_at(points))
    within = np.zeros(changed.shape, bool)
    within[top:bottom, left:right] = True
    covered = np.zeros(changed.shape, bool)
    for _, x, y, wide, high, _ in lines_before(Picture(np.asarray(shown, np.uint8)), [points], 0).tolist():
        covered[max(0, y) : y + high, max(0, x) : x + wide] = True
    letters = changed & within
    return bool((letters & covered).sum() >= COVERED * max(1, letters.sum()))


def faces_in(video: Path, models: Path) -> list[tuple[Pixels, NDArray[np.floating]]]:
    """PICTURES pictures with a face's landmarks in pixels."""
    tracker = FaceTracker(models)
    found = []
    with VideoReader(video) as reader:
        for frame in itertools.islice(reader, PICTURES * EVERY):
            points = tracker.track(frame.yuv)
            if points is not None and frame.index % EVERY == 0:
                found.append((frame.yuv.copy(), points))
    return found


def lines_alone(video: Path, models: Path) -> tuple[int, int, int]:
    """Frames of a clip as it is with lines before its face, those where they last, and all."""
    tracker = FaceTracker(models)
    rows, count = [], 0
    with VideoReader(video) as reader:
        for frame in reader:
            points = tracker.track(frame.yuv)
            count += 1
            if points is not None:
                rows.append(lines_before(Picture(frame.yuv), [points], frame.index))
    lines = np.concatenate(rows) if rows else np.zeros((0, 6), np.int32)
    kept = lasting(lines, np.zeros(count, np.int64))
    return len(np.unique(lines[:, 0])), len(np.unique(kept[:, 0])), count


def main(arguments: list[str] | None = None) -> int:
    """Print the table; 2 where no clip shows a face."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.captions", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("folder", nargs="?", help="clips of people")
    parser.add_argument("--clips", default="p01,p02,p03,p11", help="beginnings of the names of those written on")
    parser.add_argument("--font", help="a TrueType file; else the one that Pillow carries")
    given = parser.parse_args(arguments)
    models = models_folder(ROOT / "var" / "models")
    clips = sorted(path for path in clips_folder(given.folder).rglob("*") if path.suffix in VIDEO_SUFFIXES)
    names = tuple(given.clips.split(","))
    faces = [face for path in clips if path.name.startswith(names) for face in faces_in(path, models)]
    if not faces:
        print("None of these clips shows a face.", file=sys.stderr)
        return 2
    print(row_of((f"{len(faces)} pictures", *TEXTS)))
    for name, look in LOOKS.items():
        shares = [np.mean([is_found(*face, size, look, given.font) for face in faces]) for size in TEXTS]
        print(row_of((name, *(f"{share:.2f}" for share in shares))), flush=True)
    alone = np.array([lines_alone(path, models) for path in clips])
    seen, kept, count = alone.sum(0).tolist()
    print(f"{len(clips)} clips as they are, {count} frames: lines in {seen} frames, lasting in {kept}")
    return 0


def row_of(cells: tuple[object, ...]) -> str:
    """Columns side by side."""
    return "".join(str(cell).ljust(width) for cell, width in zip(cells, (20, 8, 8, 8, 0), strict=True)).rstrip()


if __name__ == "__main__":
    sys.exit(main())
