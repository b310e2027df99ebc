"""What one chooses from: files for the places of a draft, sounds of segments, the models side by side."""

from uuid import UUID

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET

from apps.accounts.requests import SignedInRequest
from apps.projects.access import project_in
from apps.projects.comparing import comparison_context
from apps.projects.people import sounds_of_people
from apps.projects.queries import PICKS_SHOWN, PLACES, pickable
from apps.projects.workbench import draft_context, segment_sounds
from apps.workspaces.access import membership_in
from apps.workspaces.models import Role


@login_required
@require_GET
def material(request: SignedInRequest, ws: str, project_id: UUID) -> HttpResponse:
    """The draft's regions once a file has been checked; 204 while nothing has changed (asked every second)."""
    membership = membership_in(request.user, ws)
    project = project_in(membership, project_id)
    context = draft_context(membership, project)
    if context["waits"]:
        return HttpResponse(status=204)
    return render(request, "projects/parts/draft_answer.html", context | {"place": "both"})


@login_required
@require_GET
def pick(request: SignedInRequest, ws: str, project_id: UUID, place: str) -> HttpResponse:
    """Files of the library that can stand in this place: a page of its own, or the inside of the picker."""
    membership = membership_in(request.user, ws, at_least=Role.EDITOR)
    project = project_in(membership, project_id)
    if place not in PLACES:
        raise Http404("A draft has a video and a soundtrack.")
    if place == "speaker" and not request.htmx:  # ranges are laid by the timeline's script
        return redirect("projects:workbench", ws, project.pk)
    person = request.GET.get("for", "")
    search = request.GET.get("q", "").replace("\x00", "").strip()
    files = list(pickable(membership, place, search)[: PICKS_SHOWN + 1])
    context = {
        "ws": ws,
        "membership": membership,
        "project": project,
        "place": place,
        "heading": PLACES[place].heading,
        "search": search,
        "files": files[:PICKS_SHOWN],
        "more": len(files) > PICKS_SHOWN,
        "person": person if person.isdecimal() else "",
        "speaks": person in map(str, sounds_of_people(project)),
        # On a page of its own a choice is a plain post: the regions that its answer would fill are elsewhere.
        "in_dialog": request.htmx and request.htmx.current_url_abs_path != request.path,
    }
    return render(request, "projects/pick.html" + ("#files" if request.htmx else ""), context)


@login_required
@require_GET
def sounds(request: SignedInRequest, ws: str, project_id: UUID) -> HttpResponse:
    """What a segment may be spoken by, as options of its field."""
    membership = membership_in(request.user, ws)
    project = project_in(membership, project_id)
    return render(request, "projects/parts/sounds.html", {"sounds": segment_sounds(membership, project)})


@login_required
@require_GET
def compare(request: SignedInRequest, ws: str, project_id: UUID) -> HttpResponse:
    """The models side by side: a page of its own, or the inside of the workbench's dialog."""
    membership = membership_in(request.user, ws)
    project = project_in(membership, project_id)
    context = {
        "ws": ws,
        "membership": membership,
        "project": project,
        "may_edit": membership.may(Role.EDITOR),
        "billing_on": settings.BILLING,
    }
    template = "projects/compare.html" + ("#models" if request.htmx else "")
    return render(request, template, context | comparison_context(project))
