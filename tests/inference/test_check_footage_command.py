"""``manage.py check_footage``: what it prints, and its exit status."""

import json
from io import StringIO

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from tests.engine.tiny_media import write_video, write_wav


def run(*arguments, status=0):
    out = StringIO()
    try:
        call_command("check_footage", *map(str, arguments), stdout=out)
    except CommandError as error:
        assert error.returncode == status, error
    else:
        assert status == 0
    return out.getvalue()


@pytest.fixture
def street(tmp_path):
    """A film without a face."""
    return write_video(tmp_path / "street.mp4", 12, (160, 120))


def test_footage_without_a_face_is_told_and_ends_with_1(street, models_dir):
    told = run(street, status=1)
    assert "0:00.5, 160×120, 25 fps, 0 people" in told
    assert "blocking" in told
    assert "No face is seen in the video." in told
    assert "Suggested model: lipsync-2" in told


def test_json_holds_the_whole_result_with_the_soundtrack(street, models_dir, tmp_path):
    silent = write_wav(tmp_path / "silent.wav", np.zeros(16000))
    check = json.loads(run(street, "--audio", silent, "--json", status=1))
    assert {"no_face", "silent_sound"} <= {finding["kind"] for finding in check["findings"]}
    assert (check["width"], check["height"], check["people"], check["cuts_s"]) == (160, 120, [], [])


def test_what_cannot_be_read_ends_with_2(street, tmp_path, models_dir):
    run(tmp_path / "none.mp4", status=2)
    (tmp_path / "text.mp4").write_text("no film")
    run(tmp_path / "text.mp4", status=2)
    run(street, "--audio", street, status=2)
