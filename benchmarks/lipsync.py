"""One table: how well the mouth follows, what the picture lost, and what it cost.

    python -m benchmarks.lipsync [FOLDER] [--quick] [--seconds 10] [--models …] [--pairs all] [--csv FILE]

FOLDER holds clips of people who talk, each with its own sound (default: STUDIO_MEDIA_SAMPLES, else ../shared/media).
Every clip is driven by the sound of another one, and the opening seen in the encoded result is compared with what the
*driver's real mouth* did. `README.md` here explains each column and baseline.
"""

from __future__ import annotations

import argparse
import csv
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from apps.inference.engine.model_files import models_folder
from apps.inference.engine.plan import MotionPlan
from apps.inference.engine.proof import seen_opening
from apps.inference.engine.report import measure
from apps.inference.engine.settings import MODELS

from . import measures
from .footage import ROOT, Clip, Driver, clips_folder, look, own_sample, talking_clips, write_sound
from .running import frozen_film, plain_copy, run_engine

QUICK_MODELS = ("lipsync-1.9.0-beta", "lipsync-2")
COLUMNS = (
    *(
        "clip",
        "sound",
        "model",
        "r",
        "lag",
        "own",
        "r0",
        "wrong",
        "plan r",
        "shut",
        "open",
        "silence",
        "sharp",
        "flicker",
    ),
    *("psnr", "rtf", "x plain", "MB"),
)


@dataclass
class Row:
    """One line of the table; what does not apply is left out."""

    clip: str
    sound: str
    model: str
    values: dict[str, float | None] = field(default_factory=dict)


def main(arguments: list[str] | None = None) -> int:
    """Measure and print; 2 where there is nothing to measure."""
    given = _parser().parse_args(arguments)
    models = models_folder(ROOT / "var" / "models")
    os.environ.setdefault("STUDIO_MODELS", str(models))
    seconds = min(given.seconds, 4.0) if given.quick else given.seconds
    names = given.models.split(",") if given.models else (QUICK_MODELS if given.quick else MODELS)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        scratch = Path(folder)
        pairs, drivers = _pairs(given, scratch, models, seconds)
        if not pairs:
            print("No clip with a face and a sound was found.", file=sys.stderr)
            return 2
        bench = Bench(scratch, models, drivers, Path(given.keep) if given.keep else None)
        rows: list[Row] = []
        print(_line(COLUMNS), flush=True)
        for clip, driver in pairs:
            for row in bench.measure(clip, driver, names):
                print(_line(_cells(row)), flush=True)
                rows.append(row)
        for row in averages(rows):
            print(_line(_cells(row)), flush=True)
    if given.csv:
        write_csv(Path(given.csv), rows)
    return 0


class Bench:
    """Runs and measures; keeps what several rows need."""

    def __init__(self, scratch: Path, models: Path, drivers: list[Driver], keep: Path | None) -> None:
        self._scratch, self._models, self._drivers, self._keep = scratch, models, drivers, keep

    def measure(self, clip: Clip, driver: Driver, names: tuple[str, ...] | list[str]) -> list[Row]:
        """Baselines first, then one row a model."""
        seconds = min(driver.duration_s, float(clip.seen.times[-1]))
        plain = plain_copy(clip.video, self._scratch / "plain.mp4", seconds).seconds
        rows = [self._original(clip, driver), self._frozen(clip, driver, seconds)]
        for name in names:
            rows.append(self._driven(clip, driver, name, seconds, plain))
        return rows

    def _original(self, clip: Clip, driver: Driver) -> Row:
        """The untouched clip against the driver's mouth: what chance gives."""
        found = measures.agreement(driver.times, driver.opening, clip.seen.times, clip.seen.opening)
        return Row(clip.name, driver.name, "original", {"r": found.r, "lag": found.lag, "r0": found.r0})

    def _frozen(self, clip: Clip, driver: Driver, seconds: float) -> Row:
        film = self._scratch / "frozen.mp4"
        frozen_film(clip.video, film, seconds)
        seen = look(film, self._models)
        row = Row(clip.name, driver.name, "frozen")
        if seen is not None:
            found = measures.agreement(driver.times, driver.opening, seen.times, seen.opening)
            row.values = {"r": found.r, "lag": found.lag, "r0": found.r0}
        return row

    def _driven(self, clip: Clip, driver: Driver, name: str, seconds: float, plain: float) -> Row:
        film = self._scratch / "driven.mp4"
        if self._keep is not None:
            self._keep.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(clip.video, self._keep / f"{clip.name}_original.mp4")
            film = self._keep / f"{clip.name}_{driver.name.replace(' ', '-')}_{name}.mp4"
        sound = write_sound(driver.sound, self._scratch / "sound.wav", seconds)
        with tempfile.TemporaryDirectory(dir=self._scratch) as work:
            run = run_engine(clip.video, sound, film, Path(work), name)
            plan = MotionPlan.load(Path(work))
            drawn = seen_opening(film, plan, every_frame=True, models=self._models)
            follows_plan = measure(film, plan, seen=drawn).agreement
        row = Row(clip.name, driver.name, name)
        row.values = {
            "rtf": run.seconds / run.report["duration_s"], "x plain": run.seconds / plain, "MB": run.peak_mb,
            "plan r": follows_plan,
        }  # fmt: skip
        seen = look(film, self._models)
        if seen is not None:
            row.values |= self._follows(driver, seen) | self._looks(clip, film, sound, seen)
        return row

    def _follows(self, driver: Driver, seen: measures.Seen) -> dict[str, float | None]:
        """Agreement with the driver, with the same movement shifted, and with the other drivers' mouths."""
        found = measures.agreement(driver.times, driver.opening, seen.times, seen.opening)
        controls = [measures.agreement(driver.times, measures.shifted(driver), seen.times, seen.opening).r0]
        controls += [
            measures.agreement(other.times, other.opening, seen.times, seen.opening).r0
            for other in self._drivers
            if other.name != driver.name
        ]
        shut, apart = measures.closure(driver, seen, found.lag)
        frame_ms = 1000 * float(np.median(np.diff(seen.times)))
        return {
            "r": found.r, "lag": found.lag, "own": driver.sound_late_ms / frame_ms, "r0": found.r0,
            "wrong": float(np.mean(controls)), "shut": shut, "open": apart,
        }  # fmt: skip

    def _looks(self, clip: Clip, film: Path, sound: Path, seen: measures.Seen) -> dict[str, float | None]:
        picture = measures.compare(clip.video, film, clip.seen, seen)
        return {
            "silence": measures.opening_in_silence(sound, seen), "sharp": picture.sharpness,
            "flicker": picture.flicker, "psnr": picture.psnr_db,
        }  # fmt: skip


