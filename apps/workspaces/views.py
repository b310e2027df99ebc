"""Pages of a workspace's people: members and invitations, name and closing, the log."""

from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.requests import SignedInRequest
from apps.workspaces import invitations, members, permissions, services
from apps.workspaces.access import membership_in
from apps.workspaces.log import LogPage
from apps.workspaces.models import Invitation, Membership, Role
from apps.workspaces.permissions import Action
from apps.workspaces.seats import seats_of, taken
from studio.errors import StudioError
from studio.toasts import toast

GIVEN = (Role.ADMIN, Role.EDITOR, Role.VIEWER)


@login_required
@never_cache
def people(request: SignedInRequest, ws: str) -> HttpResponse:
    """Who is in the workspace; a POST invites an address."""
    membership = membership_in(request.user, ws, at_least=_least(request, Action.INVITE))
    if request.method != "POST":
        return _people_page(request, membership)
    email, role = request.POST.get("email", ""), request.POST.get("role", "")
    try:
        invited = invitations.invite(membership=membership, email=email, role=role)
    except StudioError as error:
        return _people_page(request, membership, error=error)
    toast(request, f"Invited {invited.email}.")
    return redirect("people:members", ws)


@login_required
@require_POST
def invitation_again(request: SignedInRequest, ws: str, invitation_id: UUID) -> HttpResponse:
    membership = membership_in(request.user, ws, at_least=permissions.LEAST[Action.INVITE])
    invitation = _invitation(membership, invitation_id)
    return _done(
        request, ws, lambda: invitations.send_again(membership=membership, invitation=invitation),
        f"Sent the invitation to {invitation.email} again.",
    )  # fmt: skip


@login_required
@require_POST
def invitation_revoke(request: SignedInRequest, ws: str, invitation_id: UUID) -> HttpResponse:
    membership = membership_in(request.user, ws, at_least=permissions.LEAST[Action.INVITE])
    invitation = _invitation(membership, invitation_id)
    return _done(
        request, ws, lambda: invitations.revoke(membership=membership, invitation=invitation),
        f"Revoked the invitation of {invitation.email}. Its link lets nobody in.",
    )  # fmt: skip


@login_required
@require_POST
def member_role(request: SignedInRequest, ws: str, member_id: int) -> HttpResponse:
    membership = membership_in(request.user, ws, at_least=permissions.LEAST[Action.ROLES])
    member, role = _member(membership, member_id), request.POST.get("role", "")
    words = f"{member.user.short_name} is now {Role(role).label.lower()}." if role in Role.values else ""
    return _done(request, ws, lambda: members.change_role(membership=membership, member=member, role=role), words)


@login_required
@require_POST
def member_remove(request: SignedInRequest, ws: str, member_id: int) -> HttpResponse:
    membership = membership_in(request.user, ws, at_least=permissions.LEAST[Action.ROLES])
    member = _member(membership, member_id)
    words = f"Removed {member.user.short_name}. What they made stays."
    return _done(request, ws, lambda: members.remove(membership=membership, member=member), words)


@login_required
@require_POST
def transfer(request: SignedInRequest, ws: str, member_id: int) -> HttpResponse:
    """Hand the workspace over; asked for once more by a box that must be ticked."""
    membership = membership_in(request.user, ws, at_least=permissions.LEAST[Action.TRANSFER])
    member = _member(membership, member_id)
    if request.POST.get("sure") != "yes":
        toast(request, "Nothing was changed. Tick the box to hand the workspace over.", level=messages.ERROR)
        return redirect("people:members", ws)
    words = f"{member.user.short_name} owns the workspace now. You are an administrator."
    return _done(request, ws, lambda: members.transfer(membership=membership, member=member), words)


@login_required
@require_POST
def leave(request: SignedInRequest, ws: str) -> HttpResponse:
    membership = membership_in(request.user, ws)
    try:
        members.leave(membership=membership)
    except StudioError as error:
        toast(request, str(error), level=messages.ERROR)
        return redirect("people:members", ws)
    toast(request, f"You left {membership.workspace.name}.")
    return redirect("home")


@login_required
@never_cache
def workspace_settings(request: SignedInRequest, ws: str) -> HttpResponse:
    """Name of the workspace; closing it."""
    membership = membership_in(request.user, ws, at_least=_least(request, Action.RENAME))
    error = None
    if request.method == "POST":
        try:
            services.rename_workspace(membership=membership, name=request.POST.get("name", ""))
        except StudioError as problem:
            error = problem
            membership.workspace.refresh_from_db()
        else:
            toast(request, "Renamed the workspace. Its address stays.")
            return redirect("people:settings", ws)
    context = _shared(membership, "settings") | {
        "error": error,
        "name": request.POST.get("name", membership.workspace.name),
        "name_limit": services.NAME_LIMIT,
        "may_rename": permissions.may(membership, Action.RENAME),
        "may_close": permissions.may(membership, Action.CLOSE),
    }
    return render(request, "workspaces/settings.html", context, status=422 if error else 200)


