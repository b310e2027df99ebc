"""From an address to a handler: the table of routes, and the frame around each call.

A handler gets a ``Caller`` and what its path names, and returns JSON (an object or a list), an ``Answer`` with a
status and headers, or a whole Django response. Everything else (key, scope, rate, the shape of failures) is here.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from pydantic import BaseModel

from apps.api import limits
from apps.api.errors import ApiError, answer, failure, unauthorized
from apps.api.keys import find_key
from apps.api.models import ApiKey, Scope
from apps.workspaces.access import require
from apps.workspaces.models import Membership, Role, Workspace
from studio.client_address import client_network

KEY_HEADER = "x-api-key"


@dataclass(frozen=True)
class Caller:
    """Who calls: the key, and its person's membership in its workspace."""

    request: HttpRequest
    key: ApiKey
    membership: Membership

    @property
    def workspace(self) -> Workspace:
        return self.membership.workspace


@dataclass(frozen=True)
class Answer:
    """JSON with a status other than 200, or with headers."""

    data: Any
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


Handler = Callable[..., Any]


@dataclass(frozen=True)
class Param:
    """A query parameter: its name, its JSON schema, what it does."""

    name: str
    schema: dict[str, Any]
    meaning: str


@dataclass(frozen=True)
class Route:
    """One route: what it takes and gives, for the dispatcher and for the OpenAPI document alike.

    ``path`` is below ``/v2/`` with ``{names}``; ``scope`` None means that no key is asked for. ``body`` is
    the schema of what comes as JSON (``example``: one to show), ``form`` the fields where it may come as a form, and
    ``takes_bytes`` says that the body is a file. ``gives`` is the schema of what goes out, ``media`` its kind where it
    is no JSON; ``codes`` the errors it is known to answer with; ``also`` is a second status of success.
    """

    method: str
    path: str
    handler: Handler
    summary: str
    tag: str
    scope: Scope | None
    bucket: str = limits.OTHER
    body: type[BaseModel] | None = None
    form: dict[str, Any] = field(default_factory=dict)
    takes_bytes: bool = False
    query: tuple[Param, ...] = ()
    example: dict[str, Any] | None = None
    gives: Any = None
    media: str = ""
    status: int = 200
    also: int | None = None
    codes: tuple[str, ...] = ()


ROUTES: list[Route] = []


def route(method: str, path: str, *, summary: str, tag: str, **rest: Any) -> Callable[[Handler], Handler]:
    """Enter a handler into the table; its key needs ``scope`` (default: read)."""
    rest.setdefault("scope", Scope.READ)

    def enter(handler: Handler) -> Handler:
        ROUTES.append(Route(method, path, handler, summary, tag, **rest))
        return handler

    return enter


def views() -> dict[str, Callable[..., HttpResponseBase]]:
    """One Django view for each path of the table."""
    by_path: dict[str, dict[str, Route]] = {}
    for entry in ROUTES:
        by_path.setdefault(entry.path, {})[entry.method] = entry
    return {path: _view(methods) for path, methods in by_path.items()}


def _view(methods: dict[str, Route]) -> Callable[..., HttpResponseBase]:
    allowed = sorted({*methods, *(["HEAD"] if "GET" in methods else []), "OPTIONS"})

    def view(request: HttpRequest, **parts: str) -> HttpResponseBase:
        method = "GET" if request.method == "HEAD" else request.method or ""
        if method == "OPTIONS":
            return HttpResponse(status=204, headers={"Allow": ", ".join(allowed)})
        if method not in methods:
            error = ApiError("method_not_allowed", headers={"Allow": ", ".join(allowed)})
            return answer(request, error)
        try:
            return _run(methods[method], request, parts)
        except Exception as error:
            return failure(request, error)

    view.csrf_exempt = True  # type: ignore[attr-defined]  # keys come in a header, which no other site can set
    return view


def _run(entry: Route, request: HttpRequest, parts: dict[str, str]) -> HttpResponseBase:
    caller: Caller | None = None
    if entry.scope is not None:
        found = _caller(request, entry.scope)
        if isinstance(found, HttpResponse):
            return found
        caller = found
    who = str(caller.key.pk) if caller else f"address-{client_network(request)}"
    allowance = limits.take(who, entry.bucket, caller.workspace if caller else None)
    if allowance.exceeded:
        return answer(request, ApiError("rate_limit_exceeded", headers=allowance.headers()))
    try:
        result = entry.handler(caller or request, **parts)
        response = _response(result, entry.status)
    except Exception as error:
        response = failure(request, error)
    for name, value in allowance.headers().items():
        response.setdefault(name, value)
    return response


def _caller(request: HttpRequest, scope: Scope) -> Caller | HttpResponse:
    """Who calls, or the 401 for a key that is missing, unknown or whose person left the workspace."""
    given = request.headers.get(KEY_HEADER, "").strip()
    if not given:
        return unauthorized(request, missing=True)
    known = find_key(given)
    if known is None:
        return unauthorized(request, missing=False)
    key, membership = known
    if not key.allows(scope):
        raise ApiError(
            "forbidden",
            f"This key's scope is {Scope(key.scope).label.lower()}; this needs {scope.label.lower()}.",
            "Make a key with a wider scope.",
        )
    if scope != Scope.READ:  # a key keeps its scope when its person may only look from now on
        require(membership, Role.EDITOR)
    return Caller(request, key, membership)


def _response(result: Any, status: int) -> HttpResponseBase:
    if isinstance(result, HttpResponseBase):
        return result
    if not isinstance(result, Answer):
        result = Answer(result, status)
    if result.status == 204:
        response: HttpResponse = HttpResponse(status=204)
    else:
        response = JsonResponse(result.data, status=result.status, safe=False)
    response["Cache-Control"] = "no-store"
    for name, value in result.headers.items():
        response[name] = value
    return response


def no_route(request: HttpRequest, rest: str = "") -> JsonResponse:
    """404 as JSON for everything below ``/v2/`` that no route has."""
    return answer(request, ApiError("route_not_found", f"There is no route {request.method} /v2/{rest}."))


no_route.csrf_exempt = True  # type: ignore[attr-defined]
