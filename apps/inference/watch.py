"""Stands beside a step while it runs: carries progress out, signs of life too, and the wish to stop in."""

import os
import threading
import time
from types import TracebackType
from uuid import UUID

from apps.assets import files
from apps.generations import signals
from apps.generations.services import note_stage

# Cancelling must work within 2 s; the engine asks after every few frames, which take at most half a second.
LISTEN_EVERY_S = 0.5
SIGN_EVERY_S = 5.0
# More often than a page asks would only cost.
TELL_EVERY_S = 0.4


def me() -> str:
    """This process, by machine and number."""
    return f"{files.this_machine()} {os.getpid()}"


def is_held(generation_id: UUID, step: str) -> bool:
    """Whether somebody else who lives is at this step: its message has come a second time.

    A connection that breaks makes Redis hand out again what is being worked on. A holder on this machine that is dead
    holds nothing.
    """
    holder = signals.holder(generation_id, step)
    if holder is None or holder == me():
        return False
    machine, _, process = holder.partition(" ")
    return machine != files.this_machine() or files.is_running(int(process))


class Watch:
    """One step of one generation; use as a context manager.

    ``step`` is its name, which nobody else shall work on meanwhile (see :func:`is_held`); ``piece`` is the first frame
    of the piece it renders, ``part`` the part of the footage it reads.
    """

    def __init__(
        self, generation_id: UUID, *, step: str = "", piece: int | None = None, part: str | None = None
    ) -> None:
        self._id = generation_id
        self._step = step
        self._piece = piece
        self._part = part
        self._ended = threading.Event()
        self._stop = False
        self._stage = ""
        self._told_at = 0.0
        self._listener = threading.Thread(target=self._listen, name=f"watch-{generation_id}", daemon=True)

    def __enter__(self) -> "Watch":
        self._sign()
        self._stop = signals.asked_to_stop(self._id)
        self._listener.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._ended.set()
        self._listener.join(timeout=5)
        if self._step:
            signals.leave_step(self._id, self._step)

    def cancelled(self) -> bool:
        """Whether the step shall stop; costs nothing, so an engine may ask for every frame."""
        return self._stop

    def progress(self, stage: str, done: int, total: int) -> None:
        """Note how far a stage is, at most some times a second; its first and last word always."""
        if stage != self._stage:
            self._stage = stage
            if self._part is None:  # parts are looked at beside each other; their stage has begun before
                note_stage(self._id, stage)
        elif done < total and time.monotonic() - self._told_at < TELL_EVERY_S:
            return
        self._told_at = time.monotonic()
        if self._piece is not None:
            signals.set_piece(self._id, self._piece, done)
        elif self._part is not None:
            signals.set_part(self._id, self._part, done / total if total else 1.0)
        else:
            signals.set_mark(self._id, stage, done, total)

    def _listen(self) -> None:
        """Runs beside the step: reads the wish to stop and signs that a worker is at it."""
        signed_at = time.monotonic()
        while not self._ended.wait(LISTEN_EVERY_S):
            if signals.asked_to_stop(self._id):
                self._stop = True
            if time.monotonic() - signed_at >= SIGN_EVERY_S:
                signed_at = time.monotonic()
                self._sign()

    def _sign(self) -> None:
        signals.sign_of_life(self._id)
        if self._step:
            signals.hold_step(self._id, self._step, me())
