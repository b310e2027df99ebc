"""Command line: fit a readout on a folder of clips and print how well it does on unseen speakers.

    python -m apps.inference.engine.speech.training FOLDER -o weights.npz

Clips must show one speaker each, with that speaker's own sound. Files named `anna_….mp4` count as one speaker.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from ...errors import EngineError
from ...face.mouth_params import PARAMETERS
from ...model_files import models_folder
from ..analysis import SpeechReader
from ..encoder import SpeechEncoder
from ..offset import estimate_offset
from ..spectral import spectral_states
from .fitting import Fitter, States, hear, leave_one_speaker_out
from .footage import TrainingClip, read_clips
from .surroundings import hear_surroundings

# Steps of 20 ms; chosen on unseen clips (docs/engine.md).
ENCODER_TAPS = (-6, -4, -2, 0, 2, 4, 6)
ENCODER_PENALTY = 2.0
SPECTRAL_TAPS = (-8, -6, -4, -2, 0, 2, 4, 6, 8)
SPECTRAL_PENALTY = 0.5
ACTIVITY_PENALTY = 0.1
# Five seconds hold each sound of a language once at best. What was learnt from 30 s in three clips agreed with the one
# left out at .44 on average, from 42 s in six at .76 (docs/engine.md).
LEAST_SPEECH_S, ENOUGH_SPEECH_S = 5.0, 60.0


def main(arguments: list[str]) -> int:
    """Run the command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m apps.inference.engine.speech.training", description=__doc__)
    parser.add_argument("folder", type=Path, help="clips to learn from")
    parser.add_argument("-o", "--output", type=Path, required=True, help="where the weights go (.npz)")
    parser.add_argument("--models", type=Path, help="folder of the engine's model files")
    parser.add_argument("--speakers", type=Path, help="table: clip name, tab, speaker")
    parser.add_argument(
        "--sound-late", type=float, metavar="MS", help="sound after picture by so much; else found for each clip"
    )
    parser.add_argument("--without-encoder", action="store_true", help="fit the fallback on plain spectra")
    parser.add_argument("--activity", action="store_true", help="fit the speech detector instead of the mouth")
    parser.add_argument("--quick", action="store_true", help="leave out the leave-one-speaker-out figures")
    options = parser.parse_args(arguments)
    try:
        _train(options)
    except EngineError as error:
        print(f"{error.message} {error.advice}", file=sys.stderr)
        return 1
    return 0


def _train(options: argparse.Namespace) -> None:
    models = models_folder(options.models)
    states_of: States = spectral_states if options.without_encoder else SpeechEncoder(models).states
    clips = read_clips(options.folder, models, options.speakers, print)
    _require_speech(clips, SpeechReader(models))
    if options.activity:
        heard = hear_surroundings(clips, states_of)
        fitter = Fitter.for_states(heard, (0,), ACTIVITY_PENALTY)
        facts = {"clips": len(clips), "rows": len(heard)}
        replace(fitter.solve(fitter.moments(heard)), facts=facts).save(options.output)
        print(f"{options.output}: {options.output.stat().st_size // 1000} kB, {len(clips)} clips")
        return
    _train_mouth(_in_time(clips, options.sound_late, models), states_of, options)


def _require_speech(clips: list[TrainingClip], reader: SpeechReader) -> None:
    """Say how much speech there is, and stop where nothing can be learnt from so little."""
    heard = [reader.read(clip.samples) for clip in clips]
    seconds = sum(float((one.activity > 0.5).mean()) * one.duration_s for one in heard)
    print(f"{seconds:.0f} s of speech")
    if seconds < LEAST_SPEECH_S:
        raise EngineError(
            "generation_input_audio_silent",
            f"All clips together hold {seconds:.1f} s of speech; at least {LEAST_SPEECH_S:g} s are needed.",
            f"Add clips in which the speaker talks; from {ENOUGH_SPEECH_S:g} s on a readout is worth having.",
        )
    if seconds < ENOUGH_SPEECH_S:
        print(f"That is little: expect a readout that does worse than the one supplied. Aim at {ENOUGH_SPEECH_S:g} s.")


def _in_time(clips: list[TrainingClip], sound_late_ms: float | None, models: Path) -> list[TrainingClip]:
    """Clips whose times are those of their sound; those whose sound is not their own are left out."""
    if sound_late_ms is not None:
        return [replace(clip, times=clip.times + sound_late_ms / 1000) for clip in clips]
    reader = SpeechReader(models)
    kept = []
    for clip in clips:
        offset = estimate_offset(reader.read(clip.samples), clip.times, clip.params)
        verdict = f"sound {1000 * offset.seconds:+.0f} ms, confidence {offset.confidence:.2f}"
        print(f"{clip.name}: {verdict}{'' if offset.is_trusted else ', left out: not the sound of this mouth'}")
        if offset.is_trusted:
            kept.append(replace(clip, times=clip.times + offset.seconds))
    if not kept:
        raise EngineError(
            "generation_input_video_invalid",
            "In no clip sound and mouth belong together.",
            "Use clips with the speaker's own sound, or say by how much it is late with --sound-late.",
        )
    return kept


def _train_mouth(clips: list[TrainingClip], states_of: States, options: argparse.Namespace) -> None:
    taps = SPECTRAL_TAPS if options.without_encoder else ENCODER_TAPS
    penalty = SPECTRAL_PENALTY if options.without_encoder else ENCODER_PENALTY
    heard = hear(clips, states_of)
    fitter = Fitter.for_states(heard, taps, penalty)
    sums = fitter.moments(heard)
    scores: dict[str, list[float]] = {}
    if not options.quick and len({clip.speaker for clip in clips}) > 1:
        print("Agreement with speakers left out (correlation):")
        print(f"{'speaker':20s}" + "".join(f"{name:>12s}" for name in PARAMETERS))
        left_out = leave_one_speaker_out(heard, states_of, fitter, sums)
        left_out["mean"] = np.mean(list(left_out.values()), axis=0)
        for speaker, values in left_out.items():
            print(f"{speaker:20s}" + "".join(f"{value:12.3f}" for value in values))
            scores[speaker] = [round(float(value), 3) for value in values]
    facts = {
        "clips": len(clips),
        "speakers": len({clip.speaker for clip in clips}),
        "seconds": round(sum(float(clip.times[-1]) for clip in clips)),
        "sound_late_ms": options.sound_late,
        "left_out": scores.get("mean", []),
    }
    readout = replace(fitter.solve(sums), facts=facts)
    readout.save(options.output)
    print(f"{options.output}: {options.output.stat().st_size // 1000} kB, {facts['clips']} clips")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
