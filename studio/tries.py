"""Counts how often a piece of work has begun and not ended, to tell poison: input that kills whoever works on it.

A worker that dies (memory, a crash in a codec) raises nothing and its message is handed out again. Only a count that
outlives the worker knows. It lies in the cache; while that is away nothing is counted.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from django.core.cache import cache
from redis.exceptions import RedisError

log = logging.getLogger(__name__)

# Work that has begun this often without ending is not begun again.
MOST_DEATHS = 3
KEEP_S = 24 * 3600


class Poison(Exception):
    """This work has killed its worker too often."""


@contextmanager
def counted(subject: str) -> Iterator[None]:
    """Around work on ``subject``; raises ``Poison`` instead where it has killed its worker too often before."""
    key = f"tries:{subject}"
    if _begin(key) > MOST_DEATHS:
        _forget(key)
        raise Poison(f"{subject} has killed its worker {MOST_DEATHS} times.")
    try:
        yield
    finally:  # ended, well or not: whoever gets here is alive
        _forget(key)


def _begin(key: str) -> int:
    try:
        cache.add(key, 0, KEEP_S)
        return cache.incr(key)
    except (RedisError, ValueError) as error:
        log.warning("%s cannot be counted: %s", key, error)
        return 1


def _forget(key: str) -> None:
    try:
        cache.delete(key)
    except RedisError as error:
        log.warning("%s cannot be forgotten: %s", key, error)
