"""One number per request, so that a person can quote it and an administrator can find it in the log."""

import uuid
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from studio import logs


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
