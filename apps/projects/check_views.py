"""The footage check on the workbench: its state, once more, and the names of the people it found."""

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from apps.accounts.requests import SignedInRequest
from apps.assets.footage import name_person, request_check
from apps.assets.models import FootageCheck
from apps.projects.access import project_in
from apps.projects.workbench import draft_context
from apps.workspaces.access import membership_in
from apps.workspaces.models import Role


@login_required
@require_GET
def check(request: SignedInRequest, ws: str, project_id: UUID) -> HttpResponse:
    """The footage check once it is through; 204 while it runs (asked every other second)."""
    membership = membership_in(request.user, ws)
    context = draft_context(membership, project_in(membership, project_id))
    if context["check_state"] == "waiting":
        return HttpResponse(status=204)
    return render(request, "projects/parts/check_answer.html", context)


@login_required
@require_POST
def recheck(request: SignedInRequest, ws: str, project_id: UUID) -> HttpResponse:
    """Have both files looked through again."""
    membership = membership_in(request.user, ws, at_least=Role.EDITOR)
    project = project_in(membership, project_id)
    for asset in (project.video, project.audio):
        if asset is not None and asset.is_ready:
            request_check(asset)
    if not request.htmx:
        return redirect("projects:workbench", ws, project.pk)
    return render(request, "projects/parts/check_answer.html", draft_context(membership, project))


@login_required
@require_POST
def name_speaker(request: SignedInRequest, ws: str, project_id: UUID, number: int) -> HttpResponse:
    """Call somebody in the video by a name, here and wherever else the file is used."""
    membership = membership_in(request.user, ws, at_least=Role.EDITOR)
    project = project_in(membership, project_id)
    found = FootageCheck.objects.filter(asset=project.video_id).first() if project.video_id else None
    if found is None or not any(person["id"] == number for person in (found.result or {}).get("people", [])):
        raise Http404("There is no such person in this video.")
    name_person(found, number, request.POST.get("name", ""))
    if not request.htmx:
        return redirect("projects:workbench", ws, project.pk)
    return render(
        request, "projects/parts/draft_answer.html", draft_context(membership, project_in(membership, project_id))
    )
