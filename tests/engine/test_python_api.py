"""The engine as a notebook calls it: no Django, typed, told how far it is, stopped when asked, the same every time."""

import json
import os
import subprocess
import sys
import typing
from pathlib import Path

import cv2
import pytest
from django.conf import settings

from apps.inference import engine
from apps.inference.engine.media.video_reader import VideoReader
from apps.inference.engine.sample import SampleFormat, make_sample
from tests.conftest import ROOT

from .encoded import film

NOTEBOOK = """
import json, sys
from pathlib import Path
from apps.inference import engine

folder = Path(sys.argv[1])
stages = []
settings = engine.EngineSettings(model="lipsync-2", seed=7)
segments = [engine.Segment(0.0, 0.4), engine.Segment(0.48, 0.72, audio=folder / "line.wav")]
for name in ("one.mp4", "two.mp4"):
    report = engine.lipsync(
        Path(sys.argv[2]), Path(sys.argv[3]), folder / name, settings, segments=segments,
        progress=lambda stage, done, total: stages.append(stage), models=Path(sys.argv[4]),
    )
loaded = [name for name in ("django", "celery", "redis", "requests") if name in sys.modules]
print(json.dumps([list(dict.fromkeys(stages)), report.to_dict(), loaded]))
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """What a process that knows no Django says of two equal runs, and where the films are."""
    folder = tmp_path_factory.mktemp("notebook")
    sample = make_sample(folder, Path(settings.MODELS_DIR), SampleFormat(size=200, seconds=0.72))
    (folder / "line.wav").write_bytes(sample.new_line.read_bytes())
    environment = {key: value for key, value in os.environ.items() if not key.startswith("DJANGO")}
    done = subprocess.run(
        [sys.executable, "-c", NOTEBOOK, *map(str, (folder, sample.video, sample.new_line, settings.MODELS_DIR))],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return *json.loads(done.stdout.splitlines()[-1]), folder


def test_it_needs_no_django_and_no_network_library(told):
    stages, report, loaded, _ = told
    assert loaded == []
    assert stages == ["read", "speech", "plan", "lipsync", "assemble", "proof"]
    assert report["frames"] == 18
    assert report["lipsynced_s"] == pytest.approx(0.64)


def test_the_same_inputs_and_seed_give_the_same_film_byte_by_byte(told):
    folder = told[-1]
    assert (folder / "one.mp4").read_bytes() == (folder / "two.mp4").read_bytes()


def test_every_name_is_there_and_every_function_typed():
    for name in engine.__all__:
        value = getattr(engine, name)
        if callable(value) and not isinstance(value, type):
            hints = typing.get_type_hints(value)
            assert "return" in hints, name
            assert value.__doc__, name


def test_the_page_of_the_engine_shows_a_model_that_works(tmp_path, short_sample, monkeypatch):
    """The code of the README, word for word, with its toy that opens the mouth as loud as the sound is."""
    monkeypatch.setenv("STUDIO_MODELS", str(settings.MODELS_DIR))
    page = (ROOT / "apps" / "inference" / "engine" / "README.md").read_text()
    code = next(part.removeprefix("python\n") for part in page.split("```") if "def listen" in part)

    names = {
        "video": short_sample.video, "audio": short_sample.new_line, "out": tmp_path / "out.mp4",
    }  # fmt: skip
    exec(code, names)
    assert (tmp_path / "out.mp4").exists()
    assert names["report"].agreement > 0.8


def test_a_folder_used_again_keeps_nothing_of_the_film_before(short_sample, tmp_path):
    """A silent film had the sound of the one before: segments failed, and another's way of talking was learnt."""
    with VideoReader(short_sample.video) as reader:
        pictures = [
            cv2.cvtColor(frame.yuv, cv2.COLOR_YUV2RGB_I420) for frame, _ in zip(reader, range(10), strict=False)
        ]
    silent = film(tmp_path / "silent.mp4", pictures)
    heard = [
        engine.analyse_footage(video, tmp_path / "work", models=Path(settings.MODELS_DIR)).own_sound
        for video in (short_sample.video, silent)
    ]
    assert heard[0] is not None and heard[1] is None
