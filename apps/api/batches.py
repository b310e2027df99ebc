"""Batches: a file of requests, checked as a whole, then run a few at a time until all have ended."""

import json
from collections.abc import Iterator
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Count, Q
from django.utils import timezone
from pydantic import ValidationError

from apps.api.admitting import BATCH_SOURCE, admit_soon, refuse
from apps.api.bodies import parsed
from apps.api.calls import kept_body, project_for
from apps.api.errors import INVALID, ApiError, place_of, sentence_of
from apps.api.links import base_of, batch_url
from apps.api.models import Batch, BatchLine, BatchState, Call, CallState, Delivery
from apps.api.presentation import generation_json, opened_by_all, waiting_json
from apps.api.routing import Caller
from apps.api.schemas import CreateGeneration
from apps.api.webhook_addresses import check_webhook_url
from apps.api.wishes import wish_of
from apps.billing.limits import batch_refusal
from apps.billing.plans import plan_of
from apps.generations.models import Status
from apps.workspaces.access import membership_for
from apps.workspaces.models import Workspace
from studio.errors import StudioError

FEWEST, MOST = 20, 500
FILE_LIMIT = 5 * 1000**2
ENDPOINT = "/v2/generate"
ENDED = "batch.ended"
# Of one batch so many are on their way at once: the work of a page waits for these at most.
AT_ONCE = 2
RUNNING = (BatchState.PENDING, BatchState.PROCESSING)
WORKING = (Status.PENDING, Status.PROCESSING)
# Lines by how their call stands. A call that was refused, or whose generation ended without a result, has failed.
SUCCEEDED = Q(call__generation__status=Status.COMPLETED)
ON_THE_WAY = Q(call__state=CallState.WAITING) | Q(call__generation__status__in=WORKING)
NOT_STARTED = Q(call=None)


def parse_file(text: str) -> list[dict[str, Any]]:
    """The lines of a batch file, each checked like a request of its own. Raises ``ApiError`` naming the line."""
    rows = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    if len(rows) > MOST:
        raise ApiError("batch_too_many_requests", f"The batch has {len(rows)} lines; {MOST} are allowed.")
    if len(rows) < FEWEST:
        raise ApiError("batch_insufficient_records", f"The batch has {len(rows)} lines; {FEWEST} are the least.")
    seen: set[str] = set()
    found = []
    for number, line in rows:
        row = _row(number, line)
        if row["request_id"] in seen:
            raise ApiError("batch_duplicate_request_id", f"Line {number}: “{row['request_id'][:80]}” occurs twice.")
        seen.add(row["request_id"])
        found.append(row | {"number": number})
    return found


def _row(number: int, line: str) -> dict[str, Any]:
    try:
        row = parsed(line)
    except ValueError:
        row = None
    if not isinstance(row, dict):
        raise ApiError("batch_invalid_jsonl", f"Line {number} is no JSON object.")
    name = row.get("request_id")
    if not isinstance(name, str) or not 0 < len(name) <= 200:
        raise ApiError("batch_invalid_jsonl", f"Line {number} has no request_id of 1 to 200 characters.")
    if row.get("endpoint") != ENDPOINT:
        raise ApiError("batch_invalid_endpoint", f"Line {number}: the endpoint is not {ENDPOINT}.")
    try:
        body = CreateGeneration.model_validate(row.get("payload"))
        wish_of(body)
        check_webhook_url(body.webhookUrl, look_up=False)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        place = f"payload.{place_of(problem['loc'])}"
        raise ApiError(INVALID, f"Line {number}: {sentence_of(problem)}", field=place) from error
    except StudioError as error:
        raise ApiError(error.code, f"Line {number}: {error.message}", error.advice, field=error.field) from error
    return {"request_id": name, "payload": row["payload"]}


def create_batch(*, caller: Caller, text: str, webhook_url: str, dry_run: bool) -> Batch | None:
    """Check a file and keep it as a batch; only check it for a dry run (None). Raises ``ApiError``."""
    if refusal := batch_refusal(plan_of(caller.workspace)):
        raise refusal
    rows = parse_file(text)
    check_webhook_url(webhook_url, field="webhook_url")
    if dry_run:
        return None
    with transaction.atomic():
        Workspace.objects.select_for_update().get(pk=caller.workspace.pk)  # two that come at once wait for each other
        if Batch.objects.filter(workspace=caller.workspace, state__in=RUNNING).exists():
            raise ApiError("batch_concurrency_limit_reached", headers={"Retry-After": "60"})
        batch = Batch.objects.create(
            workspace=caller.workspace, user=caller.membership.user, key=caller.key, webhook_url=webhook_url
        )
        BatchLine.objects.bulk_create([BatchLine(batch=batch, **row) for row in rows])
    return batch


