"""The engine's version, and which nets and readouts a film was made with, in the words of the model card."""

from __future__ import annotations

import hashlib
from pathlib import Path

from .model_files import MODEL_FILES, SPEECH_ENCODER, has_mesh_bundle
from .speech.readout import ACTIVITY_READOUT, ENCODER_READOUT, SPECTRAL_READOUT

ENGINE_VERSION = "1.11"
DIGITS = 12


def card_versions(models: Path) -> dict[str, str]:
    """By the names of docs/model-card.md: the first digits of a readout's SHA-256, package and version of a net."""
    packages = {item.name: f"{item.wheel.package} {item.wheel.version}" for item in MODEL_FILES}
    heard = (models / SPEECH_ENCODER).is_file()
    readouts = (ENCODER_READOUT if heard else SPECTRAL_READOUT, ACTIVITY_READOUT)
    made_with = {path.name: hashlib.sha256(path.read_bytes()).hexdigest()[:DIGITS] for path in readouts}
    made_with["speech encoder"] = packages[SPEECH_ENCODER] if heard else "none: plain spectra"
    made_with["face mesh"] = f"{478 if has_mesh_bundle(models) else 468} points"
    return made_with
