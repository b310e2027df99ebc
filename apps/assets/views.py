"""Pages of the library. Every change works as a plain form post and as a partial update."""

from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.requests import SignedInRequest
from apps.assets import services
from apps.assets.access import asset_in
from apps.assets.library import Entry, Page, Query, drafts_of, takes_of, totals
from apps.assets.models import Asset, Status
from apps.assets.presentation import facts
from apps.assets.wave import wave_svg
from apps.workspaces.access import membership_in
from apps.workspaces.models import Membership, Role
from studio.errors import StudioError
from studio.toasts import toast
from studio.zones import zone_of

YEAR_S = 365 * 24 * 3600
UPLOAD_CHUNK = 1024**2
# More than this is not chosen by hand.
MANY = 200


@login_required
@require_safe
def library(request: SignedInRequest, ws: str) -> HttpResponse:
    """The library, or the part of it that was asked for: the list after a filter, the cards after "More"."""
    membership = membership_in(request.user, ws)
    page = Page(membership, Query.read(request.GET), zone_of(request))
    context = {"membership": membership, "ws": ws, "page": page, "may_edit": membership.may(Role.EDITOR)}
    if request.htmx and not request.htmx.history_restore_request:
        part = "cards" if page.query.start else "listing"
        if part == "listing":
            context |= library_totals(membership)
        response = render(request, f"assets/library.html#{part}", context)
        if part == "listing" and request.htmx.trigger != "listing":  # a filter, not the list drawing itself anew
            response["HX-Push-Url"] = f"{request.path}{page.query.address()}".removesuffix("?")
        return response
    if request.session.get("workspace") != ws:  # home leads here from now on; an unchanged session costs no write
        request.session["workspace"] = ws
    return render(request, "assets/library.html", context | library_totals(membership))


def library_totals(membership: Membership) -> dict:
    count, size = totals(membership)
    return {"total_count": count, "total_size": size}


@login_required
@require_POST
def upload(request: SignedInRequest, ws: str) -> HttpResponse:
    """Files from a form without scripts. Each is taken or refused by itself; a refusal says which and why."""
    membership = membership_in(request.user, ws, at_least=Role.EDITOR)
    files = request.FILES.getlist("files")
    replaces = request.POST.get("replaces", "")
    old = asset_in(membership, as_uuid(replaces), at_least=Role.EDITOR) if replaces else None
    taken = 0
    for file in files:
        try:
            services.upload_whole(
                workspace=membership.workspace,
                user=membership.user,
                name=file.name or "",
                size=file.size or 0,
                chunks=file.chunks(UPLOAD_CHUNK),
            )
        except StudioError as error:
            toast(request, str(error), level=messages.ERROR)
        else:
            taken += 1
    if not files:
        toast(request, "No file was chosen.", level=messages.ERROR)
    elif taken and old is not None:
        services.delete_asset(asset=old, by=request.user)
    return redirect("assets:library", ws=ws)


@login_required
@require_safe
def card(request: SignedInRequest, ws: str, asset_id: UUID) -> HttpResponse:
    """One card. Polled while the file is checked: 204 as long as nothing has changed."""
    membership = membership_in(request.user, ws)
    asset = asset_in(membership, asset_id)
    if asset.status == Status.CHECKING and "poll" in request.GET:
        return HttpResponse(status=204)
    return render(request, "assets/card.html", card_context(membership, asset))


def card_context(membership: Membership, asset: Asset) -> dict:
    return {
        "entry": Entry(asset),
        "membership": membership,
        "ws": membership.workspace.slug,
        "may_edit": membership.may(Role.EDITOR),
    }


@login_required
@require_safe
def detail(request: SignedInRequest, ws: str, asset_id: UUID) -> HttpResponse:
    """Everything about one file: in a drawer over the library, or as a page of its own."""
    membership = membership_in(request.user, ws)
    asset = asset_in(membership, asset_id)
    template = "assets/detail.html#panel" if request.htmx else "assets/detail.html"
    return render(request, template, detail_context(membership, asset))


def detail_context(membership: Membership, asset: Asset, **more) -> dict:
    own = asset.created_by_id == membership.user.pk
    return (
        card_context(membership, asset)
        | {
            "asset": asset,
            "facts": facts(asset),
            "used": takes_of(membership, asset),
            "drafts": drafts_of(membership, asset),
            "may_hide": membership.may(Role.EDITOR if own else Role.ADMIN),
            "error": None,
        }
        | more
    )


@login_required
@require_safe
def wave(request: SignedInRequest, ws: str, asset_id: UUID) -> HttpResponse:
    """The small waveform of a card. Peaks of a file never change, so browsers keep it."""
    asset = asset_in(membership_in(request.user, ws), asset_id)
    if not asset.peaks.name:
        raise Http404("This file has no waveform.")
    response = HttpResponse(wave_svg(asset.peaks.name), content_type="image/svg+xml")
    response["Cache-Control"] = f"private, max-age={YEAR_S}, immutable"
    return response


