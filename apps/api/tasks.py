"""Work of the API that runs on a worker. Tasks carry ids only and may run twice."""

from uuid import UUID

from celery import Task, shared_task

from apps.api.calls import admit as admit_call

# A call that is not settled after this many looks is given up by the sweep of lost calls.
LOOKS = 400


@shared_task(name="api.admit", bind=True, ignore_result=True, max_retries=LOOKS, soft_time_limit=2000, time_limit=2100)
def admit(self: Task, call_id: str) -> None:
    """Go on with a call until its files are here and it is admitted or refused."""
    again = admit_call(UUID(call_id))
    if again is not None:
        raise self.retry(countdown=again)
