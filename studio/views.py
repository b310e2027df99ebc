"""Pages that belong to no room: the way home, the theme, the health answer, the error pages."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from apps.workspaces.access import membership_in
from apps.workspaces.services import create_workspace, first_workspace

YEAR_S = 365 * 24 * 3600


@login_required
def home(request: HttpRequest) -> HttpResponse:
    """Send a person to the library of their first workspace."""
    return redirect("assets:library", ws=first_workspace(request.user).slug)


@login_required
def enter(request: HttpRequest, ws: str) -> HttpResponse:
    """A workspace's own address leads to its library."""
    return redirect("assets:library", ws=membership_in(request.user, ws).workspace.slug)


@login_required
@require_POST
def new_workspace(request: HttpRequest) -> HttpResponse:
    """Make a workspace and go to it."""
    name = request.POST.get("name", "").strip()[:80] or "New workspace"
    return redirect("assets:library", ws=create_workspace(name=name, owner=request.user).slug)


@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Keep the chosen theme in a cookie, so that the server draws the first frame in it and nothing flashes."""
    response = HttpResponse(status=204)
    response.set_cookie("theme", request.POST.get("theme", ""), max_age=YEAR_S, samesite="Lax")
    return response


def health(request: HttpRequest) -> JsonResponse:
    """Whether the web process answers."""
    return JsonResponse({"status": "ok"})


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "400.html", {"reason": str(exception)}, status=400)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "403.html", {"reason": str(exception)}, status=403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "404.html", status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    return render(request, "500.html", status=500)
