"""What is done to batches, and files that come from an address."""

import logging
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone
from kombu.exceptions import OperationalError

from apps.assets.models import Asset, Origin, Status
from apps.assets.naming import clean_name
from apps.billing.limits import batch_refusal
from apps.billing.plans import plan_of
from apps.catalog.registry import MODELS, check_sync_mode, clean_options
from apps.desk.models import Batch, BatchState, Line
from apps.generations.estimate import picture_refusals, sound_refusals
from apps.generations.models import Generation
from apps.generations.models import Status as TakeStatus
from apps.generations.services import cancel_generation, submit_generation
from apps.projects.services import create_project
from apps.workspaces.access import membership_for, require
from apps.workspaces.models import Membership, Role
from studio.celery import app as celery_app
from studio.errors import StudioError

log = logging.getLogger(__name__)

LINES_MOST = 100
URL_LIMIT = 2000
# Files of one workspace that are being fetched from links: a slow server may hold one of the few places for a quarter
# of an hour, and all of them are everybody's. One that was asked for an hour ago has lost its worker.
LINKS_MOST, LINK_LASTS = 20, timedelta(hours=1)
# So many takes of one batch are on their way at once; what else the workspace does finds room beside it.
AT_ONCE = 4
# A link that no worker has come to the end of by then: a message whose worker died comes back after two hours.
LINK_LOST_AFTER = timedelta(hours=6)
# Nothing is wrong with the line: it starts when there is room, or when its file has been checked.
WAITS = ("concurrency_limit_reached", "asset_not_ready")
WORKING = (TakeStatus.PENDING, TakeStatus.PROCESSING)
NOT_STARTED = Q(generation=None, error_code="")
ON_THE_WAY = Q(generation__status__in=WORKING)


def import_link(*, membership: Membership, url: str) -> Asset:
    """A file of the library that a worker fetches from ``url``; until it is here the file is being checked.

    Raises ``StudioError`` for what is no address and while many are on their way, ``PermissionDenied`` for viewers.
    """
    require(membership, Role.EDITOR)
    url = url.strip()
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        parts, host = urlsplit(""), None
    if parts.scheme not in ("http", "https") or not host or len(url) > URL_LIMIT or "\x00" in url:
        raise StudioError(
            "asset_link_invalid", "That is no web address.", "Paste one that begins with https://.", field="url"
        )
    asked = Asset.objects.filter(workspace=membership.workspace, origin=Origin.URL, status=Status.CHECKING, file="")
    if asked.filter(created_at__gt=timezone.now() - LINK_LASTS).count() >= LINKS_MOST:
        message = f"{LINKS_MOST} files are being fetched already."
        raise StudioError("asset_links_too_many", message, "Wait until some are here.", field="url", status=429)
    asset = Asset.objects.create(
        workspace=membership.workspace,
        created_by=membership.user,
        name=clean_name(unquote(PurePosixPath(parts.path).name) or host),
        origin=Origin.URL,
    )
    transaction.on_commit(lambda: _send_for(asset.pk, url), robust=True)
    return asset


def _send_for(asset_id: UUID, url: str) -> None:
    """Have a worker fetch a file. The address is in the message alone: without one nobody would ever come for it."""
    try:
        celery_app.send_task("desk.fetch_file", args=[str(asset_id), url])
    except (OperationalError, OSError) as error:
        log.warning("the link of asset %s could not be handed on: %s", asset_id, error)
        give_up(asset_id)


def give_up(asset_id: UUID) -> None:
    """Refuse a file whose fetching the studio itself could not do."""
    reject(asset_id, "asset_link_not_fetched", "The studio could not fetch this file. Paste the link again.")


def refuse_lost_links() -> int:
    """Refuse files that nobody fetches any more, their messages lost with the queue; returns how many."""
    before = timezone.now() - LINK_LOST_AFTER
    lost = Asset.objects.filter(origin=Origin.URL, status=Status.CHECKING, file="", updated_at__lt=before)
    ids = list(lost.values_list("pk", flat=True))
    for asset_id in ids:
        give_up(asset_id)
    return len(ids)


