"""The door of a workspace: outsiders find nothing, small roles are told so."""

import pytest
from django.core.exceptions import PermissionDenied
from django.http import Http404

from apps.workspaces.access import membership_for, membership_in
from apps.workspaces.models import Role


def test_a_member_gets_in(owner, teammate, workspace):
    assert membership_in(owner, workspace.slug).role == Role.OWNER
    assert membership_in(teammate, workspace.slug).workspace == workspace


def test_an_outsider_finds_nothing(outsider, workspace):
    with pytest.raises(Http404):
        membership_in(outsider, workspace.slug)


def test_a_viewer_may_look_but_not_change(viewer, workspace):
    assert membership_in(viewer, workspace.slug).role == Role.VIEWER
    with pytest.raises(PermissionDenied, match="role in this workspace is Viewer"):
        membership_in(viewer, workspace.slug, at_least=Role.EDITOR)


def test_a_workspace_at_hand_is_guarded_too(outsider, teammate, workspace):
    assert membership_for(teammate, workspace).user == teammate
    with pytest.raises(PermissionDenied):
        membership_for(outsider, workspace)


@pytest.mark.parametrize(
    ("role", "may"),
    [
        (Role.OWNER, {Role.OWNER, Role.ADMIN, Role.EDITOR, Role.VIEWER}),
        (Role.ADMIN, {Role.ADMIN, Role.EDITOR, Role.VIEWER}),
        (Role.EDITOR, {Role.EDITOR, Role.VIEWER}),
        (Role.VIEWER, {Role.VIEWER}),
    ],
)
def test_each_role_includes_the_smaller_ones(role, may):
    assert {other for other in Role if role.rank >= other.rank} == may
