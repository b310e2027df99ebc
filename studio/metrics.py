"""Counts and durations of everything that runs, kept in Redis: one truth for all processes on all machines.

``prometheus_client`` keeps its figures per process, and a studio has many, which come and go: web, pool children that
live for fifty tasks, workers on other machines. So each adds to sums in Redis, and whichever web process is asked
reads them. Nothing waits for this: a Redis that is away loses some counts and nothing else.
"""

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from redis.exceptions import RedisError

from studio.redis_client import client as redis_client

log = logging.getLogger(__name__)

KEY = "studio:metrics"


@dataclass(frozen=True)
class Count:
    """Something that happens. Labels are names of things there are few of, never ids."""

    name: str
    meaning: str
    labels: tuple[str, ...] = ()

    def add(self, *values: str) -> None:
        """One more, with a value for each label."""
        _add({_field(self.name, values, "count"): 1.0})


@dataclass(frozen=True)
class Durations:
    """How a measure is spread; ``bounds`` are the upper ends of its buckets, rising."""

    name: str
    meaning: str
    labels: tuple[str, ...]
    bounds: tuple[float, ...]

    def add(self, measured: float, *values: str) -> None:
        """One measurement, with a value for each label."""
        bound = next((str(bound) for bound in self.bounds if measured <= bound), "+Inf")
        _add({_field(self.name, values, bound): 1.0, _field(self.name, values, "sum"): measured})


SECONDS = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0)
QUEUE_WAIT = Durations("studio_queue_wait_seconds", "From submit to the first step.", ("model",), SECONDS)
STEP = Durations("studio_step_seconds", "One step of a take on one worker.", ("step", "model", "outcome"), SECONDS)
STAGE = Durations("studio_stage_seconds", "One stage of a finished take by the clock.", ("stage", "model"), SECONDS)
REAL_TIME_FACTOR = Durations(
    "studio_real_time_factor",
    "Seconds by the clock for a second of result.",
    ("model",),
    (0.1, 0.2, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0),
)
ENDED = Count(
    "studio_generations_ended", "Takes by how they ended and, without a result, why.", ("model", "status", "code")
)
ALL: tuple[Count | Durations, ...] = (QUEUE_WAIT, STEP, STAGE, REAL_TIME_FACTOR, ENDED)


def kept() -> Iterator[Metric]:
    """All that was counted, as families for an exposition. Raises ``RedisError``."""
    client = redis_client()
    rows: dict[str, dict[tuple[str, ...], dict[str, float]]] = {}
    for field, value in (client.hgetall(KEY) if client else {}).items():
        name, values, what = json.loads(field)
        rows.setdefault(name, {}).setdefault(tuple(values), {})[what] = float(value)
    for measure in ALL:
        found = rows.get(measure.name, {})
        yield _spread(measure, found) if isinstance(measure, Durations) else _counted(measure, found)


def _counted(measure: Count, found: dict[tuple[str, ...], dict[str, float]]) -> Metric:
    family = CounterMetricFamily(measure.name, measure.meaning, labels=measure.labels)
    for values, sums in found.items():
        family.add_metric(values, sums.get("count", 0.0))
    return family


def _spread(measure: Durations, found: dict[tuple[str, ...], dict[str, float]]) -> Metric:
    family = HistogramMetricFamily(measure.name, measure.meaning, labels=measure.labels)
    for values, sums in found.items():
        total, buckets = 0.0, []
        for bound in [*map(str, measure.bounds), "+Inf"]:
            total += sums.get(bound, 0.0)
            buckets.append((bound, total))
        family.add_metric(values, buckets, sum_value=sums.get("sum", 0.0))
    return family


def _field(name: str, values: tuple[str, ...], what: str) -> str:
    return json.dumps([name, values, what])


def _add(sums: dict[str, float]) -> None:
    client = redis_client()
    if client is None:
        return
    try:
        with client.pipeline() as together:
            for field, amount in sums.items():
                together.hincrbyfloat(KEY, field, amount)
            together.execute()
    except RedisError as error:
        log.warning("a measurement is lost, Redis is away: %s", error)
