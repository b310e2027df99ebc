"""Work of the usage room in the background."""

from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from apps.billing.spending import month_start
from apps.usage import storage


@shared_task(name="usage.storage")
def look_at_storage() -> None:
    """Note today's storage and charge the month before this one. Runs each hour; most runs find nothing to do."""
    storage.look()
    storage.charge((month_start(timezone.now()) - timedelta(days=1)).date().replace(day=1))
