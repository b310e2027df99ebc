"""What runs between workers and pages without a row being written: progress, signs of life, the wish to stop.

All of it lies in the cache and may be lost with it; the row is the truth and everything here is only fresher.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import ParamSpec, TypeVar
from uuid import UUID

from django.core.cache import cache
from redis.exceptions import RedisError

log = logging.getLogger(__name__)

KEEP_S = 24 * 3600
# A worker signs every few seconds (see apps/inference/watch.py); one that is silent for this long is gone.
SILENT_AFTER_S = 45.0
# A page that follows a take asks each second; who has not been heard of for this long has gone elsewhere.
LOOKS_S = 20
# As long is somebody at a step who has said so and not said it again.
HELD_S = 15


P = ParamSpec("P")
T = TypeVar("T")
D = TypeVar("D")


def unless_away(default: D) -> Callable[[Callable[P, T]], Callable[P, T | D]]:
    """Give ``default`` while the cache cannot be reached: a Redis that restarts must not end a generation."""

    def guarded(function: Callable[P, T]) -> Callable[P, T | D]:
        @wraps(function)
        def call(*args: P.args, **options: P.kwargs) -> T | D:
            try:
                return function(*args, **options)
            except RedisError as error:
                log.warning("the cache is away: %s", error)
                return default

        return call

    return guarded


def _key(generation_id: UUID, *what: object) -> str:
    return ":".join(["generation", str(generation_id), *map(str, what)]).replace(" ", "-")


@dataclass(frozen=True)
class Mark:
    """How far one part of a stage is: ``done`` of ``total`` at a time (seconds since 1970)."""

    stage: str
    done: int
    total: int
    at: float


@unless_away(None)
def set_mark(generation_id: UUID, stage: str, done: int, total: int) -> None:
    """Note the progress of a stage that one task works on alone."""
    cache.set(_key(generation_id, "mark"), [stage, done, total, time.time()], KEEP_S)


@unless_away(None)
def mark(generation_id: UUID) -> Mark | None:
    """The latest progress noted, None where there is none."""
    found = cache.get(_key(generation_id, "mark"))
    return Mark(*found) if found else None


@unless_away(None)
def set_piece(generation_id: UUID, first: int, done: int) -> None:
    """Note the frames rendered of the piece that begins at frame ``first``."""
    cache.set(_key(generation_id, "piece", first), done, KEEP_S)


@unless_away(0)
def frames_rendered(generation_id: UUID, firsts: list[int]) -> int:
    """Frames rendered so far over the pieces that begin at these frames."""
    found = cache.get_many([_key(generation_id, "piece", first) for first in firsts])
    return sum(found.values())


@unless_away(None)
def set_pieces(generation_id: UUID, firsts: list[int], frames: int, there: int = 0) -> None:
    """Note how rendering is split: where pieces begin, frames in all, and how many of them are there already."""
    cache.set(_key(generation_id, "ranges"), [firsts, frames, time.time(), there], KEEP_S)


@unless_away(None)
def pieces(generation_id: UUID) -> tuple[list[int], int, float, int] | None:
    """Beginnings of the pieces, frames in all, when rendering began, and frames that were there; None before it did."""
    found = cache.get(_key(generation_id, "ranges"))
    return (found[0], found[1], found[2], found[3]) if found else None


@unless_away(None)
def set_parts(generation_id: UUID, weights: dict[str, float]) -> None:
    """Note the parts in which the footage is read, and how much of the whole each one is."""
    cache.set(_key(generation_id, "parts"), weights, KEEP_S)


@unless_away(None)
def set_part(generation_id: UUID, part: str, share: float) -> None:
    """Note how much (0 to 1) of a part is read."""
    cache.set(_key(generation_id, "part", part), share, KEEP_S)


@unless_away(None)
def share_read(generation_id: UUID) -> float | None:
    """How much of the footage is read over all parts, 0 to 1; None where nobody split it."""
    weights = cache.get(_key(generation_id, "parts"))
    if not weights:
        return None
    keys = {_key(generation_id, "part", part): weight for part, weight in weights.items()}
    found = cache.get_many(keys)
    return float(sum(keys[key] * share for key, share in found.items()) / sum(keys.values()))


@unless_away(None)
def raise_percent(generation_id: UUID, percent: int) -> int:
    """The highest percentage shown so far, this one included: a bar that goes back tells a lie.

    None while nobody knows what was shown.
    """
    key = _key(generation_id, "percent")
    highest = max(percent, cache.get(key, 0))
    cache.set(key, highest, KEEP_S)
    return highest


@unless_away(None)
def sign_of_life(generation_id: UUID, ahead_s: float = 0.0) -> None:
    """A worker is at it right now; or it waits on purpose and will be, in ``ahead_s`` seconds."""
    cache.set(_key(generation_id, "alive"), time.time() + ahead_s, KEEP_S)


@unless_away(None)
def silent_for(generation_id: UUID) -> float | None:
    """Seconds since the last sign of life, None where there was none."""
    signed = cache.get(_key(generation_id, "alive"))
    return None if signed is None else max(0.0, time.time() - signed)


@unless_away(None)
def ask_to_stop(generation_id: UUID) -> None:
    """Tell the workers of this generation to stop."""
    cache.set(_key(generation_id, "stop"), 1, KEEP_S)


@unless_away(False)
def asked_to_stop(generation_id: UUID) -> bool:
    """Whether the workers of this generation shall stop."""
    return cache.get(_key(generation_id, "stop")) is not None


@unless_away(None)
def hold_step(generation_id: UUID, step: str, holder: str) -> None:
    """Note who is at a step, for some seconds."""
    cache.set(_key(generation_id, "holder", step), holder, HELD_S)


@unless_away(None)
def holder(generation_id: UUID, step: str) -> str | None:
    """Who is at a step; None where nobody has said so lately."""
    return cache.get(_key(generation_id, "holder", step))


@unless_away(None)
def leave_step(generation_id: UUID, step: str) -> None:
    """Nobody is at this step any more."""
    cache.delete(_key(generation_id, "holder", step))


@unless_away(1)
def count_try(generation_id: UUID, step: str) -> int:
    """How often this step has begun, this time included; survives the worker that died of it."""
    key = _key(generation_id, "tries", step)
    cache.add(key, 0, KEEP_S)
    return cache.incr(key)


@unless_away(None)
def forget_tries(generation_id: UUID, step: str) -> None:
    """A step has ended well; what it may try anew counts from nothing."""
    cache.delete(_key(generation_id, "tries", step))


@unless_away(True)
def first_in(generation_id: UUID, what: str, seconds: int) -> bool:
    """Whether nobody did ``what`` for this generation in the last ``seconds``."""
    return cache.add(_key(generation_id, what), 1, seconds)


@unless_away(None)
def forget_first(generation_id: UUID, what: str) -> None:
    """Whoever was the first to do ``what`` could not: the next one is the first again."""
    cache.delete(_key(generation_id, what))


@unless_away(None)
def note_looker(generation_id: UUID, user_id: int) -> None:
    """Somebody has the page of this take before their eyes."""
    cache.set(_key(generation_id, "looker", user_id), 1, LOOKS_S)


@unless_away(False)
def looks_on(generation_id: UUID, user_id: int) -> bool:
    """Whether this person has the page of the take before their eyes."""
    return cache.get(_key(generation_id, "looker", user_id)) is not None
