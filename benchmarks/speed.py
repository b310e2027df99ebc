"""What a film costs: time, processor time and memory of each model at 720, 1080 and 2160 lines.

    python -m benchmarks.speed [CLIP …] [--seconds 6] [--lines 720,1080,2160] [--models …] [--cores 2] [--rounds 3]
                               [--taken 3]

CLIP is footage of somebody who talks, with sound (default: the first two clips of 1080 lines or more in
STUDIO_MEDIA_SAMPLES, else ../shared/media). It is driven by its own sound, which costs what any other costs. Lines are
the shorter side; other sizes than the clip's own are scaled first. At 2160 lines only sync-3 runs, on the first clip
and for half the time. The analysis is measured by itself, without a film; what reading takes within one, beside hearing
the new sound and keeping pictures, stands among the stages. Wants a quiet machine: on a busy one read the columns of
processor time alone. With several rounds everything runs in turn so often and the fastest of each counts, for what else
a machine does can only delay it.
On a virtual machine whose host takes unused memory back, ``--taken 3`` has 3 GB of it taken before each run.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np

from apps.inference.engine.media.colour import ColourTags
from apps.inference.engine.media.mux import join
from apps.inference.engine.media.probe import probe_media
from apps.inference.engine.media.soundtrack import Soundtrack
from apps.inference.engine.media.video_reader import VideoReader
from apps.inference.engine.media.video_writer import PieceWriter
from apps.inference.engine.model_files import models_folder
from apps.inference.engine.progress import STAGES
from apps.inference.engine.settings import MODELS

from .footage import ROOT, VIDEO_SUFFIXES, clips_folder, cut, has_speech, write_sound
from .running import Part, Run, analysis_alone, plain_copy, run_engine, take_memory, usual_copy

# Largest real-time factor on two cores, for each model, by lines; and largest share of a plain copy.
BARS = {720: (0.35, 0.5, 0.6, 0.6), 1080: (0.6, 0.8, 0.9, 0.9), 2160: (2.0, 2.0, 2.0, 2.0)}
TIMES_PLAIN = 2.2
ANALYSIS = 0.15
LARGEST = 2160


def main(arguments: list[str] | None = None) -> int:
    """Measure and print; 2 where there is nothing to measure."""
    given = _parser().parse_args(arguments)
    os.environ.setdefault("STUDIO_MODELS", str(models_folder(ROOT / "var" / "models")))
    if given.cores:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: given.cores])
    sources = [Path(name) for name in given.clips] or default_clips(clips_folder(None))
    if not sources:
        print("No clip of 1080 lines with speech was found; name one.", file=sys.stderr)
        return 2
    names = given.models.split(",") if given.models else list(MODELS)
    print(f"{len(os.sched_getaffinity(0))} cores; 1, 5 and 15 minutes' load: {os.getloadavg()}")
    print(_row("clip", "lines", "model", "rtf", "bar", "x plain", "x usual", "cpu ms", "x cpu", "MB", *STAGES))
    with tempfile.TemporaryDirectory(prefix="speed-") as folder:
        for lines in map(int, given.lines.split(",")):
            for source in sources[:1] if lines == LARGEST else sources:
                _measure(source, lines, given.seconds, names, given.rounds, given.taken, Path(folder))
    print(f"Bars: rtf as listed, x plain {TIMES_PLAIN}. Stages in ms a frame by the clock.")
    return 0


def default_clips(folder: Path) -> list[Path]:
    """The first two clips of 1080 lines or more in which somebody speaks."""
    found = []
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        if path.suffix.lower() in VIDEO_SUFFIXES and has_speech(path):
            info = probe_media(path)
            if min(info.width, info.height) >= 1080:
                found.append(path)
    return found[:2]


def _measure(
    source: Path, lines: int, seconds: float, names: list[str], rounds: int, taken: float, folder: Path
) -> None:
    """Rows of one clip at one size, each the fastest of ``rounds``; ``taken`` GB are taken before each run."""
    large = lines == LARGEST
    clip = sized(source, folder / "clip.mp4", lines, seconds / 2 if large else seconds)
    sound = write_sound(clip, folder / "sound.wav", seconds)
    models = [model for model in names if not large or model == "sync-3"]
    parts: dict[str, list[Part]] = {"plain copy": [], "usual copy": [], "analysis alone": []}
    runs: dict[str, list[Run]] = {model: [] for model in models}
    for _ in range(rounds):
        take_memory(taken)
        parts["plain copy"].append(plain_copy(clip, folder / "plain.mp4", seconds))
        take_memory(taken)
        parts["usual copy"].append(usual_copy(clip, folder / "usual.mp4", seconds))
        take_memory(taken)
        with tempfile.TemporaryDirectory(dir=folder) as work:
            parts["analysis alone"].append(analysis_alone(clip, Path(work)))
        for model in models:
            take_memory(taken)
            with tempfile.TemporaryDirectory(dir=folder) as work:
                runs[model].append(run_engine(clip, sound, folder / "film.mp4", Path(work), model))
    best = {title: min(tries, key=lambda one: one.seconds) for title, tries in parts.items()}
    plain, usual = best["plain copy"], best["usual copy"]
    name = source.stem.split("_")[0]
    for title, one in best.items():
        bar = ANALYSIS if title == "analysis alone" else ""
        print(_row(name, lines, title, _ratio(one, clip), bar, "", "", _each(one.cpu_seconds, one.frames)))
    for model, tries in runs.items():
        fastest = min(tries, key=lambda one: one.seconds)
        print(_row(name, lines, model, *_cells(fastest, plain, usual, lines, model)), flush=True)


def sized(source: Path, out: Path, lines: int, seconds: float) -> Path:
    """The first ``seconds`` of ``source`` with a shorter side of ``lines``; its own packets where it has that size."""
    info = probe_media(source)
    if min(info.width, info.height) == lines:
        return cut(source, out, seconds)
    scale = lines / min(info.width, info.height)
    width, height = (round(side * scale / 2) * 2 for side in (info.width, info.height))
    picture, count = out.with_name("picture.mp4"), 0
    with PieceWriter(picture, (width, height), info.fps, _colour(source)) as writer:
        for frame in _frames(source, seconds):
            writer.write(frame.reformat(width, height, "yuv420p", interpolation="BICUBIC").to_ndarray())
            count += 1
    times = np.arange(count) / float(info.fps)
    join([picture], times, info.fps, out, sound=Soundtrack.whole(source), duration_s=count / float(info.fps))
    return out


def _frames(source: Path, seconds: float) -> Iterator[av.VideoFrame]:
    with av.open(str(source)) as container:
        for frame in container.decode(video=0):
            if frame.time is not None and frame.time >= seconds:
                return
            yield frame


def _colour(source: Path) -> ColourTags:
    with VideoReader(source) as reader:
        return reader.colour


def _ratio(plain: Part, clip: Path) -> str:
    return f"{plain.seconds * float(probe_media(clip).fps) / plain.frames:.2f}"


def _cells(run: Run, plain: Part, usual: Part, lines: int, model: str) -> list[str]:
    """Columns from rtf on."""
    report = run.report
    frames, duration = report["frames"], report["duration_s"]
    bar = dict(zip(MODELS, BARS[lines], strict=True))[model] if lines in BARS else ""
    clock, usually = (run.seconds / frames / (copy.seconds / copy.frames) for copy in (plain, usual))
    work = run.cpu_seconds / frames / (plain.cpu_seconds / plain.frames)
    return [
        f"{run.seconds / duration:.2f}", str(bar), f"{clock:.2f}", f"{usually:.2f}",
        _each(run.cpu_seconds, frames), f"{work:.2f}", f"{run.peak_mb:.0f}",
        *(_each(report["timings_s"].get(stage, 0.0), frames) for stage in STAGES),
    ]  # fmt: skip


def _each(seconds: float, frames: int) -> str:
    """Milliseconds a frame."""
    return f"{1000 * seconds / frames:.1f}"


def _row(*cells: object) -> str:
    widths = (6, 6, 19, *[9] * (len(cells) - 3))
    return "".join(str(cell).ljust(width) for cell, width in zip(cells, widths, strict=True))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("clips", nargs="*", help="footage of people who talk, with sound")
    parser.add_argument("--seconds", type=float, default=6.0, help="of each clip (default 6)")
    parser.add_argument("--lines", default="720,1080,2160", help="shorter sides, comma-separated")
    parser.add_argument("--models", help="comma-separated (default: all four)")
    parser.add_argument("--cores", type=int, help="use only so many cores")
    parser.add_argument("--rounds", type=int, default=1, help="run everything so often, in turn; the fastest counts")
    parser.add_argument("--taken", type=float, default=0.0, help="GB of memory that are taken before each run")
    return parser


if __name__ == "__main__":
    sys.exit(main())
