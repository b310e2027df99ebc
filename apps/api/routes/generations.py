"""Generations: made, looked at, listed, cancelled, tried again, deleted."""

from typing import Any

from django.http import HttpResponse
from django.utils import timezone

from apps.api import answers, bodies, limits, queries, schemas
from apps.api.again import run_again
from apps.api.calls import create_call
from apps.api.errors import ApiError
from apps.api.idempotency import HEADER
from apps.api.links import base_of, file_url
from apps.api.looking import call_json, found, row_json, waited_for
from apps.api.models import Call, CallState, Scope
from apps.api.presentation import is_there, status_of
from apps.api.routes.parameters import CREATE_CODES, CREATE_FORM, EXAMPLE, FILTERS, PAGES, POLL
from apps.api.routing import Answer, Caller, Param, route
from apps.generations.models import Generation, Status
from apps.generations.services import cancel_generation

TAG = "Generations"
FORM_FIELDS = ("model", "webhookUrl", "outputFileName", "projectId")
JSON_FIELDS = ("options", "segments", "dubParams", "dialogueEdit")


CREATE: dict[str, Any] = {
    "tag": TAG,
    "scope": Scope.GENERATE,
    "bucket": limits.CREATE,
    "body": schemas.CreateGeneration,
    "form": CREATE_FORM,
    "example": EXAMPLE,
    "gives": answers.Generation,
    "status": 201,
    "codes": CREATE_CODES,
}


@route("POST", "generate/upload", summary="Make a generation (older address)", **CREATE)
@route("POST", "generate", summary="Make a generation", **CREATE)
def create(caller: Caller) -> dict[str, Any]:
    """Lipsync a video to a soundtrack. Send JSON with addresses or ids of files, or a form with the files themselves.

    With the header `Idempotency-Key` the same request sent twice makes one generation.
    """
    request = caller.request
    key = request.headers.get(HEADER)
    if not bodies.is_form(request):
        body = schemas.CreateGeneration.model_validate(bodies.read_json(request, fields_of=fields_of))
        return call_json(create_call(caller, body, {}, key=key), caller)
    form = bodies.read_form(request)
    try:
        body = schemas.CreateGeneration.model_validate(fields_of(form))
        files = {name: file for name, file in form.files.items() if name in ("video", "audio")}
        return call_json(create_call(caller, body, files, key=key), caller)
    finally:
        form.close()


def fields_of(form: bodies.Form) -> dict[str, Any]:
    """The body of a create as it came in a form: inputs are repeated fields or one list, objects are JSON text."""
    found: dict[str, Any] = {name: form.text(name) for name in FORM_FIELDS if form.text(name)}
    for name in JSON_FIELDS:
        if text := form.text(name):
            found[name] = bodies.json_field(text, name)
    found["input"] = []
    for text in filter(None, form.fields.getlist("input")):
        item = bodies.json_field(text, "input")
        found["input"] += item if isinstance(item, list) else [item]
    return found


@route(
    "GET",
    "generate/{generation_id}",
    summary="Get a generation",
    tag=TAG,
    query=POLL,
    gives=answers.Generation,
    codes=("generation_not_found", "invalid_generation_id"),
)
def get(caller: Caller, generation_id: str) -> Any:
    """Status and result. `?wait=true&timeout=5` answers when it is ready or the seconds (1 to 10) are over;
    `?include=progress` adds how far it is. The two are not combined.
    """
    request = caller.request
    included = queries.listed(request, "include")
    if unknown := [name for name in included if name != "progress"]:
        raise queries.invalid("include", f"“{unknown[0][:40]}” cannot be included. There is: progress.")
    with_progress = bool(included)
    if not queries.flag(request, "wait"):
        row = found(caller, generation_id, only=() if with_progress else queries.SHOWN)
        return row_json(row, caller, with_progress=with_progress)
    if with_progress:
        raise queries.invalid("include", "wait and include=progress cannot be combined.")
    seconds = queries.whole(request, "timeout", default=5, least=1, most=10) or 5
    row = waited_for(caller, generation_id, seconds)
    headers = {"Retry-After": "2", "X-Sync-Wait-Mode": "long_poll", "X-Sync-Wait-Timeout-Seconds": str(seconds)}
    return Answer(row_json(row, caller), headers=headers)


@route("GET", "generations", summary="List generations", tag=TAG, query=FILTERS + PAGES, gives=list[answers.Generation])
@route(
    "GET",
    "generate",
    summary="List generations (older address)",
    tag=TAG,
    query=FILTERS + PAGES,
    gives=list[answers.Generation],
)
def list_all(caller: Caller) -> list[dict[str, Any]]:
    """Newest first. Filters: `status`, `ids`, `source`, `projectId`, `type`. Pages: `limit` (1 to 100) and `cursor`,
    the id of the last one. Without a limit the newest 1,000.
    """
    request = caller.request
    rows, calls = queries.filtered(request, caller.membership)
    rows = rows.only(*queries.SHOWN)
    limit = queries.whole(request, "limit", default=None, least=1, most=100)
    cursor = request.GET.get("cursor", "")
    if cursor and limit is None:
        raise queries.invalid("cursor", "A cursor needs a limit.")
    return [
        row_json(row, caller) for row in queries.page_of(caller.workspace, rows, calls, queries.Page(limit, cursor))
    ]


