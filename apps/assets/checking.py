"""The step between "uploaded" and "ready": the probe's findings go into the asset, or its reason for refusing."""

import logging
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from av.error import FFmpegError
from botocore.exceptions import BotoCoreError, ClientError
from django.db import DatabaseError, InterfaceError
from django.utils import timezone

from apps.assets import files, probe
from apps.assets.footage import request_check
from apps.assets.models import Asset, Origin, Status
from apps.assets.naming import asset_folder
from apps.assets.services import recheck
from apps.billing.plans import plan_of
from studio.errors import StudioError

log = logging.getLogger(__name__)
# A probe takes seconds; one that has not answered by then was lost with its worker.
LOST_AFTER = timedelta(minutes=3)
# Faults of the surroundings, which may be over in a minute.
TRANSIENT = (OSError, DatabaseError, InterfaceError, BotoCoreError, ClientError)
UNREADABLE = StudioError(
    "generation_input_video_invalid", "This file could not be examined.", "Export it again and upload that."
)

POISON = StudioError(
    "generation_input_file_breaks_worker",
    "This file stopped the program that examines it, each time it was tried.",
    "Export it again with another program and upload that.",
)


def check_asset(asset_id: UUID) -> Status:
    """Probe an asset that is being checked and make it ready or refuse it; running twice changes nothing."""
    asset = Asset.objects.select_related("workspace").get(pk=asset_id)
    if asset.status != Status.CHECKING:
        return Status(asset.status)
    try:
        found = _examine(asset)
    except StudioError as error:
        found = _refused(asset, error)
    except Exception as error:  # too slow, or a file that trips a reader: it would do so again at every try
        if isinstance(error, TRANSIENT) and not isinstance(error, FFmpegError):
            raise
        log.exception("asset %s broke its check", asset.pk)
        found = _refused(asset, UNREADABLE)
    Asset.objects.filter(pk=asset.pk, status=Status.CHECKING).update(**found, updated_at=timezone.now())
    if found["status"] == Status.READY and asset.origin != Origin.RESULT:  # a film made here is looked at when asked
        asset.refresh_from_db()
        request_check(asset)
    return Status(found["status"])


def refuse_poison(asset_id: UUID) -> None:
    """Refuse a file whose every examination killed its worker; it is never looked at again."""
    asset = Asset.objects.get(pk=asset_id)
    log.error("asset %s kills whoever examines it", asset_id)
    Asset.objects.filter(pk=asset_id, status=Status.CHECKING).update(
        **_refused(asset, POISON), updated_at=timezone.now()
    )


def _refused(asset: Asset, error: StudioError) -> dict[str, Any]:
    log.info("asset %s refused: %s", asset.pk, error.code)
    return {"status": Status.REJECTED, "error_code": error.code, "error_message": str(error)}


def _examine(asset: Asset) -> dict[str, Any]:
    """Fields of a ready asset; raises ``StudioError`` for one that cannot be used."""
    with files.as_path(asset.file.name or "") as path, files.scratch_folder() as scratch:
        examination = probe.examine(path, asset.name)
        found = examination.fields()
        if asset.origin not in (Origin.RESULT, Origin.SAMPLE):
            plan = plan_of(asset.workspace)
            probe.check_length(found["duration_s"], plan.max_duration_s, plan.name, asset.name)
        folder = asset_folder(asset.workspace_id, asset.pk)
        if found["kind"] != "audio":
            picture = scratch / "thumbnail.webp"
            probe.thumbnail(path, examination.info, picture)
            found["thumbnail"] = files.put(picture, f"{folder}/thumbnail.webp")
        if examination.peaks is not None:
            found["peaks"] = files.put(_written(scratch, examination.peaks), f"{folder}/peaks.json")
    return found | {"status": Status.READY, "error_code": "", "error_message": ""}


def _written(scratch: Path, peaks: probe.Peaks) -> Path:
    path = scratch / "peaks.json"
    path.write_bytes(peaks.to_json())
    return path


def recheck_lost() -> int:
    """Send assets to the probe again whose check never ended; returns how many."""
    lost = Asset.objects.filter(status=Status.CHECKING, deleted_at=None, updated_at__lt=timezone.now() - LOST_AFTER)
    lost = lost.exclude(file="")  # its bytes are still being fetched
    for asset in lost:
        Asset.objects.filter(pk=asset.pk).update(updated_at=timezone.now())
        recheck(asset)
    return len(lost)
