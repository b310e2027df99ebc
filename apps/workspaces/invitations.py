"""Invitations: sent by mail as a signed link, sent again, revoked, taken up once by the address they are for."""

from datetime import timedelta
from uuid import UUID

from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from django.conf import settings
from django.core import signing
from django.core.exceptions import ValidationError
from django.core.mail import send_mail
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import User
from apps.workspaces.activity import record
from apps.workspaces.models import INVITATION_LASTS, Activity, Invitation, Membership, Role, Workspace
from apps.workspaces.permissions import Action, require_action
from apps.workspaces.seats import require_seat, taken
from studio.errors import StudioError

SALT = "workspaces.invitation"
# Mails one workspace, or one person over all of theirs, may cause in an hour, so that nobody uses the studio to flood
# strangers.
MAILS_AN_HOUR = 50


def token_of(invitation: Invitation) -> str:
    """What stands in the link: the id, signed. What it is worth is decided by the row."""
    return signing.Signer(salt=SALT).sign(invitation.pk.hex)


def link_to(invitation: Invitation) -> str:
    return f"{settings.PUBLIC_URL}{reverse('join', args=[token_of(invitation)])}"


def invitation_of(token: str) -> Invitation | None:
    """The invitation of a link, open or not; None for a token we did not sign."""
    try:
        found = UUID(signing.Signer(salt=SALT).unsign(token))
    except (signing.BadSignature, ValueError):
        return None
    rows = Invitation.objects.select_related("workspace", "invited_by")
    return rows.filter(pk=found, workspace__closed_at=None).first()


@transaction.atomic
def invite(*, membership: Membership, email: str, role: str) -> Invitation:
    """Invite an address; an invitation it has already is sent again with this role.

    Raises ``StudioError`` for an address that is none, a member's, a role that cannot be given, or no free seat.
    """
    require_action(membership, Action.INVITE)
    email = _clean_email(email)
    if role not in (Role.ADMIN, Role.EDITOR, Role.VIEWER):
        raise StudioError(
            "role_unknown", "There is no such role to invite to.", "Choose one of the list.", field="role"
        )
    workspace = Workspace.objects.select_for_update().get(pk=membership.workspace.pk)
    if workspace.memberships.filter(user__email=email).exists():
        raise StudioError(
            "already_member", f"{email} is a member already.", "Change the role in the list.", field="email"
        )
    known = workspace.invitations.waiting().filter(email=email).first()
    if known is None or known.is_expired:
        require_seat(workspace, used=taken(workspace))
    if known is not None:
        known.role = role
        return _send_again(known, membership)
    _hold_back(membership)
    made = Invitation.objects.create(workspace=workspace, email=email, role=role, invited_by=membership.user)
    record("member.invited", workspace=workspace, actor=membership.user, subject=email, role=role)
    _mail(made)
    return made


@transaction.atomic
def send_again(*, membership: Membership, invitation: Invitation) -> Invitation:
    """Mail the link again and let it run for another week; an expired one needs a free seat once more."""
    require_action(membership, Action.INVITE)
    workspace = Workspace.objects.select_for_update().get(pk=membership.workspace.pk)
    now = workspace.invitations.waiting().filter(pk=invitation.pk).first()
    if now is None:
        raise StudioError("invitation_ended", "This invitation has ended.", "Send a new one.", status=409)
    if now.is_expired:
        require_seat(workspace, used=taken(workspace))
    return _send_again(now, membership)


@transaction.atomic
def revoke(*, membership: Membership, invitation: Invitation) -> None:
    """End an invitation; its link lets nobody in from now on."""
    require_action(membership, Action.INVITE)
    Workspace.objects.select_for_update().get(pk=membership.workspace.pk)  # first, as whoever takes it up does
    ended = Invitation.objects.waiting().filter(pk=invitation.pk, workspace=membership.workspace)
    if ended.update(revoked_at=timezone.now()):
        record(
            "member.invitation_revoked",
            workspace=membership.workspace,
            actor=membership.user,
            subject=invitation.email,
        )


