"""Work of this room on a worker. Tasks carry ids only and may run twice."""

from typing import Any
from uuid import UUID

from celery import shared_task

from apps.voices import previews, speaking


@shared_task(
    name="voices.speak",
    bind=True,
    ignore_result=True,
    max_retries=speaking.MOST_TRIES,
    soft_time_limit=240,
    time_limit=270,
)
def speak(self: Any, job_id: str) -> None:
    """Speak one text."""
    again = speaking.speak(UUID(job_id))
    if again is not None:
        raise self.retry(countdown=again)


@shared_task(name="voices.preview", ignore_result=True, soft_time_limit=60, time_limit=90)
def preview(workspace_id: str, provider: str, voice_id: str) -> None:
    """Have a sample of a voice at hand."""
    previews.make(UUID(workspace_id), provider, voice_id)


@shared_task(name="voices.sweep", ignore_result=True)
def sweep() -> None:
    """Texts whose worker or message was lost."""
    speaking.take_up_lost()
