"""The page of API keys: list, make, shown once, rotate, revoke."""

from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from apps.accounts.requests import SignedInRequest
from apps.api.access import key_in
from apps.api.keys import make_key, revoke_key, rotate_key, visible_keys
from apps.api.models import Scope
from apps.workspaces.access import membership_in
from apps.workspaces.models import Membership, Role
from studio.errors import StudioError
from studio.toasts import toast

# Days a new key lives; 0 for no end.
LIFETIMES = {"0": "No end", "30": "30 days", "90": "90 days", "365": "1 year"}
SCOPES = {
    Scope.READ: "See models, files and generations",
    Scope.GENERATE: "Also upload, generate and cancel",
    Scope.MANAGE: "Also delete files, generations and projects",
}


@login_required
@never_cache
def keys(request: SignedInRequest, ws: str) -> HttpResponse:
    """The list; a POST makes a key and shows it in the answer, the only time it can be seen."""
    membership = membership_in(request.user, ws)
    if request.method != "POST":
        return _page(request, membership)
    days = request.POST.get("days", "0")
    lifetime = int(days) if days in LIFETIMES else 0
    try:
        _, secret = make_key(
            membership=membership,
            name=request.POST.get("name", ""),
            scope=request.POST.get("scope", Scope.GENERATE),
            expires_at=timezone.now() + timedelta(days=lifetime) if lifetime else None,
        )
    except StudioError as error:
        return _page(request, membership, error=error, status=422)
    return _page(request, membership, secret=secret)


@login_required
@never_cache
@require_POST
def rotate(request: SignedInRequest, ws: str, key_id: UUID) -> HttpResponse:
    """A successor of a key, shown once; the old one works for a day longer."""
    membership = membership_in(request.user, ws)
    try:
        _, secret = rotate_key(membership=membership, key=key_in(membership, key_id))
    except StudioError as error:
        raise PermissionDenied(str(error)) from error
    return _page(request, membership, secret=secret)


@login_required
@require_POST
def revoke(request: SignedInRequest, ws: str, key_id: UUID) -> HttpResponse:
    membership = membership_in(request.user, ws)
    key = key_in(membership, key_id)
    revoke_key(membership=membership, key=key)
    toast(request, f"{key.name} no longer works.", level=messages.SUCCESS)
    return redirect("api_pages:keys", ws)


def _page(
    request: SignedInRequest,
    membership: Membership,
    *,
    secret: str = "",
    error: StudioError | None = None,
    status: int = 200,
) -> HttpResponse:
    may_generate = membership.may(Role.EDITOR)
    context = {
        "ws": membership.workspace.slug,
        "membership": membership,
        "keys": visible_keys(membership),
        "secret": secret,
        "error": error,
        "posted": request.POST,
        "scopes": [(s.value, s.label, SCOPES[s]) for s in Scope if may_generate or s == Scope.READ],
        "lifetimes": LIFETIMES.items(),
        "may_administer": membership.may(Role.ADMIN),
        "base_url": settings.PUBLIC_URL,
    }
    return render(request, "api/keys.html", context, status=status)
