"""The sample project: two files and a draft, made once, opened in the workbench."""

from pathlib import Path
from unittest.mock import MagicMock

import pytest
from django.urls import reverse
from kombu.exceptions import OperationalError

from apps.assets.models import Asset, Origin
from apps.projects import sample
from apps.projects.models import Project
from apps.projects.tasks import draw_sample
from tests.factories import write_audio, write_video


@pytest.fixture
def drawn(monkeypatch, settings, tmp_path) -> list[Path]:
    """A studio that draws small files in the sample's place, since the real ones take a minute; each run is noted."""
    runs: list[Path] = []

    def make(folder: Path, models: Path) -> None:
        runs.append(folder)
        write_video(folder / "video.mp4")
        write_audio(folder / "new_line.wav")
        (folder / "truth.json").write_text("{}")

    monkeypatch.setattr(sample, "make_sample", make)
    settings.DATA_DIR = tmp_path
    return runs


@pytest.fixture
def made(drawn) -> list[Path]:
    """The same studio after the worker has drawn the sample."""
    sample.sample_files()
    return drawn


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


def test_a_studio_without_a_sample_draws_it_on_the_worker(owner, workspace, as_person, drawn, monkeypatch):
    sent: list[str] = []
    monkeypatch.setattr("studio.views.celery_app.send_task", sent.append)
    page = as_person(owner).post(reverse("try_sample", args=[workspace.slug]), follow=True)
    assert page.redirect_chain[-1][0] == reverse("assets:library", args=[workspace.slug])
    assert "The sample is being drawn" in page.content.decode()
    assert not Project.objects.exists()
    assert sent == [draw_sample.name]
    draw_sample()
    assert sample.is_drawn()


def test_without_a_queue_it_says_so(owner, workspace, as_person, drawn, monkeypatch):
    monkeypatch.setattr("studio.views.celery_app.send_task", MagicMock(side_effect=OperationalError("refused")))
    page = as_person(owner).post(reverse("try_sample", args=[workspace.slug]), follow=True)
    assert page.status_code == 200
    assert "queue does not answer. Try again in a minute." in page.content.decode()
