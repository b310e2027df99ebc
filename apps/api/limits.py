"""Requests a minute for each key, counted in the cache in windows of one minute.

The count is one atomic step in Redis, so that no two requests take the same place.
"""

import time
from dataclasses import dataclass

from django.conf import settings
from django.core.cache import cache

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


def take(who: str, bucket: str) -> Allowance:
    """Count one request of ``who`` (a key's id or an address) in a bucket."""
    limit = settings.API_CREATES_PER_MINUTE if bucket == CREATE else settings.API_REQUESTS_PER_MINUTE
    now = time.time()
    window = int(now // WINDOW_S)
    name = f"api-rate:{bucket}:{who}:{window}"
    cache.add(name, 0, timeout=2 * WINDOW_S)
    used = cache.incr(name)
    reset = max(1, round((window + 1) * WINDOW_S - now))
    return Allowance(limit, max(0, limit - used), reset, used > limit)
