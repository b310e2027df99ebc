"""The page of a take: it is followed while it runs and judged when it is finished."""

import hashlib
import json
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from apps.accounts.requests import SignedInRequest
from apps.assets import serving
from apps.generations import progress
from apps.generations.access import take_in
from apps.generations.models import Generation
from apps.generations.reports import report_view
from apps.generations.services import cancel_generation, retry_generation
from apps.projects.access import project_in
from apps.projects.models import Project
from apps.projects.workbench import media_facts, takes_context
from apps.workspaces.access import membership_in
from apps.workspaces.models import Membership, Role
from studio.errors import StudioError
from studio.toasts import toast


@login_required
@require_GET
def take(request: SignedInRequest, ws: str, project_id: UUID, number: int) -> HttpResponse:
    membership, project, one = _asked_for(request, ws, project_id, number)
    return render(request, "generations/take.html", _page(membership, project, one))


@login_required
@require_GET
def status(request: SignedInRequest, ws: str, project_id: UUID, number: int) -> HttpResponse:
    """How the take stands, asked every second: 204 while nothing has changed, the player once it is finished."""
    membership, project, one = _asked_for(request, ws, project_id, number)
    if one.is_final:
        response = render(request, "generations/parts/finished_answer.html", _page(membership, project, one))
        response["HX-Retarget"], response["HX-Reswap"] = "#take", "outerHTML"
        return response
    context = _frame(membership, project, one) | _running(one)
    if context["seen"] == request.GET.get("seen"):
        return HttpResponse(status=204)
    return render(request, "generations/parts/progress.html", context)


@login_required
@require_POST
def cancel(request: SignedInRequest, ws: str, project_id: UUID, number: int) -> HttpResponse:
    membership, project, one = _asked_for(request, ws, project_id, number, at_least=Role.EDITOR)
    try:
        cancel_generation(membership=membership, generation=one)
    except StudioError as error:
        toast(request, str(error), level=messages.ERROR)
    return redirect("generations:take", ws, project.pk, number)


@login_required
@require_POST
def retry(request: SignedInRequest, ws: str, project_id: UUID, number: int) -> HttpResponse:
    """The same again as a new take."""
    membership, project, one = _asked_for(request, ws, project_id, number, at_least=Role.EDITOR)
    try:
        number = retry_generation(membership=membership, generation=one).number
    except StudioError as error:
        toast(request, str(error), level=messages.ERROR)
    return redirect("generations:take", ws, project.pk, number)


@login_required
@require_GET
def report(request: SignedInRequest, ws: str, project_id: UUID, number: int) -> HttpResponse:
    """The engine's report as a file."""
    *_, one = _asked_for(request, ws, project_id, number)
    if one.report is None:
        raise Http404("This take has no report.")
    response = JsonResponse(one.report, json_dumps_params={"indent": 2})
    response["Content-Disposition"] = f'attachment; filename="take-{number}-report.json"'
    return response


@login_required
@require_GET
def download(request: SignedInRequest, ws: str, project_id: UUID, number: int) -> HttpResponseBase:
    """The result as an MP4 to keep."""
    *_, one = _asked_for(request, ws, project_id, number)
    if one.result_id is None:
        raise Http404("This take has no result.")
    return serving.download(request, ws=ws, asset_id=one.result_id)


def _asked_for(
    request: SignedInRequest, ws: str, project_id: UUID, number: int, *, at_least: Role = Role.VIEWER
) -> tuple[Membership, Project, Generation]:
    membership = membership_in(request.user, ws, at_least=at_least)
    project = project_in(membership, project_id)
    return membership, project, take_in(membership, project, number)


def _page(membership: Membership, project: Project, one: Generation) -> dict[str, Any]:
    context = _frame(membership, project, one) | takes_context(project)
    if not one.is_final:
        return context | _running(one)
    if one.result is not None:
        report = report_view(one.report) if one.report else None
        facts = player_facts(project, one) | {"worst": [one.second for one in report.worst_first] if report else []}
        context |= {"report": report, "facts": facts, "facts_json": json.dumps(facts)}
    return context


def _frame(membership: Membership, project: Project, one: Generation) -> dict[str, Any]:
    return {
        "membership": membership,
        "ws": membership.workspace.slug,
        "project": project,
        "take": one,
        "may_edit": membership.may(Role.EDITOR),
        "billing_on": settings.BILLING,
    }


def _running(one: Generation) -> dict[str, Any]:
    """How far it is, with a token that changes when anything shown changes."""
    now = progress.read(one)
    shown = (
        [one.status, one.attempts, bool(one.cancel_requested_at), now.percent, now.frames_done]
        + [round(now.seconds_left or 0)]
        + [(step.state, round(step.seconds or 0) if step.state == "done" else 0) for step in now.steps]
    )
    return {"progress": now, "seen": hashlib.sha256(repr(shown).encode()).hexdigest()[:12]}


def player_facts(project: Project, one: Generation) -> dict[str, Any]:
    """What the player's script needs: both files, the sync mode that maps them, the frame rate."""
    assert one.result is not None
    original, result = media_facts(project.workspace.slug, one.video), media_facts(project.workspace.slug, one.result)
    return {
        "mode": one.sync_mode,
        "number": one.number,
        "soundtrack_s": one.audio.duration_s or 0.0,
        "original": original,
        "result": result,
    }
