"""What a soundtrack says about the mouth, kept small enough to hand from step to step."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from ..errors import EngineError, audio_invalid
from ..face.mouth_params import PARAMETERS
from ..kept_arrays import open_arrays
from ..media.audio import read_mono
from ..model_files import models_folder
from ..one_thread import one_thread
from .activity import heard_activity, loudness_db, speech_activity
from .encoder import SpeechEncoder, speech_encoder
from .mel import SAMPLE_RATE, WINDOW
from .readout import ACTIVITY_READOUT, CLOSED, ENCODER_READOUT, SPECTRAL_READOUT, Readout, load_readout
from .spectral import spectral_states

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

RATE = 50
LENGTH_SLACK_S = 0.1  # rows at the end that a net leaves out or adds
_NO_SOUND_DB = -100.0
# Real mouths move slower than single states change: best agreement at 20 to 50 ms.
_SMOOTHING = 1.2  # states of 20 ms


@dataclass(frozen=True)
class SpeechAnalysis:
    """One soundtrack, in steps of 20 ms from its start.

    mouth: (n, 6) wanted mouth parameters in standard deviations; closed: (n,) how far the lips are shut, 0..1;
    activity: (n,) speech 0..1; level_db: (n,) loudness in dBFS; warnings: what a person should know.
    Raises ValueError for arrays of other shapes, for what is no number, and where n does not fit `duration_s`.
    """

    duration_s: float
    mouth: Doubles
    closed: Doubles
    activity: Doubles
    level_db: Doubles
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        count = len(self.mouth)
        shapes = {"mouth": (count, len(PARAMETERS)), "closed": (count,), "activity": (count,), "level_db": (count,)}
        for name, shape in shapes.items():
            values = np.asarray(getattr(self, name), np.float64)
            if values.shape != shape:
                raise ValueError(f"{name} has the shape {values.shape}; {shape} is needed: one row every 20 ms.")
            if not np.isfinite(values).all():
                raise ValueError(f"{name} holds values that are no numbers; give zeros where nothing is known.")
            object.__setattr__(self, name, values)
        if abs(count / RATE - self.duration_s) > LENGTH_SLACK_S:
            raise ValueError(
                f"{count} rows are {count / RATE:.2f} s at {RATE} a second, "
                f"but the sound lasts {self.duration_s:.2f} s."
            )

    def save(self, folder: Path) -> None:
        """Write speech.npz into `folder`."""
        folder.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(
            folder / "speech.npz",
            mouth=self.mouth.astype(np.float32),
            closed=self.closed.astype(np.float32),
            activity=self.activity.astype(np.float32),
            level_db=self.level_db.astype(np.float32),
            facts=np.array(json.dumps({"duration_s": self.duration_s, "warnings": self.warnings})),
        )

    @classmethod
    def load(cls, folder: Path) -> SpeechAnalysis:
        """Read what `save` wrote."""
        with open_arrays(folder / "speech.npz") as archive:
            facts = json.loads(str(archive["facts"]))
            names = ("mouth", "closed", "activity", "level_db")
            arrays = {name: archive[name].astype(np.float64) for name in names}
        return cls(duration_s=facts["duration_s"], warnings=tuple(facts["warnings"]), **arrays)

    def then_silent(self, end_s: float, last_s: float) -> SpeechAnalysis:
        """The same sound up to `end_s`, and silence from there to `last_s` and a second more."""
        kept = max(0, min(round(end_s * RATE), len(self.mouth)))
        silent = max(0, round((last_s + 1.0) * RATE) - kept)
        lasting = np.zeros((1, self.mouth.shape[1])) if kept == 0 else self.mouth[kept - 1 : kept]
        return replace(
            self,
            duration_s=(kept + silent) / RATE,
            mouth=np.concatenate([self.mouth[:kept], np.repeat(lasting, silent, axis=0)]),
            closed=np.pad(self.closed[:kept], (0, silent)),
            activity=np.pad(self.activity[:kept], (0, silent)),
            level_db=np.pad(self.level_db[:kept], (0, silent), constant_values=_NO_SOUND_DB),
        )

    def mouth_at(self, times: Doubles) -> Doubles:
        """Mouth parameters (T, 6) at times in seconds, linear between steps."""
        return np.stack([at_times(column, times) for column in self.mouth.T], axis=1)


def at_times(values: Doubles, times: Doubles) -> Doubles:
    """Values given every 20 ms, read at times in seconds; held at the ends."""
    return np.interp(times * RATE, np.arange(len(values)), values)


@one_thread
def analyse_speech(audio: Path, workdir: Path | None = None, models: Path | None = None) -> SpeechAnalysis:
    """Decode a soundtrack and read the mouth off it; saved in `workdir` where given.

    Raises EngineError when the sound cannot be decoded.
    """
    result = SpeechReader(models_folder(models)).read(read_mono(audio))
    if workdir is not None:
        result.save(workdir)
    return result


class SpeechReader:
    """Encoder and readout, loaded once; falls back to spectral states when the encoder's file is missing."""

    def __init__(self, models: Path) -> None:
        self._encoder: SpeechEncoder | None = None
        self._warnings: tuple[str, ...] = ()
        try:
            self._encoder = speech_encoder(models)
        except EngineError as error:
            self._warnings = (f"{error.message} Lips follow the sound less closely without it. {error.advice}",)
        self._activity: Readout = load_readout(ACTIVITY_READOUT)
        self._readout: Readout = load_readout(ENCODER_READOUT if self._encoder else SPECTRAL_READOUT)

    def read(self, samples: Floats) -> SpeechAnalysis:
        """Analyse 16 kHz mono samples. Raises EngineError for less than 25 ms of sound."""
        if len(samples) < WINDOW:
            raise audio_invalid("The audio is shorter than 25 ms.", "Choose a longer audio file.")
        samples = samples - samples.mean()  # cheap microphones add a constant, which would count as loud
        if self._encoder:
            states = self._encoder.states(samples)
            activity = heard_activity(self._activity.predict(states)[:, 0], samples)
        else:
            states = spectral_states(samples)
            activity = speech_activity(samples)
        outputs = self._readout.predict(states)
        count = len(outputs)
        return SpeechAnalysis(
            len(samples) / SAMPLE_RATE,
            gaussian_filter1d(outputs[:, :CLOSED], _SMOOTHING, axis=0),
            np.clip(outputs[:, CLOSED], 0.0, 1.0),
            _fit(activity, count),
            _fit(loudness_db(samples)[::2], count),
            self._warnings,
        )


def _fit(values: Doubles, count: int) -> Doubles:
    """The same values, cut or held at the end so that there are `count`."""
    return np.asarray(values[np.minimum(np.arange(count), len(values) - 1)])
