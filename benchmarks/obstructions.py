"""How well things in front of the mouth are found: things painted into clips, whose outlines are known.

    python -m benchmarks.obstructions [FOLDER] [--seconds 4]

Each thing comes from below in front of the lips, stays and goes again: 40 frames of the clip. Columns: frames of the
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
from apps.inference.engine.speaker import mesh_points, study_speaker

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


THINGS: tuple[Thing, ...] = (microphone, scarf, shaded_hand, flat_hand)


class Painted(CropStore):
    """Crops with a thing painted in front of the mouth in frames [``FIRST``, ``FIRST`` + ``FRAMES``)."""

    def __init__(self, crops: CropStore, thing: Thing, points: NDArray, to_canvas: NDArray) -> None:
        self.index, self._path = crops.index, crops._path
        self._thing, self._points = thing, points
        self._from = np.c_[to_canvas, np.ones(len(to_canvas))]
        tones = [np.array([np.median(crop.luma), *np.median(crop.chroma.reshape(-1, 2), axis=0)])
                 for crop in (crops[int(frame)] for frame in np.flatnonzero(crops.stored)[:40])]  # fmt: skip
        self._skin = np.median(tones, axis=0).astype(np.float32)

    def mask(self, frame: int) -> NDArray[np.uint8]:
        """(72, 72) where the thing is on the canvas."""
        step = (frame - FIRST) / FRAMES
        return self._thing(step, self._skin)[0] if 0 <= step < 1 else np.zeros((CANVAS, CANVAS), np.uint8)

    def __getitem__(self, frame: int) -> Crop:
        crop = super().__getitem__(frame)
        step = (frame - FIRST) / FRAMES
        if not 0 <= step < 1:
            return crop
        mask, tone = self._thing(step, self._skin)
        corner = (crop.x, crop.y)
        place = np.linalg.lstsq(self._from, self._points[frame] - corner, rcond=None)[0].T.astype(np.float64)
        size = (crop.luma.shape[1], crop.luma.shape[0])
        share = cv2.warpAffine(mask.astype(np.float32), place, size, flags=cv2.INTER_LINEAR)[..., None]
        paint = cv2.warpAffine(tone, place, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        half = (size[0] // 2, size[1] // 2)
        luma = crop.luma * (1 - share[..., 0]) + paint[..., 0] * share[..., 0]
        less = cv2.resize(share, half, interpolation=cv2.INTER_AREA)[..., None]
        tint = cv2.resize(paint[..., 1:], half, interpolation=cv2.INTER_AREA)
        chroma = crop.chroma * (1 - less) + tint * less
        return Crop(luma.astype(np.uint8), chroma.astype(np.uint8), crop.x, crop.y)


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
    points, mesh, stored = mesh_points(speaker), speaker.mesh, footage.crops.stored
    plain = find_obstructions(footage.crops, points, mesh, stored).share > SHOWN_SHARE
    to_canvas = (mesh.template - (mesh.template[ALL_LIPS].mean(0) - REACH)) / SPAN * CANVAS
    row = [f"{plain.mean():.2f}"]
    for thing in THINGS:
        crops = Painted(footage.crops, thing, points, to_canvas)
        found = find_obstructions(crops, points, mesh, stored)
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
