"""Where the agreement with the driver's real mouth is lost between hearing and asking, step by step.

    python -m benchmarks.asked_for [FOLDER] [--seconds 10] [--pairs all]

Nothing is drawn: for each clip and the sound of another one, the correlation of the opening with what the *driver's
real mouth* did, and the lag at which it is highest (less the driver's own), of what is heard, of that in the speaker's
own voice, and of the mouth asked for; of the latter also with one step left out. A minute of one core for four clips.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from apps.inference.engine.analysis import FootageAnalysis, analyse_footage
from apps.inference.engine.choice import choose
from apps.inference.engine.model_files import models_folder
from apps.inference.engine.motion.trajectory import MouthRange, mouth_trajectory
from apps.inference.engine.speaker import mouth_range, study_speaker
from apps.inference.engine.speech.analysis import SpeechAnalysis, analyse_speech
from apps.inference.engine.speech.voice import SpeakerVoice, learn_voice

from .footage import ROOT, Clip, Driver, clips_folder, talking_clips

FPS = 25.0
LAGS_S = np.arange(-0.2, 0.201, 0.01)
Speech = SpeechAnalysis
# What is asked for: (sound in this voice, range of the mouth) to what goes into the trajectory.
STEPS: dict[str, Callable[[Speech, MouthRange], tuple[Speech, MouthRange]]] = {
    "asked": lambda speech, shape: (speech, shape),
    "any pace": lambda speech, shape: (speech, replace(shape, quickest=None)),
    "no closures": lambda speech, shape: (replace(speech, closed=0 * speech.closed), shape),
    "no rest": lambda speech, shape: (replace(speech, activity=np.ones_like(speech.activity)), shape),
}


class Target:
    """A clip to be driven: how its mouth moves and what its own sound taught."""

    def __init__(self, clip: Clip, scratch: Path, models: Path) -> None:
        film = analyse_footage(clip.video, scratch / f"{clip.name}-seen", models=models)
        footage = film.of(choose(film, None)[0].person)
        speaker = study_speaker(footage)
        self.shape = mouth_range(speaker, footage.fps)
        self.voice = _voice(footage, speaker.track.usable, speaker.track.params)


def _voice(footage: FootageAnalysis, usable: np.ndarray, params: np.ndarray) -> SpeakerVoice | None:
    own = footage.own_sound
    return None if own is None else learn_voice(own, footage.times[usable], params[usable])


def agreement(driver: Driver, times: np.ndarray, opening: np.ndarray) -> tuple[float, float]:
    """Correlation with the driver's mouth at the best lag within 200 ms, and that lag in ms, less the driver's own."""
    scores = [np.corrcoef(np.interp(times - lag, driver.times, driver.opening), opening)[0, 1] for lag in LAGS_S]
    best = int(np.argmax(scores))
    return float(scores[best]), 1000 * float(LAGS_S[best]) - driver.sound_late_ms


def steps(target: Target, driver: Driver, speech: Speech) -> dict[str, tuple[float, float]]:
    """Agreement and lag of each step."""
    times = np.arange(0, min(driver.times[-1], speech.duration_s), 1 / FPS)
    spoken = speech if target.voice is None else target.voice.adapt(speech)
    found = {
        "heard": agreement(driver, times, speech.mouth_at(times)[:, 0]),
        "own voice": agreement(driver, times, spoken.mouth_at(times)[:, 0]),
    }
    for name, change in STEPS.items():
        sound, shape = change(spoken, target.shape)
        found[name] = agreement(driver, times, mouth_trajectory(sound, times, shape, FPS)[:, 0])
    return found


def main(arguments: list[str] | None = None) -> int:
    """Measure and print; 2 where there is nothing to measure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.asked_for")
    parser.add_argument("folder", nargs="?", help="clips of people who talk, each with its own sound")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each clip (default 10)")
    parser.add_argument("--pairs", choices=("next", "all"), default="next", help="which sounds drive a clip")
    given = parser.parse_args(arguments)
    models = models_folder(ROOT / "var" / "models")
    names = ("heard", "own voice", *STEPS)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        scratch = Path(folder)
        clips, drivers = talking_clips(clips_folder(given.folder), scratch, models, given.seconds)
        if len(clips) < 2:
            print("Two clips with a face and a sound are needed.", file=sys.stderr)
            return 2
        heard = [analyse_speech(driver.sound, None, models) for driver in drivers]
        print(f"{'clip':<8} {'sound':<8}" + "".join(f"{name:>16}" for name in names))
        rows = []
        for at, clip in enumerate(clips):
            target = Target(clip, scratch, models)
            for step in range(1, len(clips) if given.pairs == "all" else 2):
                other = (at + step) % len(clips)
                row = steps(target, drivers[other], heard[other])
                rows.append([row[name][0] for name in names])
                cells = "".join(f"{row[name][0]:>9.3f} {row[name][1]:>+3.0f} ms" for name in names)
                print(f"{clip.name:<8} {drivers[other].name:<8}{cells}", flush=True)
        print(f"{'mean':<17}" + "".join(f"{mean:>9.3f}       " for mean in np.mean(rows, axis=0)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
