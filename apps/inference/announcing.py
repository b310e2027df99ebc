"""Each Celery worker signs the list of workers for as long as it takes work (see apps/generations/workers.py)."""

import logging
from collections.abc import Iterable
from typing import Any

from celery.signals import heartbeat_sent, worker_ready, worker_shutting_down
from django.conf import settings
from redis.exceptions import RedisError

from apps.catalog.registry import MODELS
from apps.generations import workers
from apps.inference.backends import backend_for

log = logging.getLogger(__name__)


def renders(queues: Iterable[str]) -> bool:
    """Whether a worker of these queues needs the engines, which cost it memory."""
    return any(queue in settings.RENDER_QUEUES for queue in queues)


class Announcer:
    """What this process serves; known once its consumer is ready. A process that is no worker stays silent."""

    def __init__(self) -> None:
        self._said: tuple[str, list[str], int, list[str]] | None = None

    def begin(self, sender: Any = None, **kwargs: Any) -> None:
        """``sender`` is the consumer of the worker that has just become ready."""
        queues = sorted(queue.name for queue in sender.task_consumer.queues)
        models = [model for model in MODELS if backend_for(model).queue in queues] if renders(queues) else []
        self._said = (sender.hostname, queues, sender.pool.num_processes, models)
        self.again()

    def again(self, **kwargs: Any) -> None:
        if self._said is None:
            return
        try:
            workers.sign(*self._said)
        except RedisError as error:
            log.warning("this worker could not sign: %s", error)

    def stop(self, **kwargs: Any) -> None:
        """A worker that is stopping takes nothing any more. Called by a signal handler, so nothing is sent from here;
        what it signed before runs out by itself."""
        self._said = None


announcer = Announcer()
worker_ready.connect(announcer.begin, weak=False)
heartbeat_sent.connect(announcer.again, weak=False)
worker_shutting_down.connect(announcer.stop, weak=False)
