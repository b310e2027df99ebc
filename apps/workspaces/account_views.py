"""Pages about one's own account that know its workspaces: profile, log, export, end."""

from uuid import UUID

from allauth.account.decorators import reauthentication_required
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import FileResponse, Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.requests import SignedInRequest
from apps.workspaces import export, leaving
from apps.workspaces.activity import ACTIONS
from apps.workspaces.models import Membership
from studio.errors import StudioError
from studio.toasts import toast

NAME_LIMIT = 120
LINES = 100


@login_required
def profile(request: SignedInRequest) -> HttpResponse:
    """The name others see, and the workspaces one is in."""
    if request.method == "POST":
        request.user.name = " ".join(request.POST.get("name", "").replace("\x00", "").split())[:NAME_LIMIT]
        request.user.save(update_fields=["name"])
        toast(request, "Your name is kept.")
        return redirect("account_profile")
    rows = Membership.objects.filter(user=request.user, workspace__closed_at=None).select_related("workspace")
    context = {"name": request.user.name, "memberships": rows.order_by("workspace__name")}
    return render(request, "account/profile.html", context)


@login_required
@require_POST
def notices(request: SignedInRequest) -> HttpResponse:
    """Whether one is mailed when a take has ended."""
    request.user.mail_when_done = "mail" in request.POST
    request.user.save(update_fields=["mail_when_done"])
    toast(request, "You get a mail when takes end." if request.user.mail_when_done else "No mails about takes.")
    return redirect("account_profile")


@login_required
@require_safe
def activity(request: SignedInRequest) -> HttpResponse:
    """The last hundred things that happened to the account itself."""
    rows = request.user.activity.filter(workspace=None).order_by("-at", "-pk")[:LINES]
    lines = [{"row": row, "words": ACTIONS.get(row.action, row.action)} for row in rows]
    return render(request, "account/activity.html", {"lines": lines})


@login_required
@never_cache
@require_safe
def data(request: SignedInRequest) -> HttpResponse:
    """Export and deletion."""
    exports = list(request.user.exports.all()[:5])
    context = {
        "exports": exports,
        "pending": any(one.ready_at is None and one.failed_at is None for one in exports),
        "shared": leaving.owned_by(request.user, shared=True),
    }
    return render(request, "account/data.html", context)


@login_required
@require_POST
def ask_for_export(request: SignedInRequest) -> HttpResponse:
    try:
        export.ask_for_export(user=request.user)
    except StudioError as error:
        toast(request, str(error), level=messages.ERROR)
    else:
        toast(request, "Your export is being made. Reload this page in a minute.", level=messages.INFO)
    return redirect("account_data")


@login_required
@never_cache
@require_safe
def export_file(request: SignedInRequest, export_id: UUID) -> HttpResponseBase:
    """The ZIP, for its person alone."""
    found = request.user.exports.filter(pk=export_id).exclude(ready_at=None).first()
    if found is None:
        raise Http404("There is no such export.")
    return FileResponse(found.file.open(), as_attachment=True, filename="lipsync-studio-data.zip")


@login_required
@never_cache
@reauthentication_required()
def delete(request: SignedInRequest) -> HttpResponse:
    """End the account: the password is asked for, then the address must be typed."""
    if request.method != "POST":
        return render(request, "account/delete.html", {"alone": leaving.owned_by(request.user, shared=False)})
    if request.POST.get("email", "").strip().lower() != request.user.email:
        toast(request, "Nothing was changed. Type your address to delete the account.", level=messages.ERROR)
        return redirect("account_delete")
    try:
        leaving.delete_account(user=request.user)
    except StudioError as error:
        toast(request, str(error), level=messages.ERROR)
        return redirect("account_data")
    logout(request)
    toast(request, "Your account is deleted.")
    return redirect("account_login")
