"""Pages of those who run the studio open only after a second factor: code or passkey, in this very session.

In the embedded mode, where one person runs the studio on their own machine, the password is enough.
"""

from collections.abc import Callable

from allauth.account.internal.flows.login import get_authentication_records
from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode

# Addresses of staff begin with one of these.
GUARDED = ("/staff/", "/admin/")
SET_UP = "Staff pages need a second factor. Set up an authenticator app or a passkey, then come back."


class StaffSecondFactorMiddleware:
    """Leads staff without a second factor to set one up, and those who have not used theirs yet to do so."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        user = request.user
        guarded = settings.STAFF_SECOND_FACTOR and request.path.startswith(GUARDED)
        if not guarded or not user.is_authenticated or not user.is_staff:
            return self.get_response(request)
        if not is_mfa_enabled(user):
            messages.warning(request, SET_UP)
            return redirect("mfa_index")
        if not any(record.get("method") == "mfa" for record in get_authentication_records(request, user)):
            return redirect(f"{reverse('mfa_reauthenticate')}?{urlencode({'next': request.get_full_path()})}")
        return self.get_response(request)
