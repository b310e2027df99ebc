"""The command line: clear words and statuses for bad input, and a real film from the project's own sample."""

import json
import os
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from apps.inference import engine
from apps.inference.engine.media.probe import probe_media
from apps.inference.engine.sample.make import SampleFormat, make_sample
from apps.inference.management.commands.lipsync import Bar
from apps.inference.management.segment_arguments import read_segments
from tests.conftest import ROOT
from tests.factories import write_audio, write_video


def run(*words: object, **options) -> str:
    out = StringIO()
    call_command("lipsync", *map(str, words), stdout=out, stderr=StringIO(), **options)
    return out.getvalue()


@pytest.fixture
def video(tmp_path: Path) -> Path:
    return write_video(tmp_path / "grey.mp4", size=(160, 120))


@pytest.fixture
def audio(tmp_path: Path) -> Path:
    return write_audio(tmp_path / "tone.wav")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["missing.mp4", "{audio}", "-o", "{folder}/out.mp4"], "There is no file missing.mp4."),
        (["{video}", "{audio}", "-o", "{folder}/none/out.mp4"], "There is no folder"),
        (["{video}", "{audio}", "-o", "{video}"], "is no place for the result"),
        (["{video}", "{audio}", "-o", "{folder}"], "is no place for the result"),
        (["{video}", "{audio}", "-o", "{folder}/out.mp4", "--report", "{audio}"], "is no place for the result"),
        (["{video}", "{audio}", "-o", "{folder}/a.mp4", "--report", "{folder}/a.mp4"], "is the film's place"),
        (["{video}", "{audio}", "-o", "{folder}/out.mp4", "--option", "temperature"], "Write NAME=VALUE."),
        (["{video}", "{audio}", "-o", "{folder}/out.mp4", "--option", "temperature=9"], "[generation_input_validation"),
        (["{video}", "{audio}", "-o", "{folder}/out.mp4", "--segment", "1-"], "“1-” is no segment. Write START-END"),
        (["{video}", "{audio}", "-o", "{folder}/out.mp4", "--segment", "1-2=none.wav@3"], "There is no file none.wav"),
        (["{video}", "{audio}", "-o", "{folder}/out.mp4", "--keep", "2-1"], "[generation_input_segments_invalid]"),
        (["{video}", "{audio}", "-o", "{folder}/out.mp4", "--segments", "{audio}"], "cannot be read"),
        (["{video}", "{audio}", "-o", "{audio}", "--segment", "0-1={audio}"], "is no place for the result"),
        (["{audio}", "{audio}", "-o", "{folder}/out.mp4"], "[generation_input_video_invalid]"),
        (["{video}", "{audio}", "-o", "{folder}/out.mp4"], "[generation_input_video_no_face]"),
    ],
)
def test_an_input_that_cannot_be_used_ends_with_2_and_a_reason(words, message, video, audio, tmp_path, models_dir):
    words = [word.format(video=video, audio=audio, folder=tmp_path) for word in words]
    before = video.read_bytes(), audio.read_bytes()
    with pytest.raises(CommandError) as refused:
        run(*words)
    assert message in str(refused.value)
    assert refused.value.returncode == 2
    assert not (tmp_path / "out.mp4").exists()
    assert (video.read_bytes(), audio.read_bytes()) == before


@pytest.mark.parametrize(
    ("raised", "said", "status"),
    [
        (OSError(28, "No space left on device"), "A file cannot be written: No space left on device. Free space", 2),
        (KeyboardInterrupt(), "Stopped. Nothing was written.", 130),
    ],
)
def test_a_full_disk_and_ctrl_c_end_in_words(raised, said, status, video, audio, tmp_path, models_dir, monkeypatch):
    def fail(*args, **options):
        raise raised

    monkeypatch.setattr(engine, "lipsync", fail)
    monkeypatch.setattr("apps.inference.management.commands.check_footage.analyse_footage", fail)
    for words in (["lipsync", video, audio, "-o", tmp_path / "out.mp4"], ["check_footage", video]):
        with pytest.raises(CommandError) as ended:
            call_command(*map(str, words), stdout=StringIO(), stderr=StringIO())
        assert str(ended.value).startswith(said)
        assert ended.value.returncode == status


def test_a_bar_is_drawn_on_a_terminal_and_only_names_elsewhere():
    class Terminal(StringIO):
        def isatty(self) -> bool:
            return True

    log, terminal = StringIO(), Terminal()
    for out in (log, terminal):
        bar = Bar(out)
        for stage, done in (("read", 0), ("read", 5), ("read", 10), ("lipsync", 10)):
            bar(stage, done, 10)
        bar.close()
    assert log.getvalue() == "Reading footage and following the face\nLipsync\n"
    assert terminal.getvalue().count("100%") == 2
    assert terminal.getvalue().count("\n") == 2


def test_segments_are_read_from_words_and_from_a_file(tmp_path, audio):
    odd = audio.rename(tmp_path / "take@2.wav")
    rows = [{"start_s": 6, "end_s": 7, "audio": odd.name, "options": {"temperature": 0.2}}]
    (tmp_path / "segments.json").write_text(json.dumps(rows))
    words = [f"4-5={odd}@0.5-0.9", "2-3.5", f"1-2={odd}"]
    found = read_segments(words, ["0-0.5"], tmp_path / "segments.json", "lipsync-2")
    assert [(one.start_s, one.end_s, one.lipsync, one.audio) for one in found] == [
        (0, 0.5, False, None), (1, 2, True, odd), (2, 3.5, True, None), (4, 5, True, odd), (6, 7, True, odd)
    ]  # fmt: skip
    assert (found[3].audio_start_s, found[3].audio_end_s, found[1].audio_end_s) == (0.5, 0.9, None)
    assert found[4].options == {"temperature": 0.2}


def test_the_sample_speaks_a_new_line_without_a_database(tmp_path, models_dir):
    """In a process of its own, with a database address that nothing answers."""
    sample = make_sample(tmp_path / "sample", models_dir, SampleFormat(size=320, seconds=1.6))
    out, report = tmp_path / "out.mp4", tmp_path / "report.json"
    words = [str(sample.video), str(sample.new_line), "-o", str(out), "--report", str(report), "--model", "sync-3"]
    words += ["--keep", "1.2-1.6"]
    done = subprocess.run(
        [sys.executable, "manage.py", "lipsync", *words, "--option", "temperature=0.9"],
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": "postgres://nobody@127.0.0.1:9/none"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Expressiveness is not used." in done.stderr
    film, footage, told = probe_media(out), probe_media(sample.video), json.loads(report.read_text())
    assert (film.width, film.height, film.fps) == (footage.width, footage.height, footage.fps)
    assert (
        film.frame_count
        == told["frames"]
        == pytest.approx(min(sample.own.duration_s, sample.new.duration_s) * 25, abs=1)
    )
    assert film.acodec == "aac"
    assert told["lipsynced_s"] == pytest.approx(1.2)
    assert told["agreement"] > 0.8
    assert f"{out}: " in done.stdout
    assert told["engine_version"] == engine.ENGINE_VERSION
