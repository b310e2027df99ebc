"""Pages that belong to no app: the way in, the theme, health, the icon sprite and the error pages."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_GET, require_POST, require_safe
from kombu.exceptions import OperationalError

from apps.accounts.requests import SignedInRequest
from apps.api.errors import ApiError
from apps.api.errors import failure as api_failure
from apps.projects import sample
from apps.workspaces.access import membership_in
from apps.workspaces.models import Role, Workspace
from apps.workspaces.services import create_workspace, first_workspace
from studio import icons
from studio.celery import app as celery_app
from studio.errors import StudioError
from studio.toasts import toast

API = "/v2/"  # programs get failures as JSON, also those that no view has met
YEAR_S = 365 * 24 * 3600
NAME_LIMIT = Workspace._meta.get_field("name").max_length or 80


@login_required
@require_safe
def home(request: SignedInRequest) -> HttpResponse:
    """To the workspace last visited, else to the first one."""
    slug = request.session.get("workspace", "")
    workspace = Workspace.objects.of(request.user).filter(slug=slug).first() or first_workspace(request.user)
    return redirect("assets:library", ws=workspace.slug)


@login_required
@require_safe
def enter(request: SignedInRequest, ws: str) -> HttpResponse:
    """Switch to a workspace: it is the one that home leads to from now on."""
    membership = membership_in(request.user, ws)
    request.session["workspace"] = membership.workspace.slug
    return redirect("assets:library", ws=ws)


@login_required
def new_workspace(request: SignedInRequest) -> HttpResponse:
    """A form with one field; a team, a client or a film gets its own library and bill."""
    name = request.POST.get("name", "").replace("\x00", "").strip()
    error = ""
    if request.method == "POST":
        if not name:
            error = "A workspace needs a name."
        elif len(name) > NAME_LIMIT:
            error = f"The name is {len(name)} characters long. Up to {NAME_LIMIT} fit."
        else:
            workspace = create_workspace(name=name, owner=request.user)
            return redirect("workspace", ws=workspace.slug)
    context = {"name": name, "error": error, "name_limit": NAME_LIMIT}
    return render(request, "new_workspace.html", context, status=422 if error else 200)


@login_required
@require_POST
def try_sample(request: SignedInRequest, ws: str) -> HttpResponse:
    """The sample project in this workspace, opened in the workbench; a studio that has none yet draws it first."""
    membership = membership_in(request.user, ws, at_least=Role.EDITOR)
    if not sample.is_drawn():
        try:
            celery_app.send_task("projects.draw_sample")
        except OperationalError:
            words = "The sample cannot be drawn, because the studio's queue does not answer. Try again in a minute."
            toast(request, words, level=messages.ERROR)
        else:
            words = "The sample is being drawn, which takes about a minute. Press the button again then."
            toast(request, words, level=messages.INFO)
        return redirect("assets:library", ws=ws)
    try:
        project = sample.add_sample_project(membership=membership)
    except StudioError as error:
        toast(request, str(error), level=messages.ERROR)
        return redirect("assets:library", ws=ws)
    return redirect("projects:workbench", ws, project.pk)


@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Keep the chosen theme in a cookie that the server reads, so that no page flashes in the other one."""
    choice = request.POST.get("theme", "")
    back = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(back, {request.get_host()}, require_https=request.is_secure()):
        back = "/"
    response = HttpResponseRedirect(back)
    if choice in ("light", "dark"):
        response.set_cookie("theme", choice, max_age=YEAR_S, samesite="Lax", secure=settings.PRODUCTION)
    else:
        response.delete_cookie("theme", samesite="Lax")
    return response


@require_safe
def health(request: HttpRequest) -> HttpResponse:
    """200 when the web process answers and reaches its database."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return JsonResponse({"status": "ok"})


@require_GET
@gzip_page
def icon_sprite(request: HttpRequest, version: str) -> HttpResponse:
    """The icons in one file; its address changes with its content, so it is kept for a year."""
    if version != icons.version() or not icons.sprite():
        raise Http404("No such icon sprite. Where the front-end libraries are missing, run `make setup`.")
    response = HttpResponse(icons.sprite(), content_type="image/svg+xml")
    response["Cache-Control"] = f"public, max-age={YEAR_S}, immutable"
    return response


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if request.path.startswith(API):
        return api_failure(request, exception)
    return render(request, "400.html", status=400)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Says the reason that the access check gave, since it names the role that is needed."""
    return render(request, "403.html", {"reason": str(exception)}, status=403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "404.html", status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    if request.path.startswith(API):
        return api_failure(request, ApiError("internal_error"))
    return render(request, "500.html", status=500)
