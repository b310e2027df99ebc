"""The page of voice providers, with the keys of the workspace: written here, tested here, shown nowhere."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.requests import SignedInRequest
from apps.voices import keys
from apps.voices.models import ProviderKey
from apps.voices.providers.base import SpeechProvider
from apps.voices.registry import provider as provider_named
from apps.voices.registry import providers
from apps.workspaces.access import membership_in
from apps.workspaces.models import Membership, Role
from studio.errors import StudioError
from studio.toasts import toast


@login_required
@never_cache
@require_safe
def voices(request: SignedInRequest, ws: str) -> HttpResponse:
    return _page(request, membership_in(request.user, ws, at_least=Role.ADMIN))


@login_required
@require_POST
def set_key(request: SignedInRequest, ws: str, provider: str) -> HttpResponse:
    """Keep a key in place of the one before."""
    membership, one = _asked(request, ws, provider)
    try:
        keys.set_key(membership=membership, provider=one, key=request.POST.get("key", ""))
    except StudioError as error:
        return _page(request, membership, one.name, error)
    toast(request, f"The key for {one.label} is kept. Test it before you rely on it.", level=messages.SUCCESS)
    return redirect("speech:voices", ws)


@login_required
@require_POST
def test(request: SignedInRequest, ws: str, provider: str) -> HttpResponse:
    """Ask the provider whether the key works."""
    membership, one = _asked(request, ws, provider)
    try:
        left = keys.test_key(membership=membership, provider=one)
    except StudioError as error:
        return _page(request, membership, one.name, error)
    quota = f" {left['used']:,} of {left['limit']:,} characters are used." if left.get("limit") else ""
    toast(request, f"{one.label} answers and takes the key.{quota}", level=messages.SUCCESS)
    return redirect("speech:voices", ws)


@login_required
@require_POST
def remove(request: SignedInRequest, ws: str, provider: str) -> HttpResponse:
    membership, one = _asked(request, ws, provider)
    keys.remove_key(membership=membership, provider=one)
    toast(request, f"The key for {one.label} is removed.", level=messages.SUCCESS)
    return redirect("speech:voices", ws)


def _asked(request: SignedInRequest, ws: str, provider: str) -> tuple[Membership, SpeechProvider]:
    membership = membership_in(request.user, ws, at_least=Role.ADMIN)
    try:
        return membership, provider_named(provider)
    except StudioError as error:
        raise Http404(error.message) from error


def _page(
    request: SignedInRequest, membership: Membership, refused: str = "", error: StudioError | None = None
) -> HttpResponse:
    kept = {key.provider: key for key in ProviderKey.objects.filter(workspace=membership.workspace)}
    rows: list[dict[str, Any]] = [
        {
            "provider": one,
            "installed": one.installed(),
            "key": kept.get(one.name),
            "error": error if one.name == refused else None,
        }
        for one in providers()
    ]
    context = {
        "membership": membership,
        "ws": membership.workspace.slug,
        "tab": "voices",
        "rows": rows,
        "may_read_activity": True,
    }
    return render(request, "speech/voices.html", context, status=422 if error else 200)
