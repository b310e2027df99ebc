"""How much faster many workers are, and what spreading the work costs.

    python -m benchmarks.scaling [--seconds 60] [--side 480] [--model lipsync-2] [--workers 1,2,4] [--timeline]

The same clip is made by the engine called directly (`engine.lipsync`) in one process on one core, its modules imported
before, and by the studio with so many Celery workers, each of one process on one core, from handing the take over until
its row says that it is finished. Both look, plan, draw, join and prove; the studio also has Redis and rows to ask, and
puts the film into the library. Nothing is kept from the take before. What two cores can be worth on this machine at all
is told by two engines alone that run beside each other. Seconds by the clock want a quiet machine; those of the
processor, of all processes of the workers, tell what spreading the work costs on a busy one, too. With ``--timeline``
every worker's steps are told in order, with the pauses between them.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from datetime import datetime
from pathlib import Path

import psutil

from benchmarks.clips import long_clip
from benchmarks.studio_stack import ROOT, forget_work, made, make_take, studio, workers

DIRECT = """
import os, resource, sys, time
os.sched_setaffinity(0, {int(sys.argv[5])})
from pathlib import Path
from apps.inference import engine
from importlib import import_module
import_module("apps.inference.engine.pipeline")
video, sound, out, model = sys.argv[1:5]
def processor():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
began, before = time.monotonic(), processor()
report = engine.lipsync(Path(video), Path(sound), Path(out), engine.EngineSettings(model=model))
print(time.monotonic() - began, processor() - before, report.timings_s)
"""

# What apps/inference/measuring.py says of a step, with the time before it.
STEP = re.compile(r"^(\S+ \S+) INFO .*measuring: (.*) done after ([\d.]+) s", re.MULTILINE)


def main(arguments: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--side", type=int, default=480, help="pixels of the square picture")
    parser.add_argument("--model", default="lipsync-2")
    parser.add_argument("--workers", default="1,2,4")
    parser.add_argument("--timeline", action="store_true", help="say what each worker did when")
    given = parser.parse_args(arguments)
    counts = [int(count) for count in given.workers.split(",")]
    with studio() as folder, tempfile.TemporaryDirectory(prefix="clip-") as scratch:
        from django.conf import settings

        video, sound = long_clip(Path(scratch), settings.MODELS_DIR, given.seconds, side=given.side)
        print(f"{given.seconds:.0f} s of {given.side}×{given.side} at 25 fps, {given.model}", flush=True)
        cores = sorted(os.sched_getaffinity(0))
        ((direct, work, stages),) = _direct(video, sound, Path(scratch), given.model, cores[:1])
        print(f"engine alone      {direct:6.1f} s   processor {work:5.1f} s   {stages}", flush=True)
        if len(cores) > 1:
            beside = max(seconds for seconds, *_ in _direct(video, sound, Path(scratch), given.model, cores[:2]))
            print(
                f"two side by side  {beside:6.1f} s   × {2 * direct / beside:4.2f} is what two cores can do", flush=True
            )
        alone = None
        for number, count in enumerate(counts, start=1):
            forget_work(folder)
            take = make_take(video, sound, given.model, number)
            with workers(folder, count) as started:
                before, began = _processor_s(started), datetime.now()  # as the logs tell it
                taken = made(take)
                used = _processor_s(started) - before
            alone = alone or taken
            stages = {stage: round(seconds, 1) for stage, seconds in take.report["timings_s"].items()}
            print(
                f"{count} in flight       {taken:6.1f} s   processor {used:5.1f} s   × {alone / taken:4.2f}   "
                f"against the engine alone {taken / direct - 1:+.0%}, processor {used / work - 1:+.0%}   {stages}",
                flush=True,
            )
            for place in range(count if given.timeline else 0):
                print("\n".join([f"  worker {place}", *_timeline(folder / f"worker-{place}.log", began)]), flush=True)
    return 0


def _timeline(log: Path, began: datetime) -> list[str]:
    """The steps in a worker's log: seconds from ``began`` at which each began and ended, and the pause before it."""
    lines, before = [], 0.0
    for at, step, seconds in STEP.findall(log.read_text()):
        ended = (datetime.strptime(at, "%Y-%m-%d %H:%M:%S,%f") - began).total_seconds()
        start = ended - float(seconds)
        lines.append(f"    {start:6.2f} - {ended:6.2f} s   after {start - before:5.2f} s   {step}")
        before = ended
    return lines


def _direct(video: Path, sound: Path, scratch: Path, model: str, cores: list[int]) -> list[tuple[float, float, str]]:
    """Of one process on each of ``cores``, all at once: its seconds, the processor's, and those of its stages."""
    running = [
        subprocess.Popen(
            [sys.executable, "-c", DIRECT, str(video), str(sound), str(scratch / f"{core}.mp4"), model, str(core)],
            cwd=ROOT, stdout=subprocess.PIPE, text=True,
        )
        for core in cores
    ]  # fmt: skip
    found = []
    for process in running:
        told, _ = process.communicate()
        if process.returncode:
            raise RuntimeError("The engine alone did not make the film.")
        seconds, used, stages = told.strip().splitlines()[-1].split(" ", 2)
        found.append((float(seconds), float(used), stages))
    return found


def _processor_s(workers_: list[int]) -> float:
    """Seconds of processor that workers and their children have used so far."""
    used = [one.cpu_times() for worker in workers_ for one in _family(psutil.Process(worker))]
    return float(sum(times.user + times.system for times in used))


def _family(worker: psutil.Process) -> list[psutil.Process]:
    return [worker, *worker.children()]


if __name__ == "__main__":
    sys.exit(main())
