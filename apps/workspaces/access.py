"""The door to a workspace: every view, task and API route gets its objects through here.

An outsider is told that nothing is there (404), so that names of workspaces do not leak. A member whose role is too
small is told so (403).
"""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import Http404

from apps.accounts.models import User
from apps.workspaces.models import Membership, Role, Visibility, Workspace

ROLE_NEEDED = "Your role in this workspace is {role}. This needs {needed}; an owner can change your role."


def membership_in(user, slug: str, *, at_least: Role = Role.VIEWER) -> Membership:
    """Membership of a signed-in person in the workspace with this slug.

    Raises ``Http404`` for outsiders, ``PermissionDenied`` for a role below ``at_least``.
    """
    membership = open_memberships().filter(user=user, workspace__slug=slug).first()
    if membership is None:
        raise Http404("There is no such workspace.")
    require(membership, at_least)
    return membership


def membership_for(user: User, workspace: Workspace, *, at_least: Role = Role.VIEWER) -> Membership:
    """The same for a workspace already at hand; a person who is not in it meets ``PermissionDenied``."""
    membership = open_memberships().filter(user=user, workspace=workspace).first()
    if membership is None:
        raise PermissionDenied("This workspace is not yours.")
    require(membership, at_least)
    return membership


def open_memberships() -> QuerySet[Membership]:
    """Memberships in workspaces that are open, with person and workspace; the caller says whose."""
    return Membership.objects.select_related("workspace", "user").filter(workspace__closed_at=None)


def visible_to(membership: Membership, prefix: str = "") -> Q:
    """Condition on projects or files: what this member sees of them.

    Private ones are seen by whoever made them, and by administrators and the owner, who answer for the workspace; so
    nothing is lost when its maker leaves. ``prefix`` leads to the rows from another table, such as ``"project__"``.
    """
    if membership.may(Role.ADMIN):
        return Q()
    return ~Q(**{f"{prefix}visibility": Visibility.PRIVATE}) | Q(**{f"{prefix}created_by": membership.user})


def sees(membership: Membership, row: Any) -> bool:
    """The same of one project or file that is at hand."""
    return membership.may(Role.ADMIN) or row.visibility != Visibility.PRIVATE or row.created_by_id == membership.user.pk


def require_maker_or_admin(membership: Membership, maker_id: int | None) -> None:
    """Raise ``PermissionDenied`` unless this editor made the thing, or administrates the workspace."""
    require(membership, Role.EDITOR if maker_id == membership.user.pk else Role.ADMIN)


def require(membership: Membership, at_least: Role) -> None:
    """Raise ``PermissionDenied`` with the role held and the role needed."""
    if not membership.may(at_least):
        raise PermissionDenied(ROLE_NEEDED.format(role=Role(membership.role).label, needed=at_least.label))
