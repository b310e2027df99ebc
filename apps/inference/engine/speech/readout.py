"""Reads the mouth off speech states: one linear map over a few neighbouring states.

Output columns: the six mouth parameters (face/mouth_params.py), each in standard deviations of the speaker it was
learnt on, and how far the lips are closed (0 open, 1 closed). The speech detector is a readout too, of one column.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import EngineError
from ..face.mouth_params import PARAMETERS
from ..kept_arrays import open_arrays
from ..model_files import MODEL_FILE_ERROR

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

CLOSED = len(PARAMETERS)
OUTPUTS = len(PARAMETERS) + 1
# A dimension that hardly varies in training would be blown up by noise elsewhere; this floor stops that.
SPREAD_FLOOR = 0.1
_BLOCK = 3000  # states read at once: a minute of sound, 9 MB

WEIGHTS_FOLDER = Path(__file__).parent / "weights"
ENCODER_READOUT = WEIGHTS_FOLDER / "encoder_readout.npz"
SPECTRAL_READOUT = WEIGHTS_FOLDER / "spectral_readout.npz"
ACTIVITY_READOUT = WEIGHTS_FOLDER / "activity_readout.npz"


@dataclass(frozen=True)
class Readout:
    """Ridge readout over K neighbouring states of size D.

    mean and spread (D,) standardise the states; taps (K,) are distances in states (20 ms each); weights (K, D, O);
    bias (O,); facts say what it was trained on and how well it did.
    """

    mean: Floats
    spread: Floats
    taps: tuple[int, ...]
    weights: Floats
    bias: Floats
    facts: dict[str, Any]

    def predict(self, states: Floats) -> Doubles:
        """Outputs (n, O) for states (n, D); before the start and after the end the outermost state is repeated."""
        last = len(states) - 1
        result = np.tile(self.bias.astype(np.float64), (len(states), 1))
        for start in range(0, len(states), _BLOCK):
            index = np.arange(start, min(start + _BLOCK, len(states)))
            for tap, weights in zip(self.taps, self.weights, strict=True):
                near = states[np.clip(index + tap, 0, last)]
                result[index] += ((near - self.mean) / self.spread) @ weights
        return result

    def save(self, path: Path) -> None:
        """Write the readout with its weights rounded to 8 bits per tap and output (r unchanged to three digits)."""
        scale = np.abs(self.weights).max(axis=1, keepdims=True) / 127.0 + 1e-12
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(
            path,
            mean=self.mean.astype(np.float16),
            spread=self.spread.astype(np.float16),
            taps=np.array(self.taps, np.int16),
            weights=np.round(self.weights / scale).astype(np.int8),
            scale=scale.astype(np.float32),
            bias=self.bias.astype(np.float32),
            facts=np.array(json.dumps(self.facts, sort_keys=True)),
        )


def load_readout(path: Path) -> Readout:
    """A readout written by `Readout.save`.

    Raises EngineError(generation_infra_storage_error) when the file is missing or not a readout.
    """
    try:
        with open_arrays(path) as archive:
            return Readout(
                archive["mean"].astype(np.float32),
                archive["spread"].astype(np.float32),
                tuple(int(tap) for tap in archive["taps"]),
                archive["weights"].astype(np.float32) * archive["scale"],
                archive["bias"].astype(np.float32),
                json.loads(str(archive["facts"])),
            )
    except (OSError, ValueError, KeyError) as error:
        raise EngineError(
            MODEL_FILE_ERROR,
            f"The mouth readout {path.name} cannot be read: {error}",
            "Install this software again, or train a readout with `python -m apps.inference.engine.speech.training`.",
        ) from error


def with_taps(states: Floats, taps: tuple[int, ...], index: NDArray[np.integer]) -> Floats:
    """Training inputs (n, K·D): the states at `index` and at each tap's distance from it, ends repeated."""
    last = len(states) - 1
    return np.concatenate([states[np.clip(index + tap, 0, last)] for tap in taps], axis=1)
