"""Change and re-run: from a take back to the workbench, and back again."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST
from django_htmx.http import HttpResponseClientRefresh

from apps.accounts.requests import SignedInRequest
from apps.generations.access import take_in
from apps.projects import rerun
from apps.projects.access import project_in
from apps.workspaces.access import membership_in
from apps.workspaces.models import Role
from studio.errors import StudioError
from studio.toasts import toast

# Where the session keeps the draft that was replaced.
BEFORE = "draft_before"


@login_required
@require_POST
def from_take(request: SignedInRequest, ws: str, project_id: UUID, number: int) -> HttpResponse:
    """Change and re-run: the workbench with its draft as a take was. The draft before is one Undo away."""
    membership = membership_in(request.user, ws, at_least=Role.EDITOR)
    project = project_in(membership, project_id)
    take = take_in(membership, project, number)
    try:
        before = rerun.draft_as(membership=membership, project=project, take=take)
    except StudioError as error:
        toast(request, str(error), level=messages.ERROR)
        return redirect("generations:take", ws, project.pk, number)
    request.session[BEFORE] = {"project": str(project.pk), "draft": before}
    toast(request, f"The draft is as take {number} was", undo=reverse("projects:draft_back", args=[ws, project.pk]))
    return redirect("projects:workbench", ws, project.pk)


@login_required
@require_POST
def draft_back(request: SignedInRequest, ws: str, project_id: UUID) -> HttpResponse:
    """Undo of ``from_take``."""
    membership = membership_in(request.user, ws, at_least=Role.EDITOR)
    project = project_in(membership, project_id)
    kept = request.session.pop(BEFORE, {})
    if kept.get("project") == str(project.pk):
        rerun.draft_back(membership=membership, project=project, before=kept["draft"])
        toast(request, "The draft is as it was before")
    return HttpResponseClientRefresh() if request.htmx else redirect("projects:workbench", ws, project.pk)
