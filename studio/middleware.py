"""What every answer carries: a number that a person can quote, and that a page and its parts share an address; and
answers that are to the point where somebody is signed out or Redis is away.
"""

import logging
import uuid
from collections.abc import Callable
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render, resolve_url
from django.utils.cache import patch_vary_headers
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from studio import logs

log = logging.getLogger(__name__)

AGAIN_S = 60


class RequestIdMiddleware:
    """Sets ``request.request_id``, answers with it in ``X-Request-Id`` and puts it on each line of the log."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.request_id = uuid.uuid4().hex[:12]  # type: ignore[attr-defined]
        logs.begin(request_id=request.request_id)  # type: ignore[attr-defined]
        response = self.get_response(request)
        response["X-Request-Id"] = request.request_id  # type: ignore[attr-defined]
        return response


class PartsMiddleware:
    """A page and the part of it that htmx asks for have one address: "back" must not bring the part for the page."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.get("Content-Type", "").startswith("text/html"):
            patch_vary_headers(response, ["HX-Request"])
        return response


class SignedOutMiddleware:
    """An open page whose person is signed out by now: the way to the door that pages are shown is followed unseen,
    and the door taken for the answer ("Draft saved"). An edit is refused, whatever else is asked for leads to the door.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        door = resolve_url(settings.LOGIN_URL)
        if not request.htmx or response.get("Location", "").partition("?")[0] != door:  # type: ignore[attr-defined]
            return response
        refusal = HttpResponse(status=401)
        if request.method == "GET":
            page = request.htmx.current_url_abs_path or "/"  # type: ignore[attr-defined]
            refusal["HX-Redirect"] = f"{door}?{urlencode({'next': page})}"
        return refusal


class RedisAwayMiddleware:
    """503 where a page cannot do without Redis, as signing in, which it protects from guessing: that is soon over."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, (RedisError, OperationalError)):
            return None
        log.warning("%s does not do without Redis: %s", request.path, exception)
        response = render(request, "503.html", status=503)
        response["Retry-After"] = str(AGAIN_S)
        return response