def go_on() -> int:
    """Start the next lines of every running batch and end those that are through; returns how many were started."""
    started = 0
    for batch in Batch.objects.filter(state__in=RUNNING).select_related("workspace", "user", "key"):
        lines = batch.lines.all()
        free = AT_ONCE - lines.filter(ON_THE_WAY).count()
        for line in lines.filter(NOT_STARTED)[: max(0, free)]:
            start_line(batch, line)
            started += 1
        Batch.objects.filter(pk=batch.pk, state=BatchState.PENDING).update(state=BatchState.PROCESSING)
        if not lines.filter(NOT_STARTED | ON_THE_WAY).exists():
            _end(batch)
    return started


def start_line(batch: Batch, line: BatchLine) -> None:
    """Make the call of a line, which a worker admits like any other whose files are waited for; what stands in its way
    is kept with the call as a refusal. Two runs of the batches may meet: a line that has a call is left alone.
    """
    body = CreateGeneration.model_validate(line.payload)
    project, refusal, warnings = None, None, list[str]()
    try:
        warnings = wish_of(body).warnings
        project = project_for(membership_for(batch.user, batch.workspace), body.projectId)
    except StudioError as error:
        refusal = error
    except PermissionDenied as error:  # its person left the workspace, or may only look now
        refusal = ApiError("forbidden", str(error))
    with transaction.atomic():  # a worker that dies leaves all of it or nothing
        call = Call.objects.create(
            workspace=batch.workspace,
            user=batch.user,
            key=batch.key,
            project=project,
            body=kept_body(body),
            warnings=warnings,
            source=BATCH_SOURCE,
            webhook_url=body.webhookUrl or "",
            output_name=body.outputFileName or "",
        )
        if not BatchLine.objects.filter(pk=line.pk, call=None).update(call=call):
            call.delete()
        elif refusal:
            refuse(call, refusal)
        else:
            admit_soon(call.pk)


def _end(batch: Batch) -> None:
    state = BatchState.COMPLETED if batch.lines.filter(SUCCEEDED).exists() else BatchState.FAILED
    now = timezone.now()
    if not Batch.objects.filter(pk=batch.pk, state__in=RUNNING).update(state=state, finished_at=now):
        return
    batch.state, batch.finished_at = state, now
    if batch.webhook_url:
        body = json.dumps(batch_json(batch, base_of(None)), separators=(",", ":"))
        row = Delivery(workspace=batch.workspace, subject=batch.pk, event=ENDED, url=batch.webhook_url, body=body)
        Delivery.objects.bulk_create([row], ignore_conflicts=True)


def batch_json(batch: Batch, base: str) -> dict[str, Any]:
    """A batch as the clients know it, with their mixed spelling."""
    counts = batch.lines.aggregate(
        total=Count("pk"),
        succeeded=Count("pk", filter=SUCCEEDED),
        pending=Count("pk", filter=NOT_STARTED | ON_THE_WAY),
    )
    return {
        "id": str(batch.pk),
        "created_at": batch.created_at.isoformat(),
        "status": batch.state,
        "metrics": {
            "total_generations": counts["total"],
            "success_count": counts["succeeded"],
            "failed_count": counts["total"] - counts["succeeded"] - counts["pending"],
            "pending_count": counts["pending"],
        },
        "webhookUrl": batch.webhook_url or None,
        "outputUrl": batch_url(base, batch.pk) if batch.finished_at else None,
    }


def results(batch: Batch, base: str) -> Iterator[str]:
    """The results file: one JSON object for each line, in the order of the file; it is anybody's who has its
    address.
    """
    related = ("call__generation__video", "call__generation__audio", "call__generation__result")
    for line in batch.lines.select_related(*related):
        call = line.call
        if call is None:
            told: dict[str, Any] | None = None
        elif call.generation is None:
            told = waiting_json(call)
        else:
            told = generation_json(call.generation, base, opened_by_all)
        yield json.dumps({"request_id": line.request_id, "response": told}) + "\n"
