"""Work ahead of the consumer in a second thread: decoding releases the interpreter lock, so two cores are used."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterable
from typing import TypeVar

Item = TypeVar("Item")
DEPTH = 4  # frames in waiting: 12 MB at 1080x1920


class _End:
    """Last thing in the queue: carries what stopped the producer, if anything did."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


def prefetch(items: Iterable[Item], depth: int = DEPTH) -> Generator[Item, None, None]:
    """The same items in the same order, produced in another thread at most ``depth`` ahead.

    An exception of the producer is raised here, in its place; when the consumer stops early, so does the producer.
    """
    waiting: queue.Queue[Item | _End] = queue.Queue(depth)
    stopped = threading.Event()
    thread = threading.Thread(target=_produce, args=(items, waiting, stopped), daemon=True)
    thread.start()
    try:
        while not isinstance(item := waiting.get(), _End):
            yield item
        if item.error is not None:
            raise item.error
    finally:
        stopped.set()
        while thread.is_alive():  # free a producer that waits for room
            try:
                waiting.get(timeout=0.05)
            except queue.Empty:
                continue
        thread.join()


def _produce(items: Iterable[Item], waiting: queue.Queue[Item | _End], stopped: threading.Event) -> None:
    error: BaseException | None = None
    try:
        for item in items:
            if stopped.is_set():
                return
            waiting.put(item)
    except BaseException as caught:  # handed over to the consumer, who raises it
        error = caught
    waiting.put(_End(error))
