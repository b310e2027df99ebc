"""What every page's shell needs: the workspace switcher, the theme, whether money is shown."""

from django.conf import settings
from django.http import HttpRequest

from apps.workspaces.models import Workspace


def shell(request: HttpRequest) -> dict:
    """Template variables of the shell; the workspaces are a lazy query, run only where the switcher is drawn."""
    user = getattr(request, "user", None)
    signed_in = user is not None and user.is_authenticated
    theme = request.COOKIES.get("theme", "")
    return {
        "my_workspaces": Workspace.objects.of(user) if signed_in else Workspace.objects.none(),
        "theme": theme if theme in ("light", "dark") else "",
        "billing_on": settings.BILLING,
        "request_id": getattr(request, "request_id", ""),
    }
