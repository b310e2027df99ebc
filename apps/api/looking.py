"""Looking at one generation, or at the call that is to become one: now, or when it has ended."""

import time
from threading import BoundedSemaphore
from typing import Any

from apps.api import queries
from apps.api.errors import ApiError
from apps.api.links import base_of
from apps.api.models import Call, CallState
from apps.api.presentation import generation_json, opened_by, waiting_json
from apps.api.routing import Caller
from apps.generations.models import Generation

LOOK_S = 0.5
# Who waits holds a thread of the web server, which has eight for each process: half of them are for everybody else.
places_to_wait = BoundedSemaphore(4)


def call_json(call: Call, caller: Caller) -> dict[str, Any]:
    if call.generation is None:
        return waiting_json(call)
    return row_json(queries.with_sounds([call.generation])[0], caller)


def found(caller: Caller, text: str, *, only: tuple[str, ...] = ()) -> Generation | Call:
    """The generation, or the call that is to become one, with this id, if the key's person sees its project.

    ``only`` names the columns that are read at once, by default all. Raises ``ApiError``.
    """
    row_id = queries.uuid_or_none(text)
    if row_id is None:
        raise ApiError("invalid_generation_id", f"“{text[:80]}” is no generation id.")
    rows = queries.generations(caller.membership).filter(pk=row_id)
    if generation := next(iter(queries.with_sounds(list(rows.only(*only)))), None):
        return generation
    call = queries.waiting(caller.membership).filter(pk=row_id).first()
    if call is None:
        raise ApiError("generation_not_found")
    return call


def row_json(row: Generation | Call, caller: Caller, *, with_progress: bool = False) -> dict[str, Any]:
    if isinstance(row, Call):
        return waiting_json(row)
    return generation_json(row, base_of(caller.request), opened_by(caller.membership), with_progress=with_progress)


def waited_for(caller: Caller, generation_id: str, seconds: int) -> Generation | Call:
    """The row when it has ended, or as it is after so many seconds; at once where others wait in all the places."""
    may_wait = places_to_wait.acquire(blocking=False)
    try:
        return _ended(caller, generation_id, seconds if may_wait else 0)
    finally:
        if may_wait:
            places_to_wait.release()


def _ended(caller: Caller, generation_id: str, seconds: int) -> Generation | Call:
    ends = time.monotonic() + seconds
    while True:
        row = found(caller, generation_id, only=queries.SHOWN)
        over = row.is_final if isinstance(row, Generation) else row.state == CallState.REFUSED
        if over or time.monotonic() >= ends:
            return row
        time.sleep(LOOK_S)
