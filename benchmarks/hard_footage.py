"""What becomes of footage that is hard: dark, tilted, shaken, faded, captioned, cut to and fro, dissolved into another.

    python -m benchmarks.hard_footage [FOLDER] [--clips p01,p02] [--model sync-3] [--only dark,dissolve] [--keep FOLDER]

The first seconds of two clips of people who talk are altered and driven by the other's sound. Columns: people found,
cuts, share of frames driven, the opening seen in the result against the planned one (r), what the report warns of. The
last rows show both people, of whom the first one found is driven. Three minutes.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import tempfile
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from apps.inference.engine import EngineError, EngineSettings, lipsync
from apps.inference.engine.analysis import FootageAnalysis
from apps.inference.engine.face.landmarks import CHIN_TIP, LOWER_LIP_OUTER
from apps.inference.engine.face.tracker import FaceTracker
from apps.inference.engine.media.colour import ColourTags
from apps.inference.engine.media.video_reader import VideoReader
from apps.inference.engine.media.video_writer import PieceWriter
from apps.inference.engine.model_files import models_folder
from apps.inference.engine.settings import MODELS

from .footage import ROOT, clips_folder, talking_clips

Pixels = NDArray[np.uint8]
Pictures = list[Pixels]

WIDTH, FPS, SECONDS = 720, Fraction(25), 5.0
WORDS = ("what", "she", "said", "to", "all", "of", "us", "was", "that", "the", "rain", "would", "never", "stop")
INTERLACED = "interlaced"
HEADER = ("footage", "people", "cuts", "driven", "plan r", "warnings")


def each(change: Callable[[Pixels, int], NDArray]) -> Callable[[Pictures], Pictures]:
    """The same done to every picture (h, w, 3), whose number is given too."""
    return lambda pictures: [
        np.clip(change(picture, at), 0, 255).astype(np.uint8) for at, picture in enumerate(pictures)
    ]


def turned_by(degrees: float) -> Callable[[Pictures], Pictures]:
    """The picture turned about its middle."""
    return each(lambda picture, _: moved(picture, degrees, 0.9))


def moved(picture: Pixels, degrees: float, scale: float, x: float = 0.0, y: float = 0.0) -> Pixels:
    """Turned and scaled about the middle, then shifted."""
    size = (picture.shape[1], picture.shape[0])
    place = cv2.getRotationMatrix2D((size[0] / 2, size[1] / 2), degrees, scale)
    place[:, 2] += np.array([x, y])
    return np.asarray(cv2.warpAffine(picture, place, size), np.uint8)


def noise(picture: Pixels, at: int) -> NDArray:
    """As a phone films at night."""
    return picture + np.random.default_rng(at).normal(0, 14, picture.shape)


def shaken(picture: Pixels, at: int) -> Pixels:
    """A camera in a hand that walks."""
    x, y = np.random.default_rng(at).normal(0, 3, 2)
    return moved(picture, 0, 1.1, 12 * np.sin(1.3 * at) + x, 12 * np.cos(1.7 * at) + y)


def nearer_by_turns(frames: int, *steps: tuple[float, float]) -> Callable[[Pictures], Pictures]:
    """Cut together as talks on the web are: the next of ``steps``, how near and how far to the side, every so often."""

    def change(picture: Pixels, at: int) -> Pixels:
        scale, x = steps[at // frames % len(steps)]
        return moved(picture, 0, scale, x)

    return each(change)


def without_colour(picture: Pixels, _: int) -> Pixels:
    """Black and white."""
    return np.asarray(cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR), np.uint8)


def woven(pictures: Pictures) -> Pictures:
    """Interlaced: every second row is that of the next picture, for want of one halfway to it."""
    result = [picture.copy() for picture in pictures[:-1]]
    for picture, later in zip(result, pictures[1:], strict=True):
        picture[1::2] = later[1::2]
    return result


def close_up(lowest: int, below: float) -> Callable[[Pictures], Pictures]:
    """The face fills the picture, down to ``below`` eye distances under its landmark ``lowest``."""

    def change(pictures: Pictures) -> Pictures:
        points, eyes = first_face(pictures)
        low, high = points[:, :2].min(0) - 0.2 * eyes, points[:, :2].max(0) + 0.2 * eyes
        high[1] = points[lowest, 1] + below * eyes
        left, top, right, bottom = (max(0, round(float(value))) for value in (*low, *high))
        size = (WIDTH, round(WIDTH * (bottom - top) / (right - left) / 2) * 2)
        parts = [picture[top:bottom, left:right] for picture in pictures]
        return [np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_CUBIC), np.uint8) for part in parts]

    return change


def first_face(pictures: Pictures) -> tuple[NDArray[np.float32], float]:
    """Landmarks (N, 3) in the first picture, and the eye distance."""
    points = FaceTracker(models_folder(ROOT / "var" / "models")).track(np.ascontiguousarray(pictures[0][..., ::-1]))
    if points is None:
        raise ValueError("The first picture shows no face.")
    return points, float(np.linalg.norm(points[33] - points[263]))


def captioned(words: int, seconds: float, size: float, bar: bool = False) -> Callable[[Pictures], Pictures]:
    """Captions over the chin: so many words for so long each, ``size`` eye distances high, on a dark bar or not."""

    def change(pictures: Pictures) -> Pictures:
        points, eyes = first_face(pictures)
        scale = size * eyes / 22  # pixels of a capital letter
        x, y = (float(value) for value in points[152, :2])
        shown = round(seconds * FPS)
        return [
            written(picture, caption(at // shown, words), (x, y - 8 * scale), scale, bar) if at % shown > 1 else picture
            for at, picture in enumerate(pictures)
        ]

    return change


def caption(number: int, words: int) -> str:
    """The words of one caption."""
    return " ".join(WORDS[(number * words + at) % len(WORDS)] for at in range(words))


def written(picture: Pixels, text: str, at: tuple[float, float], scale: float, bar: bool) -> Pixels:
    """White letters with a black outline, their middle ``at`` (x, y)."""
    thick = max(1, round(2 * scale))
    (width, height), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_DUPLEX, scale, thick)
    x, y, more = round(at[0] - width / 2), round(at[1] + height / 2), round(0.4 * height)
    result = picture.copy()
    if bar:
        cv2.rectangle(result, (x - more, y - height - more), (x + width + more, y + more), (25, 25, 25), -1)
    for shade, wide in (((0, 0, 0), 3 * thick), ((255, 255, 255), thick)):
        cv2.putText(result, text, (x, y), cv2.FONT_HERSHEY_DUPLEX, scale, shade, wide, cv2.LINE_AA)
    return result


ONE: dict[str, Callable[[Pictures], Pictures]] = {
    "as it is": each(lambda picture, _: picture),
    "dark": each(lambda picture, _: 0.22 * picture),
    "overexposed": each(lambda picture, _: 1.9 * picture + 20),
    "noise": each(noise),
    "blurred": each(lambda picture, _: cv2.GaussianBlur(picture, (0, 0), 4)),
    "black and white": each(without_colour),
    "tilted by 25": turned_by(25),
    "tilted by -50": turned_by(-50),
    "upside down": each(lambda picture, _: picture[::-1, ::-1]),
    "lying": each(lambda picture, _: cv2.rotate(picture, cv2.ROTATE_90_CLOCKWISE)),
    "shaken": each(shaken),
    "zoomed in": each(lambda picture, at: moved(picture, 0, 1 + 0.012 * at)),
    "nearer by turns": nearer_by_turns(30, (1.0, 0), (1.3, 0)),
    "three cuts a second": nearer_by_turns(8, (1.0, 0), (1.3, 40), (1.1, -40), (1.5, 10)),
    "close-up": close_up(CHIN_TIP, 0.3),
    "chin cut off": close_up(LOWER_LIP_OUTER, 0.25),
    "every frame twice": lambda pictures: [picture for picture in pictures for _ in (0, 1)],
    "flashes": each(lambda picture, at: picture * (1.6 if at % 20 < 2 else 1.0)),
    INTERLACED: woven,
    "captions": captioned(3, 1.4, 0.16),
    "captions on a bar": captioned(3, 1.4, 0.14, bar=True),
    "words one by one": captioned(1, 0.4, 0.3),
    "fade in": each(lambda picture, at: picture * min(1.0, at / 25)),
}


def shots(one: Pictures, other: Pictures) -> Pictures:
    """One person for 1.2 s, then the other, and so on."""
    return [(one, other)[at // 30 % 2][at] for at in range(min(len(one), len(other)) // 30 * 30)]


def dissolved(one: Pictures, other: Pictures) -> Pictures:
    """The one goes over into the other within half a second."""
    half, length = len(one) // 2, 12
    between = [
        np.asarray(cv2.addWeighted(one[half + at], 1 - share, other[at], share, 0), np.uint8)
        for at, share in enumerate(np.arange(1, length + 1) / (length + 1))
    ]
    return one[:half] + between + other[length:half]


def dipped(one: Pictures, other: Pictures) -> Pictures:
    """The one fades out and the other one in."""
    half, length = len(one) // 2, 10
    share = np.concatenate([np.arange(length, 0, -1), np.arange(1, length + 1)]) / length
    both = one[half - length : half] + other[:length]
    faded = [np.asarray(picture * part, np.uint8) for picture, part in zip(both, share, strict=True)]
    return one[: half - length] + faded + other[length:half]


def wiped(one: Pictures, other: Pictures) -> Pictures:
    """The other one is laid over the one from the left within half a second."""
    half, length, width = len(one) // 2, 12, one[0].shape[1]
    between = [one[half + at].copy() for at in range(length)]
    for at, picture in enumerate(between):
        x = round(width * (at + 1) / (length + 1))
        picture[:, :x] = other[at][:, :x]
    return one[:half] + between + other[length:half]


def pushed(one: Pictures, other: Pictures) -> Pictures:
    """The other one pushes the one out within half a second."""
    half, length, width = len(one) // 2, 12, one[0].shape[1]
    between = []
    for at in range(length):
        x = round(width * (at + 1) / (length + 1))
        between.append(np.hstack([other[at][:, width - x :], one[half + at][:, : width - x]]))
    return one[:half] + between + other[length:half]


BOTH: dict[str, Callable[[Pictures, Pictures], Pictures]] = {
    "two in turn": shots, "a dissolve": dissolved, "a dip to black": dipped, "a wipe": wiped, "pushed out": pushed,
}  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    """Print the table; 2 where there are no two clips."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.hard_footage", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("folder", nargs="?", help="clips of people who talk, each with its own sound")
    parser.add_argument("--clips", default="p01,p02", help="names of two")
    parser.add_argument("--model", choices=MODELS, default="sync-3")
    parser.add_argument("--only", help="rows, comma-separated")
    parser.add_argument("--keep", help="folder for the films")
    given = parser.parse_args(arguments)
    models = models_folder(ROOT / "var" / "models")
    with tempfile.TemporaryDirectory(prefix="hard-") as scratch:
        clips, drivers = talking_clips(clips_folder(given.folder), Path(scratch), models, SECONDS)
        sounds = {driver.name: driver.sound for driver in drivers}
        found = {clip.name: clip.video for clip in clips if clip.name in given.clips.split(",")}
        if len(found) != 2:
            print("Two clips of people who talk are needed.", file=sys.stderr)
            return 2
        one, other = found
        shown = {name: pictures_of(video) for name, video in found.items()}
        films = {
            f"{name}, {row}": (change(shown[name]), sounds[other if name == one else one])
            for row, change in ONE.items()
            for name in found
        }
        films |= {row: (change(shown[one], alike(shown[other], shown[one])), sounds[other])
                  for row, change in BOTH.items()}  # fmt: skip
        print(row_of(HEADER))
        for title, (pictures, sound) in films.items():
            if given.only and title.split(", ")[-1] not in given.only.split(","):
                continue
            print(
                row_of(measured(title, pictures, sound, given.model, Path(given.keep or scratch), models)), flush=True
            )
    return 0


