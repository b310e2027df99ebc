"""The OpenAPI 3.1 document, made from the table of routes, the schemas and the catalogue of errors."""

import inspect
import re
from typing import Any

from pydantic import TypeAdapter

from apps.api.answers import Failure
from apps.api.catalogue import ENTRIES
from apps.api.examples import example_of
from apps.api.idempotency import HEADER
from apps.api.models import Scope
from apps.api.routing import KEY_HEADER, ROUTES, Route

REF = "#/components/schemas/{model}"
NAME_IN_PATH = re.compile(r"\{(\w+)\}")
# Every route with a key may answer with these.
WITH_KEY = ("unauthorized", "forbidden")
ALWAYS = ("rate_limit_exceeded", "internal_error")
TAGS = (
    "Generations",
    "Costs",
    "Assets",
    "Batches",
    "Models",
    "Projects",
    "Webhooks",
    "Voices",
    "Not available",
    "Errors",
    "Reference",
)
BYTES = "application/octet-stream"
# Fields without which a form is none.
FORM_NEEDS = ("model", "input")
LIMIT_HEADERS = {
    "RateLimit-Limit": "requests a minute",
    "RateLimit-Remaining": "how many are left in this minute",
    "RateLimit-Reset": "seconds until the next minute begins",
}
TITLE = "Lipsync Studio API"
ABOUT = "Give a video of a person another soundtrack, and the mouth follows. Every failure has the same shape."


def document(base: str) -> dict[str, Any]:
    """The whole document; ``base`` is the address of this studio."""
    schemas: dict[str, Any] = {}
    paths: dict[str, Any] = {}
    _reference(Failure, schemas)
    for entry in ROUTES:
        paths.setdefault(f"/v2/{entry.path}", {})[entry.method.lower()] = _operation(entry, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": TITLE, "version": "2", "description": ABOUT, "license": {"name": "Apache-2.0"}},
        "servers": [{"url": base}],
        "tags": [{"name": tag} for tag in TAGS],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(schemas.items())),
            "headers": {
                name: {"description": meaning, "schema": {"type": "integer"}} for name, meaning in LIMIT_HEADERS.items()
            },
            "securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": KEY_HEADER}},
        },
    }


def _reference(kind: Any, schemas: dict[str, Any]) -> dict[str, Any]:
    """The JSON schema of a type; the models it is made of go into ``schemas``."""
    schema = TypeAdapter(kind).json_schema(ref_template=REF)
    schemas |= schema.pop("$defs", {})
    if "title" in schema and schema.get("type") == "object" and isinstance(kind, type):
        schemas[kind.__name__] = schema
        return {"$ref": REF.format(model=kind.__name__)}
    return schema


def _operation(entry: Route, schemas: dict[str, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": operation_id(entry),
        "summary": entry.summary,
        "description": about(entry),
        "tags": [entry.tag],
        "parameters": _parameters(entry),
        "responses": _successes(entry, schemas) | _failures(entry),
    }
    if entry.scope is not None:
        operation["security"] = [{"key": []}]
    if contents := _contents(entry, schemas):
        operation["requestBody"] = {"required": True, "content": contents}
    return operation


def operation_id(entry: Route) -> str:
    """A name for code generators: the method and the words of the path."""
    words = re.sub(r"[^A-Za-z]+", "_", entry.path).strip("_")
    return f"{entry.method.lower()}_{words}"


def about(entry: Route) -> str:
    """The handler's own words and the scope that its key needs."""
    needs = "No key." if entry.scope is None else f"Key with the scope {Scope(entry.scope).value}."
    return f"{inspect.cleandoc(entry.handler.__doc__ or '')}\n\n{needs}".strip()


def _parameters(entry: Route) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in NAME_IN_PATH.findall(entry.path)
    ]
    for param in entry.query:
        found.append({"name": param.name, "in": "query", "schema": param.schema, "description": param.meaning})
    if entry.method == "POST" and entry.path in ("generate", "generate/upload", "tts/jobs"):
        schema = {"type": "string", "pattern": "^[A-Za-z0-9._~-]{1,128}$"}
        found.append({"name": HEADER, "in": "header", "schema": schema, "description": "the same key, one result"})
    return found


def _contents(entry: Route, schemas: dict[str, Any]) -> dict[str, Any]:
    contents: dict[str, Any] = {}
    if entry.body is not None:
        contents["application/json"] = {"schema": _reference(entry.body, schemas)}
        if entry.example is not None:
            contents["application/json"]["example"] = entry.example
    if entry.form:
        required = [name for name in FORM_NEEDS if name in entry.form and (entry.body is None or name == "model")]
        form = {"type": "object", "properties": entry.form, "required": required}
        contents["multipart/form-data"] = {"schema": form}
    if entry.takes_bytes:
        contents["application/octet-stream"] = {"schema": {"type": "string", "contentMediaType": BYTES}}
    return contents


def _successes(entry: Route, schemas: dict[str, Any]) -> dict[str, Any]:
    """What goes out, by status. A handler without a schema answers with text or bytes of the kind ``media``; parts that
    the studio does not have only answer with their failure.
    """
    if entry.tag == "Not available":
        return {}
    found: dict[str, Any] = {"description": entry.summary}
    if entry.scope is not None:
        found["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in LIMIT_HEADERS}
    if entry.gives is not None:
        content: dict[str, Any] = {"schema": _reference(entry.gives, schemas)}
        if (example := example_of(entry.gives)) is not None:
            content["example"] = example
        found["content"] = {"application/json": content}
    elif entry.media:
        found["content"] = {entry.media: {}}
    return {str(status): found for status in (entry.status, entry.also) if status is not None}


def _failures(entry: Route) -> dict[str, Any]:
    codes = dict.fromkeys([*entry.codes, *(WITH_KEY if entry.scope else ()), *ALWAYS])
    if "{generation_id}" in entry.path:
        codes |= dict.fromkeys(["generation_not_found", "invalid_generation_id"])
    if "{token}" in entry.path:
        codes |= dict.fromkeys(["not_found", "link_expired"])
    if entry.query:
        codes["generation_input_validation_failed"] = None
    if entry.body is not None:
        codes |= dict.fromkeys(["request_invalid", "generation_input_validation_failed", "request_too_large"])
    by_status: dict[int, list[str]] = {}
    for code in codes:
        by_status.setdefault(ENTRIES[code].status, []).append(code)
    return {
        str(status): {"description": ", ".join(names), "content": _failure(names[0])}
        for status, names in sorted(by_status.items())
    }


def _failure(code: str) -> dict[str, Any]:
    """The shape of every failure, with one of its status as the example."""
    entry = ENTRIES[code]
    example = {"statusCode": entry.status, "message": entry.message, "error": entry.reason, "errorCode": code}
    example |= {"suggestion": entry.suggestion, "field": None, "requestId": "5f0c2a7b9d31"}
    return {"application/json": {"schema": {"$ref": REF.format(model="Failure")}, "example": example}}
