"""Finds what was lost with a worker or with Redis, and hands it over again."""

import logging
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
from apps.generations.services import end_without_result
from apps.inference import work
from studio.celery import app as celery_app
from studio.errors import StudioError

log = logging.getLogger(__name__)

# A queued take whose message was lost is sent again after this; a second message does no harm, see tasks._claimed.
LOST_IN_QUEUE_S = 60
SEND_AGAIN_EVERY_S = 600
MAX_ATTEMPTS = 5
# Steps of a take that has ended stop within seconds; after this nobody writes into its folder any more.
CLEAN_AFTER = timedelta(minutes=5)
SCRATCH_AFTER_S = 6 * 3600


def sweep() -> None:
    """All of it; each part works where another has nothing to do."""
    send_queued_again()
    take_up_silent()
    recheck_lost()
    clean_work()
    clean_analyses()
    clean_scratch()


def send_queued_again() -> int:
    """Takes that were sent and never began while the queue itself is empty."""
    if queue_length() != 0:
        return 0
    waiting = Generation.objects.filter(
        status=Status.PENDING, sent_at__lt=timezone.now() - timedelta(seconds=LOST_IN_QUEUE_S)
    )
    sent = 0
    for generation in waiting:
        if signals.first_in(generation.pk, "sent again", SEND_AGAIN_EVERY_S):
            log.warning("generation %s was lost in the queue, sent again", generation.pk)
            hand_to_workers(generation.pk)
            sent += 1
    return sent


def take_up_silent() -> int:
    """Running takes that no worker signs for while no work waits: their worker is gone, another takes them up."""
    if queue_length() != 0:
        return 0
    quiet_since = timezone.now() - timedelta(seconds=signals.SILENT_AFTER_S)
    taken = 0
    for generation in Generation.objects.filter(status=Status.PROCESSING, heartbeat_at__lt=quiet_since):
        silent = signals.silent_for(generation.pk)
        if silent is not None and silent < signals.SILENT_AFTER_S:
            continue
        if generation.attempts >= MAX_ATTEMPTS:
            error = StudioError(
                "generation_infra_service_unavailable",
                f"The work was lost {generation.attempts} times.",
                "Tell whoever runs the studio, then try again.",
            )
            end_without_result(generation.pk, Status.FAILED, error)
            continue
        log.warning("generation %s has lost its worker, taken up again", generation.pk)
        Generation.objects.filter(pk=generation.pk).update(
            attempts=generation.attempts + 1, heartbeat_at=timezone.now()
        )
        hand_to_workers(generation.pk)
        taken += 1
    return taken


def queue_length() -> int | None:
    """Messages of takes that wait for a worker; None where Redis cannot be asked."""
    try:
        with celery_app.connection_for_read() as connection:
            client = connection.default_channel.client  # type: ignore[attr-defined]
            return sum(int(client.llen(queue)) for queue in settings.RENDER_QUEUES)
    except (OperationalError, RedisError, OSError) as error:
        log.warning("the queue cannot be asked: %s", error)
        return None


def clean_work() -> int:
    """Folders of takes that have ended, or that do not exist."""
    cleaned = 0
    for generation_id in work.left_behind():
        generation = Generation.objects.filter(pk=generation_id).first()
        settled = generation is None or (
            generation.is_final
            and (generation.finished_at is None or generation.finished_at < timezone.now() - CLEAN_AFTER)
        )
        if settled:
            work.forget(generation_id)
            cleaned += 1
    return cleaned


def clean_analyses() -> int:
    """Kept analyses of files that no library has any more and no queued or running take is made of."""
    cleaned = 0
    active = Generation.objects.active()
    needed = {*active.values_list("video__sha256", flat=True), *active.values_list("audio__sha256", flat=True)}
    for what in ("footage", "speech"):
        try:
            hashes, _ = default_storage.listdir(f"{work.ANALYSIS}/{what}")
        except FileNotFoundError:
            continue
        known = set(Asset.objects.filter(sha256__in=hashes, deleted_at=None).values_list("sha256", flat=True))
        for sha256 in set(hashes) - known - needed:
            files.remove_tree(f"{work.ANALYSIS}/{what}/{sha256}")
            cleaned += 1
    return cleaned


def clean_scratch() -> int:
    """Temporary folders on this machine whose step was killed before it could remove them."""
    cleaned = 0
    for folder in (Path(settings.DATA_DIR) / "tmp").glob(f"{files.SCRATCH_PREFIX}*"):
        if time.time() - folder.stat().st_mtime > SCRATCH_AFTER_S:
            shutil.rmtree(folder, ignore_errors=True)
            cleaned += 1
    return cleaned
