"""The page that a share link leads to. It stands outside every workspace's door: each view opens the link anew, and
shows the one take it was made for and nothing around it."""

import json
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from apps.assets import serving
from apps.assets.models import Asset
from apps.generations.player import player_facts, view_asked_for
from apps.generations.reports import report_view
from apps.reviews import access, services
from apps.reviews.models import ShareLink
from apps.reviews.queries import comments_of
from apps.reviews.views import seconds
from studio.client_address import client_network
from studio.errors import StudioError

# The take behind a link is meant for whoever got the link, not for search engines or a proxy's store.
HEADERS = {"X-Robots-Tag": "noindex, nofollow", "Cache-Control": "private, no-store"}
NAME_KEY = "guest_name"

View = Callable[..., HttpResponseBase]


def opened(view: View) -> View:
    """Open the link for a view; who has not given its password is asked for it."""

    @wraps(view)
    def inside(request: HttpRequest, token: str, **rest: Any) -> HttpResponseBase:
        try:
            link = access.link_of(token)
        except StudioError as error:
            return _headed(render(request, "reviews/closed.html", {"error": error}, status=error.status))
        if not access.is_unlocked(request.session, link):
            return _locked(request, token)
        return view(request, link, token, **rest)

    return inside


@require_safe
@opened
def page(request: HttpRequest, link: ShareLink, token: str) -> HttpResponseBase:
    return _headed(render(request, "reviews/shared.html", _page(request, link, token)))


@require_POST
def unlock(request: HttpRequest, token: str) -> HttpResponseBase:
    """Take the password; wrong ones are counted."""
    try:
        link = access.link_of(token)
        services.count_try(link, client_network(request), "password")
    except StudioError as error:
        if error.status == 429:
            return _locked(request, token, error)
        return _headed(render(request, "reviews/closed.html", {"error": error}, status=error.status))
    if access.unlock(request.session, link, request.POST.get("password", "")):
        return redirect("share:page", token)
    wrong = StudioError("share_password_wrong", "That is not the password.", "Ask the sender.", status=422)
    return _locked(request, token, wrong)


@require_POST
@opened
def comment(request: HttpRequest, link: ShareLink, token: str) -> HttpResponseBase:
    """A guest's remark; a refused one stays in its field."""
    name, text = request.POST.get("name", ""), request.POST.get("text", "")
    try:
        services.count_try(link, client_network(request), "comment")
        services.add_guest_comment(link=link, name=name, at_s=seconds(request.POST.get("at", "")), text=text)
    except StudioError as error:
        context = _page(request, link, token) | {"comment_error": error, "typed": text, "guest_name": name}
        if not _partial(request):
            return _headed(render(request, "reviews/shared.html", context, status=error.status))
        # The page swaps 409 and 422 only; 429 would be a fault of the server's to it.
        status = 409 if error.status == 409 else 422
        return _headed(render(request, "reviews/comments_answer.html", context, status=status))
    request.session[NAME_KEY] = " ".join(name.split())
    if _partial(request):
        return _headed(render(request, "reviews/comments_answer.html", _page(request, link, token)))
    return redirect("share:page", token)


@require_safe
@opened
def file(request: HttpRequest, link: ShareLink, token: str, which: str) -> HttpResponseBase:
    asset = _asset(link, which)
    return serving.serve(request, asset.file, etag=asset.sha256, content_type=serving.media_type(asset))


@require_safe
@opened
def peaks(request: HttpRequest, link: ShareLink, token: str, which: str) -> HttpResponseBase:
    asset = _asset(link, which)
    tag = f"{asset.sha256[:32]}-p"
    return serving.serve(request, asset.peaks, etag=tag, content_type="application/json", stream=True)


@require_safe
@opened
def captions(request: HttpRequest, link: ShareLink, token: str) -> HttpResponseBase:
    return serving.serve_captions(request, _asset(link, "result"))


@require_safe
@opened
def thumbnail(request: HttpRequest, link: ShareLink, token: str, which: str) -> HttpResponseBase:
    asset = _asset(link, which)
    tag = f"{asset.sha256[:32]}-t"
    return serving.serve(request, asset.thumbnail, etag=tag, content_type="image/webp", stream=True)


@require_safe
@opened
def download(request: HttpRequest, link: ShareLink, token: str) -> HttpResponseBase:
    """The result to keep, where the link allows it."""
    if not link.downloads_on:
        raise Http404("This link is for looking.")
    asset = _asset(link, "result")
    kind = serving.media_type(asset)
    return serving.serve(request, asset.file, etag=asset.sha256, content_type=kind, save_as=serving.file_name(asset))


def _asset(link: ShareLink, which: str) -> Asset:
    """The result, or the original where the link shows it; nothing else of the workspace can be named."""
    result = link.generation.result
    if which == "result" and result is not None:
        return result
    if which == "original" and _shows_original(link):
        return link.generation.video
    raise Http404("There is no such file.")


def _shows_original(link: ShareLink) -> bool:
    """Whether the link shows it. One that was taken out of the library is gone for guests as it is for members."""
    return link.with_original and link.generation.video.deleted_at is None


def _page(request: HttpRequest, link: ShareLink, token: str) -> dict[str, Any]:
    take = link.generation
    facts = player_facts(take, slug=take.workspace.slug)
    report = report_view(take.report) if take.report else None
    facts["worst"] = [one.second for one in report.worst_first] if report else []
    for which in ("original", "result"):
        if facts[which]:
            facts[which] |= _addresses(token, which, facts[which])
    if not _shows_original(link):
        facts["original"] = None
    return {
        "link": link,
        "token": token,
        "take": take,
        "project": take.project,
        "facts": facts,
        "facts_json": json.dumps(facts),
        "view": view_asked_for(request.GET.get("mode", ""), facts),
        "report": report,
        "comments": comments_of(take) if link.comments_on else [],
        "guest_name": request.session.get(NAME_KEY, ""),
        "shared": True,
    }


def _addresses(token: str, which: str, media: dict[str, Any]) -> dict[str, str]:
    """The same file by way of the link instead of the library."""
    return {
        "id": which,
        "name": "",
        "src": reverse("share:file", args=[token, which]),
        "peaks": reverse("share:peaks", args=[token, which]) if media["peaks"] else "",
        "thumbnail": reverse("share:thumbnail", args=[token, which]) if media["thumbnail"] else "",
        "faces": "",
        "captions": reverse("share:captions", args=[token]) if which == "result" and media["captions"] else "",
    }


def _locked(request: HttpRequest, token: str, error: StudioError | None = None) -> HttpResponse:
    context = {"token": token, "error": error}
    # The question is a page of its own to somebody who came to look, and a refusal to a player that asks for a file.
    status = 200 if "text/html" in request.headers.get("Accept", "") else 401
    return _headed(render(request, "reviews/locked.html", context, status=error.status if error else status))


def _headed(response: HttpResponse) -> HttpResponse:
    for name, value in HEADERS.items():
        response[name] = value
    return response


def _partial(request: HttpRequest) -> bool:
    return bool(getattr(request, "htmx", False))
