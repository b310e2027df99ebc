"""A new batch: choose files or bring a CSV, look at what the pairs cost, start them."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from apps.accounts.requests import SignedInRequest
from apps.assets.models import FootageCheck
from apps.billing.plans import plan_of
from apps.catalog.registry import FACE, MODELS, SYNC_MODES
from apps.desk import pairs, services
from apps.desk.views import frame
from apps.projects.forms import PERSON, posted_person
from apps.projects.people import called_in
from apps.workspaces.access import membership_in
from apps.workspaces.models import Membership, Role
from studio.errors import StudioError


@login_required
@require_http_methods(["GET", "POST"])
def new(request: SignedInRequest, ws: str) -> HttpResponse:
    """One form in two steps; a search in it (``look`` names the list) is answered with the files that it finds."""
    membership = membership_in(request.user, ws, at_least=Role.EDITOR)
    look = request.GET.get("look")
    if look in ("video", "audio") and request.htmx:
        offer = _offer(request, membership, look)
        return render(request, "desk/parts/offer.html", {"ws": ws, "offer": offer})
    error: StudioError | None = None
    found: list[Any] = []
    try:
        found = [] if look else _asked_pairs(request, membership)
        if "start" in request.POST:
            batch = services.make_batch(
                membership=membership,
                name=request.POST.get("name", "").strip() or "Batch",
                pairs=found,
                model=request.POST.get("model", ""),
                sync_mode=request.POST.get("sync_mode", ""),
                options=_options(request.POST.get("face", "")),
            )
            return redirect("desk:batch", ws, batch.pk)
    except StudioError as refused:
        error = refused
    return render(request, "desk/new.html", _page(request, membership, found, error), status=422 if error else 200)


def _asked_pairs(request: SignedInRequest, membership: Membership) -> list[Any]:
    if upload := request.FILES.get("csv"):
        return pairs.from_csv(membership, upload.read(pairs.CSV_LIMIT + 1))
    if request.POST.getlist("pair"):
        return pairs.from_values(membership, request.POST.getlist("pair"))
    found = pairs.chosen(membership, _ids(request))
    if request.method == "POST" and not found:
        raise StudioError("batch_size_invalid", "There is nothing to pair.", "Choose a video and a soundtrack.")
    return found


def _ids(request: SignedInRequest) -> list[str]:
    return request.POST.getlist("ids") or request.GET.getlist("ids")


def _offer(request: SignedInRequest, membership: Membership, kind: str) -> pairs.Offer:
    text = request.GET.get(f"{kind}-name", "").replace("\x00", "").strip()
    return pairs.offered(membership, kind, text, _ids(request))


def _options(face: str) -> dict[str, Any]:
    """Whose lips move: whoever speaks, somebody of the footage check, or as the model does it by itself."""
    if face.startswith(PERSON):
        return {FACE: posted_person(face)}
    return {FACE: True} if face == "on" else {}


def _page(
    request: SignedInRequest, membership: Membership, found: list[Any], error: StudioError | None
) -> dict[str, Any]:
    model, mode = request.POST.get("model", "lipsync-2"), request.POST.get("sync_mode", "cut_off")
    model = model if model in MODELS else "lipsync-2"
    mode = mode if mode in SYNC_MODES else "cut_off"
    plan = plan_of(membership.workspace)
    priced = pairs.priced_pairs(found, model=model, sync_mode=mode, plan=plan)
    return frame(membership) | {
        "pairs": priced,
        "total_micros": sum(pair.micros for pair in priced),
        "total_s": sum(pair.seconds for pair in priced),
        "problems": sum(pair.problem is not None for pair in priced),
        "models": MODELS.values(),
        "modes": SYNC_MODES.values(),
        "model": model,
        "mode": mode,
        "name": request.POST.get("name", ""),
        "people": _people(found),
        "face": request.POST.get("face", ""),
        "offers": [] if priced else [_offer(request, membership, kind) for kind in ("video", "audio")],
        "error": error,
        "allowed": plan.batch,
    }


def _people(found: list[Any]) -> list[tuple[str, str]]:
    """Who may be chosen, where all lines have the same video and it shows several people: form value and name."""
    videos = {video.pk for video, _ in found}
    if len(videos) != 1:
        return []
    people = called_in(FootageCheck.objects.filter(asset__in=videos).first())
    return [(f"{PERSON}{number}", name) for number, name in people] if len(people) > 1 else []
