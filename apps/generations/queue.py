"""The queue of takes: who waits, whose turn it is, and handing over as much as the workers can take.

Waiting takes are rows. Only what a worker can begin with now is sent to Celery, so that the order can still change
while a take waits: a newcomer need not stand behind fifty takes of somebody else.
"""

import heapq
import logging
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Sum
from django.utils import timezone
from kombu.exceptions import OperationalError

from apps.billing.models import Plan
from apps.billing.plans import plan_of
from apps.generations import workers
from apps.generations.models import Dispatcher, Generation, Status
from apps.generations.workers import Worker
from apps.workspaces.models import Workspace
from studio.celery import app as celery_app

log = logging.getLogger(__name__)

FIRST_TASK = "inference.prepare"
# What a workspace got in this time counts against it; older use is forgotten.
REMEMBERED = timedelta(hours=1)
# A take of a batch that waited this long goes with the others: batches yield, they do not starve.
PATIENCE = timedelta(hours=1)
# Share of a plan without a limit of takes at once; the largest limited plan has 15.
UNLIMITED_WEIGHT = 20
# A take of 1 s costs a worker more than a second: opening files, assembling. Counted on top of its length.
OVERHEAD_S = 2.0


@dataclass(frozen=True)
class Waiting:
    """A take in line; ``cost`` is what it counts against its workspace, in seconds of result."""

    pk: UUID
    workspace_id: UUID
    model: str
    created_at: datetime
    cost: float
    background: bool = False


def in_turn(waiting: Iterable[Waiting], served: Mapping[UUID, float], weights: Mapping[UUID, float]) -> list[Waiting]:
    """The order in which waiting takes come: what people wait for before batches, then fair between workspaces.

    Weighted fair sharing: next is always the workspace that got least for its weight so far (``served``, seconds of
    result lately), and of its takes the oldest. On a tie the take that waits longest. O(n log n).
    """
    lines: dict[bool, dict[UUID, list[Waiting]]] = {False: defaultdict(list), True: defaultdict(list)}
    for take in sorted(waiting, key=lambda take: (take.created_at, take.pk), reverse=True):
        lines[take.background][take.workspace_id].append(take)
    got = dict(served)
    order = []

    def rank(workspace: UUID, head: Waiting) -> tuple[float, datetime, UUID]:
        return got.get(workspace, 0.0) / weights.get(workspace, 1.0), head.created_at, workspace

    for of_class in (lines[False], lines[True]):
        heap = [rank(workspace, line[-1]) for workspace, line in of_class.items()]
        heapq.heapify(heap)
        while heap:
            *_, workspace = heapq.heappop(heap)
            line = of_class[workspace]
            take = line.pop()
            order.append(take)
            got[workspace] = got.get(workspace, 0.0) + take.cost
            if line:
                heapq.heappush(heap, rank(workspace, line[-1]))
    return order


@dataclass(frozen=True)
class Active:
    """A take that waits or runs; ``waits`` until it has been handed to the workers."""

    pk: UUID
    workspace_id: UUID
    model: str
    created_at: datetime
    seconds: float
    background: bool
    waits: bool


def active_takes() -> list[Active]:
    """All takes of the studio that wait or run, in one query."""
    names = ("pk", "workspace_id", "model", "created_at", "quoted_seconds", "background", "status", "sent_at")
    rows = Generation.objects.active().values_list(*names)
    return [
        Active(pk, workspace, model, at, seconds, background, status == Status.PENDING and sent is None)
        for pk, workspace, model, at, seconds, background, status, sent in rows
    ]


def waiting_in_turn(newcomer: Waiting | None = None, active: Iterable[Active] | None = None) -> list[Waiting]:
    """All waiting takes of the studio in the order in which they will be sent, and one more where that is asked.

    ``active`` are :func:`active_takes` where somebody has asked for them already.
    """
    now = timezone.now()
    line = [
        Waiting(
            take.pk,
            take.workspace_id,
            take.model,
            take.created_at,
            take.seconds + OVERHEAD_S,
            take.background and take.created_at > now - PATIENCE,
        )
        for take in (active_takes() if active is None else active)
        if take.waits
    ]
    line += [newcomer] if newcomer else []
    if len({take.workspace_id for take in line}) < 2:
        return in_turn(line, {}, {})
    workspaces = {take.workspace_id for take in line}
    lately = Generation.objects.filter(workspace__in=workspaces, sent_at__gt=now - REMEMBERED).order_by()
    served = dict(lately.values_list("workspace_id").annotate(Sum("quoted_seconds")))
    weights = {workspace.pk: weight(plan_of(workspace)) for workspace in Workspace.objects.filter(pk__in=workspaces)}
    return in_turn(line, served, weights)


def weight(plan: Plan) -> float:
    """Share of a plan where workspaces compete: as many parts as it allows takes at once."""
    return float(plan.max_concurrent or UNLIMITED_WEIGHT)


def dispatch() -> int:
    """Hand over the takes whose turn it is and for which a worker is free; returns how many."""
    if not Generation.objects.waiting().exists():
        return 0
    there = workers.present_or_none()
    if there is None:
        return 0  # the queue lies in the same Redis; the next round finds the takes again
    with transaction.atomic():
        Dispatcher.objects.select_for_update().get_or_create(pk=1)
        chosen = _next_ones(there)
        # Sent only when the lock is free again: a queue that does not answer must not hold up those who submit.
        Generation.objects.waiting().filter(pk__in=chosen).update(sent_at=timezone.now())
    for take in chosen:
        hand_to_workers(take)
    return len(chosen)


def _next_ones(there: Collection[Worker]) -> list[UUID]:
    """Waiting takes for which there is room on the workers that render their model."""
    busy: dict[str, int] = defaultdict(int)
    for model in Generation.objects.on_workers().values_list("model", flat=True):
        busy[model] += 1
    chosen = []
    for take in waiting_in_turn():
        pool = workers.pool_of(take.model, there)
        if sum(busy[model] for model in pool.models) < pool.slots:
            busy[take.model] += 1
            chosen.append(take.pk)
    return chosen


def hand_to_workers(generation_id: UUID, attempt: int = 0) -> None:
    """Send a take's first step on commit. Where Redis is away the take waits again, and a later round sends it.

    ``attempt`` is the number a running take has got from whoever takes it up again; 0 is for a waiting one.
    """
    transaction.on_commit(lambda: _send(generation_id, attempt), robust=True)


def _send(generation_id: UUID, attempt: int) -> None:
    try:
        celery_app.send_task(FIRST_TASK, args=[str(generation_id), attempt])
    except (OperationalError, OSError) as error:
        log.warning("generation %s could not be sent and waits again: %s", generation_id, error)
        Generation.objects.filter(pk=generation_id, status=Status.PENDING).update(sent_at=None)
