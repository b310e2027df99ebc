"""What a neural generator costs, on the processor and on a card, and whether both draw the same.

    python -m benchmarks.generator [--device cuda] [--sides 96,256] [--seconds 4] [--file NET.onnx] [--threads 1]

Without ``--file`` nets with Wav2Lip's interface are made on the spot: about as many layers and channels as the paper
names (Prajwal et al., 2020), with random weights. They draw nonsense, at the price of a real one. Each is asked for one
face at a time, as the backend `onnx` does, on the processor and on the device; then the sample's clip is drawn with it
from plan to closed piece. A process for each, so that one device's memory and threads are not the other's.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apps.inference import engine
from apps.inference.engine.generator.faces import Generated
from apps.inference.engine.generator.net import PROVIDERS, GeneratorNet
from apps.inference.engine.generator.sound import film_sound, mel_of
from apps.inference.engine.model_files import models_folder
from apps.inference.engine.sample.make import SampleFormat, make_sample
from apps.inference.engine.segments import MAIN

from .footage import ROOT
from .generator_net import write_generator

WARM, ASKED = 5, 40  # faces before the clock runs, and while it does
BAR = 2  # levels of 255 by which the device's face may differ from the processor's


@dataclass(frozen=True)
class Asked:
    """``faces`` (n, S, S, 3) for fixed inputs, milliseconds for one (median), and frames a second of a whole piece."""

    faces: NDArray[np.uint8]
    face_ms: float
    frames_per_s: float


def main(arguments: list[str] | None = None) -> int:
    """Measure and print; 1 where a device draws something else than the processor, 2 where it cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.generator")
    parser.add_argument("--device", choices=PROVIDERS, default="cpu")
    parser.add_argument("--sides", default="96,256")
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--file", type=Path)
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="generator-") as folder:
        scratch = Path(folder)
        clip = _prepared(scratch, given.seconds)
        nets = [given.file] if given.file else [write_generator(scratch, int(side)) for side in given.sides.split(",")]
        print(f"{'net':<24} {'MB':>5} {'device':<7} {'ms a face':>9} {'frames/s':>9} {'differs by':>10}")
        worst = 0
        for net in nets:
            plain: Asked | None = None
            for device in dict.fromkeys(["cpu", given.device]):
                try:
                    asked = _apart(_ask, net, device, given.threads, clip)
                except engine.EngineError as error:
                    print(f"{error.message} {error.advice}", file=sys.stderr)
                    return 2
                plain = plain or asked
                off = int(np.abs(asked.faces.astype(int) - plain.faces).max())
                worst = max(worst, off)
                megabytes = net.stat().st_size / 1e6
                print(
                    f"{net.name:<24} {megabytes:>5.0f} {device:<7} {asked.face_ms:>9.2f} "
                    f"{asked.frames_per_s:>9.1f} {off:>10}",
                    flush=True,
                )
    return int(worst > BAR)


@dataclass(frozen=True)
class Clip:
    """The sample, looked at and planned, in files that another process can open."""

    video: Path
    footage: Path
    plan: Path
    mel: Path


def _prepared(scratch: Path, seconds: float) -> Clip:
    models = models_folder(ROOT / "var" / "models")
    sample = make_sample(scratch / "sample", models, SampleFormat(seconds=seconds))
    footage, speech, plan = scratch / "footage", scratch / "speech", scratch / "plan"
    for path in (footage, speech, plan):
        path.mkdir()
    seen = engine.analyse_footage(sample.video, footage, models=models)
    heard = engine.analyse_speech(sample.new_line, speech, models=models)
    settings = engine.EngineSettings(model="lipsync-1.9.0-beta")
    motion = engine.plan_motion(seen, heard, settings, plan)
    np.save(scratch / "mel.npy", mel_of(film_sound(motion.sound, {MAIN: sample.new_line}, motion.duration_s)))
    return Clip(sample.video, footage, plan, scratch / "mel.npy")


def _ask(file: Path, device: str, threads: int, clip: Clip) -> Asked:
    net = GeneratorNet(file, device, threads)
    chance = np.random.default_rng(7)
    mels = chance.uniform(-4, 4, (WARM + ASKED, 80, 16)).astype(np.float32)
    pictures = chance.integers(0, 256, (WARM + ASKED, net.size, net.size, 3), dtype=np.uint8)
    faces, took = [], []
    for mel, picture in zip(mels, pictures, strict=True):
        began = time.perf_counter()
        faces.append(net(mel, picture))
        took.append(time.perf_counter() - began)
    motion = engine.MotionPlan.load(clip.plan)
    paint = Generated(net, np.load(clip.mel, mmap_mode="r")).painter()
    began = time.perf_counter()
    engine.render_piece(
        clip.video,
        engine.FootageAnalysis.load(clip.footage),
        motion,
        0,
        len(motion),
        file.with_suffix(f".{device}.mp4"),
        paint=paint,
        models=models_folder(ROOT / "var" / "models"),
    )
    rate = len(motion) / (time.perf_counter() - began)
    return Asked(np.stack(faces), float(np.median(took[WARM:])) * 1000, rate)


def _apart(function: Any, *given: Any) -> Asked:
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        asked = pool.submit(function, *given).result()
    assert isinstance(asked, Asked)
    return asked


if __name__ == "__main__":
    sys.exit(main())
