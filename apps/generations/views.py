"""The page of a take: it is followed while it runs and judged when it is finished."""

import hashlib
import json
from pathlib import PurePath
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import FileResponse, Http404, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.template.defaultfilters import pluralize
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from apps.accounts.requests import SignedInRequest
from apps.api.snippets import request_of, snippets_of
from apps.assets import files, serving
from apps.assets.captions import MOST_BYTES, keep_captions, remove_captions
from apps.assets.sound import sound_of
from apps.generations import progress, signals
from apps.generations.access import take_in
from apps.generations.models import Generation
from apps.generations.player import player_facts, view_asked_for
from apps.generations.reports import report_view
from apps.generations.services import cancel_generation, retry_generation
from apps.projects.access import project_in
from apps.projects.models import Project
from apps.projects.rerun import kept_of
from apps.projects.workbench import takes_context
from apps.reviews.queries import comments_of
from apps.workspaces.access import membership_in
from apps.workspaces.models import Membership, Role
from studio.errors import StudioError
from studio.toasts import toast

NOTE_LIMIT = Generation._meta.get_field("note").max_length or 300


@login_required
@require_GET
@never_cache  # "back" shows the comments and the state of by now, not of when the page was opened
def take(request: SignedInRequest, ws: str, project_id: UUID, number: int) -> HttpResponse:
    membership, project, one = _asked_for(request, ws, project_id, number)
    against = _against(membership, project, request.GET.get("with", ""))
    context = _page(membership, project, one, against)
    if "facts" in context:
        context["view"] = view_asked_for(request.GET.get("mode", ""), context["facts"])
    return render(request, "generations/take.html", context)


@login_required
@require_GET
def status(request: SignedInRequest, ws: str, project_id: UUID, number: int) -> HttpResponse:
    """How the take stands, asked every second: 204 while nothing has changed, the player once it is finished.

    Other pages of somebody who follows it ask for ``application/json``: the status alone.
    """
    membership, project, one = _asked_for(request, ws, project_id, number)
    if request.headers.get("Accept") == "application/json":
        return JsonResponse({"status": one.status})
    # Not only open in some tab, and not staff who look as this person: they are not told by that.
    if request.headers.get("X-Looking") and getattr(request, "visitor", None) is None:
        signals.note_looker(one.pk, request.user.pk)
    if one.is_final:
        response = render(request, "generations/parts/finished_answer.html", _page(membership, project, one))
        response["HX-Retarget"], response["HX-Reswap"] = "#take", "outerHTML"
        return response
    context = _frame(membership, project, one) | _running(one)
    if context["seen"] == request.GET.get("seen"):
        return HttpResponse(status=204)
    if request.GET.get("status") != one.status:
        context |= takes_context(project) | {"status_changed": True}
    return render(request, "generations/parts/progress_answer.html", context)


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


@login_required
@require_GET
def sound(request: SignedInRequest, ws: str, project_id: UUID, number: int) -> HttpResponseBase:
    """The sound of the result alone, as a file to keep."""
    *_, one = _asked_for(request, ws, project_id, number)
    if one.result is None:
        raise Http404("This take has no result.")
    with files.as_path(one.result.file.name or "") as path:
        track = sound_of(path)
    name = f"{PurePath(serving.file_name(one.result)).stem}{track.suffix}"
    return FileResponse(track.file, as_attachment=True, filename=name, content_type=track.content_type)


@login_required
@require_POST
def captions(request: SignedInRequest, ws: str, project_id: UUID, number: int) -> HttpResponse:
    """Captions of the result, from a .srt or .vtt file; or none any more."""
    *_, one = _asked_for(request, ws, project_id, number, at_least=Role.EDITOR)
    if one.result is None:
        raise Http404("This take has no result.")
    file = request.FILES.get("captions")
    try:
        if "remove" in request.POST:
            remove_captions(asset=one.result)
            toast(request, "Captions removed")
        elif file is None or (file.size or 0) > MOST_BYTES:
            toast(request, "Choose a .srt or .vtt file of at most 2 MB.", level=messages.ERROR)
        else:
            count = keep_captions(asset=one.result, raw=file.read())
            toast(request, f"{count} caption{pluralize(count)} added")
    except StudioError as error:
        toast(request, str(error), level=messages.ERROR)
    return redirect("generations:take", ws, project_id, number)


