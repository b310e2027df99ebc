"""The type of a request behind the sign-in."""

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from apps.accounts.models import User


class SignedInRequest(HttpRequest):
    """What a view behind ``login_required`` receives."""

    user: User
    htmx: HtmxDetails
    request_id: str
