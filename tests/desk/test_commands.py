"""Ctrl K: who is offered what, found by words, and nothing of other workspaces."""

import pytest
from django.urls import reverse
from django.utils import timezone

from apps.desk.commands import found
from apps.workspaces.models import Membership, Visibility
from tests.factories import AssetFactory, ProjectFactory

pytestmark = pytest.mark.django_db


def words(membership: Membership, text: str = "") -> dict[str, list[str]]:
    return {group.name: [command.words for command in group.commands] for group in found(membership, text)}


def test_every_address_offered_to_the_owner_opens(as_person, owner, membership):
    client = as_person(owner)
    for group in found(membership, ""):
        for command in group.commands:
            if not command.sent:
                assert client.get(command.address).status_code == 200, command.words


def test_a_viewer_is_offered_what_a_viewer_may_open(as_person, workspace, viewer):
    membership = Membership.objects.get(user=viewer, workspace=workspace)
    offered = words(membership)
    assert "Billing" not in offered["Pages"]
    assert "Activity" not in offered["Pages"]
    assert offered["Begin"] == ["New workspace"]
    client = as_person(viewer)
    for group in found(membership, ""):
        for command in group.commands:
            assert client.get(command.address).status_code == 200, command.words


def test_all_words_must_fit_in_any_order(membership, workspace):
    ProjectFactory(workspace=workspace, name="Harbour titles, Spanish")
    ProjectFactory(workspace=workspace, name="Harbour titles, French")
    assert words(membership, "SPANISH harbour") == {"Projects": ["Harbour titles, Spanish"]}


def test_files_come_by_name_only(membership, workspace):
    AssetFactory(workspace=workspace, video=True, name="maren_close.mp4")
    assert "Files" not in words(membership)
    assert words(membership, "maren") == {"Files": ["maren_close.mp4"]}


def test_a_file_that_is_not_probed_yet_is_found_too(membership, workspace):
    AssetFactory(workspace=workspace, name="just_arrived.mov", kind="", status="checking")
    assert words(membership, "arrived") == {"Files": ["just_arrived.mov"]}


def test_private_and_deleted_and_foreign_things_are_not_found(membership, workspace, viewer, outsider):
    ProjectFactory(workspace=workspace, name="Secret one", visibility=Visibility.PRIVATE)
    ProjectFactory(workspace=workspace, name="Secret two", deleted_at=timezone.now())
    AssetFactory(
        workspace=Membership.objects.filter(user=outsider).first().workspace, video=True, name="Secret three.mp4"
    )
    assert words(Membership.objects.get(user=viewer, workspace=workspace), "secret") == {}
    assert words(membership, "secret") == {"Projects": ["Secret one"]}


def test_without_scripts_it_is_a_page_and_says_when_nothing_fits(as_person, owner, workspace):
    page = as_person(owner).get(reverse("desk:commands", args=["harbour"]), {"q": "<zzz>"}).content.decode()
    assert "Nothing is called “&lt;zzz&gt;”" in page
    assert "<html" in page


def test_the_dialog_gets_the_list_alone(as_person, owner, workspace):
    answer = as_person(owner).get(reverse("desk:commands", args=["harbour"]), headers={"HX-Request": "true"})
    assert b"<html" not in answer.content
    assert b"New project" in answer.content


@pytest.mark.database
def test_a_character_that_postgresql_does_not_know_is_left_out(as_person, owner, workspace):
    AssetFactory(workspace=workspace, name="harbour.mp4")
    page = as_person(owner).get(reverse("desk:commands", args=["harbour"]), {"q": "har\x00bour"})
    assert "harbour.mp4" in page.content.decode()


def test_many_projects_cost_no_more_queries(as_person, owner, workspace, django_assert_max_num_queries):
    client = as_person(owner)
    ProjectFactory.create_batch(12, workspace=workspace, name="Title")
    with django_assert_max_num_queries(6):
        client.get(reverse("desk:commands", args=["harbour"]), {"q": "title"}, headers={"HX-Request": "true"})


def test_a_text_of_thousands_of_words_is_cut(membership):
    assert "Begin" not in words(membership, "x " * 2000)
