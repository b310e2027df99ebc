"""How wide the mouth of the project's own sample opens against the truth, frame by frame.

    python -m benchmarks.sample_opening [--model sync-3]

The sample's mouth is drawn from known movements, so two things can be told apart: how far the drawn mouth is from what
was planned (the picture's error), and how far the plan is from what this line's mouth does (the hearing's). The net
reads the painted mouth in a bent scale (closed is .06, everything from .03 to .08 nearly one), so its readings are
straightened first by the sample's own clip, whose movements are known as well. All in eye distances; ends with 1 where
an error passes its bar.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np

from apps.inference.engine import EngineSettings, lipsync
from apps.inference.engine.model_files import models_folder
from apps.inference.engine.plan import MotionPlan
from apps.inference.engine.sample import make_sample
from apps.inference.engine.settings import MODELS

from .footage import ROOT, look, own_sample

MEAN_BAR = 0.03  # of the eye distance: drawn against truth, on average over every frame
FRAME_BAR = 0.13  # the same, at the worst frame
DRAWN_BAR = 0.06  # drawn against planned, at the worst frame


def main(arguments: list[str] | None = None) -> int:
    """Measure and print; 1 where an error passes its bar."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sample_opening")
    parser.add_argument("--model", choices=MODELS, default="sync-3")
    given = parser.parse_args(arguments)
    models = models_folder(ROOT / "var" / "models")
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        scratch = Path(folder)
        clip, line = own_sample(scratch, models)
        motion = make_sample(scratch / "sample", models).motion
        own = clip.seen.opening
        known = np.isfinite(own)
        truth_of_own = np.interp(clip.seen.times, motion.times_s, motion.aperture)
        readings, openings = straightened(own[known], truth_of_own[known])
        film = scratch / "film.mp4"
        settings = EngineSettings(model=given.model)
        lipsync(clip.video, line.sound, film, settings, workdir=scratch / "work", models=models)
        plan = MotionPlan.load(scratch / "work")
        seen = look(film, models)
        assert seen is not None
        drawn = np.interp(seen.opening, readings, openings)
        planned = np.interp(plan.params[: len(drawn), 0], readings, openings)
        truth = np.interp(plan.times[: len(drawn)], line.times, line.opening)
        print(f"reading of the own clip  {_errors(np.interp(own[known], readings, openings), truth_of_own[known])}")
        print(f"drawn against planned    {_errors(drawn, planned)}")
        print(f"the same, as read        {_errors(seen.opening, plan.params[: len(drawn), 0])}")
        print(f"planned against truth    {_errors(planned, truth)}")
        print(f"drawn against truth      {_errors(drawn, truth)}")
        print(f"held still               {_errors(np.full(len(truth), truth.mean()), truth)}")
        print(f"mean opening: drawn {drawn.mean():.3f}, planned {planned.mean():.3f}, truth {truth.mean():.3f}")
        print(f"bars: drawn against truth mean {MEAN_BAR}, most {FRAME_BAR}; drawn against planned most {DRAWN_BAR}")
    return 0 if holds(drawn, planned, truth) else 1


def holds(drawn: np.ndarray, planned: np.ndarray, truth: np.ndarray) -> bool:
    """Whether every bar is kept; a frame without a reading keeps none."""
    error, picture = np.abs(drawn - truth), np.abs(drawn - planned)
    return bool(error.mean() <= MEAN_BAR and error.max() <= FRAME_BAR and picture.max() <= DRAWN_BAR)


def straightened(readings: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The rising curve (readings, openings) nearest to the truth: pool adjacent violators."""
    order = np.argsort(readings)
    pools: list[list[float]] = []
    for value in truth[order]:
        pools.append([float(value), 1.0])
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            last, before = pools.pop(), pools.pop()
            count = last[1] + before[1]
            pools.append([(last[0] * last[1] + before[0] * before[1]) / count, count])
    return readings[order], np.repeat([pool[0] for pool in pools], [int(pool[1]) for pool in pools])


def _errors(values: np.ndarray, truth: np.ndarray) -> str:
    error = np.abs(values - truth)
    error = error[np.isfinite(error)]
    return (
        f"mean {error.mean():.4f}  95 % {np.percentile(error, 95):.4f}  most {error.max():.4f}  ({len(error)} frames)"
    )


if __name__ == "__main__":
    sys.exit(main())
