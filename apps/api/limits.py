"""Requests a minute for each key, counted in Redis in windows of one minute.

A count is one atomic step, so that no two requests take the same place.
"""

import logging
import time
from dataclasses import dataclass
from functools import lru_cache

from django.conf import settings
from django.core.cache import cache
from redis.exceptions import RedisError

from apps.billing.plans import plan_of
from apps.workspaces.models import Workspace
from studio.redis_client import client

log = logging.getLogger(__name__)
WINDOW_S = 60
CREATE, OTHER = "create", "other"


@dataclass(frozen=True)
class Allowance:
    """Where a caller stands in this minute: ``remaining`` requests of ``limit``, anew in ``reset_s`` seconds."""

    limit: int
    remaining: int
    reset_s: int
    exceeded: bool

    def headers(self) -> dict[str, str]:
        """RateLimit headers of the IETF draft, and the older X- names that many clients read."""
        fields = {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(self.reset_s),
            "RateLimit-Policy": f"{self.limit};w={WINDOW_S}",
        }
        fields |= {f"X-{name}": fields[name] for name in ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")}
        return fields | ({"Retry-After": str(self.reset_s)} if self.exceeded else {})


def take(who: str, bucket: str, workspace: Workspace | None = None) -> Allowance:
    """Count one request of ``who`` (a key's id or an address) in a bucket; the plan of the key's workspace may allow
    another number than the studio does.
    """
    now = time.time()
    window = int(now // WINDOW_S)
    limit = settings.API_CREATES_PER_MINUTE if bucket == CREATE else settings.API_REQUESTS_PER_MINUTE
    if workspace is not None:
        creates, requests = _limits_of(workspace, window)
        limit = (creates if bucket == CREATE else requests) or limit
    used = _counted(f"api-rate:{bucket}:{who}:{window}")
    reset = max(1, round((window + 1) * WINDOW_S - now))
    return Allowance(limit, max(0, limit - used), reset, used > limit)


@lru_cache(maxsize=4096)
def _limits_of(workspace: Workspace, window: int) -> tuple[int | None, int | None]:
    """What the plan says of creates and of other requests; asked for once a window, so that it costs no query each."""
    plan = plan_of(workspace)
    return plan.api_creates, plan.api_requests


def _counted(name: str) -> int:
    """One more under this name; how many there are now. While Redis is away nobody is counted."""
    redis = client()
    if redis is None:  # one process without a Redis, as in a test or a command
        cache.add(name, 0, timeout=2 * WINDOW_S)
        return cache.incr(name)
    try:
        used = int(redis.incr(name))
        if used == 1:
            redis.expire(name, 2 * WINDOW_S)
    except RedisError:
        log.warning("Redis does not answer: requests are not counted")
        return 0
    return used
