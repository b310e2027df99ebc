"""``/metrics``: what was counted and how it stands now, for Prometheus."""

import hmac
import logging
from collections.abc import Iterator

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_GET
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from redis.exceptions import RedisError

from apps.generations.models import Generation, Status
from apps.inference.overview import Overview, overview
from studio import metrics

log = logging.getLogger(__name__)


@require_GET
def exposition(request: HttpRequest) -> HttpResponse:
    """All figures, for the bearer of ``STUDIO_METRICS_TOKEN`` and for staff; nobody else learns that it exists."""
    if not may_read(request):
        raise Http404("There is no such page.")
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Figures())
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def may_read(request: HttpRequest) -> bool:
    """Whether the request carries the token, or a staff session."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if settings.METRICS_TOKEN and scheme.lower() == "bearer":
        return hmac.compare_digest(token.strip().encode(), settings.METRICS_TOKEN.encode())
    return bool(request.user.is_authenticated and request.user.is_staff)


class Figures(Collector):
    """The studio's figures, read when asked."""

    def collect(self) -> Iterator[Metric]:
        now = overview()
        yield _gauge("studio_redis_up", "Whether Redis answers.", float(now.queues is not None))
        yield from _takes(now)
        yield from _workers(now)
        try:
            yield from metrics.kept()
        except RedisError as error:
            log.warning("what was counted cannot be read: %s", error)


def _takes(now: Overview) -> Iterator[Metric]:
    takes = GaugeMetricFamily("studio_takes", "Takes that have not ended.", labels=["state"])
    running = Generation.objects.filter(status=Status.PROCESSING).count()
    for state, count in (("waiting", now.waiting), ("sent", now.sent), ("running", running)):
        takes.add_metric([state], count)
    yield takes
    yield _gauge("studio_takes_stuck", "Running takes that no worker signs for.", len(now.stuck))
    yield _gauge("studio_oldest_waiting_seconds", "Age of the oldest waiting take.", now.oldest_waiting_s or 0.0)


def _workers(now: Overview) -> Iterator[Metric]:
    if now.queues is not None:
        queued = GaugeMetricFamily("studio_queue_messages", "Messages that wait for a worker.", labels=["queue"])
        for name, length in now.queues.items():
            queued.add_metric([name], length)
        yield queued
    if now.workers is not None:
        slots = GaugeMetricFamily("studio_worker_slots", "Steps at once over all workers.", labels=["queue"])
        for name in now.queues or {}:
            slots.add_metric([name], sum(worker.slots for worker in now.workers if name in worker.queues))
        yield slots
        yield _gauge("studio_workers", "Workers that signed lately.", len(now.workers))


def _gauge(name: str, meaning: str, value: float) -> Metric:
    return GaugeMetricFamily(name, meaning, value=value)
