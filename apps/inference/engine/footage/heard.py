"""What is to be known about a sound: level, clipping, music, and whether somebody speaks at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from ..errors import EngineError
from ..media.audio import ANALYSIS_RATE, read_mono
from ..settings import MODELS
from ..speech.analysis import RATE, SpeechAnalysis, SpeechReader
from .findings import BLOCKING, INFO, WARNING, Finding, said, stretches

Doubles = NDArray[np.float64]
Bools = NDArray[np.bool_]

STEP = ANALYSIS_RATE // RATE  # samples in 20 ms
SILENT_DB = -45.0  # dBFS at the loudest moment; a run refuses such a soundtrack
QUIET_DB = -35.0  # of the loud parts; recordings at hand lie between -3 and -22
# Three samples in a row at one peak value were cut off there. Some 20 ms steps have that in clean recordings of loud
# speakers; from two in a hundred on it is heard, and the encoder hears it as noise.
CLIPPED_PEAK, CLIPPED_SHARE = 0.98, 0.02
# As loud as the speech (less 20 dB) and yet no speech, for so long: music or noise.
MUSIC_BELOW_DB, MUSIC_S, MUSIC_BRIDGE_S = 20.0, 1.5, 0.4
NO_SPEECH_SHARE = 0.05


@dataclass(frozen=True)
class Sound:
    """One sound, every 20 ms: ``level_db`` (n,) dBFS, ``speech`` (n,) and ``clipped`` (n,) bool."""

    duration_s: float
    level_db: Doubles
    speech: Bools
    clipped: Bools

    @property
    def times(self) -> Doubles:
        """(n,) seconds."""
        return np.arange(len(self.level_db)) / RATE

    @property
    def loud_db(self) -> float:
        """Level of the loud parts."""
        return float(np.percentile(self.level_db, 95))


def listen(path: Path, models: Path, analysis: SpeechAnalysis | None = None) -> Sound | None:
    """Look through the sound of ``path``; None where it has none. ``analysis`` saves hearing it a second time."""
    try:
        samples = read_mono(path)
        heard = analysis or SpeechReader(models).read(samples)
    except EngineError:
        return None
    count = len(heard.level_db)
    return Sound(heard.duration_s, heard.level_db, heard.activity > 0.5, _clipped(samples, count))


def _clipped(samples: NDArray[np.float32], count: int) -> Bools:
    """(count,): 20 ms steps that hold three samples in a row at the highest value of the recording."""
    size = np.abs(samples)
    peak = float(size.max(initial=0.0))
    flat = size >= 0.998 * peak
    row = np.zeros(count * STEP, bool)
    if peak >= CLIPPED_PEAK and len(samples) > 2:
        three = flat[2:] & flat[1:-1] & flat[:-2]
        row[: min(len(three), len(row))] = three[: len(row)]
    return np.asarray(row.reshape(count, STEP).any(axis=1))


def sound_findings(sound: Sound, *, drives: bool) -> list[Finding]:
    """What is so about a sound. ``drives``: it is the new soundtrack, not the footage's own sound."""
    grave = WARNING if drives else INFO
    whole = (0.0, sound.duration_s)
    if sound.level_db.max() < SILENT_DB:
        if drives:
            return [
                _finding(
                    "silent_sound", whole, BLOCKING, "The sound is silent.", "Choose one in which somebody speaks."
                )
            ]
        return [_finding("silent_sound", whole, INFO, "The video has a sound track, but it is silent.", OWN_SILENT)]
    found = []
    if sound.loud_db < QUIET_DB:
        reason = f"The sound is quiet: {sound.loud_db:.0f} dBFS at its loud parts."
        found.append(_finding("quiet_sound", whole, grave, reason, "Raise it to about −16 dBFS."))
    if sound.clipped.mean() > CLIPPED_SHARE:
        reason = f"The sound is cut off at its peaks in {100 * sound.clipped.mean():.0f} % of its length."
        found.append(_finding("clipped_sound", whole, grave, reason, "Record it again at a lower level."))
    if sound.speech.mean() < NO_SPEECH_SHARE:
        found.append(
            _finding("no_speech", whole, grave, "Nobody is heard speaking.", "Choose a sound with speech or song.")
        )
        return found
    return found + _music(sound, grave)


OWN_SILENT = "Choose a soundtrack for the new lips. The speaker's own voice cannot be learnt from this video."


def _music(sound: Sound, severity: str) -> list[Finding]:
    # Songs switch between both many times a second: what counts is who is heard over a second.
    speech = uniform_filter1d(sound.speech.astype(np.float64), RATE) > 0.3
    mask = (sound.level_db > sound.loud_db - MUSIC_BELOW_DB) & ~speech
    ranges = stretches(mask, sound.times, sound.duration_s, MUSIC_S, MUSIC_BRIDGE_S)
    advice = "Lips follow voices only. Use the voices alone where you have them."
    return [
        _finding("music", one, severity, f"Music or noise without a voice is heard at {said([one])}.", advice)
        for one in ranges
    ]


def _finding(kind: str, at: tuple[float, float], severity: str, reason: str, advice: str) -> Finding:
    return Finding(kind, at[0], at[1], severity, reason, every_model(advice))


def every_model(sentence: str, models: Sequence[str] = MODELS) -> dict[str, str]:
    """The same advice for each model."""
    return dict.fromkeys(models, sentence)
