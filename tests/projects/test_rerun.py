"""Back from a take to the draft, and what a draft has in common with a finished take."""

import json
from datetime import timedelta

import pytest
from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from apps.assets import files
from apps.generations.models import Stage, Status
from apps.inference import drawn
from apps.projects.models import Project
from apps.projects.rerun import changed_seconds, likeness
from apps.projects.services import create_project
from tests.factories import AssetFactory, GenerationFactory

pytestmark = pytest.mark.django_db


def segment(start, end, **more):
    row = {"start_s": start, "end_s": end, "lipsync": True, "audio": None, "audio_start_s": 0.0, "audio_end_s": None}
    return row | {"face": None, "options": {}} | more


@pytest.fixture
def project(membership) -> Project:
    project = create_project(membership=membership, name="Harbour interview")
    project.video = AssetFactory(workspace=membership.workspace, video=True)
    project.audio = AssetFactory(workspace=membership.workspace, audio=True)
    project.save()
    return project


@pytest.fixture
def take(project):
    options = {"temperature": 0.8, "occlusion_detection_enabled": False, "active_speaker_detection": False}
    facts = {"video": project.video, "audio": project.audio, "options": options, "result": project.video}
    facts["finished_at"] = timezone.now()
    return GenerationFactory(
        workspace=project.workspace, project=project, number=1, status=Status.COMPLETED, sync_mode="silence",
        segments=[segment(2.0, 4.0, lipsync=False)], **facts,
    )  # fmt: skip


def at(name: str, project: Project, *more) -> str:
    return reverse(f"projects:{name}", args=["harbour", project.pk, *more])


def test_the_draft_becomes_what_the_take_was_and_undo_brings_the_other_back(as_person, owner, project, take):
    project.model, project.audio = "sync-3", None
    project.save()
    client = as_person(owner)
    answer = client.post(at("from_take", project, 1), follow=True)
    assert "The draft is as take 1 was" in answer.content.decode()
    project.refresh_from_db()
    assert (project.model, project.sync_mode, project.audio) == ("lipsync-2", "silence", take.audio)
    assert (project.options["temperature"], project.segments) == (0.8, take.segments)
    assert project.revision == 2
    client.post(at("draft_back", project))
    project.refresh_from_db()
    assert (project.model, project.audio, project.segments, project.revision) == ("sync-3", None, [], 3)
    client.post(at("draft_back", project))
    project.refresh_from_db()
    assert project.revision == 3, "there is nothing more to undo"


def test_a_take_whose_file_is_gone_says_so_and_changes_nothing(as_person, owner, project, take):
    take.audio.deleted_at = timezone.now()
    take.audio.save()
    answer = as_person(owner).post(at("from_take", project, 1), follow=True)
    assert f"{take.audio.name}, which take 1 was made of, is deleted." in answer.content.decode()
    project.refresh_from_db()
    assert project.revision == 1


def test_the_likeness_counts_the_seconds_that_differ(project, take):
    project.options, project.sync_mode = {"temperature": 0.8}, "silence"
    project.segments = [segment(2.0, 5.0, lipsync=False)]
    found = likeness(project, [take], 10.0)
    assert (found.number, found.changed_s) == (1, 1.0)
    assert likeness(project, [take], 10.0, marked=True) is None, "a mark stands in every frame"
    project.options = {"temperature": 0.7}
    assert likeness(project, [take], 10.0) is None, "another option draws every second anew"


def test_the_workbench_says_what_differs_from_the_last_take(as_person, owner, project, take):
    client = as_person(owner)
    client.post(at("from_take", project, 1))
    assert "Just like take 1: what was drawn for it is used again." in client.get(at("workbench", project)).text
    rows = json.dumps([segment(2.0, 5.0, lipsync=False)])
    answer = client.post(at("draft", project), {"revision": 2, "segments": rows}, headers={"HX-Request": "true"})
    assert "1.0 s differ from take 1. Only what the change reaches is drawn anew" in answer.text


@pytest.mark.parametrize(("finished", "word"), [(1, "1 of 2 pieces is finished"), (2, "2 of 2 pieces are finished")])
def test_an_unfinished_take_says_from_where_it_goes_on(as_person, owner, project, finished, word):
    rows = [[0, 100, "one"], [100, 250, "other"]]
    take = GenerationFactory(
        workspace=project.workspace, project=project, number=1, status=Status.FAILED, stage=Stage.LIPSYNC,
        finished_at=timezone.now(), work_key="key", pieces={"engine": "native-1", "pieces": rows},
    )  # fmt: skip
    page = reverse("generations:take", args=["harbour", project.pk, 1])
    client = as_person(owner)
    assert "Retry" in client.get(page).text
    for piece in drawn.pieces_of(take)[:finished]:
        files.local_path(drawn.folder_of(take, piece)).mkdir(parents=True)
    shown = client.get(page).text
    assert word in shown
    assert "Resume" in shown
    take.finished_at -= timedelta(hours=settings.RESUME_HOURS + 1)
    take.save()
    assert "Resume" not in client.get(page).text, "what was kept is gone"


@pytest.mark.parametrize(
    ("one", "other", "seconds"),
    [
        ([], [], 0.0),
        ([segment(1, 3, audio="a")], [segment(1, 3, audio="a")], 0.0),
        ([segment(1, 3, audio="a")], [segment(1, 3, audio="b")], 2.0),
        ([segment(1, 3, audio="a")], [segment(2, 3, audio="a", audio_start_s=1.0)], 1.0),
        ([segment(1, 3, audio="a")], [segment(1, 3, audio="a"), segment(5, 6, lipsync=False)], 1.0),
        ([], [segment(1, 3, audio="a")], 10.0),
        ([], [segment(8, 12, lipsync=False)], 2.0),
    ],
)
def test_seconds_that_two_lists_of_segments_say_differently(one, other, seconds):
    assert changed_seconds(one, other, 10.0) == pytest.approx(seconds)
