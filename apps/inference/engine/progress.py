"""How a run tells how far it is, and how it is asked to stop."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol

from .errors import Cancelled

STAGES = ("read", "speech", "plan", "lipsync", "assemble", "proof")


_asked_to_stop: ContextVar[Callable[[], bool] | None] = ContextVar("asked_to_stop", default=None)


@contextmanager
def stoppable(cancelled: Callable[[], bool] | None) -> Iterator[None]:
    """Let every :func:`checkpoint` inside, in this thread, end the run where ``cancelled()`` says so.

    Inside another such block either may say so.
    """
    outer = _asked_to_stop.get()
    askers = [asks for asks in (outer, cancelled) if asks is not None]
    token = _asked_to_stop.set(lambda: any(asks() for asks in askers))
    try:
        yield
    finally:
        _asked_to_stop.reset(token)


def checkpoint() -> None:
    """To be called in every loop that may take seconds and has no progress to tell; raises :class:`Cancelled`."""
    cancelled = _asked_to_stop.get()
    if cancelled is not None and cancelled():
        raise Cancelled()


class Progress(Protocol):
    """Receives the stage (one of ``STAGES``, in that order) and how much of it is done."""

    def __call__(self, stage: str, done: int, total: int) -> None: ...


class Monitor:
    """Carries progress out and cancellation in, and keeps the seconds each stage took."""

    def __init__(self, progress: Progress | None = None, cancelled: Callable[[], bool] | None = None) -> None:
        self._progress = progress
        self._cancelled = cancelled
        self.timings_s: dict[str, float] = {}

    def step(self, stage: str, done: int, total: int) -> None:
        """Report ``done`` of ``total``; raises :class:`Cancelled` when the caller asked to stop."""
        if self._cancelled is not None and self._cancelled():
            raise Cancelled()
        if self._progress is not None:
            self._progress(stage, done, total)

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Add the wall time of the block to ``timings_s[stage]``."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.timings_s[stage] = self.timings_s.get(stage, 0.0) + time.perf_counter() - started
