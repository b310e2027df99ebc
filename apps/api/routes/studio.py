"""Models, errors, health, and the parts of the documented API that this studio does not have."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest

from apps.api import answers
from apps.api.catalogue import ENTRIES
from apps.api.errors import ApiError
from apps.api.models import Scope
from apps.api.routing import Caller, Handler, route
from apps.catalog.registry import MODELS, OPTIONS


@route("GET", "models", summary="List models", tag="Models", gives=list[answers.ModelInfo])
def models(caller: Caller) -> list[dict[str, Any]]:
    """What can be run here, with prices and the options each model has."""
    return [
        {
            "id": spec.id,
            "name": spec.name,
            "type": "lipsync",
            "version": spec.id.partition("-")[2] or spec.id,
            "description": spec.description,
            "deprecatedAt": None,
            "legacy": spec.legacy,
            "bestFor": spec.best_for,
            "syncModes": list(spec.sync_modes),
            "options": {name: spec.options[name].state for name in OPTIONS},
            "caveats": list(spec.caveats),
        }
        for spec in MODELS.values()
    ]


@route("GET", "errors", summary="Every error code", tag="Errors", scope=None, gives=list[answers.ErrorEntry])
def errors(request: HttpRequest) -> list[dict[str, str | int]]:
    """No key is needed."""
    return [
        {"code": entry.code, "message": entry.message, "suggestion": entry.suggestion, "statusCode": entry.status}
        for entry in ENTRIES.values()
    ]


@route("GET", "healthcheck", summary="Whether the studio answers", tag="Reference", scope=None, gives=answers.Health)
def health(request: HttpRequest) -> dict[str, str]:
    """No key is needed. It asks nothing of database and workers."""
    return {"status": "ok"}


@route(
    "POST",
    "transcriptions",
    summary="Transcribe",
    tag="Not available",
    scope=Scope.GENERATE,
    codes=("feature_unavailable",),
)
@route(
    "POST",
    "dialogue-edits",
    summary="Edit dialogue",
    tag="Not available",
    scope=Scope.GENERATE,
    codes=("feature_unavailable",),
)
def unavailable(caller: Caller) -> None:
    """Answers 422: this studio does not have it."""
    raise ApiError("feature_unavailable")


def _no_sign_in(method: str, path: str, summary: str) -> Callable[[Handler], Handler]:
    return route(method, path, summary=summary, tag="Not available", scope=None, codes=("feature_unavailable",))


@_no_sign_in("POST", "device-auth/start", "Sign a device in")
@_no_sign_in("POST", "device-auth/poll", "Wait for a device's sign-in")
@_no_sign_in("POST", "oauth/register", "Register an OAuth client")
@_no_sign_in("GET", "oauth/authorize", "Ask a person's leave")
@_no_sign_in("POST", "oauth/token", "Get an OAuth token")
@_no_sign_in("POST", "oauth/revoke", "Revoke an OAuth token")
@_no_sign_in("GET", "oauth/userinfo", "Who signed in")
def no_sign_in(request: HttpRequest) -> None:
    """Answers 422: programs sign in by keys alone."""
    message, advice = "This studio signs programs in by API keys alone.", "Make a key on the page API keys."
    raise ApiError("feature_unavailable", message, advice)
