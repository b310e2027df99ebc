"""A plain connection to the studio's Redis, for the few things that are neither cache nor queue."""

from functools import cache

import redis
from django.conf import settings

# Redis must not hold up a page: one that does not answer within this is away.
ANSWER_WITHIN_S = 2.0


def client() -> redis.Redis | None:
    """One client for each process; None where there is no server at all, as for a command where no studio runs.

    Its calls raise ``redis.exceptions.RedisError``.
    """
    return _client(settings.REDIS_URL) if settings.REDIS_URL else None


@cache
def _client(url: str) -> redis.Redis:
    return redis.Redis.from_url(
        url, decode_responses=True, socket_timeout=ANSWER_WITHIN_S, socket_connect_timeout=ANSWER_WITHIN_S
    )
