"""What happens to members: roles, removal, leaving, the change of owner. A workspace always has exactly one owner."""

from django.db import transaction

from apps.workspaces.activity import record
from apps.workspaces.models import Membership, Role, Workspace
from apps.workspaces.permissions import Action, require_action
from studio.errors import StudioError


@transaction.atomic
def change_role(*, membership: Membership, member: Membership, role: str) -> Membership:
    """Give a member another role, from the next request on. Ownership only moves by :func:`transfer`."""
    require_action(membership, Action.ROLES)
    _lock(membership.workspace)
    member = _now(member)
    if role not in (Role.ADMIN, Role.EDITOR, Role.VIEWER):
        raise StudioError("role_unknown", "There is no such role to give.", "Choose one of the list.", field="role")
    if member.role == Role.OWNER:
        raise _owner_stays(member)
    before = member.role
    if before != role:
        member.role = role
        member.save(update_fields=["role"])
        record(
            "member.role_changed",
            workspace=member.workspace,
            actor=membership.user,
            subject=member.user.email,
            before=before,
            after=role,
        )
    return member


@transaction.atomic
def remove(*, membership: Membership, member: Membership) -> None:
    """Take a member out. What they made stays, their keys and links stop with the membership."""
    require_action(membership, Action.ROLES)
    _lock(membership.workspace)
    member = _now(member)
    if member.role == Role.OWNER:
        raise _owner_stays(member)
    member.delete()
    record("member.removed", workspace=membership.workspace, actor=membership.user, subject=member.user.email)


@transaction.atomic
def leave(*, membership: Membership) -> None:
    """Leave a workspace by oneself; the owner hands it over or closes it first."""
    _lock(membership.workspace)
    now = _now(membership)
    if now.role == Role.OWNER:
        raise StudioError(
            "owner_cannot_leave",
            "You own this workspace.",
            "Hand it to another member first, or close it.",
            status=409,
        )
    now.delete()
    record("member.left", workspace=membership.workspace, actor=membership.user)


@transaction.atomic
def transfer(*, membership: Membership, member: Membership) -> Membership:
    """Make another member the owner; the one before stays as administrator. Returns the new owner's membership."""
    _lock(membership.workspace)
    giver, taker = _now(membership), _now(member)
    require_action(giver, Action.TRANSFER)
    if taker.pk == giver.pk:
        raise StudioError("owner_already", "You own this workspace already.", "Choose another member.", field="member")
    if not taker.user.is_active:
        raise StudioError("member_closed", "This account is closed.", "Choose another member.", field="member")
    giver.role = Role.ADMIN
    giver.save(update_fields=["role"])  # first, since the database holds that there is one owner
    taker.role = Role.OWNER
    taker.save(update_fields=["role"])
    record("workspace.transferred", workspace=giver.workspace, actor=giver.user, subject=taker.user.email)
    return taker


def _lock(workspace: Workspace) -> None:
    """Changes of one workspace's members happen one after the other."""
    Workspace.objects.select_for_update().get(pk=workspace.pk)


def _now(member: Membership) -> Membership:
    """The membership as it stands now; raises ``StudioError`` where it is gone."""
    found = Membership.objects.select_related("workspace", "user").filter(pk=member.pk).first()
    if found is None:
        raise StudioError("member_gone", "This person is no longer a member.", "Reload the page.", status=409)
    return found


def _owner_stays(member: Membership) -> StudioError:
    return StudioError(
        "owner_stays",
        f"{member.user.email} owns this workspace.",
        "The owner can hand it to another member.",
        status=409,
    )
