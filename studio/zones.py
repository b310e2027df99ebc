"""What time it is where the browser is."""

from datetime import tzinfo

from django.http import HttpRequest
from django.utils import timezone

COOKIE = "zone"  # set by shell.js: minutes by which the browser's clock is ahead of UTC
FARTHEST = 18 * 60


def zone_of(request: HttpRequest) -> tzinfo:
    """The zone of the browser by its offset of today, which needs no table of zones; UTC where it told none."""
    try:
        minutes = int(request.COOKIES.get(COOKIE, ""))
    except ValueError:
        minutes = 0
    return timezone.get_fixed_timezone(minutes if abs(minutes) <= FARTHEST else 0)
