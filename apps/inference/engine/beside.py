"""Work in a second thread beside one's own: sound need not wait for pictures, nor pictures for sound."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from threading import Event
from typing import TypeVar

from .progress import stoppable

Made = TypeVar("Made")


@contextmanager
def beside(work: Callable[[], Made]) -> Iterator[Callable[[], Made]]:
    """Start ``work`` in a thread; the function given waits for what it makes, and raises what it raises.

    What is still at work at the end of the block is asked to stop, at its next checkpoint, and waited for.
    """
    left = Event()

    def stopping() -> Made:
        with stoppable(left.is_set):
            return work()

    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(copy_context().run, stopping)
        try:
            yield future.result
        finally:
            left.set()
