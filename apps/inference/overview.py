"""How the studio stands right now: queues, workers, takes that run, takes that are stuck."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.db.models import Count
from django.utils import timezone
from kombu.transport.redis import Channel
from redis.exceptions import RedisError

from apps.generations import signals, workers
from apps.generations.models import Generation, Stage, Status
from apps.generations.percent import percent_of, rendering
from apps.generations.workers import Worker
from studio import redis_client

# More rows than this help nobody; the counts stay whole.
LISTED = 50


@dataclass(frozen=True)
class Running:
    """A take that workers are at. ``silent_s`` since a worker signed for it; ``stuck``: too long, nobody is at it.

    ``fps``: frames a second over all workers, while they draw.
    """

    id: UUID
    model: str
    stage: str
    percent: int
    fps: float | None
    attempts: int
    running_s: float
    silent_s: float
    stuck: bool


@dataclass(frozen=True)
class Overview:
    """``queues`` holds messages by queue and ``workers`` those that signed lately; both None while Redis is away."""

    queues: Mapping[str, int] | None
    workers: list[Worker] | None
    waiting: int
    sent: int
    oldest_waiting_s: float | None
    running: list[Running]
    ended: Mapping[str, int]

    @property
    def stuck(self) -> list[Running]:
        return [take for take in self.running if take.stuck]


def overview() -> Overview:
    """Look now. Never raises for a Redis that is away."""
    now = timezone.now()
    waiting = Generation.objects.waiting()
    oldest = waiting.order_by("created_at").values_list("created_at", flat=True).first()
    ended = Generation.objects.exclude(status__in=[Status.PENDING, Status.PROCESSING]).order_by()
    return Overview(
        queues=queue_lengths(),
        workers=workers.present_or_none(),
        waiting=waiting.count(),
        sent=Generation.objects.on_workers().filter(status=Status.PENDING).count(),
        oldest_waiting_s=(now - oldest).total_seconds() if oldest else None,
        running=running(),
        ended=dict(ended.values_list("status").annotate(Count("pk"))),
    )


def queue_lengths() -> dict[str, int] | None:
    """Messages by queue; None where Redis cannot be asked."""
    client = redis_client.client()
    if client is None:
        return None
    try:
        with client.pipeline() as together:
            for queue in settings.QUEUES:
                together.llen(queue)
                together.llen(f"{queue}{Channel.sep}{settings.GOES_LAST}")
            found = together.execute()
        return {queue: found[2 * index] + found[2 * index + 1] for index, queue in enumerate(settings.QUEUES)}
    except RedisError:
        return None


def running() -> list[Running]:
    """Takes on the workers, the one that runs longest first."""
    now, found = timezone.now(), []
    for take in Generation.objects.filter(status=Status.PROCESSING).order_by("started_at")[:LISTED]:
        noted = signals.silent_for(take.pk)
        written = (now - (take.heartbeat_at or take.created_at)).total_seconds()
        silent = min(written, noted) if noted is not None else written
        drawn = rendering(take)
        found.append(
            Running(
                id=take.pk,
                model=take.model,
                stage=take.stage,
                percent=percent_of(take, drawn),
                fps=drawn.fps if take.stage == Stage.LIPSYNC else None,
                attempts=take.attempts,
                running_s=(now - (take.started_at or take.created_at)).total_seconds(),
                silent_s=silent,
                stuck=silent > signals.SILENT_AFTER_S,
            )
        )
    return found
