"""Where a take stands in the queue and when its result would be there, from the measured speed of these workers."""

from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from uuid import UUID, uuid4

from django.utils import timezone

from apps.assets.models import Asset
from apps.generations import speed, workers
from apps.generations.models import Generation
from apps.generations.percent import percent_of
from apps.generations.queue import OVERHEAD_S, Active, Waiting, active_takes, waiting_in_turn
from apps.generations.workers import Pool
from apps.workspaces.models import Workspace

NOT_KNOWN = "time not known yet"


@dataclass(frozen=True)
class Place:
    """``ahead`` takes come first on the same workers; seconds until it starts and until it is ready, None where
    nothing was measured yet. ``served``: whether there is a worker for it at all.
    """

    ahead: int
    starts_in_s: float | None
    ready_in_s: float | None
    served: bool

    @property
    def in_words(self) -> str:
        """The place and the start, for pages."""
        if not self.served:
            return "No worker for this model is running. It starts when one is."
        if self.starts_in_s is None:
            return f"{in_line(self.ahead)}, {NOT_KNOWN}"
        if self.starts_in_s == 0:
            return "Starts now"
        return f"{in_line(self.ahead)}, starts in about {about(self.starts_in_s)}"


def in_line(ahead: int) -> str:
    """0 gives "Next in line", 3 "3 takes come first"."""
    return "Next in line" if ahead == 0 else f"{ahead} {'take comes' if ahead == 1 else 'takes come'} first"


def about(seconds: float) -> str:
    """A span as a person would say it: "20 s", "4 min", "1.5 h"."""
    if seconds < 90:
        return f"{max(5, round(seconds / 5) * 5)} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def place_of(take: Generation) -> Place:
    """The place of a queued take; one that was sent to the workers already is next."""
    active = active_takes()
    line = waiting_in_turn(active=active) if take.sent_at is None else []
    return _places(line, active, take.pk, take.model, take.video, take.quoted_seconds)


def place_of_new(
    workspace: Workspace, model: str, video: Asset, seconds: float, active: Collection[Active] | None = None
) -> Place:
    """The place a take would get if it were submitted now; ``active`` are the studio's takes where they are at hand."""
    active = active_takes() if active is None else active
    newcomer = Waiting(uuid4(), workspace.pk, model, timezone.now(), seconds + OVERHEAD_S)
    return _places(waiting_in_turn(newcomer, active), active, newcomer.pk, model, video, seconds)


def _places(
    line: Collection[Waiting], active: Collection[Active], pk: UUID, model: str, video: Asset, seconds: float
) -> Place:
    there = workers.present_or_none() or []
    pool = workers.pool_of(model, there)
    ahead = []
    for take in line:
        if take.pk == pk:
            break
        if take.model in pool.models:
            ahead.append(take.pk)
    running, free = _running(pool, active, without=pk)
    own = speed.work_s(model, video, seconds)
    served = any(model in worker.models for worker in there)
    starts: float | None
    if not served:
        starts = None
    elif free > len(ahead):
        starts = 0.0
    else:
        first = [running, _work_of(ahead)]
        starts = sum(work for work in first if work) / pool.slots if None not in first else None
    ready = starts + speed.run_s(own, seconds, pool.slots) if starts is not None and own is not None else None
    return Place(len(ahead), starts, ready, served)


def _running(pool: Pool, active: Collection[Active], without: UUID) -> tuple[float | None, int]:
    """Worker-seconds left of the other takes on these workers (None: not known), and how many more may join."""
    takes = [take.pk for take in active if not take.waits and take.model in pool.models and take.pk != without]
    return _work_of(takes), pool.slots - len(takes)


def _work_of(takes: Collection[UUID]) -> float | None:
    """Worker-seconds that are left of some takes together; None where the speed of one is not known."""
    pace = cache(speed.pace)
    total = 0.0
    for take in Generation.objects.filter(pk__in=takes).select_related("video"):
        measured = pace(take.model)
        size = speed.size_of(take.video, take.quoted_seconds)
        if measured is None or not size:
            return None
        total += measured * size * (1 - percent_of(take) / 100)
    return total
