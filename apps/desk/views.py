"""Batches in the browser, files fetched from an address, and the list behind Ctrl K."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.db.models import Count, Q
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.accounts.requests import SignedInRequest
from apps.desk import commands as offered
from apps.desk import services
from apps.desk.models import Batch, BatchState
from apps.generations.models import Status
from apps.workspaces.access import membership_in, visible_to
from apps.workspaces.models import Membership, Role
from studio.errors import StudioError

SHOWN = 100


@login_required
@require_GET
def commands(request: SignedInRequest, ws: str) -> HttpResponse:
    """Pages, projects, files and what can be begun, by their words: in the dialog of Ctrl K, or as a page."""
    membership = membership_in(request.user, ws)
    text = request.GET.get("q", "").replace("\x00", "")
    template = "desk/commands.html#found" if request.htmx else "desk/commands.html"
    context = frame(membership) | {"groups": offered.found(membership, text), "text": text}
    return render(request, template, context)


@login_required
@require_http_methods(["GET", "POST"])
def import_link(request: SignedInRequest, ws: str) -> HttpResponse:
    """A file by its address; it stands in the library at once and is fetched by a worker. Opened as a page, it asks for
    that address: the library does so in a dialog, which needs scripts.
    """
    membership = membership_in(request.user, ws, at_least=Role.EDITOR)
    if request.method == "GET":
        return render(request, "desk/link.html", frame(membership))
    try:
        services.import_link(membership=membership, url=request.POST.get("url", ""))
    except StudioError as error:
        context = frame(membership) | {"error": error, "typed": request.POST.get("url", "")}
        return render(request, "desk/link_form.html" if request.htmx else "desk/link.html", context, status=422)
    if request.htmx:
        response = render(request, "desk/link_form.html", {"ws": ws})
        response["HX-Trigger"] = "studio:library, studio:link-taken"
        return response
    return redirect("assets:library", ws=ws)


@login_required
@require_GET
def batches(request: SignedInRequest, ws: str) -> HttpResponse:
    membership = membership_in(request.user, ws)
    listed = _seen(membership).annotate(
        total=Count("lines"), done=Count("lines", filter=Q(lines__generation__status=Status.COMPLETED))
    )
    context = frame(membership) | {"batches": listed.order_by("-created_at")[:SHOWN]}
    return render(request, "desk/batches.html", context)


@login_required
@require_GET
def batch(request: SignedInRequest, ws: str, batch_id: UUID) -> HttpResponse:
    """The table of results; the part alone when it asks for itself."""
    membership = membership_in(request.user, ws)
    one = _batch(membership, batch_id)
    template = "desk/parts/results.html" if request.htmx else "desk/batch.html"
    return render(request, template, frame(membership) | _results(one))


@login_required
@require_POST
def cancel(request: SignedInRequest, ws: str, batch_id: UUID) -> HttpResponse:
    membership = membership_in(request.user, ws, at_least=Role.EDITOR)
    services.cancel_batch(membership=membership, batch=_batch(membership, batch_id))
    return redirect("desk:batch", ws, batch_id)


def _results(one: Batch) -> dict[str, Any]:
    lines = list(one.lines.select_related("video", "audio", "generation").defer("generation__report"))
    done = sum(line.generation is not None and line.generation.status == Status.COMPLETED for line in lines)
    failed = sum(bool(line.error_code) or _ended_badly(line) for line in lines)
    return {
        "batch": one,
        "lines": lines,
        "done": done,
        "failed": failed,
        "percent": round(100 * (done + failed) / max(1, len(lines))),
        "running": one.state == BatchState.RUNNING,
    }


def _ended_badly(line: Any) -> bool:
    return line.generation is not None and line.generation.is_final and line.generation.status != Status.COMPLETED


def frame(membership: Membership) -> dict[str, Any]:
    return {
        "membership": membership,
        "ws": membership.workspace.slug,
        "may_edit": membership.may(Role.EDITOR),
        "billing_on": settings.BILLING,
    }


def _seen(membership: Membership) -> Any:
    """Batches whose project this member sees; one whose project is gone is still in the list."""
    listed = Batch.objects.filter(workspace=membership.workspace).select_related("created_by", "project")
    seen = visible_to(membership, "project__")
    return listed.filter(Q(project=None) | seen) if seen else listed  # an empty condition would vanish beside the "or"


def _batch(membership: Membership, batch_id: UUID) -> Batch:
    one = _seen(membership).filter(pk=batch_id).first()
    if one is None:
        raise Http404("There is no such batch.")
    return one
