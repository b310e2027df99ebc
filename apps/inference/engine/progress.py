"""How a run tells how far it is, and how it is asked to stop."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from .errors import Cancelled

STAGES = ("read", "speech", "plan", "lipsync", "assemble", "proof")


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
