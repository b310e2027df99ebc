"""What every page's shell needs: the workspace switcher, the theme, whether money is shown."""

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from apps.workspaces.models import Membership, Workspace


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
        "request_id": getattr(request, "request_id", ""),
    }


def _last_visited(request: HttpRequest) -> Membership | None:
    memberships = Membership.objects.select_related("workspace", "user").filter(
        user=request.user, workspace__closed_at=None
    )
    slug = request.session.get("workspace", "")
    return memberships.filter(workspace__slug=slug).first() or memberships.order_by("workspace__name").first()
