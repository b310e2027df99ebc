"""How this speaker's mouth follows the speaker's own sound, learnt from the clip itself."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..face.mouth_code import ridge
from .analysis import SpeechAnalysis
from .offset import SoundOffset, estimate_offset

Doubles = NDArray[np.float64]

_PENALTY = 5.0
# The general readout knows more voices than one clip can teach; of the clip's own mapping half as much is mixed in.
_OWN_SHARE = 0.5


@dataclass(frozen=True)
class SpeakerVoice:
    """Linear map (7, 6) from general mouth parameters and a constant to this speaker's, and the clip's offset."""

    weights: Doubles
    offset: SoundOffset

    def adapt(self, speech: SpeechAnalysis) -> SpeechAnalysis:
        """The same sound as this speaker would say it: both mappings mixed, with the mean and spread there were."""
        own = np.c_[speech.mouth, np.ones(len(speech.mouth))] @ self.weights
        mixed = _unit(_unit(speech.mouth) + _OWN_SHARE * _unit(own))
        return replace(speech, mouth=mixed * speech.mouth.std(0) + speech.mouth.mean(0))


def learn_voice(speech: SpeechAnalysis, times: Doubles, params: Doubles) -> SpeakerVoice | None:
    """Fit on a clip's own sound and tracked mouth, params (T, 6) at times (T,) in seconds.

    None where sound and mouth do not belong together.
    """
    offset = estimate_offset(speech, times, params)
    if not offset.is_trusted:
        return None
    standard = (params - params.mean(0)) / (params.std(0) + 1e-9)
    return SpeakerVoice(ridge(speech.mouth_at(times + offset.seconds), standard, _PENALTY), offset)


def _unit(values: Doubles) -> Doubles:
    return np.asarray((values - values.mean(0)) / (values.std(0) + 1e-3))
