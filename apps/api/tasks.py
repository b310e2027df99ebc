"""Work of the API that runs on a worker. Tasks carry ids only and may run twice."""

from uuid import UUID

from celery import Task, shared_task
from django.core.cache import cache

from apps.api.admitting import admit as admit_call
from apps.api.admitting import admit_soon, waiting_too_long
from apps.api.batches import go_on
from apps.api.delivering import RUN_S, deliver_due, forget_old_deliveries
from apps.api.idempotency import forget_old_keys
from apps.api.webhooks import announce_ended

# Looks at a call before it is left to the sweep, which takes it up again.
LOOKS = 400
DELIVERING = "api-delivering"


@shared_task(name="api.admit", bind=True, ignore_result=True, max_retries=LOOKS, soft_time_limit=2000, time_limit=2100)
def admit(self: Task, call_id: str) -> None:
    """Go on with a call until its files are here and it is admitted or refused."""
    again = admit_call(UUID(call_id))
    if again is not None:
        raise self.retry(countdown=again)


@shared_task(name="api.sweep", ignore_result=True)
def sweep() -> None:
    """Calls whose task was lost with its worker, and keys and deliveries that are over."""
    for call_id in waiting_too_long():
        admit_soon(call_id)
    forget_old_keys()
    forget_old_deliveries()


@shared_task(name="api.batches", ignore_result=True)
def batches() -> None:
    """Start the next lines of running batches, and end those that are through."""
    go_on()


@shared_task(name="api.webhooks", ignore_result=True)
def webhooks() -> None:
    """Announce what ended, and deliver what is due. One run at a time: receivers that hang take one worker, no more."""
    announce_ended()
    if not cache.add(DELIVERING, 1, timeout=4 * RUN_S):
        return
    try:
        deliver_due()
    finally:
        cache.delete(DELIVERING)