@login_required
@require_POST
def close(request: SignedInRequest, ws: str) -> HttpResponse:
    """Close the workspace; its name must be typed, since nobody gets in afterwards."""
    membership = membership_in(request.user, ws, at_least=permissions.LEAST[Action.CLOSE])
    if request.POST.get("name", "").strip() != membership.workspace.name:
        toast(request, "Nothing was changed. Type the name of the workspace to close it.", level=messages.ERROR)
        return redirect("people:settings", ws)
    try:
        services.close_workspace(membership=membership)
    except StudioError as error:
        toast(request, str(error), level=messages.ERROR)
        return redirect("people:settings", ws)
    toast(request, f"Closed {membership.workspace.name}.")
    return redirect("home")


@login_required
@require_safe
def activity(request: SignedInRequest, ws: str) -> HttpResponse:
    """The log of the workspace, newest first, by person and kind."""
    membership = membership_in(request.user, ws, at_least=permissions.LEAST[Action.ACTIVITY])
    page = LogPage(membership.workspace, request.GET)
    return render(request, "workspaces/activity.html", _shared(membership, "activity") | {"page": page})


def join(request: SignedInRequest, token: str) -> HttpResponse:
    """What an invitation's link opens; a POST by the invited account takes it up."""
    invitation = invitations.invitation_of(token)
    if invitation is None:
        raise Http404("There is no such invitation.")
    if request.method == "POST" and request.user.is_authenticated:
        try:
            membership = invitations.accept(invitation=invitation, user=request.user)
        except StudioError as error:
            return _join_page(request, invitation, error)
        toast(request, f"You are in {membership.workspace.name} now, as {Role(membership.role).label.lower()}.")
        return redirect("workspace", membership.workspace.slug)
    return _join_page(request, invitation)


def _join_page(request: SignedInRequest, invitation: Invitation, error: StudioError | None = None) -> HttpResponse:
    signed_in = request.user.is_authenticated
    member = signed_in and invitation.workspace.memberships.filter(user=request.user).exists()
    fits = signed_in and invitations.is_for(invitation, request.user)
    if not signed_in and invitation.is_open and _mail_proves_address():
        invitations.remember_address(request, invitation)
    context = {
        "invitation": invitation,
        "role": Role(invitation.role).label,
        "fits": fits,
        "member": member,
        "error": error,
    }
    ended = not invitation.is_open and not member
    status = error.status if error else 410 if ended else 200
    return render(request, "workspaces/join.html", context, status=status)


def _mail_proves_address() -> bool:
    """Whether links only reach people by mail. Where mails go to a folder, whoever runs the studio hands them on."""
    return not settings.EMAIL_BACKEND.endswith("filebased.EmailBackend")


def _people_page(request: SignedInRequest, membership: Membership, error: StudioError | None = None) -> HttpResponse:
    workspace = membership.workspace
    may_invite = permissions.may(membership, Action.INVITE)
    rows = list(workspace.memberships.select_related("user"))
    waiting = list(workspace.invitations.waiting().select_related("invited_by")) if may_invite else []
    for invitation in waiting:
        # Without a mail server the link has no other way to the person.
        invitation.link = "" if _mail_proves_address() else invitations.link_to(invitation)  # type: ignore[attr-defined]
    context = _shared(membership, "members") | {
        "members": sorted(rows, key=lambda row: (-Role(row.role).rank, row.user.short_name.lower())),
        "invitations": waiting,
        "may_invite": may_invite,
        "may_change_roles": permissions.may(membership, Action.ROLES),
        "may_transfer": permissions.may(membership, Action.TRANSFER),
        "owner_role": Role.OWNER,
        "given": [(role.value, role.label) for role in GIVEN],
        "seats": seats_of(workspace),
        "taken": taken(workspace),
        "table": permissions.table(),
        "error": error,
        "posted": request.POST,
    }
    return render(request, "workspaces/members.html", context, status=error.status if error else 200)


def _shared(membership: Membership, tab: str) -> dict:
    return {
        "membership": membership,
        "ws": membership.workspace.slug,
        "tab": tab,
        "may_read_activity": permissions.may(membership, Action.ACTIVITY),
    }


def _least(request: SignedInRequest, to_change: Action) -> Role:
    """Looking is for every member; a POST needs the role of the deed."""
    return permissions.LEAST[to_change if request.method == "POST" else Action.LOOK]


def _done(request: SignedInRequest, ws: str, deed, words: str) -> HttpResponse:
    """Do it, say so or say what is in the way, and show the members."""
    try:
        deed()
    except StudioError as error:
        toast(request, str(error), level=messages.ERROR)
    except PermissionDenied as error:  # the role has shrunk since the page was drawn
        toast(request, str(error), level=messages.ERROR)
    else:
        toast(request, words)
    return redirect("people:members", ws)


def _member(membership: Membership, member_id: int) -> Membership:
    found = membership.workspace.memberships.select_related("user", "workspace").filter(pk=member_id).first()
    if found is None:
        raise Http404("There is no such member.")
    return found


def _invitation(membership: Membership, invitation_id: UUID) -> Invitation:
    found = membership.workspace.invitations.waiting().select_related("workspace").filter(pk=invitation_id).first()
    if found is None:
        raise Http404("There is no such invitation.")
    return found
