"""The model admin behind the staff's pages: everything can be looked at, almost nothing changed.

Money and takes change through the deeds of the staff's pages, which ask for a reason and write it down.
"""

from typing import Any

from csp.constants import SELF, UNSAFE_EVAL, UNSAFE_INLINE
from csp.decorators import csp_replace
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from unfold.sites import UnfoldAdminSite

# The theme is built on Alpine, which evaluates expressions, and on style attributes. Loosened for these pages alone,
# which only staff reach, with a second factor in production; nothing is loaded from elsewhere.
LOOSENED = {"script-src": [SELF, UNSAFE_INLINE, UNSAFE_EVAL], "style-src": [SELF, UNSAFE_INLINE]}


class StudioAdmin(UnfoldAdminSite):
    index_title = "Data"

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        return csp_replace(LOOSENED)(super().admin_view(view, cacheable))

    def has_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_active and request.user.is_staff)

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Signing in is the studio's own page, with its rate limits and second factor."""
        return redirect_to_login(request.get_full_path())
