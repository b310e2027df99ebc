"""Pages of projects, seen by owner, teammate, viewer, outsider and somebody who is not signed in."""

from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.billing.plans import current_plan, subscribe
from apps.generations.models import Generation, Status
from apps.projects.models import Project
from apps.projects.services import create_project
from tests.factories import AssetFactory, GenerationFactory, WorkspaceFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(membership) -> Project:
    project = create_project(membership=membership, name="Harbour interview")
    project.video = AssetFactory(workspace=membership.workspace, video=True, name="cam-a.mp4", duration_s=12.0)
    project.audio = AssetFactory(workspace=membership.workspace, audio=True, name="maren.wav", duration_s=9.0)
    project.save()
    return project


@pytest.fixture
def no_worker(monkeypatch):
    """Generations are admitted, but handed to nobody."""
    monkeypatch.setattr("apps.generations.queue.hand_to_workers", lambda generation_id: None)


def at(name: str, project: Project, *more) -> str:
    return reverse(f"projects:{name}", args=["harbour", project.pk, *more])


def test_members_see_the_workbench_with_its_files(as_person, project, owner, teammate, viewer):
    for person in (owner, teammate, viewer):
        page = as_person(person).get(at("workbench", project)).content.decode()
        assert "cam-a.mp4" in page
        assert "maren.wav" in page
        assert "Ends with the shorter one, the soundtrack: 0:09.0." in page


def test_a_viewer_has_no_button_to_generate(as_person, project, viewer, owner):
    assert 'id="generate"' in as_person(owner).get(at("workbench", project)).content.decode()
    assert 'id="generate"' not in as_person(viewer).get(at("workbench", project)).content.decode()


@pytest.mark.parametrize("name", ["workbench", "material", "takes"])
def test_an_outsider_finds_nothing(as_person, project, outsider, name):
    assert as_person(outsider).get(at(name, project)).status_code == 404


@pytest.mark.parametrize("name", ["draft", "generate", "rename", "delete", "restore"])
def test_changes_are_for_editors_of_the_workspace(as_person, project, viewer, outsider, name):
    post = {"revision": project.revision, "name": "Taken over"}
    assert as_person(viewer).post(at(name, project), post).status_code == 403
    assert as_person(outsider).post(at(name, project), post).status_code == 404
    project.refresh_from_db()
    assert (project.name, project.revision, project.deleted_at) == ("Harbour interview", 1, None)
    assert not Generation.objects.exists()


@pytest.mark.parametrize("name", ["workbench", "draft", "generate"])
def test_a_stranger_is_asked_to_sign_in(project, name):
    answer = Client().get(at(name, project))
    assert answer.status_code == 302
    assert "/account/login/" in answer["Location"]


def test_a_project_of_another_workspace_is_not_found(as_person, owner, workspace):
    foreign = Project.objects.create(workspace=WorkspaceFactory(), name="Foreign")
    assert as_person(owner).get(at("workbench", foreign)).status_code == 404


def test_the_list_shows_each_project_with_its_last_take(as_person, project, owner, outsider):
    GenerationFactory(workspace=project.workspace, project=project, number=1, status=Status.COMPLETED)
    GenerationFactory(workspace=project.workspace, project=project, number=2, status=Status.FAILED, model="sync-3")
    page = as_person(owner).get(reverse("projects:list", args=["harbour"])).content.decode()
    assert "Take 2, sync-3" in page
    assert "Failed" in page
    assert "Finished" not in page
    assert as_person(outsider).get(reverse("projects:list", args=["harbour"])).status_code == 404


def test_a_new_project_opens_at_once(as_person, owner, workspace):
    answer = as_person(owner).post(reverse("projects:new", args=["harbour"]))
    project = Project.objects.get()
    assert answer["Location"] == at("workbench", project)
    page = as_person(owner).get(answer["Location"]).content.decode()
    assert "There is no video yet." in page
    assert "There is no soundtrack yet." in page


def test_a_new_project_takes_a_file_along(as_person, owner, workspace):
    video = AssetFactory(workspace=workspace, video=True)
    as_person(owner).post(reverse("projects:new", args=["harbour"]), {"video": str(video.pk), "name": "With film"})
    assert (Project.objects.get().video, Project.objects.get().name) == (video, "With film")


def test_delete_is_undone(as_person, project, owner):
    client = as_person(owner)
    page = client.post(at("delete", project), follow=True).content.decode()
    assert "Harbour interview deleted" in page
    assert at("restore", project) in page
    assert client.get(at("workbench", project)).status_code == 404
    client.post(at("restore", project))
    assert client.get(at("workbench", project)).status_code == 200


def test_a_project_with_a_running_take_is_not_deleted(as_person, project, owner):
    GenerationFactory(workspace=project.workspace, project=project, number=3, status=Status.PROCESSING)
    page = as_person(owner).post(at("delete", project), follow=True).content.decode()
    assert "Take 3 of Harbour interview is still being made." in page
    project.refresh_from_db()
    assert project.deleted_at is None


def test_rename_keeps_what_was_typed_when_it_is_refused(as_person, project, owner):
    client = as_person(owner)
    answer = client.post(at("rename", project), {"name": "x" * 121}, headers={"HX-Request": "true"})
    assert "The name has 121 characters." in answer.content.decode()
    assert "x" * 121 in answer.content.decode()
    client.post(at("rename", project), {"name": "  Harbour,   take two "})
    project.refresh_from_db()
    assert project.name == "Harbour, take two"


