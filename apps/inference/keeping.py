"""What is kept of takes that ended, so that the next one goes on from there.

The plan lies in a folder named by all inputs. A take that failed or was cancelled leaves it; it goes after a day,
earlier where such folders get too large, and at once with the take that finishes it. Pieces: see :mod:`drawn`.
"""

import hashlib
import json
import logging
import shutil
from collections.abc import Collection
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid5

from django.conf import settings
from django.db.models import Max
from django.utils import timezone

from apps.assets import files
from apps.assets.models import Asset
from apps.assets.naming import asset_folder
from apps.assets.services import remove_for_good
from apps.generations.models import Generation, Status
from apps.inference import drawn, work
from apps.inference.backends import Backend

log = logging.getLogger(__name__)

# A step of a take that has ended stops within seconds; after this it writes nothing any more.
SETTLED_AFTER = timedelta(minutes=2)
# Results of takes that ended without one are looked for this long; whatever kills a worker does it sooner.
LOOK_BACK = timedelta(days=1)


def key_of(generation: Generation, backend: Backend) -> str:
    """Name of the folder in which the plan of this take lies: the same for the same inputs."""
    inputs = {
        "engine": drawn.engine_of(backend),
        "model": generation.model,
        "sync_mode": generation.sync_mode,
        "options": generation.options,
        "video": generation.video.sha256,
        "audio": generation.audio.sha256,
        "segments": _segments_of(generation),
        "watermark": generation.watermark,
    }
    return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()[:40]


def _segments_of(generation: Generation) -> list[dict[str, Any]]:
    """The segments, their sounds by their hashes."""
    hashes = {str(row.asset_id): row.asset.sha256 for row in generation.segment_sounds.select_related("asset")}
    return [row | {"audio": hashes.get(row["audio"])} for row in generation.segments]


def result_id(generation_id: UUID) -> UUID:
    """The id of a take's result follows from its own, so that a second run replaces the first one's."""
    return uuid5(generation_id, "result")


def release(generation: Generation) -> None:
    """A take has ended in a way that leaves nothing to go on with: its folder goes, unless another take works in it."""
    key = Generation.objects.values_list("work_key", flat=True).get(pk=generation.pk)
    if key and not Generation.objects.active().filter(work_key=key).exists():
        work.forget(key)


def clean() -> int:
    """Remove plans and pieces that nobody will go on with, and those beyond the bounds; returns how many went."""
    found = work.left_behind()
    active = set(Generation.objects.active().filter(work_key__in=found).values_list("work_key", flat=True))
    ended = _ended(set(found) - active)
    kept = [key for key in found if key in ended]
    gone = [key for key in found if key not in active and key not in ended]
    beyond, room = _beyond(sorted(kept, key=lambda key: ended[key], reverse=True))
    for key in gone + beyond:
        log.info("the folder of unfinished takes %s is removed", key)
        work.forget(key)
    return len(gone + beyond) + drawn.clean(room)


def videos_to_go_on_with(hashes: Collection[str]) -> set[str]:
    """Of videos with these hashes those of which a take failed or was cancelled lately."""
    since = timezone.now() - timedelta(hours=settings.RESUME_HOURS)
    takes = Generation.objects.filter(
        video__sha256__in=hashes, status__in=[Status.FAILED, Status.CANCELLED], finished_at__gt=since
    )
    return set(takes.values_list("video__sha256", flat=True))


def _ended(keys: set[str]) -> dict[str, float]:
    """Folders worth keeping, with the time (seconds since 1970) at which the last take that failed in them ended."""
    since = timezone.now() - timedelta(hours=settings.RESUME_HOURS)
    takes = Generation.objects.filter(work_key__in=keys, status__in=[Status.FAILED, Status.CANCELLED])
    rows = takes.order_by().values_list("work_key").annotate(last=Max("finished_at"))
    just_now = Generation.objects.filter(work_key__in=keys, finished_at__gt=timezone.now() - SETTLED_AFTER)
    settling = {key: timezone.now().timestamp() for key in just_now.values_list("work_key", flat=True)}
    return {key: last.timestamp() for key, last in rows if last is not None and last > since} | settling


def _beyond(newest_first: list[str]) -> tuple[list[str], float]:
    """Those that do not fit, and the room the others leave (bytes).

    All together never have more than the setting allows, and never more than is free on the disk.
    """
    room: float = settings.RESUME_BYTES
    if files.local_path(work.ROOT) is not None:
        room = min(room, shutil.disk_usage(settings.DATA_DIR).free)
    beyond = []
    for key in newest_first:
        size = work.size_of(key)
        if size > room:
            beyond.append(key)
        else:
            room -= size
    return beyond, room


def remove_orphaned_results() -> int:
    """Results whose take ended without one, because its worker was killed in between; returns how many went."""
    now = timezone.now()
    takes = Generation.objects.filter(
        status__in=[Status.FAILED, Status.REJECTED, Status.CANCELLED],
        finished_at__range=(now - LOOK_BACK, now - SETTLED_AFTER),
        result=None,
    )
    workspaces = {result_id(pk): workspace for pk, workspace in takes.values_list("pk", "workspace_id")}
    removed = 0
    for identity, workspace in workspaces.items():
        asset = Asset.objects.filter(pk=identity).first()
        if asset is not None:
            removed += remove_for_good(asset=asset)
        elif files.tree_size(asset_folder(workspace, identity)):
            files.remove_tree(asset_folder(workspace, identity))
            removed += 1
    return removed
