"""The activity log: one function to write a line, one table of words to read it.

Who asks and from where is noted by a middleware for the time of a request, so that services need not carry it along.
"""

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from allauth.account.adapter import get_adapter
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse

from apps.accounts.models import User
from apps.workspaces.models import Activity, Workspace

# Sentences of the log; the subject stands after them. A deed that is not in the table cannot be recorded.
ACTIONS: dict[str, str] = {
    "account.made": "Made the account",
    "account.signed_in": "Signed in",
    "account.signed_out": "Signed out",
    "account.devices_signed_out": "Signed out",
    "account.sign_in_failed": "Somebody failed to sign in as",
    "account.code_failed": "Somebody gave a wrong code",
    "account.password_changed": "Changed the password",
    "account.factor_added": "Added a second factor:",
    "account.factor_removed": "Removed a second factor:",
    "account.codes_renewed": "Made new recovery codes",
    "account.address_added": "Added the address",
    "account.address_confirmed": "Confirmed the address",
    "account.address_removed": "Removed the address",
    "account.address_changed": "Changed the main address to",
    "account.exported": "Asked for an export of their data",
    "account.deleted": "Deleted their account",
    "workspace.made": "Made the workspace",
    "workspace.renamed": "Renamed the workspace to",
    "workspace.closed": "Closed the workspace",
    "workspace.transferred": "Handed the workspace to",
    "member.invited": "Invited",
    "member.invited_again": "Sent the invitation again to",
    "member.invitation_revoked": "Revoked the invitation of",
    "member.joined": "Joined as",
    "member.role_changed": "Changed the role of",
    "member.removed": "Removed",
    "member.left": "Left the workspace",
    "key.made": "Made the API key",
    "key.rotated": "Rotated the API key",
    "key.revoked": "Revoked the API key",
    "webhook.changed": "Changed the webhook to",
    "voices.key_set": "Entered the key of",
    "voices.key_removed": "Removed the key of",
    "voices.cloned": "Cloned the voice",
    "voices.deleted": "Deleted the voice",
    "asset.deleted": "Deleted the file",
    "asset.restored": "Brought back the file",
    "asset.visibility_changed": "Changed who sees the file",
    "project.made": "Made the project",
    "project.deleted": "Deleted the project",
    "project.restored": "Brought back the project",
    "project.visibility_changed": "Changed who sees the project",
    "generation.submitted": "Started",
    "generation.cancelled": "Cancelled",
    "share.made": "Shared",
    "share.revoked": "Ended the sharing of",
    "plan.changed": "Changed the plan to",
    "plan.planned": "Planned for the end of the paid month the plan",
    "billing.changed": "Changed",
    "billing.invoiced": "Issued the invoice",
    "billing.paid": "Noted the payment of the invoice",
    "billing.refused": "Was refused the payment of the invoice",
    "staff.action": "Administrator of the studio:",
}
# Groups of the filter: what stands before the dot.
GROUPS = {
    "account": "Accounts",
    "workspace": "Workspace",
    "member": "Members",
    "key": "API keys",
    "webhook": "Webhook",
    "voices": "Voices",
    "asset": "Files",
    "project": "Projects",
    "generation": "Takes",
    "share": "Sharing",
    "plan": "Plan",
    "billing": "Billing",
    "staff": "Staff",
}
AGENT_LIMIT, SUBJECT_LIMIT = 200, 255


@dataclass(frozen=True)
class Origin:
    """From where a request came: its address and what program sent it."""

    address: str | None = None
    agent: str = ""


_origin: ContextVar[Origin | None] = ContextVar("origin", default=None)


class OriginMiddleware:
    """Keeps the origin of the request at hand while it is answered."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        token = _origin.set(origin_of(request))
        try:
            return self.get_response(request)
        finally:
            _origin.reset(token)


def origin_of(request: HttpRequest) -> Origin:
    """Address as the rate limits see it (trusted proxies heeded) and the agent, cut to what the log holds."""
    try:
        address: str | None = get_adapter().get_client_ip(request)
    except PermissionDenied:  # no address to be had, as behind a socket
        address = None
    agent = request.headers.get("user-agent", "").replace("\x00", "")[:AGENT_LIMIT]
    return Origin(address, agent)


def record(
    action: str, *, workspace: Workspace | None = None, actor: User | None = None, subject: str = "", **detail: Any
) -> Activity:
    """Write one line of the log. ``action`` is a row of :data:`ACTIONS`; ``detail`` is what JSON can hold.

    Call it inside the transaction of the deed: a deed undone leaves no line, a deed done has one.
    """
    if action not in ACTIONS:
        raise ValueError(f"{action!r} is no action of the log.")
    origin = _origin.get() or Origin(agent="the studio itself")
    return Activity.objects.create(
        workspace=workspace,
        actor=actor,
        action=action,
        subject=subject.replace("\x00", "")[:SUBJECT_LIMIT],
        detail=detail,
        address=origin.address,
        agent=origin.agent,
    )
