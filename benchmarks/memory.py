"""Largest memory of a worker, and most temporary disk, for films of different length.

    python -m benchmarks.memory [--seconds 10,60,600] [--size 1920x1080] [--side 1080] [--model lipsync-2]

Each film is made by a fresh worker of one process. Memory is the largest resident set of that process over all steps;
disk is the most that plan, pieces, analyses and scratch folders took together.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import threading
from contextlib import suppress
from pathlib import Path

import psutil

from benchmarks.clips import long_clip
from benchmarks.studio_stack import forget_work, made, make_take, studio, workers

LOOK_EVERY_S = 0.1
MB = 1 << 20


class Looker(threading.Thread):
    """Notes the largest memory of a worker's children and the most disk its work takes, until it is stopped."""

    def __init__(self, worker: int, folders: list[Path]) -> None:
        super().__init__(daemon=True)
        self._worker, self._folders = psutil.Process(worker), folders
        self._stopped = threading.Event()
        self.memory = self.disk = 0

    def run(self) -> None:
        while not self._stopped.wait(LOOK_EVERY_S):
            for child in self._worker.children():
                try:
                    self.memory = max(self.memory, child.memory_info().rss)
                except psutil.NoSuchProcess:
                    continue
            self.disk = max(self.disk, sum(_size(folder) for folder in self._folders))

    def stop(self) -> None:
        self._stopped.set()
        self.join()


def main(arguments: list[str] | None = None) -> int:
    """Measure and print; the last column compares with the shortest film."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", default="10,60,600")
    parser.add_argument("--size", default="1920x1080")
    parser.add_argument("--side", type=int, default=1080, help="pixels of the square portrait in the middle")
    parser.add_argument("--model", default="lipsync-2")
    given = parser.parse_args(arguments)
    width, height = (int(side) for side in given.size.split("x"))
    with studio() as folder:
        from django.conf import settings

        first = None
        for number, seconds in enumerate(map(float, given.seconds.split(",")), start=1):
            with tempfile.TemporaryDirectory(prefix="clip-") as scratch:
                clip = long_clip(Path(scratch), settings.MODELS_DIR, seconds, side=given.side, size=(width, height))
                take = make_take(*clip, given.model, number)
            with workers(folder, 1) as (worker,):
                looker = Looker(worker, [folder / "tmp", folder / "media" / "work"])
                looker.start()
                taken = made(take)
                looker.stop()
            first = first or looker.memory
            print(
                f"{seconds:5.0f} s of {given.size}: {looker.memory / MB:6.0f} MB ({looker.memory / first - 1:+.0%}), "
                f"{looker.disk / MB:6.0f} MB of disk, made in {taken:.0f} s",
                flush=True,
            )
            forget_work(folder)
    return 0


def _size(folder: Path) -> int:
    total = 0
    for place, _, names in os.walk(folder):  # passes over folders that are removed meanwhile
        for name in names:
            with suppress(FileNotFoundError):
                total += (Path(place) / name).stat().st_size
    return total


if __name__ == "__main__":
    sys.exit(main())
