"""What changes a generation. Views, the API and tasks come through here."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID, uuid4

from celery import current_task
from django.core.exceptions import PermissionDenied
from django.db import models, transaction
from django.db.models import Max
from django.utils import timezone

from apps.assets.models import Asset
from apps.billing import ledger, limits
from apps.billing.prices import priced
from apps.billing.spending import usage_happened
from apps.catalog.registry import clean_options
from apps.generations import signals
from apps.generations.estimate import Estimate, estimate
from apps.generations.models import STAGE_EVENT, Event, Generation, SegmentSound, Stage, Status
from apps.generations.queue import dispatch
from apps.generations.states import advance
from apps.workspaces.access import require
from apps.workspaces.activity import record
from apps.workspaces.models import Membership, Role, Workspace
from studio import logs
from studio.errors import StudioError

__all__ = [
    "Estimate",
    "begin",
    "cancel_generation",
    "complete",
    "end_without_result",
    "estimate",
    "note_stage",
    "retry_generation",
    "submit_generation",
]

log = logging.getLogger(__name__)


def submit_generation(
    *,
    membership: Membership,
    project: Any,
    video: Asset | None,
    audio: Asset | None,
    model: str,
    sync_mode: str,
    options: Mapping[str, Any],
    segments: Sequence[Mapping[str, Any]] = (),
    identity: UUID | None = None,
    background: bool = False,
) -> Generation:
    """Admit a take: check it, set its price aside, write the row; the queue hands it on when its turn has come.

    ``project`` is a ``projects.Project`` or None; this room lies below that one and does not know its class.
    The workspace's row is locked meanwhile, so that no two submits pass the limit of takes at once together.
    ``segments`` are ranges with their own sound, face or options, see ``segments.py``; charged is what is lipsynced.
    The plan of this moment decides whether the result carries a watermark; a later change leaves the take as it is.
    ``identity`` is the id the take gets where somebody was already told one; ``background`` lets others go first.
    Raises ``StudioError`` with the first thing that stands in the way, ``PermissionDenied`` for viewers and in a
    workspace that is closed.
    """
    require(membership, Role.EDITOR)
    with transaction.atomic():
        workspace = Workspace.objects.select_for_update().get(pk=membership.workspace.pk)
        if workspace.closed_at is not None:  # closed since the caller came in
            raise PermissionDenied("This workspace is closed.")
        _same_workspace(workspace, video, audio, project)
        found = estimate(
            workspace=workspace,
            video=video,
            audio=audio,
            model=model,
            sync_mode=sync_mode,
            options=options,
            segments=segments,
        )
        if found.refusals:
            raise found.refusals[0]
        assert video is not None  # else refused
        assert audio is not None
        generation = Generation.objects.create(
            pk=identity or uuid4(),
            workspace=workspace,
            project=project,
            number=_next_number(workspace, project),
            created_by=membership.user,
            video=video,
            audio=audio,
            model=model,
            sync_mode=sync_mode,
            options=clean_options(model, options)[0],
            segments=found.segments.rows if found.segments else [],
            watermark=limits.is_marked(found.plan),
            price_micros_per_frame=found.quote.micros_per_frame,
            quoted_seconds=found.seconds,
            quoted_micros=found.quote.micros,
            background=background,
        )
        sounds = found.segments.sounds.values() if found.segments else ()
        SegmentSound.objects.bulk_create(SegmentSound(generation=generation, asset=asset) for asset in sounds)
        Event.objects.create(generation=generation, what=Status.PENDING.value, detail={"warnings": found.warnings})
        ledger.hold(workspace=workspace, subject=generation.pk, micros=found.quote.micros)
        usage_happened(workspace)
        record(
            "generation.submitted", workspace=workspace, actor=membership.user, subject=_title(generation), model=model
        )
        transaction.on_commit(dispatch, robust=True)
    logs.note(generation_id=str(generation.pk))
    log.info("submitted: %s, %.1f s of result", model, generation.quoted_seconds)
    return generation


def _title(generation: Generation) -> str:
    """What the log calls a take."""
    project = generation.project
    return f"take {generation.number} of {project.name}" if project else f"take {generation.number}"


def _next_number(workspace: Workspace, project: Any) -> int:
    """Takes are counted within their project; those without one within the workspace."""
    takes = Generation.objects.filter(workspace=workspace, project=project)
    return (takes.aggregate(top=Max("number"))["top"] or 0) + 1


def _same_workspace(workspace: Workspace, *things: Any) -> None:
    """Refuse what belongs to another workspace, in the words for what does not exist."""
    if any(thing is not None and thing.workspace_id != workspace.pk for thing in things):
        raise StudioError("asset_not_found", "A file of this take does not exist.", "Choose another.", status=404)


def cancel_generation(*, membership: Membership, generation: Generation) -> Generation:
    """Stop a take: the row at once, its workers within two seconds. The hold is released.

    A take that has ended meanwhile stays as it is.
    """
    require(membership, Role.EDITOR)
    if Generation.objects.filter(pk=generation.pk).active().update(cancel_requested_at=timezone.now()):
        record(
            "generation.cancelled",
            workspace=generation.workspace,
            actor=membership.user,
            subject=_title(generation),
        )
    signals.ask_to_stop(generation.pk)
    end_without_result(generation.pk, Status.CANCELLED)
    generation.refresh_from_db()
    return generation


def retry_generation(*, membership: Membership, generation: Generation, identity: UUID | None = None) -> Generation:
    """A new take with the files and settings of one that ended, at today's price; raises like a submit.

    ``identity`` is the id it gets where somebody has chosen one.
    """
    if not generation.is_final:
        raise StudioError("generation_conflict", "This take still runs.", "Cancel it first.", status=409)
    return submit_generation(
        membership=membership,
        project=generation.project,
        video=generation.video,
        audio=generation.audio,
        model=generation.model,
        sync_mode=generation.sync_mode,
        options=generation.options,
        segments=generation.segments,
        identity=identity,
    )


def begin(generation_id: UUID) -> bool:
    """Move a queued take to running; False where it is not queued (any more)."""
    now = timezone.now()
    return advance(
        generation_id,
        Status.PENDING,
        Status.PROCESSING,
        started_at=now,
        heartbeat_at=now,
        attempts=models.F("attempts") + 1,
    )


def note_stage(generation_id: UUID, stage: str) -> bool:
    """Note that a running take has reached a stage; stages only go forward, also where a step runs again."""
    names = [str(name) for name in Stage]
    earlier = names[: names.index(stage)]
    with transaction.atomic():
        reached = Generation.objects.filter(pk=generation_id, status=Status.PROCESSING, stage__in=earlier)
        moved = reached.update(stage=stage, heartbeat_at=timezone.now()) == 1
        if moved:
            Event.objects.create(generation_id=generation_id, what=STAGE_EVENT, detail={"stage": stage} | _by_whom())
    return moved


def _by_whom() -> dict[str, str]:
    """The task at work and its worker, for the story of a take; nothing outside a worker."""
    request = current_task.request if current_task else None
    return {"worker": request.hostname or "", "task": request.id} if request and request.id else {}


def end_without_result(generation_id: UUID, to: Status, error: StudioError | None = None) -> bool:
    """End a queued or running take as failed, refused or cancelled and release its hold; False where it had ended."""
    fields = {}
    if error is not None:
        fields = {"error_code": error.code, "error_message": error.message, "error_advice": error.advice}
    with transaction.atomic():
        # In the order in which takes go: one that begins between the two is met by the second.
        moved = advance(generation_id, Status.PENDING, to, **fields) or advance(
            generation_id, Status.PROCESSING, to, **fields
        )
        if moved:
            generation = Generation.objects.select_related("workspace").get(pk=generation_id)
            ledger.release(workspace=generation.workspace, subject=generation_id)
            transaction.on_commit(dispatch, robust=True)
    if moved:
        with logs.noted(generation_id=str(generation_id)):
            log.info("ended as %s %s", to, fields.get("error_code", ""))
    return moved


def _hold_project(generation: Generation) -> None:
    """Read the project anew and keep it as it is until the end of the transaction: hidden meanwhile, the result would
    be seen by all. Others may still put takes into it.
    """
    project = generation.project
    if project is not None:
        generation.project = type(project).objects.select_for_update(no_key=True).get(pk=project.pk)


def complete(*, generation_id: UUID, result: Asset, lipsynced_s: float, report: dict[str, Any]) -> bool:
    """Finish a running take: state, result and charge in one transaction; False where it had ended already.

    Charged are the seconds really lipsynced at the price quoted, never more than was held.
    """
    with transaction.atomic():
        generation = Generation.objects.select_related("workspace").get(pk=generation_id)
        seconds = min(max(0.0, lipsynced_s), generation.quoted_seconds)
        charge = priced(generation.price_micros_per_frame, seconds)
        moved = advance(
            generation_id,
            Status.PROCESSING,
            Status.COMPLETED,
            result=result,
            report=report,
            charged_seconds=seconds,
            charged_micros=charge.micros,
        )
        if moved:
            _hold_project(generation)
            detail = {
                "model": generation.model,
                "project": generation.project.name if generation.project else "",
                "seconds": round(seconds, 3),
                "frames": charge.frames,
            }
            ledger.capture(workspace=generation.workspace, subject=generation_id, micros=charge.micros, detail=detail)
            usage_happened(generation.workspace)
            if generation.project is not None:  # a result is seen by whoever sees its project
                Asset.objects.filter(made_by=generation_id).update(visibility=generation.project.visibility)
            transaction.on_commit(dispatch, robust=True)
    return moved
