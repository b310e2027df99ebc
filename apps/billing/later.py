"""Handing work of this room to the background."""

from django.db import transaction

from studio.celery import app as celery_app


def later(task: str, *args: str) -> None:
    """Queue a task on commit. Where Redis is away nothing waits for it: the hourly round finds what is due.

    Nobody reads the task's result. Asking for one would make a page wait 20 s for a Redis that does not answer.
    """
    transaction.on_commit(
        lambda: celery_app.send_task(task, args=list(args), ignore_result=True, retry=False), robust=True
    )
