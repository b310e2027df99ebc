"""The end of an account. Its row stays without name, address and ways in, since bills and the log refer to it."""

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.db import transaction
from django.db.models import Count

from apps.accounts.models import DataExport, User
from apps.workspaces.activity import record
from apps.workspaces.models import Membership, Role, Workspace
from apps.workspaces.services import close_workspace
from apps.workspaces.signals import account_closing
from studio.errors import StudioError

GONE = "Deleted account"


def owned_by(user: User, *, shared: bool) -> list[Workspace]:
    """Open workspaces of this owner: those with other members, or those where nobody else is."""
    owned = Workspace.objects.open().filter(memberships__user=user, memberships__role=Role.OWNER)
    counted = Workspace.objects.filter(pk__in=owned.values("pk")).annotate(people=Count("memberships"))
    return list(counted.filter(people__gt=1) if shared else counted.filter(people=1))


@transaction.atomic
def delete_account(*, user: User) -> None:
    """Empty the account and end every way into it; workspaces where nobody else is are closed.

    Raises ``StudioError`` while the person owns a workspace with other members, or something of theirs still runs.
    """
    # Nobody hands this person a workspace meanwhile: it would be closed to its other members, or left without an owner.
    own = Membership.objects.filter(user=user).values("workspace")
    list(Workspace.objects.select_for_update().filter(pk__in=own).order_by("pk"))
    user = User.objects.select_for_update().get(pk=user.pk)
    shared = owned_by(user, shared=True)
    if shared:
        names = ", ".join(workspace.name for workspace in shared)
        raise StudioError(
            "account_owns_workspaces",
            f"You own workspaces with other members: {names}.",
            "Hand each to another member, or close it.",
            status=409,
        )
    for membership in Membership.objects.select_related("workspace", "user").filter(user=user, role=Role.OWNER):
        close_workspace(membership=membership)
    for membership in Membership.objects.select_related("workspace").filter(user=user).exclude(role=Role.OWNER):
        record("member.left", workspace=membership.workspace, actor=user)
        membership.delete()
    record("account.deleted", actor=user)
    account_closing.send(sender=User, user=user)
    for session in UserSession.objects.filter(user=user):
        session.end()
    for export in DataExport.objects.filter(user=user):
        export.file.delete(save=False)
        export.delete()
    EmailAddress.objects.filter(user=user).delete()
    Authenticator.objects.filter(user=user).delete()
    user.groups.clear()
    user.user_permissions.clear()
    user.email, user.name = f"deleted-{user.pk}@deleted.invalid", GONE
    user.is_active = user.is_staff = user.is_superuser = False
    user.set_unusable_password()
    user.save()
