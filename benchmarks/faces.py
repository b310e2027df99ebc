"""Whose face is followed and driven, in scenes put together from clips of people who talk.

    python -m benchmarks.faces FOLDER [--pairs 10] [--keep FOLDER]

FOLDER holds one clip a person, each with its own sound; two neighbours in the alphabet make a pair. Rows: in how many
of the pairs all is as it should be, and the mean share of frames in which it is.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from apps.inference.engine.analysis import OWN_SOUND, FootageAnalysis, analyse_footage
from apps.inference.engine.choice import choose, taking_part
from apps.inference.engine.errors import EngineError
from apps.inference.engine.face.detector import FaceDetector
from apps.inference.engine.face.picture import Picture
from apps.inference.engine.media.audio import read_mono
from apps.inference.engine.media.video_reader import VideoReader
from apps.inference.engine.media.video_writer import PieceWriter
from apps.inference.engine.model_files import models_folder
from apps.inference.engine.people import Person
from apps.inference.engine.sample.make import COLOUR
from apps.inference.engine.speech.analysis import analyse_speech

from .footage import RATE, ROOT, VIDEO_SUFFIXES, write_wav

SUFFIXES = (*VIDEO_SUFFIXES, ".mpg")
HEIGHT, WIDTH, FPS, FRAMES = 288, 352, 25, 72
GROUND = (118, 112, 104)
FACE = 110  # pixels: how wide the faces of all clips are made
GOOD = 0.95  # share of frames from which on a pair counts as right
SETTLING = 12  # frames around a change of speaker that are not counted

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Clip:
    """RGB frames (n, HEIGHT, WIDTH, 3) and the sound at 16 kHz."""

    frames: Pixels
    sound: NDArray[np.float32]


@dataclass
class Film:
    """A scene as it was read."""

    footage: FootageAnalysis
    folder: Path

    def who(self, x: float, y: float, frame: int, reach: float) -> int:
        """Id of the person seen within ``reach`` pixels of a place in a frame, -1 for nobody."""
        for person in self.footage.people:
            row = np.searchsorted(person.rows.frames, frame)
            if row < len(person.rows.frames) and person.rows.frames[row] == frame:
                middle = person.rows.points[row, :, :2].mean(0)
                if np.hypot(middle[0] - x, middle[1] - y) < reach:
                    return person.id
        return -1


def load(path: Path, models: Path) -> Clip:
    """The first frames of a clip, cut out about the largest face so that all faces are of one size."""
    with VideoReader(path) as reader:
        pictures = [cv2.cvtColor(frame.yuv, cv2.COLOR_YUV2RGB_I420) for frame in itertools.islice(reader, FRAMES)]
    face = FaceDetector(models).detect(Picture(pictures[0]))[0]
    scale = FACE / face.size
    place = np.array([[1, 0, WIDTH / 2 - scale * face.x], [0, 1, HEIGHT / 2 - scale * face.y]])
    small = [cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) for picture in pictures]
    shown = [cv2.warpAffine(picture, place, (WIDTH, HEIGHT), borderValue=GROUND) for picture in small]
    shown += shown[-1:] * (FRAMES - len(shown))
    return Clip(np.stack(shown), read_mono(path, RATE, FRAMES / FPS))


def filmed(pictures: Iterator[Pixels], folder: Path, name: str, models: Path) -> Film | None:
    """The scene written and read again; None where the engine sees no usable face in it."""
    video, first = folder / f"{name}.mp4", next(pictures)
    size = (first.shape[1], first.shape[0])
    with PieceWriter(video, size, Fraction(FPS), COLOUR) as writer:
        for picture in itertools.chain([first], pictures):
            writer.write(cv2.cvtColor(np.ascontiguousarray(picture), cv2.COLOR_RGB2YUV_I420))
    try:
        return Film(analyse_footage(video, folder / name, models=models), folder / name)
    except EngineError:
        return None


def pasted(large: Pixels, small: Pixels, scale: float, x: int, y: int) -> Pixels:
    """``small`` at a scale on ``large``, its corner at x, y."""
    picture, part = large.copy(), cv2.resize(small, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    picture[y : y + part.shape[0], x : x + part.shape[1]] = part
    return picture


def blank(times: int = 1) -> Pixels:
    """An empty picture, so many times as large as the clips."""
    return np.full((times * HEIGHT, times * WIDTH, 3), GROUND, np.uint8)


def swapped_sides(one: Clip, other: Clip, folder: Path, models: Path) -> float:
    """Two side by side who change sides at a cut: share of frames in which both are still themselves."""
    half = FRAMES // 2
    sides = [(one, other) if frame < half else (other, one) for frame in range(FRAMES)]
    film = filmed((np.hstack([a.frames[f], b.frames[f]]) for f, (a, b) in enumerate(sides)), folder, "sides", models)
    if film is None:
        return 0.0
    left = np.array([film.who(WIDTH / 2, HEIGHT / 2, frame, WIDTH / 2) for frame in range(FRAMES)])
    right = np.array([film.who(1.5 * WIDTH, HEIGHT / 2, frame, WIDTH / 2) for frame in range(FRAMES)])
    return _kept(np.where(np.arange(FRAMES) < half, left, right), np.where(np.arange(FRAMES) < half, right, left))


def reverse_shots(one: Clip, other: Clip, folder: Path, models: Path) -> float:
    """One fills the picture, then the other, and so on, five cuts: share of frames in which both are themselves."""
    turn = np.arange(FRAMES) // (FRAMES // 6) % 2
    film = filmed(((other if turn[f] else one).frames[f] for f in range(FRAMES)), folder, "shots", models)
    if film is None:
        return 0.0
    seen = np.array([film.who(WIDTH / 2, HEIGHT / 2, frame, WIDTH / 2) for frame in range(FRAMES)])
    return _kept(seen[turn == 0], seen[turn == 1])


def _kept(one: NDArray[np.int64], other: NDArray[np.int64]) -> float:
    """Share of two rows of ids that are the commonest of each, where these differ."""
    usual = [int(np.bincount(row + 1).argmax()) - 1 for row in (one, other)]
    if usual[0] == usual[1] or -1 in usual:
        return 0.0
    return float(np.mean(np.concatenate([one == usual[0], other == usual[1]])))


def inset(one: Clip, other: Clip, folder: Path, models: Path) -> float:
    """A small talking head in the corner, alone for a second: the large one must be the main person throughout."""
    large = (cv2.resize(picture, None, fx=2, fy=2, interpolation=cv2.INTER_LINEAR) for picture in one.frames)
    scenes = (pasted(blank(2) if f < FPS else picture, other.frames[f], 0.5, 12, 12) for f, picture in enumerate(large))
    film = filmed(scenes, folder, "inset", models)
    return 0.0 if film is None else _main_at(film, WIDTH, HEIGHT, range(FPS, FRAMES))


def poster(one: Clip, other: Clip, folder: Path, models: Path) -> float:
    """A larger printed face beside somebody who talks: the printed one takes no part."""
    still = cv2.resize(other.frames[0], None, fx=2, fy=2, interpolation=cv2.INTER_LINEAR)
    film = filmed((pasted(np.hstack([still, blank(2)]), picture, 1.4, 2 * WIDTH + 40, 80) for picture in one.frames),
                  folder, "poster", models)  # fmt: skip
    if film is None or any(_is_at(person, WIDTH, HEIGHT) for person in taking_part(film.footage)):
        return 0.0
    return _main_at(film, round(2 * WIDTH + 40 + 0.7 * WIDTH), round(80 + 0.7 * HEIGHT), range(FRAMES))


def tiny_beside(one: Clip, other: Clip, folder: Path, models: Path) -> float:
    """A face 20 pixels wide in the background: whoever is large is driven and the tiny one takes no part."""
    scale = 20 / FACE
    film = filmed((pasted(picture, other.frames[f], scale, 6, 6) for f, picture in enumerate(one.frames)),
                  folder, "tiny", models)  # fmt: skip
    if film is None or len(taking_part(film.footage)) != 1:
        return 0.0
    return _main_at(film, WIDTH // 2, HEIGHT // 2, range(FRAMES))


def tiny_alone(one: Clip, other: Clip, folder: Path, models: Path) -> float:
    """A face 20 pixels wide and nobody else: 1 where the film is refused."""
    del other
    scale = 20 / FACE
    return float(filmed((pasted(blank(), picture, scale, 150, 100) for picture in one.frames), folder, "alone", models)
                 is None)  # fmt: skip


def small_alone(one: Clip, other: Clip, folder: Path, models: Path) -> float:
    """A face 40 pixels wide in a picture of 576 lines: share of frames in which it is found."""
    del other
    scale = 40 / FACE
    film = filmed((pasted(blank(2), picture, scale, 300, 200) for picture in one.frames), folder, "small", models)
    return 0.0 if film is None else float(film.footage.has_face.mean())


def _is_at(person: Person, x: float, y: float) -> bool:
    middle = np.median(person.rows.points[:, :, :2].mean(1), axis=0)
    return bool(np.hypot(middle[0] - x, middle[1] - y) < WIDTH / 3)


def _main_at(film: Film, x: int, y: int, frames: range) -> float:
    """Share of ``frames`` in which the main person is seen at a place."""
    return float(np.mean([film.who(x, y, frame, WIDTH / 2) == film.footage.person for frame in frames]))


def speaker(one: Clip, other: Clip, folder: Path, models: Path) -> float:
    """Both talk side by side all the time, one is heard, then the other: frames in which its mouth is taken."""
    frames = np.arange(2 * FRAMES)
    film = filmed(
        (np.hstack([one.frames[f % FRAMES], other.frames[f % FRAMES]]) for f in frames), folder, "both", models
    )
    if film is None:
        return 0.0
    heard = [np.resize(clip.sound, FRAMES * RATE // FPS) for clip in (one, other)]
    write_wav(folder / "both.wav", np.concatenate(heard), RATE)
    analyse_speech(folder / "both.wav", film.folder / OWN_SOUND, models)
    try:
        chosen = choose(film.footage, {"kind": "active_speaker"})
    except EngineError:  # nobody is seen speaking
        chosen = []
    right = []
    for frame in frames[np.abs(frames - FRAMES) > SETTLING].tolist():
        who = film.who(WIDTH * (0.5 if frame < FRAMES else 1.5), HEIGHT / 2, frame, WIDTH / 2)
        right.append([part.person for part in chosen if part.frames[frame]] == [who])
    return float(np.mean(right))


def chosen_places(one: Clip, other: Clip, folder: Path, models: Path) -> float:
    """A point on the right face, boxes about the left one with every fourth frame null: share of frames as asked."""
    film = filmed((np.hstack([a, b]) for a, b in zip(one.frames, other.frames, strict=True)), folder, "places", models)
    if film is None:
        return 0.0
    (right,) = choose(film.footage, {"kind": "point", "frame": 40, "x": 1.5 * WIDTH, "y": HEIGHT / 2})
    boxes = [None if frame % 4 == 3 else [0, 0, WIDTH, HEIGHT] for frame in range(FRAMES)]
    boxed = choose(film.footage, {"kind": "boxes", "boxes": boxes})
    asked = np.arange(FRAMES) % 4 != 3
    if right.person != film.who(1.5 * WIDTH, HEIGHT / 2, 40, WIDTH / 2) or len(boxed) != 1:
        return 0.0
    same = boxed[0].person == film.who(WIDTH / 2, HEIGHT / 2, 40, WIDTH / 2)
    return float(np.mean(boxed[0].frames == asked)) if same else 0.0


SCENES: tuple[Callable[[Clip, Clip, Path, Path], float], ...] = (
    swapped_sides, reverse_shots, inset, poster, tiny_beside, tiny_alone, small_alone, speaker, chosen_places,
)  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    """Print the table; 2 where there are no two clips."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.faces", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("folder", type=Path, help="clips, one a person")
    parser.add_argument("--pairs", type=int, default=10)
    parser.add_argument("--keep", type=Path, help="folder for the scenes")
    given = parser.parse_args(arguments)
    models = models_folder(ROOT / "var" / "models")
    clips = [load(path, models) for path in sorted(given.folder.iterdir()) if path.suffix.lower() in SUFFIXES]
    pairs = list(zip(clips, clips[1:] + clips[:1], strict=True))[: given.pairs]
    if len(clips) < 2:
        print("Two clips of people who talk are needed.", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="faces-") as scratch:
        for scene in SCENES:
            shares = []
            for number, (one, other) in enumerate(pairs):
                folder = (given.keep or Path(scratch)) / f"{scene.__name__}-{number}"
                folder.mkdir(parents=True, exist_ok=True)
                shares.append(scene(one, other, folder, models))
            good = sum(share >= GOOD for share in shares)
            print(f"{scene.__name__}\t{good} of {len(pairs)}\t{np.mean(shares):.3f}", *(f"{s:.2f}" for s in shares),
                  sep="\t", flush=True)  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