@login_required
@require_GET
def code(request: SignedInRequest, ws: str, project_id: UUID, number: int) -> HttpResponse:
    """The same generation as a request to the API: in a dialog, or as a page of its own."""
    membership, project, one = _asked_for(request, ws, project_id, number)
    snippets = snippets_of(request_of(one), request.build_absolute_uri("/").rstrip("/"))
    template = "generations/parts/code.html" if request.htmx else "generations/code.html"
    return render(request, template, _frame(membership, project, one) | {"snippets": snippets})


@login_required
@require_POST
def note(request: SignedInRequest, ws: str, project_id: UUID, number: int) -> HttpResponse:
    """A line about a take, to tell it from the others."""
    membership, project, one = _asked_for(request, ws, project_id, number, at_least=Role.EDITOR)
    one.note = " ".join(request.POST.get("note", "").replace("\x00", "").split())[:NOTE_LIMIT]
    one.save(update_fields=["note"])
    if not request.htmx:
        return redirect("generations:take", ws, project.pk, number)
    return render(request, "generations/parts/noted.html", _frame(membership, project, one) | takes_context(project))


def _asked_for(
    request: SignedInRequest, ws: str, project_id: UUID, number: int, *, at_least: Role = Role.VIEWER
) -> tuple[Membership, Project, Generation]:
    membership = membership_in(request.user, ws, at_least=at_least)
    project = project_in(membership, project_id)
    return membership, project, take_in(membership, project, number)


def _page(
    membership: Membership, project: Project, one: Generation, against: Generation | None = None
) -> dict[str, Any]:
    context = _frame(membership, project, one) | takes_context(project)
    if not one.is_final:
        return context | _running(one)
    if one.result is None:
        context |= {"kept": kept_of(one)}
    else:
        report = report_view(one.report) if one.report else None
        slug = project.workspace.slug
        facts = player_facts(one, slug=slug, against=against) | {
            "worst": [second.second for second in report.worst_first] if report else []
        }
        context |= {"report": report, "facts": facts, "facts_json": json.dumps(facts), "against": against}
        context |= {"comments": comments_of(one), "comparable": _comparable(context["takes"], one)}
    return context


def _comparable(takes: list[Generation], one: Generation) -> list[Generation]:
    """Other takes that have a result to lay beside this one."""
    return [other for other in takes if other.result_id and other.pk != one.pk]


def _against(membership: Membership, project: Project, text: str) -> Generation | None:
    """The take that the address asks to compare with; None, which is the original, for anything else."""
    if not text.isascii() or not text.isdigit() or len(text) > 6:
        return None
    found = Generation.objects.select_related("result").filter(project=project, number=int(text), deleted_at=None)
    return found.exclude(result=None).filter(workspace=membership.workspace).first()


def _frame(membership: Membership, project: Project, one: Generation) -> dict[str, Any]:
    return {
        "membership": membership,
        "ws": membership.workspace.slug,
        "project": project,
        "take": one,
        "may_edit": membership.may(Role.EDITOR),
        "billing_on": settings.BILLING,
        "resume_hours": settings.RESUME_HOURS,
    }


def _running(one: Generation) -> dict[str, Any]:
    """How far it is, with a token that changes when anything shown changes."""
    now = progress.read(one)
    shown = (
        [one.status, one.attempts, bool(one.cancel_requested_at), now.percent, now.frames_done]
        + [round(now.seconds_left or 0), now.place.in_words if now.place else ""]
        + [(step.state, round(step.seconds or 0) if step.state == "done" else 0) for step in now.steps]
    )
    return {"progress": now, "seen": hashlib.sha256(repr(shown).encode()).hexdigest()[:12]}
