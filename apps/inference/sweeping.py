"""Finds what was lost with a worker or with Redis, and hands it over again."""

import json
import logging
import re
import shutil
import time
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.core.files.storage import default_storage
from django.utils import timezone
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from apps.assets import files
from apps.assets.checking import recheck_lost
from apps.assets.models import Asset
from apps.generations import signals
from apps.generations.models import Generation, Status
from apps.generations.queue import hand_to_workers
from apps.inference import keeping, work
from apps.inference.taking_up import take_up
from studio.celery import app as celery_app

log = logging.getLogger(__name__)

# A queued take whose message was lost is sent again after this; a second message does no harm, see tasks._claimed.
LOST_IN_QUEUE_S = 60
SEND_AGAIN_EVERY_S = 120
# Messages looked at in each queue. The dispatcher sends no more takes than the workers can begin with.
MOST_MESSAGES = 10_000
ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
SCRATCH_AFTER_S = 6 * 3600


def sweep() -> None:
    """What cannot wait; each part works where another has nothing to do."""
    send_queued_again()
    take_up_silent()
    recheck_lost()
    keeping.clean()
    keeping.remove_orphaned_results()
    clean_scratch()


def send_queued_again() -> int:
    """Takes that were sent, never began, and have no message in the queue any more."""
    waiting = Generation.objects.filter(
        status=Status.PENDING, sent_at__lt=timezone.now() - timedelta(seconds=LOST_IN_QUEUE_S)
    )
    queued = queued_takes() if waiting else None
    if queued is None:
        return 0
    sent = 0
    for generation in waiting:
        if str(generation.pk) in queued:
            continue
        if signals.first_in(generation.pk, "sent again", SEND_AGAIN_EVERY_S):
            log.warning("generation %s was lost in the queue, sent again", generation.pk)
            hand_to_workers(generation.pk)
            sent += 1
    return sent


def take_up_silent() -> int:
    """Running takes that no worker signs for and none of whose steps waits: their work is lost, another takes it up."""
    quiet_since = timezone.now() - timedelta(seconds=signals.SILENT_AFTER_S)
    running = Generation.objects.filter(status=Status.PROCESSING, heartbeat_at__lt=quiet_since)
    queued = queued_takes() if running else None
    if queued is None:
        return 0
    taken = 0
    for generation in running:
        silent = signals.silent_for(generation.pk)
        if str(generation.pk) in queued or (silent is not None and silent < signals.SILENT_AFTER_S):
            continue
        taken += take_up(generation)
    return taken


def queued_takes() -> set[str] | None:
    """Ids of the takes whose steps wait for a worker; None where Redis cannot be asked."""
    try:
        with celery_app.connection_for_read() as connection:
            client = connection.default_channel.client  # type: ignore[attr-defined]
            messages = [
                message for queue in settings.RENDER_QUEUES for message in client.lrange(queue, 0, MOST_MESSAGES - 1)
            ]
    except (OperationalError, RedisError, OSError) as error:
        log.warning("the queue cannot be asked: %s", error)
        return None
    return {found for message in messages for found in ID.findall(json.loads(message)["headers"]["argsrepr"])}


def clean_analyses() -> int:
    """Kept analyses of files that no library has any more and no queued or running take is made of.

    Parts of an analysis that was never finished go with the last take that may go on with them. A bucket is asked once
    for each file of the studio, so this is no part of :func:`sweep`.
    """
    cleaned = 0
    active = Generation.objects.active()
    made_of = ("video__sha256", "audio__sha256", "segment_sounds__asset__sha256")
    needed = {sha256 for row in active.values_list(*made_of) for sha256 in row}
    for what in ("footage", "speech"):
        try:
            hashes, _ = default_storage.listdir(f"{work.ANALYSIS}/{what}")
        except FileNotFoundError:
            continue
        known = set(Asset.objects.filter(sha256__in=hashes, deleted_at=None).values_list("sha256", flat=True))
        for sha256 in set(hashes) - known - needed:
            files.remove_tree(f"{work.ANALYSIS}/{what}/{sha256}")
            cleaned += 1
        for sha256 in set(hashes) & known - needed - keeping.videos_to_go_on_with(hashes):
            cleaned += _clean_parts(f"{work.ANALYSIS}/{what}/{sha256}")
    return cleaned


def _clean_parts(folder: str) -> int:
    try:
        parts = [name for name in default_storage.listdir(folder)[0] if name.endswith(work.PARTS)]
    except FileNotFoundError:  # removed meanwhile
        return 0
    for name in parts:
        files.remove_tree(f"{folder}/{name}")
    return len(parts)


def clean_scratch() -> int:
    """Temporary folders on this machine whose step was killed before it could remove them."""
    cleaned = 0
    for folder in (Path(settings.DATA_DIR) / "tmp").glob(f"{files.SCRATCH_PREFIX}*"):
        if files.is_orphaned(folder) or files.changed_at(folder) < time.time() - SCRATCH_AFTER_S:
            shutil.rmtree(folder, ignore_errors=True)
            cleaned += 1
    return cleaned
