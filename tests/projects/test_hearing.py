"""What the preview plays: the engine's own parts of the result's sound, by names that the page knows."""

from pathlib import Path

import pytest

from apps.generations.services import estimate
from apps.projects.hearing import heard_facts
from apps.projects.models import Project
from apps.workspaces.models import Membership
from tests.browser.stage import film, make_project, shelve, tone
from tests.factories import write_video

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(membership: Membership, tmp_path: Path, no_tasks) -> Project:
    return make_project(
        membership,
        video=film(membership, tmp_path, "cam.mp4", 4.0),
        audio=tone(membership, tmp_path, "maren.wav", 6.0),
    )


@pytest.fixture
def no_tasks(monkeypatch) -> None:
    monkeypatch.setattr("apps.assets.services.celery_app.send_task", lambda name, args: None)


def parts(project: Project, *rows: dict, mode: str = "cut_off") -> list[tuple[str, float, float, float]]:
    project.sync_mode = mode
    now = estimate(
        workspace=project.workspace,
        video=project.video,
        audio=project.audio,
        model="lipsync-2",
        sync_mode=mode,
        options={},
        segments=rows,
    )
    assert not now.refusals
    found = heard_facts(project, now.segments)["heard"]
    return [(p["source"], round(p["start"], 2), round(p["end"], 2), round(p["from"], 2)) for p in found]


def test_without_segments_there_is_nothing_to_mix(project):
    assert parts(project) == []


def test_own_sounds_in_their_segments_and_the_original_between(project, membership, tmp_path):
    line = tone(membership, tmp_path, "line.wav", 1.0)
    own = {"start_s": 1.0, "end_s": 2.5, "audio": str(line.pk), "audio_start_s": 0.25}
    assert parts(project, own, {"start_s": 3.0, "end_s": 3.5}) == [
        ("original", 0.0, 1.0, 0.0),
        (str(line.pk), 1.0, 1.75, 0.25),
        ("original", 1.75, 3.0, 1.75),
        ("voice", 3.0, 3.5, 3.0),
        ("original", 3.5, 4.0, 3.5),
    ]


def test_a_segment_that_goes_on_in_silence_is_silent(project, membership, tmp_path):
    line = tone(membership, tmp_path, "line.wav", 1.0)
    own = {"start_s": 1.0, "end_s": 2.5, "audio": str(line.pk), "options": {"sync_mode": "silence"}}
    assert parts(project, own)[1:3] == [(str(line.pk), 1.0, 2.0, 0.0), ("", 2.0, 2.5, 0.0)]


def test_a_range_without_lipsync_keeps_its_sound_wherever_the_picture_comes_from(project):
    left = {"start_s": 4.5, "end_s": 5.0, "lipsync": False}
    assert parts(project, left, mode="loop") == [
        ("voice", 0.0, 4.5, 0.0),
        ("original", 4.5, 5.0, 0.5),
        ("voice", 5.0, 6.0, 5.0),
    ]
    backward = {"start_s": 4.5, "end_s": 5.0, "lipsync": False}
    assert parts(project, backward, mode="bounce")[1][0] == "", "a picture that runs backward is silent"


def test_a_film_without_sound_has_none_to_keep(project, membership, tmp_path):
    project.video = shelve(membership, write_video(tmp_path / "mute.mp4", seconds=4.0, size=(320, 180), sound=False))
    assert parts(project, {"start_s": 1.0, "end_s": 2.0}) == [
        ("", 0.0, 1.0, 0.0),
        ("voice", 1.0, 2.0, 1.0),
        ("", 2.0, 4.0, 0.0),
    ]
