"""Making workspaces: unique slugs, an owner from the start, one for each newcomer."""

from apps.workspaces.models import Membership, Role, Workspace
from apps.workspaces.services import create_workspace, first_workspace, free_slug


def test_the_maker_owns_it(owner):
    made = create_workspace(name="  Night shoots ", owner=owner)
    assert made.name == "Night shoots"
    assert Membership.objects.get(workspace=made, user=owner).role == Role.OWNER


def test_a_taken_slug_gets_a_number(owner):
    names = [create_workspace(name="Films", owner=owner).slug for _ in range(3)]
    assert names == ["films", "films-2", "films-3"]


def test_words_of_our_own_addresses_are_not_given_away(db):
    assert free_slug("New") == "new-2"


def test_a_name_without_letters_still_gets_an_address(db):
    assert free_slug("***") == "workspace"


def test_a_newcomer_gets_one_workspace_and_keeps_it(owner):
    first = first_workspace(owner)
    assert first.name == "Ada Lind's workspace"
    assert first_workspace(owner) == first
    assert Workspace.objects.of(owner).count() == 1
