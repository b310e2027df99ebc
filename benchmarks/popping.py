"""Where the inside of a mouth pops: teeth or tongue come and go in a frame while the lips hardly move.

    python -m benchmarks.popping ORIGINAL FILM [FILM …] [--worst 8]

Every mouth is laid onto one open mouth by its landmarks, so that its movement is taken out; what is left is what the
inside looks like. **pop** is how much that changed since the frame before, over what the original's changes when the
lips move so far; **flash** is how much of it comes for one frame and goes again. 1 is what the original itself passes
in one frame of fifty. Cuts count as pops.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from apps.inference.engine.crops import Crop, cut_out, even_box
from apps.inference.engine.face.landmarks import LIPS, WARP_POINTS
from apps.inference.engine.media.video_reader import VideoReader
from apps.inference.engine.model_files import models_folder
from apps.inference.engine.render.mesh import POINT_COUNT, FaceMesh2D
from apps.inference.engine.render.texture import MouthTextures

from .footage import ROOT, Seen, look

MARGIN_PX = 6
USUAL = 98  # percentile of the original's own changes that counts as 1
LEAST_CHANGE = 0.3  # of the median change: a mouth that rests changes by that much in the encoder alone


@dataclass
class Steps:
    """Of each frame (F,), 0 where a neighbour is not seen: ``change`` of the mouth's inside since the frame before
    (RMS, levels of luma), how far the opening ``moved`` (eye distances), what came for one frame only (``flash``).
    """

    change: np.ndarray
    moved: np.ndarray
    flash: np.ndarray


@dataclass
class Usual:
    """How an original changes: ``still`` + ``slope`` · moved, ``most`` times that in one frame of fifty; ``flash``."""

    still: float
    slope: float
    most: float
    flash: float

    @classmethod
    def of(cls, original: Steps) -> Usual:
        """From the original's own steps."""
        known = original.change > 0
        change, moved = original.change[known], original.moved[known]
        slope, start = np.polyfit(moved, change, 1)
        slope = max(0.0, float(slope))
        still = max(LEAST_CHANGE * float(np.median(change)), float(start) if slope else float(change.mean()))
        most = float(np.percentile(change / (still + slope * moved), USUAL))
        return cls(still, slope, most, max(1e-6, float(np.percentile(original.flash[known], USUAL))))

    def pops(self, film: Steps) -> np.ndarray:
        """(F,): the change of each frame over what its movement explains."""
        return film.change / (self.still + self.slope * film.moved) / self.most

    def flashes(self, film: Steps) -> np.ndarray:
        """(F,): what comes for one frame, over the original's."""
        return film.flash / self.flash


def steps_of(video: Path, seen: Seen, template: np.ndarray) -> Steps:
    """Look at every mouth of ``video``; ``template`` (N, 3) is the face's shape, the original's also for its films."""
    mesh = FaceMesh2D.build(template)
    mesh = replace(mesh, triangles=mesh.triangles[(mesh.triangles < POINT_COUNT).all(1)])  # without the ring
    ring = np.zeros((len(seen.times), len(mesh.ring), 2))
    points = np.concatenate([seen.landmarks[:, WARP_POINTS, :2], ring], axis=1)
    known = np.flatnonzero(np.isfinite(seen.opening))
    textures = MouthTextures(_lips(video, seen), points, mesh, known)  # type: ignore[arg-type]  # only read by frame
    count, apart = len(seen.times), textures.among(known)
    near, far = (_between(apart, known, count, step) for step in (1, 2))
    back = np.zeros(count)
    both = (near[1:-1] > 0) & (near[2:] > 0)
    back[1:-1] = np.where(both, np.maximum(0, near[1:-1] + near[2:] - far[2:]) / 2, 0)
    moved = np.nan_to_num(np.abs(np.diff(seen.opening, prepend=seen.opening[:1])))
    return Steps(near, moved, back)


def _between(apart: np.ndarray, known: np.ndarray, count: int, step: int) -> np.ndarray:
    """(count,): how much each frame differs from the one ``step`` before it; 0 where one of them is not ``known``."""
    row_of = np.full(count, -1)
    row_of[known] = np.arange(len(known))
    frames = np.arange(step, count)
    both = (row_of[frames] >= 0) & (row_of[frames - step] >= 0)
    found = np.zeros(count)
    found[frames[both]] = apart[row_of[frames[both]], row_of[frames[both] - step]]
    return found


def _lips(video: Path, seen: Seen) -> dict[int, Crop]:
    """The lips of every frame in which a face is seen."""
    lips = {}
    with VideoReader(video) as reader:
        for frame in reader:
            if frame.index < len(seen.times) and np.isfinite(seen.opening[frame.index]):
                around = even_box(seen.landmarks[frame.index, LIPS, :2], frame.size, MARGIN_PX)
                lips[frame.index] = cut_out(frame.planes, around)
    return lips


def _line(name: str, pops: np.ndarray, flashes: np.ndarray, worst: int) -> str:
    def told(ratios: np.ndarray) -> str:
        order = np.argsort(-ratios)[:worst]
        return f"{int((ratios > 1).sum()):3d} above 1, worst " + " ".join(f"{at}:{ratios[at]:.2f}" for at in order)

    return f"{name:<36} pops {told(pops)} | flashes {told(flashes)}"


def main(arguments: list[str] | None = None) -> int:
    """Measure and print; frames count from 0."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.popping", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("original", type=Path)
    parser.add_argument("films", type=Path, nargs="+")
    parser.add_argument("--worst", type=int, default=8, help="frames named of each film")
    given = parser.parse_args(arguments)
    models = models_folder(ROOT / "var" / "models")
    seen = look(given.original, models)
    if seen is None:
        print(f"No face is seen in {given.original}.")
        return 2
    template = seen.track.faces.template
    own = steps_of(given.original, seen, template)
    usual = Usual.of(own)
    print(_line(f"{given.original.name} (original)", usual.pops(own), usual.flashes(own), given.worst), flush=True)
    for film in given.films:
        shown = look(film, models)
        if shown is None:
            print(f"{film.name}: no face is seen")
            continue
        steps = steps_of(film, shown, template)
        print(_line(film.name, usual.pops(steps), usual.flashes(steps), given.worst), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
