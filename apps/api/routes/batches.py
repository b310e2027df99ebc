"""Batches over HTTP."""

from collections.abc import Callable
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, StreamingHttpResponse

from apps.api import answers, batches, bodies, limits, queries
from apps.api.errors import ApiError
from apps.api.links import BATCH, FILE_LIVES_S, base_of, opened
from apps.api.models import Batch, BatchLine, BatchState, Scope
from apps.api.routes.parameters import FILE
from apps.api.routing import Answer, Caller, Handler, Param, route
from apps.projects.models import Project
from apps.workspaces.access import visible_to

TAG = "Batches"
TEXT = {"type": "string"}
CODES = (
    "batch_file_too_large",
    "batch_too_many_requests",
    "batch_insufficient_records",
    "batch_invalid_jsonl",
    "batch_duplicate_request_id",
    "batch_invalid_endpoint",
    "batch_concurrency_limit_reached",
    "batch_plan_required",
    "generation_input_validation_failed",
)


def _start(path: str, summary: str) -> Callable[[Handler], Handler]:
    kind = answers.Batch | answers.Validated
    form = {"input": FILE, "webhook_url": TEXT, "dry_run": {"type": "string", "enum": ["true", "false"]}}
    rest = {"form": form, "bucket": limits.CREATE, "gives": kind, "status": 201, "also": 200, "codes": CODES}
    return route("POST", path, summary=summary, tag=TAG, scope=Scope.GENERATE, **rest)


@_start("generate/batch", "Start a batch (older address)")
@_start("batch", "Start a batch")
def create(caller: Caller) -> Answer:
    """A form with the file `input`: 20 to 500 lines, each `{"request_id", "endpoint": "/v2/generate", "payload"}`, at
    most 5 MB. `dry_run=true` only checks it and answers 200 with the status VALIDATED. Inputs may last 30 s each.
    """
    if not bodies.is_form(caller.request):
        raise ApiError("request_invalid", "A batch comes as a form.", "Send multipart/form-data with the file input.")
    try:
        form = bodies.read_form(caller.request, limit=batches.FILE_LIMIT)
    except ApiError as error:
        raise ApiError("batch_file_too_large") if error.code == "file_size_exceeds_plan_limit" else error from error
    try:
        file = form.files.get("input")
        if file is None:
            raise ApiError("request_invalid", "The form has no file input.", "Send the lines as the file input.")
        text = file.read().decode("utf-8-sig", "replace")  # some editors begin a file with a mark of its coding
    finally:
        form.close()
    dry_run = (form.text("dry_run") or "").lower() in ("true", "1")
    url = form.text("webhook_url") or ""
    batch = batches.create_batch(caller=caller, text=text, webhook_url=url, dry_run=dry_run)
    if batch is None:
        return Answer({"status": "VALIDATED"})
    return Answer(batches.batch_json(batch, base_of(caller.request)), status=201)


def _seen(caller: Caller) -> QuerySet[Batch]:
    """The workspace's batches, without those of others that work in a project which this person does not see."""
    projects = Project.objects.filter(workspace=caller.workspace)
    hidden = projects.exclude(pk__in=projects.filter(visible_to(caller.membership)).values("pk"))
    theirs = BatchLine.objects.filter(call__project__in=hidden).values("batch")
    return Batch.objects.filter(workspace=caller.workspace).exclude(pk__in=theirs)


@route(
    "GET",
    "batch",
    summary="List batches",
    tag=TAG,
    query=(
        Param("status", {"type": "array", "items": TEXT}, "states, in any encoding of a list"),
        Param("created_after", TEXT, "date and time in ISO 8601"),
        Param("created_before", TEXT, "date and time in ISO 8601"),
    ),
    gives=list[answers.Batch],
)
def list_all(caller: Caller) -> list[dict[str, Any]]:
    """Newest first, at most 100."""
    rows = _seen(caller)
    if states := queries.listed(caller.request, "status"):
        if unknown := [state for state in states if state not in (*BatchState.values, "JOBS_CREATED")]:
            raise queries.invalid("status", f"There is no status “{unknown[0][:40]}”.")
        rows = rows.filter(state__in=states)
    if after := queries.moment(caller.request, "created_after"):
        rows = rows.filter(created_at__gt=after)
    if before := queries.moment(caller.request, "created_before"):
        rows = rows.filter(created_at__lt=before)
    return [batches.batch_json(batch, base_of(caller.request)) for batch in rows[:100]]


@route("GET", "batch/{batch_id}", summary="Get a batch", tag=TAG, gives=answers.Batch, codes=("batch_not_found",))
def get(caller: Caller, batch_id: str) -> dict[str, Any]:
    """How far it is; `outputUrl` is there when it has ended."""
    found = queries.uuid_or_none(batch_id)
    batch = _seen(caller).filter(pk=found).first() if found else None
    if batch is None:
        raise ApiError("batch_not_found")
    return batches.batch_json(batch, base_of(caller.request))


@route(
    "GET",
    "batches/{token}/results.jsonl",
    summary="Results of a batch",
    tag=TAG,
    scope=None,
    media="application/jsonl",
    codes=("link_expired", "batch_not_found"),
)
def output(request: HttpRequest, token: str) -> StreamingHttpResponse:
    """One JSON object for each line: `request_id`, and as `response` its generation. The address is signed."""
    batch_id = opened(token, salt=BATCH, lives_s=FILE_LIVES_S)
    batch = Batch.objects.filter(pk=batch_id, workspace__closed_at=None).first()
    if batch is None:
        raise ApiError("batch_not_found")
    return StreamingHttpResponse(batches.results(batch, base_of(request)), content_type="application/jsonl")
