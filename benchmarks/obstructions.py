"""How well things in front of the mouth are found: things painted into clips, whose outlines are known.

    python -m benchmarks.obstructions [FOLDER] [--seconds 4]

Each thing comes from below in front of the lips, stays and goes again: 40 frames of the clip; the last one never moves
in the picture and is always there. Columns: frames of the
clip as it is in which something is found; then for each thing the share of its frames in which something is found, and
the share of its area that is kept.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from apps.inference.engine.analysis import analyse_footage
from apps.inference.engine.crops import Crop, CropStore
from apps.inference.engine.errors import EngineError
from apps.inference.engine.model_files import models_folder
from apps.inference.engine.render.mesh import ALL_LIPS
from apps.inference.engine.render.occlusion import CANVAS, REACH, SHOWN_SHARE, SPAN, find_obstructions
from apps.inference.engine.speaker import mesh_points, study_speaker, turned_eyes

from .footage import ROOT, VIDEO_SUFFIXES, clips_folder, cut

FIRST, FRAMES = 30, 40
Picture = NDArray[np.float32]
# A thing at step 0..1 of its way: its mask (h, w) uint8 and its Y, U, V (h, w, 3) on the canvas; skin is Y, U, V.
Thing = Callable[[float, Picture], tuple[NDArray[np.uint8], Picture]]
_Y, _X = np.mgrid[:CANVAS, :CANVAS].astype(np.float32)


def _top(step: float) -> int:
    return round(CANVAS - 38 * min(1.0, 5 * step, 5 * (1 - step)))


def microphone(step: float, skin: Picture) -> tuple[NDArray[np.uint8], Picture]:
    """A dark ball on a stick."""
    mask, top = np.zeros((CANVAS, CANVAS), np.uint8), _top(step)
    cv2.circle(mask, (34, top + 10), 10, 1, -1)
    cv2.rectangle(mask, (29, top + 14), (39, CANVAS), 1, -1)
    return mask, np.full((CANVAS, CANVAS, 3), (35, 128, 128), np.float32)


def scarf(step: float, skin: Picture) -> tuple[NDArray[np.uint8], Picture]:
    """Striped cloth over chin and lower lip."""
    cloth = np.full((CANVAS, CANVAS, 3), (110, 120, 150), np.float32)
    cloth[..., 0] += 25 * np.sin(_X / 3 + _Y / 5)
    return (_top(step) + 8 < _Y).astype(np.uint8), cloth


def _fingers(step: float, skin: Picture, shade: tuple[float, float, float]) -> tuple[NDArray[np.uint8], Picture]:
    mask, tone = np.zeros((CANVAS, CANVAS), np.uint8), np.zeros((CANVAS, CANVAS, 3), np.float32)
    tone += skin + np.array(shade, np.float32)
    for finger, lower in enumerate((4, 0, 1, 6)):
        x = 18 + 9 * finger
        cv2.rectangle(mask, (x - 4, _top(step) + lower + 4), (x + 4, CANVAS), 1, -1)
        tone[..., 0] -= 18 * np.exp(-(((_X - x - 4.5) / 1.2) ** 2))
    return mask, tone


def flat_hand(step: float, skin: Picture) -> tuple[NDArray[np.uint8], Picture]:
    """Fingers of the very colour of the face."""
    return _fingers(step, skin, (4, -1, 1))


def shaded_hand(step: float, skin: Picture) -> tuple[NDArray[np.uint8], Picture]:
    """Fingers somewhat darker than the face, as hands mostly are."""
    return _fingers(step, skin, (-28, 2, 4))


def standing_microphone(step: float, skin: Picture) -> tuple[NDArray[np.uint8], Picture]:
    """The same that never moves in the picture, from the first frame to the last."""
    mask, paint = np.zeros((CANVAS, CANVAS), np.uint8), np.full((CANVAS, CANVAS, 3), (35, 128, 128), np.float32)
    cv2.circle(mask, (34, 50), 11, 1, -1)
    cv2.rectangle(mask, (29, 54), (39, CANVAS), 1, -1)
    paint[..., 0] += 12 * (np.sin(_X * 1.3) * np.sin(_Y * 1.3) > 0)  # its grid
    return mask, paint


THINGS: tuple[Thing, ...] = (microphone, scarf, shaded_hand, flat_hand, standing_microphone)


class Painted(CropStore):
    """Crops with a thing painted in front of the mouth in frames [``FIRST``, ``FIRST`` + ``FRAMES``)."""

    def __init__(self, crops: CropStore, thing: Thing, points: NDArray, to_canvas: NDArray) -> None:
        self.index, self._path = crops.index, crops._path
        self._thing, self._points = thing, points
        self._from = np.c_[to_canvas, np.ones(len(to_canvas))]
        tones = [np.array([np.median(crop.luma), *np.median(crop.chroma.reshape(-1, 2), axis=0)])
                 for crop in (crops[int(frame)] for frame in np.flatnonzero(crops.stored)[:40])]  # fmt: skip
        self._skin = np.median(tones, axis=0).astype(np.float32)

    def step(self, frame: int) -> float | None:
        """How far the thing is on its way, 0..1; None where it is not there."""
        step = (frame - FIRST) / FRAMES
        return step if 0 <= step < 1 else None

    def face(self, frame: int) -> NDArray:
        """(Q, 2) mesh points of the face that the thing is held before."""
        return self._points[frame]

    def mask(self, frame: int) -> NDArray[np.uint8]:
        """(72, 72) where the thing is on the canvas."""
        step = self.step(frame)
        return np.zeros((CANVAS, CANVAS), np.uint8) if step is None else self._thing(step, self._skin)[0]

    def __getitem__(self, frame: int) -> Crop:
        crop = super().__getitem__(frame)
        step = self.step(frame)
        if step is None:
            return crop
        mask, tone = self._thing(step, self._skin)
        place = self.place(self.face(frame) - (crop.x, crop.y))
        size = (crop.luma.shape[1], crop.luma.shape[0])
        share = cv2.warpAffine(mask.astype(np.float32), place, size, flags=cv2.INTER_LINEAR)[..., None]
        paint = cv2.warpAffine(tone, place, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        half = (size[0] // 2, size[1] // 2)
        luma = crop.luma * (1 - share[..., 0]) + paint[..., 0] * share[..., 0]
        less = cv2.resize(share, half, interpolation=cv2.INTER_AREA)[..., None]
        tint = cv2.resize(paint[..., 1:], half, interpolation=cv2.INTER_AREA)
        chroma = crop.chroma * (1 - less) + tint * less
        return Crop(luma.astype(np.uint8), chroma.astype(np.uint8), crop.x, crop.y)

    def place(self, points: NDArray) -> NDArray[np.float64]:
        """(2, 3) from the canvas to where mesh points lie at ``points`` (Q, 2)."""
        return np.linalg.lstsq(self._from, points, rcond=None)[0].T.astype(np.float64)


class Standing(Painted):
    """Crops with a thing that never moves in the picture, in all frames, while the head moves behind it."""

    def step(self, frame: int) -> float | None:
        """Always there."""
        return 0.5

    def face(self, frame: int) -> NDArray:
        """Where the head is as a rule."""
        return np.median(self._points[self.stored], axis=0)

    def mask(self, frame: int) -> NDArray[np.uint8]:
        """(72, 72) where the thing is on the canvas of this frame."""
        there = np.vstack([self.place(self.face(frame)), [0, 0, 1]])
        here = np.vstack([self.place(self._points[frame]), [0, 0, 1]])
        moved = (np.linalg.inv(here) @ there)[:2]
        return cv2.warpAffine(self._thing(0.5, self._skin)[0], moved, (CANVAS, CANVAS), flags=cv2.INTER_NEAREST)


def main(arguments: list[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.obstructions", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("folder", nargs="?", help="clips with faces")
    parser.add_argument("--seconds", type=float, default=4.0)
    given = parser.parse_args(arguments)
    models = models_folder(ROOT / "var" / "models")
    print("clip", "as it is", *(thing.__name__ for thing in THINGS), sep="\t")
    with tempfile.TemporaryDirectory(prefix="obstructions-") as scratch:
        for source in sorted(clips_folder(given.folder).iterdir()):
            if source.suffix.lower() in VIDEO_SUFFIXES:
                row = _row(source, Path(scratch) / source.stem, given.seconds, models)
                print(source.stem.split("_")[0], *row, sep="\t", flush=True)
    return 0


def _row(source: Path, folder: Path, seconds: float, models: Path) -> list[str]:
    folder.mkdir()
    try:
        footage = analyse_footage(cut(source, folder / f"clip{source.suffix}", seconds), folder, models=models)
    except EngineError as error:
        return [error.message]
    speaker = study_speaker(footage)
    points, mesh, stored, turned = mesh_points(speaker), speaker.mesh, footage.crops.stored, turned_eyes(speaker)
    plain = find_obstructions(footage.crops, points, mesh, stored, turned).share > SHOWN_SHARE
    to_canvas = (mesh.template - (mesh.template[ALL_LIPS].mean(0) - REACH)) / SPAN * CANVAS
    row = [f"{plain.mean():.2f}"]
    for thing in THINGS:
        kind = Standing if thing is standing_microphone else Painted
        crops = kind(footage.crops, thing, points, to_canvas)
        found = find_obstructions(crops, points, mesh, stored, turned)
        shown, kept, whole = [], 0, 0
        for frame in np.flatnonzero(stored & (np.arange(len(points)) >= FIRST)).tolist():
            truth = crops.mask(frame) > 0
            if truth.mean() > SHOWN_SHARE:
                shown.append(found.share[frame] > SHOWN_SHARE)
                mask = np.unpackbits(found.masks[frame]).reshape(CANVAS, CANVAS) > 0
                kept, whole = kept + int((mask & truth).sum()), whole + int(truth.sum())
        row.append(f"{np.mean(shown):.2f}, {kept / whole:.2f}" if shown else "-")
    return row


if __name__ == "__main__":
    sys.exit(main())
