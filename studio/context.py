"""What every page's shell needs: the workspace switcher, the theme, whether money is shown."""

from typing import cast

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from apps.accounts.models import User
from apps.assets import bucket
from apps.workspaces.models import Membership, Workspace
from apps.workspaces.services import first_workspace


def shell(request: HttpRequest) -> dict:
    """Template variables of the shell; the workspaces are a lazy query, run only where the switcher is drawn."""
    user = getattr(request, "user", None)
    signed_in = user is not None and user.is_authenticated
    theme = request.COOKIES.get("theme", "")
    return {
        # Pages about the account stand in no workspace: their shell shows the one last visited.
        "membership": SimpleLazyObject(lambda: _last_visited(request)) if signed_in else None,
        "my_workspaces": Workspace.objects.of(user) if signed_in else Workspace.objects.none(),
        "theme": theme if theme in ("light", "dark") else "",
        "billing_on": settings.BILLING,
        "direct_uploads": bucket.available(),
        "request_id": getattr(request, "request_id", ""),
    }


def _last_visited(request: HttpRequest) -> Membership:
    """In the workspace that home would lead to; who is in none gets one of their own, as there."""
    person = cast(User, request.user)
    memberships = Membership.objects.select_related("workspace", "user").filter(user=person)
    visited = memberships.filter(workspace__slug=request.session.get("workspace", ""), workspace__closed_at=None)
    return visited.first() or memberships.get(workspace=first_workspace(person))
