"""The queue's clock, and mails about takes that have ended."""

from uuid import UUID

from celery import shared_task

from apps.generations import notices, queue


@shared_task(name="generations.dispatch", ignore_result=True)
def dispatch() -> None:
    """Hand out waiting takes: whatever else should have done it may have been lost, and workers come and go."""
    queue.dispatch()


@shared_task(
    name="generations.mail_outcome", ignore_result=True, autoretry_for=(OSError,), max_retries=5, retry_backoff=60
)
def mail_outcome(generation_id: str) -> None:
    """Tell whoever started a take that it has ended; a mail server that is away is asked again."""
    notices.mail_outcome(UUID(generation_id))
