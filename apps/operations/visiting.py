"""Looking at the studio as a member does, without changing anything.

The session remembers who is visited, in which workspace and until when. Requests that could change something are
refused, and so are the pages of the member's account and keys, which are nobody else's, and those of the member's other
workspaces, whose people read of no visit in their log.
"""

import re
from collections.abc import Callable
from datetime import datetime, timedelta

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from apps.accounts.models import User

SESSION_KEY = "visiting"
LASTS = timedelta(minutes=30)
LEAVE_PATH = "/staff/leave/"
CLOSED = re.compile(r"^/(account/|staff/(?!leave/)|admin/|w/[^/]+/keys/)")
READ_ONLY = "You look as a member here. Nothing can be changed; leave the visit first."
ELSEWHERE = "This visit is to another workspace. Leave it, and begin one from the page of this workspace."


def begin(request: HttpRequest, user_id: int, slug: str) -> None:
    """From the next request on this session sees what the member sees of a workspace."""
    until = timezone.now() + LASTS
    request.session[SESSION_KEY] = {"user": user_id, "workspace": slug, "until": until.isoformat()}


def end(request: HttpRequest) -> None:
    request.session.pop(SESSION_KEY, None)


class VisitMiddleware:
    """Puts the visited member in the place of the staff member, who stays at hand as ``request.visitor``."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.visitor = None  # type: ignore[attr-defined]
        visit = request.session.get(SESSION_KEY)
        if visit is None or request.path == LEAVE_PATH:
            return self.get_response(request)
        member = self._member(request, visit)
        if member is None:
            end(request)
            return self.get_response(request)
        request.visitor, request.user = request.user, member  # type: ignore[attr-defined, assignment]
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: object, args: object, kwargs: dict[str, object]) -> None:
        """Refused here and not above, so that the refusal is drawn as a page."""
        if getattr(request, "visitor", None) is None:
            return
        if request.method not in ("GET", "HEAD") or CLOSED.match(request.path):
            raise PermissionDenied(READ_ONLY)
        if "ws" in kwargs and kwargs["ws"] != request.session[SESSION_KEY].get("workspace"):
            raise PermissionDenied(ELSEWHERE)

    def _member(self, request: HttpRequest, visit: dict) -> User | None:
        """Whom to show; nobody when the time is over or who visits is no staff (any more)."""
        user = request.user
        if not user.is_authenticated or not user.is_staff or not user.is_active:
            return None
        if timezone.now() > datetime.fromisoformat(visit["until"]):
            return None
        return User.objects.filter(pk=visit["user"], is_active=True, is_staff=False, is_superuser=False).first()
