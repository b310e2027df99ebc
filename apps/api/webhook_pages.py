"""The page of a workspace's webhook: address, secret, test, and the log of deliveries. For administrators."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from apps.accounts.requests import SignedInRequest
from apps.api.access import delivery_in
from apps.api.models import Delivery
from apps.api.webhooks import resend, rotate_secret, send_test, set_address, webhook_of
from apps.workspaces.access import membership_in
from apps.workspaces.models import Role
from studio.errors import StudioError
from studio.toasts import toast

SHOWN = 50


@login_required
@never_cache
def webhook(request: SignedInRequest, ws: str) -> HttpResponse:
    """The page; a POST sets the address (empty: none)."""
    membership = membership_in(request.user, ws, at_least=Role.ADMIN)
    found = webhook_of(membership.workspace)
    error: StudioError | None = None
    if request.method == "POST":
        try:
            found = set_address(membership=membership, url=request.POST.get("url", "").strip())
            toast(request, "Saved.", level=messages.SUCCESS)
            return redirect("api_pages:webhook", ws)
        except StudioError as refused:
            error = refused
    context = {
        "ws": ws,
        "membership": membership,
        "webhook": found,
        "error": error,
        "url": request.POST.get("url", "") if error else found.url,
        "deliveries": Delivery.objects.filter(workspace=membership.workspace)[:SHOWN],
    }
    return render(request, "api/webhook.html", context, status=422 if error else 200)


@login_required
@require_POST
def rotate(request: SignedInRequest, ws: str) -> HttpResponse:
    """A new secret; the old one signs beside it for a day."""
    membership = membership_in(request.user, ws, at_least=Role.ADMIN)
    rotate_secret(workspace=membership.workspace)
    toast(request, "There is a new secret. The old one signs beside it for 24 hours.", level=messages.SUCCESS)
    return redirect("api_pages:webhook", ws)


@login_required
@require_POST
def test(request: SignedInRequest, ws: str) -> HttpResponse:
    """Queue a test event; its delivery appears in the log."""
    membership = membership_in(request.user, ws, at_least=Role.ADMIN)
    if send_test(workspace=membership.workspace) is None:
        toast(request, "There is no address yet. Save one, then send the test.", level=messages.ERROR)
    else:
        toast(request, "The test is on its way. Its answer appears below in a few seconds.", level=messages.SUCCESS)
    return redirect("api_pages:webhook", ws)


@login_required
@require_POST
def send_again(request: SignedInRequest, ws: str, delivery_id: UUID) -> HttpResponse:
    membership = membership_in(request.user, ws, at_least=Role.ADMIN)
    resend(delivery=delivery_in(membership, delivery_id))
    toast(request, "It is sent again.", level=messages.SUCCESS)
    return redirect("api_pages:webhook", ws)
