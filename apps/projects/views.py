"""Pages of projects: the list and the workbench. Every edit works as a plain form post and as a partial update."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db import transaction
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import HttpResponseClientRedirect, HttpResponseClientRefresh

from apps.accounts.requests import SignedInRequest
from apps.generations.models import Generation
from apps.generations.services import submit_generation
from apps.projects import services
from apps.projects.access import project_in
from apps.projects.forms import posted_changes, posted_revision, posted_second
from apps.projects.models import Project
from apps.projects.queries import listed_with_last_take
from apps.projects.testing import sound_lengths, test_range, test_segments
from apps.projects.workbench import (
    TAKES_SHOWN,
    draft_context,
    draft_in_words,
    takes_of,
    workbench_context,
)
from apps.workspaces.access import membership_in
from apps.workspaces.models import Membership, Role, Visibility
from studio.errors import StudioError
from studio.templatetags.measures import clock
from studio.toasts import toast


@login_required
@require_GET
def project_list(request: SignedInRequest, ws: str) -> HttpResponse:
    membership = membership_in(request.user, ws)
    return render(
        request,
        "projects/list.html",
        {
            "ws": ws,
            "membership": membership,
            "projects": listed_with_last_take(membership),
            "may_edit": membership.may(Role.EDITOR),
            "may_see_all": membership.may(Role.ADMIN),
        },
    )


@login_required
@require_POST
def new_project(request: SignedInRequest, ws: str) -> HttpResponse:
    """A new project, opened at once; ``video`` puts a file of the library on its stage."""
    membership = membership_in(request.user, ws, at_least=Role.EDITOR)
    try:
        project = services.create_project(membership=membership, name=request.POST.get("name", ""))
        changes = posted_changes(membership, request.POST)
        if changes.video or changes.audio:
            services.save_draft(membership=membership, project=project, revision=1, changes=changes)
    except StudioError as error:
        toast(request, str(error), level=messages.ERROR)
        return redirect("projects:list", ws)
    return redirect("projects:workbench", ws, project.pk)


@login_required
@require_GET
@never_cache  # "back" shows the draft as it is by now, not as it was when the page was opened
def workbench(request: SignedInRequest, ws: str, project_id: UUID) -> HttpResponse:
    membership = membership_in(request.user, ws)
    project = project_in(membership, project_id)
    return render(request, "projects/workbench.html", workbench_context(membership, project))


@login_required
@require_POST
def save_draft(request: SignedInRequest, ws: str, project_id: UUID) -> HttpResponse:
    """One edit of the draft. 409 when it was based on an older draft, 422 when a value is none; both keep the input."""
    membership = membership_in(request.user, ws, at_least=Role.EDITOR)
    project = project_in(membership, project_id)
    try:
        changes = posted_changes(membership, request.POST)
        saved = services.save_draft(
            membership=membership, project=project, revision=posted_revision(request.POST), changes=changes
        )
    except StudioError as error:
        return _refused(request, membership, project, error)
    if not request.htmx:
        return redirect("projects:workbench", ws, project.pk)
    context = draft_context(membership, saved) | {"place": request.POST.get("place", "")}
    return _with_revision(render(request, "projects/parts/draft_answer.html", context), saved)


@login_required
@require_POST
def generate(request: SignedInRequest, ws: str, project_id: UUID) -> HttpResponse:
    """Save the draft as posted and start a take of it."""
    return _started(request, ws, project_id)


@login_required
@require_POST
def test_render(request: SignedInRequest, ws: str, project_id: UUID) -> HttpResponse:
    """Lipsync a few seconds of the draft as it stands, to judge before the whole is paid for."""
    return _started(request, ws, project_id, test=True)


def _started(request: SignedInRequest, ws: str, project_id: UUID, *, test: bool = False) -> HttpResponse:
    """The draft is saved and the take started, both or neither, so that a second click meets a 409."""
    membership = membership_in(request.user, ws, at_least=Role.EDITOR)
    project = project_in(membership, project_id)
    try:
        changes = posted_changes(membership, request.POST)
        with transaction.atomic():
            draft = services.save_draft(
                membership=membership, project=project, revision=posted_revision(request.POST), changes=changes
            )
            span = test_range(draft, posted_second(request.POST)) if test else None
            take = submit_generation(
                membership=membership,
                project=draft,
                video=draft.video,
                audio=draft.audio,
                model=draft.model,
                sync_mode=draft.sync_mode,
                options=draft.options,
                segments=test_segments(draft.segments, *span, sound_lengths(draft)) if span else draft.segments,
            )
            if span:
                note = f"Test {clock(span[0], 1)} to {clock(span[1], 1)}"
                Generation.objects.filter(pk=take.pk).update(note=note)
    except StudioError as error:
        return _refused(request, membership, project, error)
    address = reverse("generations:take", args=[ws, project.pk, take.number])
    return HttpResponseClientRedirect(address) if request.htmx else HttpResponseRedirect(address)


@login_required
@require_GET
def takes(request: SignedInRequest, ws: str, project_id: UUID) -> HttpResponse:
    """Every take of a project, newest first, some on each page."""
    membership = membership_in(request.user, ws)
    project = project_in(membership, project_id)
    page = Paginator(takes_of(project), TAKES_SHOWN).get_page(request.GET.get("page"))
    context = {"ws": ws, "membership": membership, "project": project, "page": page, "takes": page.object_list}
    return render(request, "projects/takes.html", context)


@login_required
@require_POST
def rename(request: SignedInRequest, ws: str, project_id: UUID) -> HttpResponse:
    membership = membership_in(request.user, ws, at_least=Role.EDITOR)
    project = project_in(membership, project_id)
    try:
        services.rename_project(membership=membership, project=project, name=request.POST.get("name", ""))
    except StudioError as error:
        if request.htmx:
            context = {"ws": ws, "project": project_in(membership, project_id), "may_edit": True, "name_error": error}
            return render(request, "projects/parts/title.html", context | {"typed": request.POST.get("name", "")})
        toast(request, str(error), level=messages.ERROR)
    if request.htmx:
        return render(request, "projects/parts/title.html", {"ws": ws, "project": project, "may_edit": True})
    return redirect(_next(request, ws, project))


@login_required
@require_POST
def visibility(request: SignedInRequest, ws: str, project_id: UUID) -> HttpResponse:
    """Show a project to everybody in the workspace, or to its maker and administrators only."""
    membership = membership_in(request.user, ws, at_least=Role.EDITOR)
    project = project_in(membership, project_id)
    wanted = request.POST.get("visibility", "")
    try:
        services.set_visibility(membership=membership, project=project, visibility=wanted)
    except StudioError as error:
        toast(request, str(error), level=messages.ERROR)
    else:
        seen_by = "you and administrators" if wanted == Visibility.PRIVATE else "everybody here"
        toast(request, f"{project.name} with its takes and results is seen by {seen_by}")
    return redirect("projects:list", ws)


@login_required
@require_POST
def delete(request: SignedInRequest, ws: str, project_id: UUID) -> HttpResponse:
    membership = membership_in(request.user, ws, at_least=Role.EDITOR)
    project = project_in(membership, project_id)
    try:
        services.delete_project(membership=membership, project=project)
    except StudioError as error:
        toast(request, str(error), level=messages.ERROR)
    else:
        toast(request, f"{project.name} deleted", undo=reverse("projects:restore", args=[ws, project.pk]))
    return redirect("projects:list", ws)


@login_required
@require_POST
def restore(request: SignedInRequest, ws: str, project_id: UUID) -> HttpResponse:
    membership = membership_in(request.user, ws, at_least=Role.EDITOR)
    project = project_in(membership, project_id, deleted=True)
    services.restore_project(membership=membership, project=project)
    toast(request, f"{project.name} is back")
    return HttpResponseClientRefresh() if request.htmx else redirect("projects:list", ws)


def _next(request: SignedInRequest, ws: str, project: Project) -> str:
    if request.POST.get("from") == "list":
        return reverse("projects:list", args=[ws])
    return reverse("projects:workbench", args=[ws, project.pk])


def _with_revision(response: HttpResponse, project: Project) -> HttpResponse:
    response["X-Draft-Revision"] = str(project.revision)
    return response


def _refused(request: SignedInRequest, membership: Membership, project: Project, error: StudioError) -> HttpResponse:
    """The error beside the button, or the whole page with the input as typed when there are no scripts."""
    context: dict[str, Any] = {"error": error, "stale": isinstance(error, services.StaleDraft)}
    if isinstance(error, services.StaleDraft):
        project = error.project
        context |= {"saved_revision": project.revision, "saved_words": draft_in_words(project)}
    if request.htmx:
        context |= {"ws": membership.workspace.slug, "project": project}
        # The page swaps 409 and 422 only; 402 and 429 tell the API more than they tell a form.
        status = error.status if error.status in (409, 422) else 422
        response = render(request, "projects/parts/refusal.html", context, status=status)
        response["HX-Retarget"], response["HX-Reswap"] = "#refusal", "innerHTML"
        return response
    typed = _as_typed(project, request)
    return render(
        request, "projects/workbench.html", workbench_context(membership, typed) | context, status=error.status
    )


def _as_typed(project: Project, request: SignedInRequest) -> Project:
    """The project with the posted choices laid over it, not saved: what the person sees again after a refusal."""
    membership = membership_in(request.user, project.workspace.slug)
    try:
        changes = posted_changes(membership, request.POST)
    except StudioError:
        return project
    project.model = changes.model or project.model
    project.sync_mode = changes.sync_mode or project.sync_mode
    project.options = {**project.options, **changes.options}
    return project