def remember_address(request: HttpRequest, invitation: Invitation) -> None:
    """Who came by a mailed link holds the address: an account made next with it needs no second mail to prove that."""
    get_adapter().stash_verified_email(request, invitation.email)


def is_for(invitation: Invitation, user: User) -> bool:
    """Whether this account holds the address that was invited, as its own or as a confirmed second one."""
    if user.email.lower() == invitation.email:
        return True
    return EmailAddress.objects.filter(user=user, verified=True, email__iexact=invitation.email).exists()


@transaction.atomic
def accept(*, invitation: Invitation, user: User) -> Membership:
    """Make the person a member. A second try by the same person gives the same membership.

    Raises ``StudioError`` for another address, an ended invitation, or a workspace that has filled up meanwhile.
    """
    if not is_for(invitation, user):
        raise StudioError(
            "invitation_other_address",
            f"This invitation is for {invitation.email}. You are signed in as {user.email}.",
            "Sign in with that address, or ask for an invitation to yours.",
            status=403,
        )
    workspace = Workspace.objects.select_for_update().get(pk=invitation.workspace_id)
    member = Membership.objects.filter(workspace=workspace, user=user).first()
    if member is not None:
        invitation.workspace.invitations.waiting().filter(pk=invitation.pk).update(
            accepted_at=timezone.now(), accepted_by=user
        )
        return member
    open_now = Invitation.objects.waiting().filter(pk=invitation.pk, expires_at__gt=timezone.now())
    if workspace.closed_at is not None or not open_now.update(accepted_at=timezone.now(), accepted_by=user):
        raise StudioError("invitation_ended", "This invitation has ended.", "Ask for a new one.", status=410)
    require_seat(workspace, used=workspace.memberships.count())
    role = Invitation.objects.get(pk=invitation.pk).role
    made = Membership.objects.create(workspace=workspace, user=user, role=role)
    record("member.joined", workspace=workspace, actor=user, subject=Role(role).label)
    return made


def _send_again(invitation: Invitation, membership: Membership) -> Invitation:
    _hold_back(membership)
    invitation.sent_at = timezone.now()
    invitation.expires_at = invitation.sent_at + INVITATION_LASTS
    invitation.save(update_fields=["role", "sent_at", "expires_at"])
    record(
        "member.invited_again",
        workspace=invitation.workspace,
        actor=membership.user,
        subject=invitation.email,
        role=invitation.role,
    )
    _mail(invitation)
    return invitation


def _hold_back(membership: Membership) -> None:
    """Raise ``StudioError`` where workspace or person have sent their mails of this hour. The log counts each."""
    hour_ago = timezone.now() - timedelta(hours=1)
    theirs = Q(workspace=membership.workspace) | Q(actor=membership.user)
    mails = Activity.objects.filter(theirs, action__in=("member.invited", "member.invited_again"), at__gt=hour_ago)
    sent = mails.count()
    if sent >= MAILS_AN_HOUR:
        raise StudioError(
            "too_many_invitations", f"{sent} invitations went out in the last hour.", "Wait a while.", status=429
        )


def _mail(invitation: Invitation) -> None:
    """Send the link when the transaction is through; a mail server that is away does not undo the invitation."""
    context = {"invitation": invitation, "link": link_to(invitation), "role": Role(invitation.role).label}
    subject = " ".join(render_to_string("workspaces/email/invitation_subject.txt", context).split())
    text = render_to_string("workspaces/email/invitation_message.txt", context)
    transaction.on_commit(lambda: send_mail(subject, text, None, [invitation.email]), robust=True)


def _clean_email(email: str) -> str:
    email = email.strip().lower()
    try:
        validate_email(email)
    except ValidationError as error:
        raise StudioError(
            "email_invalid", "This is no e-mail address.", "Check it for typos.", field="email"
        ) from error
    return email
