"""Largest memory of each step by itself, for films of different length, in minutes instead of an hour.

    python -m benchmarks.memory_steps [--seconds 10,60,600] [--size 1920x1080] [--model lipsync-2] [--only plan,all]

A clip of 10 s is looked at once, and what was seen is repeated up to each length, as if the speaker said it over and
over. Each step then runs in a process of its own: listening to so much sound, joining so many stretches, planning so
many frames, drawing two seconds of that plan, joining so many pieces; then all of them one after another in a single
process, as in a worker that is alone. ``benchmarks.memory`` makes the whole films.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from importlib import import_module
from pathlib import Path

import numpy as np

from benchmarks.clips import long_clip, repeated_sound
from benchmarks.studio_stack import ROOT

STEPS = ("speech", "join", "plan", "render", "assemble")
ALL = "all"
UNIT_S, FPS = 10, 25
UNIT = UNIT_S * FPS
DRAWN = 50  # frames of the piece that is drawn, and joined to itself
MODELS = ROOT / "var" / "models"


def main(arguments: list[str] | None = None) -> int:
    """Measure and print a line for each step."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", default="10,60,600", help=f"multiples of {UNIT_S}")
    parser.add_argument("--size", default="1920x1080")
    parser.add_argument("--model", default="lipsync-2")
    parser.add_argument(
        "--only", default=",".join((*STEPS, ALL)), help="steps that are measured; each needs those before"
    )
    parser.add_argument("--step", choices=(*STEPS, ALL), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.step:
        print(json.dumps(_peak_of(given.step, given.folder, int(given.seconds), given.model)))
        return 0
    lengths = [int(seconds) for seconds in given.seconds.split(",")]
    width, height = (int(side) for side in given.size.split("x"))
    with tempfile.TemporaryDirectory(prefix="memory-") as scratch:
        folder = Path(scratch)
        _look(folder, (width, height))
        print(f"MB, {given.size}, {given.model}: " + ", ".join(f"{seconds} s" for seconds in lengths), flush=True)
        for step in given.only.split(","):
            peaks = [_in_own_process(step, folder, seconds, given.model) for seconds in lengths]
            growth = f"{peaks[-1] / peaks[0] - 1:+.0%}"
            print(f"{step:9s}" + "".join(f"{peak:8.0f}" for peak in peaks) + f"   {growth}", flush=True)
    return 0


def _in_own_process(step: str, folder: Path, seconds: int, model: str) -> float:
    command = [sys.executable, "-m", "benchmarks.memory_steps", "--step", step, "--folder", str(folder)]
    command += ["--seconds", str(seconds), "--model", model]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return float(json.loads(done.stdout.strip().splitlines()[-1]))


def _look(folder: Path, size: tuple[int, int]) -> None:
    """The clip, its sound, and what a stretch of it shows."""
    from apps.inference.engine.crops import CropWriter
    from apps.inference.engine.face.people import PeopleTracker
    from apps.inference.engine.media.stretches import shown_frames
    from apps.inference.engine.reading import CROPS, read

    video, _ = long_clip(folder / "clip", MODELS, UNIT_S, side=size[1], size=size)
    times, _ = shown_frames(video)
    (folder / "stretch").mkdir()
    with CropWriter(folder / "stretch" / CROPS) as crops:
        tracker = PeopleTracker(MODELS)
        whole = (0, len(times))
        seen = read(video, tracker, crops, len(times), stretch=whole, times=times, on_frame=lambda index: None)
    seen.save(folder / "stretch")


def _peak_of(step: str, folder: Path, seconds: int, model: str) -> float:
    """Run one step in this process and return the most memory it ever held, in megabytes.

    What a step needs of earlier ones was left in the folder by them; only what is joined is made here, before.
    """
    import_module("apps.inference.engine.pipeline")
    at = folder / (f"{ALL}-{seconds}" if step == ALL else str(seconds))
    at.mkdir(exist_ok=True)
    if step in ("join", ALL):
        _stretches(folder, at, seconds)
        Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
    for one in STEPS if step == ALL else (step,):
        globals()[f"_{one}"](folder, at, seconds, model)
    told = Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]
    return int(told) / 1024


def _speech(folder: Path, at: Path, seconds: int, model: str) -> None:
    from apps.inference import engine

    sound = repeated_sound(next((folder / "clip").glob("*_long.wav")), at / "sound.wav", seconds)
    engine.analyse_speech(sound, at / "speech", MODELS)


def _stretches(folder: Path, at: Path, seconds: int) -> None:
    facts = json.loads((folder / "stretch" / "seen.json").read_text())
    with np.load(folder / "stretch" / "seen.npz") as kept:
        arrays = dict(kept)
    frames = [name for name in arrays if name.endswith(".frames")]
    for number in range(seconds // UNIT_S):
        into = at / "stretches" / f"{number:04d}"
        into.mkdir(parents=True)
        (into / "seen.json").write_text(json.dumps(facts | {"first": number * UNIT}))
        (into / "crops.bin").symlink_to(folder / "stretch" / "crops.bin")
        moved = {name: arrays[name] + number * UNIT for name in frames}
        cuts = arrays["cuts"].copy()
        cuts[0] = number == 0
        np.savez(into / "seen.npz", **(arrays | moved | {"times": arrays["times"] + number * UNIT_S, "cuts": cuts}))


def _join(folder: Path, at: Path, seconds: int, model: str) -> None:
    from apps.inference.engine.analysis import concluded, probe_footage
    from apps.inference.engine.reading import join

    (at / "footage").mkdir()
    seen = join(sorted((at / "stretches").iterdir()), at / "footage")
    concluded(seen, probe_footage(folder / "clip" / "video.mp4"), at / "footage")


def _plan(folder: Path, at: Path, seconds: int, model: str) -> None:
    from apps.inference import engine

    footage, speech = engine.FootageAnalysis.load(at / "footage"), engine.SpeechAnalysis.load(at / "speech")
    engine.plan_motion(footage, speech, engine.EngineSettings(model=model), at / "plan")


def _render(folder: Path, at: Path, seconds: int, model: str) -> None:
    from apps.inference import engine

    plan, footage = engine.MotionPlan.load(at / "plan"), engine.FootageAnalysis.load(at / "footage")
    piece = at / "piece.mp4"
    engine.render_piece(folder / "clip" / "video.mp4", footage, plan, 0, DRAWN, piece, models=MODELS)
    np.save(at / "seen.npy", engine.seen_opening(piece, plan, 0, DRAWN, models=MODELS))


def _assemble(folder: Path, at: Path, seconds: int, model: str) -> None:
    from apps.inference import engine

    plan = engine.MotionPlan.load(at / "plan")
    pieces = [engine.PieceReport(at / "piece.mp4", first, first + DRAWN, DRAWN) for first in range(0, len(plan), DRAWN)]
    engine.assemble(pieces, at / "sound.wav", plan, at / "film.mp4")
    seen = np.load(at / "seen.npy")
    engine.measure(at / "film.mp4", plan, seen=np.tile(seen, len(plan) // DRAWN))


if __name__ == "__main__":
    sys.exit(main())
