"""How turned heads are read and drawn, on clips turned in three dimensions (:mod:`.turned_clips`).

    python -m benchmarks.turned [FOLDER] [--clips p01,p11] [--angles 30,45,55,65] [--model sync-3] [--keep FOLDER]

Columns: the turn read, what the engine makes of it, how far the lips' landmarks lie off (eye distances) and how the
opening read goes with that of the clip before it was turned (r), both where the head is not told to be turned too far,
frames left alone, opening seen in the result against the planned one, and the PSNR of what lies behind the head, beside
its outline (to .15 eye distances) and farther away.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from apps.inference.engine import EngineError, EngineSettings, lipsync
from apps.inference.engine.face.landmarks import LIPS
from apps.inference.engine.faces_in_time import BEYOND
from apps.inference.engine.media.video_reader import VideoReader
from apps.inference.engine.model_files import models_folder
from apps.inference.engine.settings import MODELS

from .footage import ROOT, Clip, Driver, clips_folder, look, talking_clips
from .turned_clips import EYES, placed, turned_clip

SIDE, FPS = 720, Fraction(25)
SWAY = 3.0  # degrees to either side, so that the head moves
BESIDE = 0.15  # eye distances
HEADER = ("clip", "turn", "read", "taken for", "lips off", "read r", "left alone", "plan r", "beside dB", "away dB")


def main(arguments: list[str] | None = None) -> int:
    """Print the table; 2 where there is nothing to measure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.turned", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("folder", nargs="?", help="clips of people who talk, each with its own sound")
    parser.add_argument("--clips", default="p01,p11", help="their names, comma-separated")
    parser.add_argument("--angles", default="30,45,55,65", help="degrees")
    parser.add_argument("--model", choices=MODELS, default="sync-3")
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--keep", help="folder for the films")
    given = parser.parse_args(arguments)
    models = models_folder(ROOT / "var" / "models")
    with tempfile.TemporaryDirectory(prefix="turned-") as folder:
        keep = Path(given.keep or folder)
        keep.mkdir(parents=True, exist_ok=True)
        clips, drivers = talking_clips(clips_folder(given.folder), Path(folder), models, given.seconds)
        if len(clips) < 2:
            print("Two clips of people who talk are needed.", file=sys.stderr)
            return 2
        print(*HEADER, sep="\t")
        for at, clip in enumerate(clips):
            if clip.name in given.clips.split(","):
                for angle in given.angles.split(","):
                    driver = drivers[(at + 1) % len(drivers)]
                    print(*_row(clip, driver, float(angle), given.model, keep, models), sep="\t", flush=True)
    return 0


def _row(clip: Clip, driver: Driver, angle: float, model: str, folder: Path, models: Path) -> list[str]:
    faces = clip.seen.track.faces
    turn = angle + SWAY * np.sin(np.arange(len(clip.seen.times)) / 12)
    film, result = folder / f"{clip.name}_{angle:.0f}.mp4", folder / f"{clip.name}_{angle:.0f}_{model}.mp4"
    heads = turned_clip(clip.video, clip.seen.track, turn - faces.yaw, film, FPS, SIDE)
    seen = look(film, models)
    if seen is None:
        return [clip.name, f"{angle:.0f}", "no face"]
    usable = np.flatnonzero(seen.track.usable)
    truth = [
        placed(faces.landmarks[k], faces.rotation[k], faces.scale[k], turn[k] - faces.yaw[k], SIDE) for k in usable
    ]
    near = seen.track.turn[usable] < BEYOND
    read = np.corrcoef(seen.opening[usable][near], clip.seen.opening[usable][near])[0, 1] if near.sum() > 9 else np.nan
    off = np.linalg.norm(seen.landmarks[usable][:, LIPS, :2] - np.stack(truth)[:, LIPS, :2], axis=2) / (EYES * SIDE)
    row = [
        clip.name, f"{angle:.0f}", f"{np.median(np.abs(seen.track.faces.yaw[usable])):.0f}",
        f"{np.median(seen.track.turn[usable]):.0f}", f"{off[near].mean() if near.any() else np.nan:.3f}", f"{read:.2f}",
    ]  # fmt: skip
    try:
        report = lipsync(film, driver.sound, result, EngineSettings(model=model), models=models)
    except EngineError as error:
        return [*row, error.message]
    left = sum(part["end_s"] - part["start_s"] for part in report.passed) / report.duration_s
    agreement = "-" if report.agreement is None else f"{report.agreement:.2f}"
    return [*row, f"{left:.2f}", agreement, *[f"{value:.1f}" for value in _behind(film, result, heads)]]


def _behind(film: Path, result: Path, heads: list[np.ndarray]) -> tuple[float, float]:
    """PSNR in dB of luma behind the head: beside its outline, and farther away."""
    reach = round(BESIDE * EYES * SIDE)
    errors: tuple[list[float], list[float]] = ([], [])
    with VideoReader(film) as one, VideoReader(result) as other:
        for before, after, head in zip(one, other, heads, strict=False):
            error = (before.planes[0].astype(np.float32) - after.planes[0]) ** 2
            away = cv2.distanceTransform((head == 0).astype(np.uint8), cv2.DIST_L2, 5)
            errors[0].append(float(error[(away > 2) & (away <= reach)].mean()))
            errors[1].append(float(error[away > reach].mean()))
    beside, far = (10 * float(np.log10(255**2 / np.mean(part))) for part in errors)
    return beside, far


if __name__ == "__main__":
    sys.exit(main())
