"""Lets a worker of threads stop: a process is ended from outside, a thread has to ask whether it shall end.

A worker that is told to stop works on for CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT seconds and then hands its unfinished
work back to the queue. Celery 5.7.0 cannot do that with threads: it fails on the way and waits for all of them.
"""

import threading
from typing import Any

from celery.concurrency.thread import TaskPool

_leave = threading.Event()


class StoppableThreads(TaskPool):
    """Threads that are told when what they work on was handed back."""

    def terminate_job(self, pid: int, signal: Any = None) -> None:
        _leave.set()


def leave_if_stopping() -> None:
    """Raise ``SystemExit``, as a process that is ended gets it, where this worker has handed its work back."""
    if _leave.is_set():
        raise SystemExit("The worker is being stopped.")
