"""How fast mouths change from frame to frame, in films against their original, and where a loop or bounce turns.

    python -m benchmarks.mouth_changes ORIGINAL FILM [FILM …] [--turns SECONDS]

Every mouth is laid upright into a small patch by its landmarks, as tracked in the encoded film, so that the head's
movement is taken out; the change is that of luma inside the lips (``artefacts.change``). ``--turns`` is the original's
length: the worst change around each multiple of it is told beside that of all other frames.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

from apps.inference.engine.artefacts import UNUSUAL, USUAL_PERCENTILE, Areas, change, patch
from apps.inference.engine.face.landmarks import WARP_POINTS
from apps.inference.engine.media.video_reader import VideoReader
from apps.inference.engine.model_files import models_folder

from .footage import ROOT, Seen, look

BEFORE, AFTER = 2, 6  # frames around a turn: a loop passes over in five


def changes_of(video: Path, seen: Seen) -> np.ndarray:
    """(F,) change of luma inside the lips since the frame before; NaN where either mouth is not seen."""
    found = np.full(len(seen.times), np.nan)
    before, before_at = None, -2
    with VideoReader(video) as reader:
        for frame in reader:
            at = frame.index
            if at >= len(found) or not np.isfinite(seen.opening[at]):
                continue
            points, eyes = seen.landmarks[at, WARP_POINTS, :2], float(seen.track.faces.scale[at])
            here = patch(frame.planes[0], points, eyes)
            if before is not None and before_at == at - 1:
                found[at] = change(here, before, Areas.of(points, eyes).mouth)
            before, before_at = here, at
    return found


def around_turns(times: np.ndarray, every_s: float) -> np.ndarray:
    """(F,) bool: frames near a multiple of ``every_s``."""
    near = np.zeros(len(times), bool)
    for turn in np.arange(every_s, times[-1], every_s):
        at = int(np.searchsorted(times, turn - 1e-3))
        near[max(0, at - BEFORE) : at + AFTER] = True
    return near


def main(arguments: list[str] | None = None) -> int:
    """Measure and print; frames count from 0."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.mouth_changes", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("original", type=Path)
    parser.add_argument("films", type=Path, nargs="+")
    parser.add_argument("--turns", type=float, help="length of the original in seconds")
    given = parser.parse_args(arguments)
    models, usual = models_folder(ROOT / "var" / "models"), np.nan
    print(f"{'film':<36} median   95 %   99 %  worst (frame)  above {UNUSUAL:g} of the original's 99 %")
    for film in (given.original, *given.films):
        seen = look(film, models)
        if seen is None:
            print(f"No face is seen in {film}.", file=sys.stderr)
            return 2
        found = changes_of(film, seen)
        middle, high, top = np.nanpercentile(found, [50, 95, USUAL_PERCENTILE])
        usual = top if film == given.original else usual
        many = int(np.sum(found > UNUSUAL * usual))
        worst = int(np.nanargmax(found))
        print(
            f"{film.name[:36]:<36} {middle:6.1f} {high:6.1f} {top:6.1f} {found[worst]:6.1f} ({worst})  {many}",
            flush=True,
        )
        if given.turns and film != given.original:
            near = around_turns(seen.times, given.turns)
            print(f"    at turns at most {np.nanmax(found[near]):.1f}, elsewhere 99 % below "
                  f"{np.nanpercentile(found[~near], USUAL_PERCENTILE):.1f}")  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