def averages(rows: list[Row]) -> list[Row]:
    """One row a model: the mean of every column over the rows of real clips."""
    found = []
    for model in dict.fromkeys(row.model for row in rows):
        mine = [row for row in rows if row.model == model and row.clip != "sample"]
        if len(mine) < 2:
            continue
        values: dict[str, float | None] = {}
        for column in COLUMNS[3:]:
            numbers = [value for row in mine if (value := row.values.get(column)) is not None]
            values[column] = float(np.mean(numbers)) if numbers else None
        found.append(Row("mean", f"of {len(mine)}", model, values))
    return found


def write_csv(path: Path, rows: list[Row]) -> None:
    """All rows with every digit."""
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(COLUMNS)
        for row in rows:
            writer.writerow([row.clip, row.sound, row.model, *[row.values.get(name) for name in COLUMNS[3:]]])


def _pairs(
    given: argparse.Namespace, scratch: Path, models: Path, seconds: float
) -> tuple[list[tuple[Clip, Driver]], list[Driver]]:
    """Every clip with the next one's sound (``--pairs all``: with all others'); the sample with its new line."""
    sample, line = own_sample(scratch, models)
    clips, drivers = talking_clips(clips_folder(given.folder), scratch, models, seconds)
    pairs: list[tuple[Clip, Driver]] = [(sample, line)]
    for at, clip in enumerate(clips):
        others = [drivers[(at + step) % len(drivers)] for step in range(1, len(drivers))]
        pairs += [(clip, driver) for driver in (others if given.pairs == "all" else others[:1])]
    return (pairs[:3] if given.quick else pairs), [line, *drivers]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lipsync", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("folder", nargs="?", help="clips of people who talk, each with its own sound")
    parser.add_argument("--quick", action="store_true", help="the sample and two clips, 4 seconds, two models")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each clip (default 10)")
    parser.add_argument("--models", help="comma-separated (default: all four)")
    parser.add_argument("--pairs", choices=("next", "all"), default="next", help="which sounds drive a clip")
    parser.add_argument("--csv", help="write the rows here as well")
    parser.add_argument("--keep", help="folder for the films, and what was driven")
    return parser


def _cells(row: Row) -> list[str]:
    return [row.clip, row.sound, row.model, *[_number(name, row.values.get(name)) for name in COLUMNS[3:]]]


def _number(column: str, value: float | None) -> str:
    if value is None or not np.isfinite(value):
        return "-"
    digits = {"lag": 1 if value % 1 else 0, "own": 1, "MB": 0, "psnr": 1, "shut": 3, "open": 3, "silence": 3}.get(
        column, 2
    )
    return f"{value:.{digits}f}"


def _line(cells: list[str] | tuple[str, ...]) -> str:
    widths = (8, 10, 20, *([7] * (len(COLUMNS) - 3)))
    return " ".join(
        f"{cell:<{width}}" if at < 3 else f"{cell:>{width}}"
        for at, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )


if __name__ == "__main__":
    sys.exit(main())