@login_required
@require_POST
def rename(request: SignedInRequest, ws: str, asset_id: UUID) -> HttpResponse:
    """Another name; a refused one stays in its field with the reason below it."""
    membership = membership_in(request.user, ws)
    asset = asset_in(membership, asset_id, at_least=Role.EDITOR)
    name = request.POST.get("name", "")
    try:
        asset = services.rename_asset(asset=asset, name=name)
    except StudioError as error:
        template = "assets/detail.html#name" if request.htmx else "assets/detail.html"
        context = detail_context(membership, asset, error=error, typed_name=name)
        return render(request, template, context, status=error.status)
    if request.htmx:
        return render(request, "assets/detail.html#renamed", detail_context(membership, asset))
    return redirect("assets:detail", ws=ws, asset_id=asset.pk)


@login_required
@require_POST
def delete(request: SignedInRequest, ws: str, asset_id: UUID) -> HttpResponse:
    """Take a file out of the library, with Undo. ``quiet``: it was replaced by another one, which says enough."""
    membership = membership_in(request.user, ws)
    asset = services.delete_asset(asset=asset_in(membership, asset_id, at_least=Role.EDITOR), by=request.user)
    if "quiet" not in request.POST:
        toast(request, f"{asset.name} deleted", undo=reverse("assets:restore", args=[ws, asset.pk]))
    if request.htmx:
        return render(request, "assets/deleted.html", library_totals(membership))
    return redirect("assets:library", ws=ws)


@login_required
@require_POST
def restore(request: SignedInRequest, ws: str, asset_id: UUID) -> HttpResponse:
    """Bring a deleted file back; the open library draws itself anew."""
    membership = membership_in(request.user, ws)
    services.restore_asset(asset=asset_in(membership, asset_id, at_least=Role.EDITOR, deleted=True), by=request.user)
    if request.htmx:
        return HttpResponse(status=204, headers={"HX-Trigger": "studio:library"})
    return redirect("assets:library", ws=ws)


@login_required
@require_POST
def extract(request: SignedInRequest, ws: str, asset_id: UUID) -> HttpResponse:
    """The sound of a film as a file of its own in the library."""
    membership = membership_in(request.user, ws)
    asset = asset_in(membership, asset_id, at_least=Role.EDITOR)
    try:
        sound = services.extract_sound(membership=membership, asset=asset)
    except StudioError as error:
        toast(request, str(error), level=messages.ERROR)
        return redirect("assets:detail", ws=ws, asset_id=asset.pk)
    toast(request, f"{sound.name} is in the library")
    return redirect("assets:library", ws=ws)


@login_required
@require_POST
def visibility(request: SignedInRequest, ws: str, asset_id: UUID) -> HttpResponse:
    """Show a file to everybody in the workspace, or to its maker and administrators only."""
    membership = membership_in(request.user, ws)
    asset = asset_in(membership, asset_id, at_least=Role.EDITOR)
    try:
        asset = services.set_visibility(
            membership=membership, asset=asset, visibility=request.POST.get("visibility", "")
        )
    except StudioError as error:
        toast(request, str(error), level=messages.ERROR)
    if request.htmx:
        return render(request, "assets/detail.html#who", detail_context(membership, asset))
    return redirect("assets:detail", ws=ws, asset_id=asset.pk)


@login_required
@require_POST
def delete_many(request: SignedInRequest, ws: str) -> HttpResponse:
    """Take the chosen files out of the library, with one Undo for all of them."""
    membership = membership_in(request.user, ws, at_least=Role.EDITOR)
    chosen = [asset_in(membership, as_uuid(text)) for text in request.POST.getlist("ids")[:MANY]]
    gone = [services.delete_asset(asset=asset, by=request.user) for asset in chosen]
    if gone:
        undo = f"{reverse('assets:restore_many', args=[ws])}?{urlencode([('ids', asset.pk) for asset in gone])}"
        words = f"{gone[0].name} deleted" if len(gone) == 1 else f"{len(gone)} files deleted"
        toast(request, words, undo=undo)
    if request.htmx:
        return render(request, "assets/deleted.html", library_totals(membership))
    return redirect("assets:library", ws=ws)


@login_required
@require_POST
def restore_many(request: SignedInRequest, ws: str) -> HttpResponse:
    """Undo of deleting several."""
    membership = membership_in(request.user, ws, at_least=Role.EDITOR)
    for text in request.POST.getlist("ids")[:MANY]:
        asset = asset_in(membership, as_uuid(text), at_least=Role.EDITOR, deleted=True)
        services.restore_asset(asset=asset, by=request.user)
    if request.htmx:
        return HttpResponse(status=204, headers={"HX-Trigger": "studio:library"})
    return redirect("assets:library", ws=ws)


def as_uuid(text: str) -> UUID:
    """An id from a form; ``Http404`` where it is none."""
    try:
        return UUID(text)
    except ValueError as error:
        raise Http404("There is no such file.") from error
