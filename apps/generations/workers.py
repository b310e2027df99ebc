"""Which workers there are: each one signs every few seconds which queues it serves, how many steps at once, and for
which models it renders. The list lies in Redis and is only as old as the last signature.
"""

import json
import logging
import time
from collections.abc import Collection
from dataclasses import asdict, dataclass

from redis.exceptions import RedisError

from studio import redis_client

log = logging.getLogger(__name__)

KEY = "studio:workers"
# A worker signs every 2 s (Celery's heartbeat); one that missed this much is gone or too busy to be counted on.
GONE_AFTER_S = 20.0


@dataclass(frozen=True)
class Worker:
    """One worker process and its children. ``slots`` steps run in it at once; ``signed_at`` is seconds since 1970."""

    name: str
    queues: tuple[str, ...]
    slots: int
    models: tuple[str, ...]
    signed_at: float


@dataclass(frozen=True)
class Pool:
    """Workers that render a model: steps at once over all of them, and every model that shares these workers."""

    slots: int
    models: frozenset[str]


def sign(name: str, queues: Collection[str], slots: int, models: Collection[str]) -> None:
    """Note that a worker lives and what it serves. Raises ``RedisError``."""
    worker = Worker(name, tuple(queues), slots, tuple(models), time.time())
    client = redis_client.client()
    if client is not None:
        client.hset(KEY, name, json.dumps(asdict(worker)))


def present() -> list[Worker]:
    """The workers that signed lately, by name; those long gone are struck off. Raises ``RedisError``."""
    client = redis_client.client()
    if client is None:
        return []
    workers = [_parsed(kept) for kept in client.hgetall(KEY).values()]
    gone = [worker.name for worker in workers if time.time() - worker.signed_at > GONE_AFTER_S]
    if gone:
        client.hdel(KEY, *gone)
    return sorted((worker for worker in workers if worker.name not in gone), key=lambda worker: worker.name)


def _parsed(kept: str | bytes) -> Worker:
    row = json.loads(kept)
    return Worker(row["name"], tuple(row["queues"]), row["slots"], tuple(row["models"]), row["signed_at"])


def present_or_none() -> list[Worker] | None:
    """The same; None where Redis cannot be asked."""
    try:
        return present()
    except RedisError as error:
        log.warning("the list of workers cannot be read: %s", error)
        return None


def pool_of(model: str, workers: Collection[Worker]) -> Pool:
    """The workers that render ``model``.

    Where none has signed, one place: a take is then sent and waits in the queue for the first worker that comes.
    """
    able = [worker for worker in workers if model in worker.models]
    if not able:
        return Pool(1, frozenset({model}))
    return Pool(sum(worker.slots for worker in able), frozenset().union(*(worker.models for worker in able)))
