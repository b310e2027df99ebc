"""The queue's clock."""

from celery import shared_task

from apps.generations import queue


@shared_task(name="generations.dispatch", ignore_result=True)
def dispatch() -> None:
    """Hand out waiting takes: whatever else should have done it may have been lost, and workers come and go."""
    queue.dispatch()
