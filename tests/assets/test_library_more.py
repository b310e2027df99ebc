"""The library's list view, what a file is used in, several at once, and the sound of a film."""

import pytest
from django.urls import reverse

from apps.assets.models import Asset, Origin
from apps.workspaces.models import Visibility
from tests.browser.stage import film
from tests.factories import AssetFactory, GenerationFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_worker(monkeypatch):
    monkeypatch.setattr("studio.celery.app.send_task", lambda name, args=None, **_: None)


def test_the_list_view_stays_while_one_filters_and_goes_on(as_person, owner, workspace):
    AssetFactory.create_batch(60, workspace=workspace, video=True)
    page = as_person(owner).get(reverse("assets:library", args=["harbour"]), {"view": "list"}).content.decode()
    assert "as-list" in page
    assert "?view=list&amp;from=48" in page
    assert "?kind=audio&amp;view=list" in page
    assert "as-list" not in as_person(owner).get(reverse("assets:library", args=["harbour"])).content.decode()


def test_a_file_names_the_takes_that_use_it(as_person, owner, workspace):
    video = AssetFactory(workspace=workspace, video=True)
    take = GenerationFactory(workspace=workspace, video=video, number=7)
    page = as_person(owner).get(reverse("assets:detail", args=["harbour", video.pk])).content.decode()
    assert f"{take.project.name}, take 7" in page
    assert reverse("generations:take", args=["harbour", take.project_id, 7]) in page


def test_several_are_deleted_and_come_back_together(as_person, owner, workspace, viewer):
    assets = AssetFactory.create_batch(3, workspace=workspace, video=True)
    ids = [str(asset.pk) for asset in assets[:2]]
    address = reverse("assets:delete_many", args=["harbour"])
    assert as_person(viewer).post(address, {"ids": ids}).status_code == 403
    answer = as_person(owner).post(address, {"ids": ids}, headers={"HX-Request": "true"})
    assert "2 files deleted" in answer.content.decode()
    assert Asset.objects.in_library(workspace).get() == assets[2]
    undo = reverse("assets:restore_many", args=["harbour"])
    assert f'action="{undo}"' in answer.content.decode(), "an address has no room for the ids of a hundred files"
    assert answer.content.decode().count('type="hidden" name="ids"') == 2
    as_person(owner).post(undo, {"ids": ids})
    assert Asset.objects.in_library(workspace).count() == 3


def test_one_wrong_id_deletes_nothing(as_person, owner, workspace):
    ours, foreign = AssetFactory(workspace=workspace), AssetFactory()
    address = reverse("assets:delete_many", args=["harbour"])
    assert as_person(owner).post(address, {"ids": [str(ours.pk), str(foreign.pk)]}).status_code == 404
    assert as_person(owner).post(address, {"ids": ["words"]}).status_code == 404
    assert Asset.objects.in_library(workspace).get() == ours


def test_the_sound_of_a_film_becomes_a_file_once(as_person, owner, membership, tmp_path):
    asset = film(membership, tmp_path, "cam.mp4", 1.0)
    address = reverse("assets:extract", args=["harbour", asset.pk])
    for _ in range(2):
        as_person(owner).post(address)
    sound = Asset.objects.get(origin=Origin.EXTRACT)
    assert sound.name == "cam, sound.m4a"


def test_a_file_without_sound_says_so(as_person, owner, membership, tmp_path, workspace):
    from tests.browser.stage import shelve
    from tests.factories import write_video

    asset = shelve(membership, write_video(tmp_path / "mute.mp4", seconds=0.4))
    answer = as_person(owner).post(reverse("assets:extract", args=["harbour", asset.pk]), follow=True)
    assert "This film has no sound." in answer.content.decode()


def test_who_sees_a_file_is_changed_by_its_maker_and_administrators(as_person, owner, teammate, workspace):
    asset = AssetFactory(workspace=workspace, created_by=owner)
    address = reverse("assets:visibility", args=["harbour", asset.pk])
    assert as_person(teammate).post(address, {"visibility": "private"}).status_code == 403
    page = as_person(owner).post(address, {"visibility": "private"}, headers={"HX-Request": "true"}).content.decode()
    assert '<option value="private" selected>' in page
    asset.refresh_from_db()
    assert asset.visibility == Visibility.PRIVATE
    assert as_person(teammate).get(reverse("assets:detail", args=["harbour", asset.pk])).status_code == 404
    as_person(owner).post(address, {"visibility": "nobody"})
    asset.refresh_from_db()
    assert asset.visibility == Visibility.PRIVATE
