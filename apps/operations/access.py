"""The door to the staff's pages. Whoever is not staff is told that nothing is there."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.db.models import Sum
from django.http import Http404
from django.http.response import HttpResponseBase

from apps.accounts.requests import SignedInRequest
from apps.generations.models import Generation
from apps.workspaces.models import Workspace

P = ParamSpec("P")
View = Callable[Concatenate[SignedInRequest, P], HttpResponseBase]


def staff_only(view: View[P]) -> View[P]:
    """Lets in signed-in staff. The second factor in production is asked for by a middleware, by the address."""

    @login_required
    @wraps(view)
    def guarded(request: SignedInRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if not request.user.is_staff:
            raise Http404("There is no such page.")
        return view(request, *args, **kwargs)

    return guarded  # type: ignore[return-value]


def any_workspace(slug: str) -> Workspace:
    """A workspace of the studio with its billing profile and ``size`` in bytes at hand; raises ``Http404``."""
    found = Workspace.objects.select_related("billing").annotate(size=Sum("assets__size")).filter(slug=slug).first()
    if found is None:
        raise Http404("There is no such workspace.")
    return found


def any_take(take_id: UUID) -> Generation:
    """A take of the studio with what its page shows; raises ``Http404``."""
    related = ("workspace", "project", "video", "audio", "result", "created_by")
    found = Generation.objects.select_related(*related).filter(pk=take_id).first()
    if found is None:
        raise Http404("There is no such take.")
    return found