def pictures_of(video: Path) -> Pictures:
    """The clip's first seconds, WIDTH pixels wide."""
    count = round(SECONDS * FPS)
    with VideoReader(video) as reader:
        frames = [cv2.cvtColor(frame.yuv, cv2.COLOR_YUV2BGR_I420) for frame in itertools.islice(reader, count)]
    height = round(frames[0].shape[0] * WIDTH / frames[0].shape[1] / 2) * 2
    return [np.asarray(cv2.resize(frame, (WIDTH, height), interpolation=cv2.INTER_AREA), np.uint8) for frame in frames]


def alike(pictures: Pictures, others: Pictures) -> Pictures:
    """``pictures`` as large as the ``others``."""
    size = (others[0].shape[1], others[0].shape[0])
    return [np.asarray(cv2.resize(picture, size), np.uint8) for picture in pictures]


def measured(title: str, pictures: Pictures, sound: Path, model: str, folder: Path, models: Path) -> tuple[object, ...]:
    """One row."""
    folder.mkdir(parents=True, exist_ok=True)
    name = title.replace(", ", "_").replace(" ", "_")
    video, film, work = folder / f"{name}_given.mp4", folder / f"{name}.mp4", folder / "work"
    size, fields = (pictures[0].shape[1], pictures[0].shape[0]), "top" if title.endswith(INTERLACED) else ""
    with PieceWriter(video, size, FPS, ColourTags(), fields=fields) as writer:
        for picture in pictures:
            writer.write(cv2.cvtColor(np.ascontiguousarray(picture), cv2.COLOR_BGR2YUV_I420))
    try:
        report = lipsync(video, sound, film, EngineSettings(model=model), workdir=work, models=models).to_dict()
    except EngineError as error:
        return title, "", "", "", "", error.code
    seen = FootageAnalysis.load(work)
    agreement = report["agreement"]
    warned = ", ".join(dict.fromkeys(warning["code"] for warning in report["warnings"]))
    return (
        title, len(seen.people), len(seen.shots) - 1, f"{report['driven_frames'] / report['frames']:.2f}",
        "" if agreement is None else f"{agreement:.2f}", warned,
    )  # fmt: skip


def row_of(cells: tuple[object, ...]) -> str:
    """Columns side by side."""
    return "".join(str(cell).ljust(width) for cell, width in zip(cells, (26, 8, 6, 8, 8, 0), strict=True)).rstrip()


if __name__ == "__main__":
    sys.exit(main())
