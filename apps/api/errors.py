"""The one shape of every failure, and the way from an exception to it."""

import logging
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, JsonResponse
from pydantic import ValidationError

from apps.api.catalogue import ENTRIES, reason_of
from studio.errors import StudioError

log = logging.getLogger(__name__)
INVALID = "generation_input_validation_failed"


class ApiError(StudioError):
    """A refusal by its code of the catalogue: status and, unless given, the words come from there.

    ``extra`` are fields beside the usual ones, ``headers`` go with the answer.
    """

    def __init__(
        self,
        code: str,
        message: str = "",
        advice: str = "",
        *,
        field: str = "",
        extra: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        entry = ENTRIES[code]
        super().__init__(code, message or entry.message, advice or entry.suggestion, field=field, status=entry.status)
        self.extra = extra or {}
        self.headers = headers or {}


def failure(request: HttpRequest, error: Exception) -> JsonResponse:
    """The answer for an exception; one that nobody expected is logged and answers 500 without its words."""
    if isinstance(error, ValidationError):
        return _validation(request, error)
    if isinstance(error, Http404):
        return answer(request, ApiError("not_found", _first_sentence(error, "not_found")))
    if isinstance(error, PermissionDenied):
        return answer(request, ApiError("forbidden", _first_sentence(error, "forbidden")))
    if isinstance(error, StudioError):
        return answer(request, error)
    log.error("request %s failed", getattr(request, "request_id", ""), exc_info=error)
    return answer(request, ApiError("internal_error"))


def _first_sentence(error: Exception, code: str) -> str:
    return str(error) if error.args and isinstance(error.args[0], str) else ENTRIES[code].message


def answer(request: HttpRequest, error: StudioError, message: str | list[str] = "") -> JsonResponse:
    """``{statusCode, message, error, errorCode, suggestion, field?, requestId}`` and what the error adds."""
    entry = ENTRIES.get(error.code)
    status = entry.status if entry else error.status
    body: dict[str, Any] = {
        "statusCode": status,
        "message": message or error.message,
        "error": reason_of(status),
        "errorCode": error.code,
        "suggestion": error.advice or (entry.suggestion if entry else ""),
    }
    if error.field:
        body["field"] = error.field
    body |= getattr(error, "extra", {})
    body["requestId"] = getattr(request, "request_id", "")
    response = JsonResponse(body, status=status)
    for name, value in getattr(error, "headers", {}).items():
        response[name] = value
    return response


def unauthorized(request: HttpRequest, *, missing: bool) -> JsonResponse:
    """401 in the words that the clients know, for a missing key and for one that does not work."""
    message = "Either Cookie or x-api-key header must be provided" if missing else "Unauthorized"
    return answer(request, ApiError("unauthorized", message))


def _validation(request: HttpRequest, error: ValidationError) -> JsonResponse:
    found = error.errors(include_url=False, include_context=False, include_input=False)
    sentences = [f"{_place(problem['loc'])}: {problem['msg']}" for problem in found[:20]]
    first = ApiError(INVALID, sentences[0], field=_place(found[0]["loc"]))
    return answer(request, first, message=sentences)


def _place(loc: tuple[int | str, ...]) -> str:
    """``("input", 0, "video", "url")`` as ``input.0.url``: the names of our union's arms are left out."""
    return ".".join(str(part) for part in loc if part not in ("video", "audio", "text", "image")) or "body"
