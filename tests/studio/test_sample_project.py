"""The sample project: two files and a draft, made once, opened in the workbench."""

from pathlib import Path

import pytest
from django.urls import reverse

from apps.assets.models import Asset, Origin
from apps.projects import sample
from apps.projects.models import Project
from tests.factories import write_audio, write_video


@pytest.fixture
def made(monkeypatch, tmp_path) -> list[Path]:
    """Stands in for the drawing of the sample, which takes seconds: small files in its place, each run noted."""
    runs: list[Path] = []

    def make(folder: Path, models: Path):
        runs.append(folder)
        (folder / "truth.json").write_text("{}")
        video, line = write_video(folder / "video.mp4"), write_audio(folder / "new_line.wav")
        return type("Sample", (), {"video": video, "new_line": line})

    monkeypatch.setattr(sample, "make_sample", make)
    monkeypatch.setattr(sample.settings, "DATA_DIR", tmp_path)
    return runs


def test_it_opens_a_project_with_both_files_chosen(owner, workspace, as_person, made):
    answer = as_person(owner).post(reverse("try_sample", args=[workspace.slug]))
    project = Project.objects.get(workspace=workspace)
    assert answer["Location"] == reverse("projects:workbench", args=[workspace.slug, project.pk])
    assert project.video is not None
    assert project.audio is not None
    assert (project.video.name, project.audio.name) == (sample.VIDEO_NAME, sample.AUDIO_NAME)
    assert set(Asset.objects.values_list("origin", flat=True)) == {Origin.SAMPLE}


def test_asking_again_opens_the_same_project_and_makes_nothing_anew(owner, workspace, as_person, made):
    client, address = as_person(owner), reverse("try_sample", args=[workspace.slug])
    first, second = client.post(address), client.post(address)
    assert first["Location"] == second["Location"]
    assert len(made) == 1
    assert Asset.objects.count() == 2


def test_a_viewer_and_an_outsider_get_none(viewer, outsider, workspace, as_person, made):
    address = reverse("try_sample", args=[workspace.slug])
    assert as_person(viewer).post(address).status_code == 403
    assert as_person(outsider).post(address).status_code == 404
    assert not Project.objects.exists()


def test_missing_nets_are_said_in_words_on_the_library(owner, workspace, as_person, settings, tmp_path):
    settings.DATA_DIR, settings.MODELS_DIR = tmp_path, tmp_path / "nothing"
    page = as_person(owner).post(reverse("try_sample", args=[workspace.slug]), follow=True)
    assert page.redirect_chain[-1][0] == reverse("assets:library", args=[workspace.slug])
    assert 'class="toast bad"' in page.content.decode()
    assert not Project.objects.exists()
