"""The API about itself: its OpenAPI document, and the same as a page."""

import json
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from apps.api import openapi
from apps.api.catalogue import ENTRIES
from apps.api.examples import example_of
from apps.api.fields import fields_of
from apps.api.links import base_of
from apps.api.routing import ROUTES, Route, route
from apps.api.snippets import quick_starts

TAG = "Reference"
INSTALL = {"python": "pip install syncsdk", "typescript": "npm install @sync.so/sdk"}


@route("GET", "openapi.json", summary="OpenAPI 3.1 document", tag=TAG, scope=None, gives=dict[str, Any])
def document(request: HttpRequest) -> dict[str, Any]:
    """For code generators and test tools."""
    return openapi.document(base_of(request))


def _with_code(text: str) -> SafeString:
    """A paragraph whose words between backticks become code."""
    parts = [
        (f"<code>{escape(part)}</code>" if index % 2 else escape(part)) for index, part in enumerate(text.split("`"))
    ]
    return mark_safe("".join(parts))  # noqa: S308  (each part was escaped)


def _answer(entry: Route) -> str:
    """An example of what comes back; nothing where that is text or bytes."""
    example = None if entry.gives is None else example_of(entry.gives)
    return "" if example is None else json.dumps(example, indent=2)


@route("GET", "docs", summary="This reference as a page", tag=TAG, scope=None, media="text/html")
def page(request: HttpRequest) -> HttpResponse:
    """Every route with what it takes, what it gives and the errors it answers with."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for entry in sorted(ROUTES, key=lambda entry: openapi.TAGS.index(entry.tag)):
        groups.setdefault(entry.tag, []).append(
            {
                "id": openapi.operation_id(entry),
                "method": entry.method,
                "path": f"/v2/{entry.path}",
                "summary": entry.summary,
                "about": [_with_code(paragraph) for paragraph in openapi.about(entry).split("\n\n")],
                "query": entry.query,
                "fields": fields_of(entry.body) if entry.body else [],
                "example": json.dumps(entry.example, indent=2) if entry.example else "",
                "answer": _answer(entry),
                "codes": entry.codes,
            }
        )
    base = base_of(request)
    starts = [
        {"label": start.label, "text": start.text, "install": INSTALL[start.language]} for start in quick_starts(base)
    ]
    context = {"groups": groups.items(), "errors": ENTRIES.values(), "base": base, "starts": starts}
    return render(request, "api/reference.html", context)
