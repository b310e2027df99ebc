"""Comments and links of a take, for members of its workspace. Each answers a plain post and a partial update."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from apps.accounts.requests import SignedInRequest
from apps.generations.access import take_in
from apps.generations.models import Generation
from apps.projects.access import project_in
from apps.reviews import services
from apps.reviews.models import Comment
from apps.reviews.queries import comments_of, open_links
from apps.workspaces.access import membership_in
from apps.workspaces.models import Membership, Role
from studio.errors import StudioError
from studio.toasts import toast


@login_required
@require_POST
def comment(request: SignedInRequest, ws: str, project_id: UUID, number: int) -> HttpResponse:
    """Say something at a second of the take."""
    membership, take = _asked_for(request, ws, project_id, number)
    try:
        services.add_comment(
            membership=membership,
            generation=take,
            at_s=seconds(request.POST.get("at", "")),
            text=request.POST.get("text", ""),
        )
    except StudioError as error:
        return _comments(request, membership, take, error)
    return _comments(request, membership, take)


@login_required
@require_POST
def delete_comment(request: SignedInRequest, ws: str, project_id: UUID, number: int, comment_id: UUID) -> HttpResponse:
    membership, take = _asked_for(request, ws, project_id, number)
    services.delete_comment(membership=membership, comment=_comment(take, comment_id))
    undo = reverse("reviews:restore_comment", args=[ws, project_id, number, comment_id])
    toast(request, "Comment deleted", undo=undo)
    return _comments(request, membership, take, template="reviews/comment_deleted.html")


@login_required
@require_POST
def restore_comment(request: SignedInRequest, ws: str, project_id: UUID, number: int, comment_id: UUID) -> HttpResponse:
    membership, take = _asked_for(request, ws, project_id, number)
    services.restore_comment(membership=membership, comment=_comment(take, comment_id))
    if request.htmx:  # the Undo of a toast swaps nothing by itself; the list draws itself anew
        return HttpResponse(status=204, headers={"HX-Trigger": "studio:comments"})
    return redirect("generations:take", ws, project_id, number)


@login_required
@require_GET
def comments(request: SignedInRequest, ws: str, project_id: UUID, number: int) -> HttpResponse:
    """The list as it stands now."""
    membership, take = _asked_for(request, ws, project_id, number)
    return _comments(request, membership, take)


@login_required
def share(request: SignedInRequest, ws: str, project_id: UUID, number: int) -> HttpResponse:
    """The links of a take: GET shows them, POST makes one."""
    membership, take = _asked_for(request, ws, project_id, number, at_least=Role.EDITOR)
    error, made = None, None
    if request.method == "POST":
        try:
            made = services.make_link(
                membership=membership,
                generation=take,
                lives=request.POST.get("lives", "week"),
                password=request.POST.get("password", ""),
                with_original="with_original" in request.POST,
                comments_on="comments_on" in request.POST,
                downloads_on="downloads_on" in request.POST,
            )
        except StudioError as refused:
            error = refused
    return _links(request, membership, take, error=error, made=made)


@login_required
@require_POST
def revoke(request: SignedInRequest, ws: str, project_id: UUID, number: int, link_id: UUID) -> HttpResponse:
    membership, take = _asked_for(request, ws, project_id, number, at_least=Role.EDITOR)
    link = take.share_links.filter(pk=link_id).first()
    if link is None:
        raise Http404("There is no such link.")
    services.revoke_link(membership=membership, link=link)
    return _links(request, membership, take)


def seconds(text: str) -> float:
    """A second from a form; 0 where it is none."""
    try:
        return float(text)
    except ValueError:
        return 0.0


def _asked_for(
    request: SignedInRequest, ws: str, project_id: UUID, number: int, *, at_least: Role = Role.VIEWER
) -> tuple[Membership, Generation]:
    membership = membership_in(request.user, ws, at_least=at_least)
    return membership, take_in(membership, project_in(membership, project_id), number)


def _comment(take: Generation, comment_id: UUID) -> Comment:
    found = Comment.objects.filter(generation=take, pk=comment_id).first()
    if found is None:
        raise Http404("There is no such comment.")
    return found


def _context(membership: Membership, take: Generation) -> dict[str, Any]:
    return {
        "membership": membership,
        "ws": membership.workspace.slug,
        "project": take.project,
        "take": take,
        "may_edit": membership.may(Role.EDITOR),
    }


def _comments(
    request: SignedInRequest,
    membership: Membership,
    take: Generation,
    error: StudioError | None = None,
    template: str = "reviews/comments_answer.html",
) -> HttpResponse:
    if not request.htmx:
        if error:
            toast(request, str(error), level=messages.ERROR)
        return redirect("generations:take", membership.workspace.slug, take.project_id, take.number)
    context = _context(membership, take) | {"comments": comments_of(take), "comment_error": error}
    context |= {"typed": request.POST.get("text", "") if error else ""}
    return render(request, template, context, status=error.status if error else 200)


def _links(request: SignedInRequest, membership: Membership, take: Generation, **more: Any) -> HttpResponse:
    base = request.build_absolute_uri("/").rstrip("/")
    context = _context(membership, take) | {"links": open_links(take), "base": base} | more
    template = "reviews/links.html" if request.htmx else "reviews/links_page.html"
    error = more.get("error")
    return render(request, template, context, status=error.status if error else 200)