def test_the_picker_offers_what_fits_the_place(as_person, project, owner, workspace):
    AssetFactory(workspace=workspace, video=True, name="silent.mp4")
    AssetFactory(workspace=workspace, video=True, name="talking.mp4", audio_codec="aac")
    AssetFactory(workspace=workspace, audio=True, name="voice.wav")
    AssetFactory(workspace=workspace, video=True, name="unchecked.mp4", status="checking")
    AssetFactory(video=True, name="foreign.mp4")
    client = as_person(owner)
    videos = client.get(at("pick", project, "video")).content.decode()
    sounds = client.get(at("pick", project, "audio")).content.decode()
    assert "silent.mp4" in videos and "talking.mp4" in videos
    assert "voice.wav" not in videos and "unchecked.mp4" not in videos and "foreign.mp4" not in videos
    assert "voice.wav" in sounds and "talking.mp4" in sounds
    assert "silent.mp4" not in sounds
    found = client.get(at("pick", project, "video"), {"q": "TALK"}).content.decode()
    assert "talking.mp4" in found and "silent.mp4" not in found
    assert client.get(at("pick", project, "poster")).status_code == 404


def test_generate_saves_the_form_and_opens_the_take(as_person, project, owner, no_worker):
    post = {"revision": 1, "model": "sync-3", "sync_mode": "loop"}
    answer = as_person(owner).post(at("generate", project), post)
    take = Generation.objects.get()
    assert answer["Location"] == reverse("generations:take", args=["harbour", project.pk, 1])
    assert (take.model, take.sync_mode, take.video, take.audio) == ("sync-3", "loop", project.video, project.audio)


def test_a_second_click_on_generate_starts_nothing(as_person, project, owner, no_worker):
    client = as_person(owner)
    post = {"revision": 1, "model": "lipsync-2", "sync_mode": "cut_off"}
    client.post(at("generate", project), post)
    again = client.post(at("generate", project), post)
    assert again.status_code == 409
    assert Generation.objects.count() == 1


def test_a_refused_generate_keeps_the_input_and_saves_nothing(as_person, project, owner):
    project.audio = None
    project.save()
    post = {"revision": 1, "model": "lipsync-2-pro", "sync_mode": "bounce", "option-temperature": "0.8"}
    answer = as_person(owner).post(at("generate", project), post)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "There is no soundtrack yet." in page
    assert 'value="lipsync-2-pro" id="model-2" checked' in page
    assert 'value="bounce" id="mode-bounce" checked' in page
    assert 'value="0.8"' in page
    project.refresh_from_db()
    assert (project.revision, project.model) == (1, "lipsync-2")


def test_scripts_are_sent_to_the_take_or_get_the_reason(as_person, project, owner, no_worker):
    client = as_person(owner)
    refused = client.post(at("generate", project), {"revision": 9}, headers={"HX-Request": "true"})
    assert (refused.status_code, refused["HX-Retarget"]) == (409, "#refusal")
    sent = client.post(at("generate", project), {"revision": 1}, headers={"HX-Request": "true"})
    assert sent["HX-Redirect"] == reverse("generations:take", args=["harbour", project.pk, 1])


def test_a_file_of_another_workspace_cannot_be_taken(as_person, project, owner):
    foreign = AssetFactory(video=True)
    client = as_person(owner)
    assert client.post(at("draft", project), {"revision": 1, "video": str(foreign.pk)}).status_code == 404
    assert client.post(at("draft", project), {"revision": 1, "video": str(uuid4())}).status_code == 404
    assert client.post(at("draft", project), {"revision": 1, "video": "nonsense"}).status_code == 400


@pytest.mark.parametrize("billing", [False, True])
def test_queries_do_not_grow_with_takes_or_projects(
    as_person, project, owner, membership, django_assert_max_num_queries, settings, billing
):
    settings.BILLING = billing
    client = as_person(owner)
    pages = [at("workbench", project), reverse("projects:list", args=["harbour"]), at("takes", project)]
    client.get(pages[0])  # the first look loads the table of plans

    def count(address: str) -> int:
        with django_assert_max_num_queries(11) as few:
            client.get(address)
        return len(few)

    GenerationFactory(workspace=project.workspace, project=project, number=40, status=Status.COMPLETED)
    before = [count(page) for page in pages]
    for number in range(1, 40):
        GenerationFactory(workspace=project.workspace, project=project, number=number, status=Status.COMPLETED)
    for _ in range(5):
        create_project(membership=membership)
    after = [count(page) for page in pages]
    assert after == before


def test_the_number_of_takes_is_said_where_the_panel_has_no_room(as_person, project, owner):
    for number in range(1, 33):
        takes = {"workspace": project.workspace, "project": project, "number": number}
        GenerationFactory(status=Status.COMPLETED, **takes, deleted_at=timezone.now() if number == 1 else None)
    assert as_person(owner).get(at("workbench", project)).context["more_takes"] == 31


def test_a_long_history_is_on_pages_of_its_own(as_person, project, owner):
    for number in range(1, 33):
        GenerationFactory(workspace=project.workspace, project=project, number=number, status=Status.COMPLETED)
    newest, oldest, nonsense = (as_person(owner).get(at("takes", project) + f"?page={n}").text for n in (1, 2, "x"))
    assert "Take 32" in newest and "Take 2<" not in newest and "1–30 of 32" in newest
    assert "Take 2<" in oldest and "Take 32" not in oldest and 'rel="prev"' in oldest
    assert "1–30 of 32" in nonsense


def test_prices_beside_free_takes_say_so(as_person, project, owner, settings):
    settings.BILLING = True
    line = "3 takes a month are free on this plan, then these prices hold."
    assert line in as_person(owner).get(at("workbench", project)).content.decode()
    subscribe(workspace=project.workspace, plan=current_plan("creator"))
    assert "free on this plan" not in as_person(owner).get(at("workbench", project)).content.decode()