def make_batch(
    *,
    membership: Membership,
    name: str,
    pairs: Sequence[tuple[Asset, Asset]],
    model: str,
    sync_mode: str,
    options: Mapping[str, Any] | None = None,
) -> Batch:
    """Keep a batch and start its first lines. Raises ``StudioError`` with what stands in the way of all of it."""
    require(membership, Role.EDITOR)
    if refusal := batch_refusal(plan_of(membership.workspace)):
        raise refusal
    if not pairs or len(pairs) > LINES_MOST:
        raise StudioError(
            "batch_size_invalid",
            "The batch is empty." if not pairs else f"The batch has {len(pairs)} lines.",
            f"Choose 1 to {LINES_MOST} pairs.",
        )
    if model not in MODELS:
        raise StudioError("batch_model_invalid", "There is no such model.", "Choose one of the list.", field="model")
    check_sync_mode(model, sync_mode)
    cleaned, _ = clean_options(model, options or {})
    with transaction.atomic():
        project = create_project(membership=membership, name=name)
        batch = Batch.objects.create(
            workspace=membership.workspace,
            created_by=membership.user,
            project=project,
            name=project.name,
            model=model,
            sync_mode=sync_mode,
            options=cleaned if options else {},
        )
        Line.objects.bulk_create(
            Line(batch=batch, number=number, video=video, audio=audio) for number, (video, audio) in enumerate(pairs, 1)
        )
        transaction.on_commit(lambda: celery_app.send_task("desk.go_on"), robust=True)
    return batch


def problem_of(video: Asset, audio: Asset, model: str) -> StudioError | None:
    """What stands in the way of one pair."""
    return next(iter(picture_refusals(video, model) + sound_refusals(audio)), None)


def go_on() -> int:
    """Start the next lines of every running batch and end those that are through; returns how many were started."""
    started = 0
    for batch in Batch.objects.filter(state=BatchState.RUNNING).select_related("workspace", "created_by", "project"):
        free = AT_ONCE - batch.lines.filter(ON_THE_WAY).count()
        for line in batch.lines.filter(NOT_STARTED).select_related("video", "audio")[: max(0, free)]:
            if not _start(batch, line):
                break
            started += 1
        if not batch.lines.filter(NOT_STARTED | ON_THE_WAY).exists():
            ended = Batch.objects.filter(pk=batch.pk, state=BatchState.RUNNING)
            ended.update(state=BatchState.ENDED, finished_at=timezone.now())
    return started


def _start(batch: Batch, line: Line) -> bool:
    """Make the take of a line, or note why there is none; False where there is no room now."""
    try:
        if batch.created_by is None:
            raise PermissionDenied("Whoever made this batch has left.")
        if batch.project is not None and batch.project.deleted_at is not None:
            raise PermissionDenied("The project of this batch was deleted.")
        membership = membership_for(batch.created_by, batch.workspace)
        with transaction.atomic():
            # Whoever cancels the batch waits here, and finds the take; another run of this finds its line taken.
            running = Batch.objects.select_for_update().filter(pk=batch.pk, state=BatchState.RUNNING).exists()
            if not running or not batch.lines.filter(NOT_STARTED, pk=line.pk).exists():
                return False
            take = submit_generation(
                membership=membership,
                project=batch.project,
                video=line.video if line.video.deleted_at is None else None,
                audio=line.audio if line.audio.deleted_at is None else None,
                model=batch.model,
                sync_mode=batch.sync_mode,
                options=batch.options,
                identity=line.pk,
                background=True,
            )
            Generation.objects.filter(pk=take.pk).update(note=line.audio.name[:300])
            Line.objects.filter(pk=line.pk).update(generation_id=take.pk)
    except StudioError as error:
        if error.code in WAITS:
            return False
        _refuse(line, error.code, str(error))
        return True
    except PermissionDenied as error:
        _refuse(line, "forbidden", str(error))
        return True
    except IntegrityError:  # the take of an earlier try is there under the line's id
        if not Generation.objects.filter(pk=line.pk).exists():
            raise
        Line.objects.filter(pk=line.pk).update(generation_id=line.pk)
    return True


def _refuse(line: Line, code: str, message: str) -> None:
    Line.objects.filter(pk=line.pk, generation=None).update(
        error_code=code or "generation_refused",
        error_message=message,  # a line without a code would be tried for ever
    )


def cancel_batch(*, membership: Membership, batch: Batch) -> None:
    """Start no further line and cancel what runs; finished takes stay."""
    require(membership, Role.EDITOR)
    now = timezone.now()
    if not Batch.objects.filter(pk=batch.pk, state=BatchState.RUNNING).update(
        state=BatchState.CANCELLED, finished_at=now
    ):
        return
    for line in batch.lines.filter(ON_THE_WAY).select_related("generation"):
        if line.generation is not None:
            cancel_generation(membership=membership, generation=line.generation)


def reject(asset_id: UUID, code: str, message: str) -> None:
    """Note why a file could not be fetched."""
    waiting = Asset.objects.filter(pk=asset_id, status=Status.CHECKING, file="")
    waiting.update(status=Status.REJECTED, error_code=code, error_message=message, updated_at=timezone.now())
