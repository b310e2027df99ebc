"""The one shape of every failure, and the way from an exception to it."""

import logging
from typing import Any

from django.core.exceptions import DisallowedHost, PermissionDenied, SuspiciousOperation
from django.http import Http404, HttpRequest, JsonResponse
from pydantic import ValidationError

from apps.api.catalogue import ENTRIES, reason_of
from studio.errors import StudioError

log = logging.getLogger(__name__)
INVALID = "generation_input_validation_failed"
KNOWN_HOSTS = "Use the studio's own address; STUDIO_HOSTS lists the hosts it answers to."


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
    if isinstance(error, DisallowedHost):
        return answer(request, ApiError("request_invalid", "The studio does not answer to this host.", KNOWN_HOSTS))
    if isinstance(error, SuspiciousOperation):
        return answer(request, ApiError("request_invalid"))
    log.error("request %s failed", getattr(request, "request_id", ""), exc_info=error)
    return answer(request, ApiError("internal_error"))


def _first_sentence(error: Exception, code: str) -> str:
    return str(error) if error.args and isinstance(error.args[0], str) else ENTRIES[code].message


def answer(request: HttpRequest, error: StudioError, message: str | list[str] = "") -> JsonResponse:
    """``{statusCode, message, error, errorCode, suggestion, field, requestId}`` and what the error adds; ``field``
    is null where no field is to blame.
    """
    entry = ENTRIES.get(error.code)
    status = entry.status if entry else error.status
    body: dict[str, Any] = {
        "statusCode": status,
        "message": message or error.message,
        "error": reason_of(status),
        "errorCode": error.code,
        "suggestion": error.advice or (entry.suggestion if entry else ""),
        "field": error.field or None,
        "requestId": getattr(request, "request_id", ""),
    }
    body |= getattr(error, "extra", {})
    response = JsonResponse(body, status=status)
    for name, value in getattr(error, "headers", {}).items():
        response[name] = value
    return response


def unauthorized(request: HttpRequest, *, missing: bool) -> JsonResponse:
    """401 in the words that the clients know, for a missing key and for one that does not work."""
    message = "Either Cookie or x-api-key header must be provided" if missing else "Unauthorized"
    return answer(request, ApiError("unauthorized", message))


def _validation(request: HttpRequest, error: ValidationError) -> JsonResponse:
    found = error.errors(include_url=False, include_input=False)
    sentences = [sentence_of(problem) for problem in found[:20]]
    first = ApiError(INVALID, sentences[0], field=place_of(found[0]["loc"]))
    return answer(request, first, message=sentences)


ARMS = ("video", "audio", "text", "image", "ActiveSpeaker", "bool")
# What pydantic says of a value, in the words of somebody who has never heard of it; {} are values of the problem.
WORDS = {
    "missing": "this is missing.",
    "union_tag_not_found": "this has no type. Give one of video, audio, image, text.",
    "union_tag_invalid": "there is no type “{tag}”. Give one of video, audio, image, text.",
    "model_type": "this has to be an object.",
    "model_attributes_type": "this has to be an object.",
    "dict_type": "this has to be an object.",
    "list_type": "this has to be a list.",
    "string_type": "this has to be a text.",
    "uuid_type": "this is no UUID.",
    "uuid_parsing": "this is no UUID.",
    "string_too_long": "this has more than {max_length} characters.",
    "string_too_short": "this has fewer characters than {min_length}.",
    "too_long": "this has more than {max_length} items.",
    "float_type": "this has to be a number.",
    "float_parsing": "this has to be a number.",
    "int_type": "this has to be a whole number.",
    "int_parsing": "this has to be a whole number.",
    "int_from_float": "this has to be a whole number.",
    "bool_type": "this has to be true or false.",
    "bool_parsing": "this has to be true or false.",
    "string_pattern_mismatch": "this does not fit the pattern {pattern}.",
    "value_error": "{error}",
}


def sentence_of(problem: Any) -> str:
    """``input.0.url: this is missing.``, from an entry of pydantic's list of problems."""
    words, values = WORDS.get(problem["type"]), problem.get("ctx", {})
    if words is None:
        said = problem["msg"].removeprefix("Input ").rstrip(".")
        return f"{place_of(problem['loc'])}: this {said[:1].lower()}{said[1:]}."
    told = {name: str(value)[:80] for name, value in values.items()}
    return f"{place_of(problem['loc'])}: {words.format_map(told)}"


def place_of(loc: tuple[int | str, ...]) -> str:
    """``("input", 0, "video", "url")`` as ``input.0.url``: the names of our unions' arms are left out."""
    return ".".join(str(part) for part in loc if part not in ARMS) or "body"