@route(
    "GET",
    "generations/count",
    summary="Count generations",
    tag=TAG,
    query=(*FILTERS, Param("currentUserOnly", {"type": "boolean"}, "only those of the key's person")),
    gives=answers.Count,
)
def count(caller: Caller) -> dict[str, int]:
    """The filters of the list, and `currentUserOnly`."""
    rows, calls = queries.filtered(caller.request, caller.membership)
    if queries.flag(caller.request, "currentUserOnly"):
        rows, calls = rows.filter(created_by=caller.membership.user), calls.filter(user=caller.membership.user)
    return {"count": rows.count() + calls.count()}


@route(
    "GET",
    "generations/{generation_id}/download",
    summary="Address of the result",
    tag=TAG,
    media="text/plain",
    codes=("generation_not_found", "generation_not_finished", "asset_not_found"),
)
def download(caller: Caller, generation_id: str) -> HttpResponse:
    """The signed address as plain text; it works for seven days."""
    generation = _generation(caller, generation_id)
    if generation.status == Status.COMPLETED and not is_there(generation.result):
        raise ApiError("asset_not_found", "The result was deleted.", "Retry the generation for another.")
    if generation.result is None:
        raise ApiError("generation_not_finished", f"The generation is {status_of(generation).lower()}.")
    call = getattr(generation, "api_call", None)
    url = file_url(base_of(caller.request), generation.result, name=call.output_name if call else "")
    return HttpResponse(url, content_type="text/plain; charset=utf-8")


@route(
    "GET",
    "generations/{generation_id}/report",
    summary="What was done and measured",
    tag=TAG,
    gives=answers.Report,
    codes=("generation_not_found", "generation_not_finished"),
)
def report(caller: Caller, generation_id: str) -> dict[str, Any]:
    """The engine's report on a finished generation, with the story of its steps."""
    generation = _generation(caller, generation_id)
    if not generation.is_final:
        raise ApiError("generation_not_finished")
    events = [
        {"at": event.at.isoformat(), "what": event.what, "detail": event.detail} for event in generation.events.all()
    ]
    return {
        "id": str(generation.pk),
        "status": status_of(generation),
        "report": generation.report,
        "chargedSeconds": generation.charged_seconds,
        "chargedUsd": (generation.charged_micros or 0) / 1_000_000,
        "events": events,
    }


def _generation(caller: Caller, generation_id: str) -> Generation:
    row = found(caller, generation_id)
    if isinstance(row, Call):
        raise ApiError("generation_not_finished")
    return row


@route(
    "POST",
    "generations/{generation_id}/cancel",
    summary="Cancel a generation",
    tag=TAG,
    scope=Scope.GENERATE,
    gives=answers.Generation,
    codes=("generation_not_found",),
)
def cancel(caller: Caller, generation_id: str) -> dict[str, Any]:
    """Stop it within seconds; nothing is charged. One that has ended stays as it is."""
    row = found(caller, generation_id)
    if isinstance(row, Call):
        Call.objects.filter(pk=row.pk, state=CallState.WAITING).update(
            state=CallState.REFUSED,
            error_code="generation_cancelled",
            error_message="The generation was cancelled.",
        )
        row = found(caller, generation_id)  # a worker may have admitted it in this very moment
    if isinstance(row, Generation):
        cancel_generation(membership=caller.membership, generation=row)
    return row_json(found(caller, generation_id), caller)


@route(
    "POST",
    "generations/{generation_id}/retry",
    summary="Run a generation again",
    tag=TAG,
    scope=Scope.GENERATE,
    bucket=limits.CREATE,
    gives=answers.Generation,
    status=201,
    codes=("generation_not_found", "generation_conflict", "concurrency_limit_reached"),
)
def retry(caller: Caller, generation_id: str) -> dict[str, Any]:
    """A new generation with the files and options of one that has ended; its webhook and file name are the same."""
    row = found(caller, generation_id)
    if isinstance(row, Call):
        raise ApiError("generation_conflict", "Its files never arrived.", "Send the request again.")
    return row_json(found(caller, str(run_again(caller, row).pk)), caller)


@route(
    "DELETE",
    "generations/{generation_id}",
    summary="Delete a generation",
    tag=TAG,
    scope=Scope.MANAGE,
    gives=answers.Deleted,
    codes=("generation_not_found", "generation_not_deletable_while_processing"),
)
def delete(caller: Caller, generation_id: str) -> dict[str, Any]:
    """Only one that has ended. Its result stays in the library."""
    row = found(caller, generation_id)
    now = timezone.now()
    running = (not row.is_final) if isinstance(row, Generation) else row.state == CallState.WAITING
    if running:
        raise ApiError("generation_not_deletable_while_processing")
    Generation.objects.filter(pk=row.pk).update(deleted_at=now)
    Call.objects.filter(pk=row.pk).update(deleted_at=now)
    return {"id": str(row.pk)}
