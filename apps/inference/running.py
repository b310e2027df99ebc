"""Runs one step of a generation so that whatever happens the take ends, goes on later, or is tried again."""

import logging
import random
from collections.abc import Callable
from typing import Any
from uuid import UUID

from botocore.exceptions import BotoCoreError, ClientError
from celery import Task
from celery.exceptions import Ignore, SoftTimeLimitExceeded
from django.db import InterfaceError, OperationalError
from redis.exceptions import RedisError

from apps.generations import signals
from apps.generations.models import Generation, Status
from apps.generations.services import end_without_result
from apps.inference import keeping
from apps.inference.engine.errors import Cancelled, EngineError
from apps.inference.measuring import measured
from apps.inference.taking_up import take_up
from apps.inference.watch import Watch, is_held
from apps.inference.work import Missing
from studio.errors import StudioError

log = logging.getLogger(__name__)

# Faults of the surroundings, which may be over in a minute.
TRANSIENT = (OSError, OperationalError, InterfaceError, RedisError, BotoCoreError, ClientError)
MAX_RETRIES = 4
BACKOFF_S = 4
# A step that has begun this often without ending, well or not, kills its worker (memory, a crash in a codec).
MAX_DEATHS = 3
REFUSED = "generation_input_"
# What the engine says of a disk or a machine, not of the files: that may be over in a minute too.
SURROUNDINGS = "generation_infra_"
AGAIN = "Try again. If it happens again, tell whoever runs the studio and give the take's number."


def run_step(
    task: Task,
    generation_id: str,
    attempt: int,
    step: str,
    do: Callable[[Generation, Watch], Any],
    *,
    piece: int | None = None,
    part: str | None = None,
) -> Any:
    """Run ``do`` for a running generation; returns its result, or None where there is nothing to do any more.

    That is so where the take has ended, or has been taken up again since: then this message is of an older
    ``attempt`` and the newer one does the work. ``piece`` and ``part`` say what progress is of, see ``Watch``.
    Raises Celery's ``Retry`` for transient faults while tries are left; everything else ends the take.
    """
    generation = Generation.objects.select_related("workspace", "project", "video", "audio", "created_by").get(
        pk=UUID(generation_id)
    )
    if generation.is_final or generation.attempts != attempt:
        return None
    if is_held(generation.pk, step):
        log.warning("generation %s: %s came twice, and somebody is at it", generation.pk, step)
        raise Ignore
    if signals.count_try(generation.pk, step) > MAX_DEATHS:
        _end(generation, StudioError("generation_pipeline_failed", f"The step “{step}” broke its worker.", AGAIN))
        return None
    try:
        with measured(generation, step), Watch(generation.pk, step=step, piece=piece, part=part) as watch:
            result = do(generation, watch)
    except Missing as error:
        log.warning("generation %s: %s: %s", generation.pk, step, error)
        signals.forget_tries(generation.pk, step)
        take_up(generation)
        return None
    except Cancelled:
        _end(generation, None)
        return None
    except EngineError as error:
        if error.code.startswith(SURROUNDINGS):
            _try_again(task, generation, step, error)
            return None
        _end(generation, StudioError(error.code, error.message, error.advice))
        return None
    except StudioError as error:
        _end(generation, error)
        return None
    except TRANSIENT as error:
        _try_again(task, generation, step, error)
        return None
    except SoftTimeLimitExceeded:
        log.error("generation %s: %s took too long", generation.pk, step)
        _end(generation, StudioError("generation_timeout", f"The step “{step}” took too long.", "Use shorter files."))
        return None
    except (SystemExit, KeyboardInterrupt):  # the worker is being stopped and hands the step back: it did not die of it
        signals.forget_tries(generation.pk, step)
        raise
    except Exception:
        log.exception("generation %s: %s failed", generation.pk, step)
        _end(generation, StudioError("generation_pipeline_failed", f"The step “{step}” failed.", AGAIN))
        return None
    signals.forget_tries(generation.pk, step)
    return result


def _try_again(task: Task, generation: Generation, step: str, error: Exception) -> None:
    """Come back later, with more patience each time; give up after some."""
    if task.request.retries >= MAX_RETRIES:
        log.error("generation %s: %s gave up after %s retries", generation.pk, step, MAX_RETRIES, exc_info=error)
        storage = "The studio's storage or database did not answer."
        _end(generation, StudioError("generation_infra_storage_error", storage, AGAIN))
        return
    wait_s = BACKOFF_S * 2**task.request.retries * random.uniform(0.75, 1.25)  # noqa: S311 - jitter, no secret
    log.warning("generation %s: %s again in %.0f s: %s", generation.pk, step, wait_s, error)
    signals.sign_of_life(generation.pk, ahead_s=wait_s)
    signals.forget_tries(generation.pk, step)  # nobody has died of it, whoever tries next
    raise task.retry(countdown=wait_s, exc=error, max_retries=MAX_RETRIES)


def _end(generation: Generation, error: StudioError | None) -> None:
    """End the take: refused where the files are the reason, cancelled without an error, failed otherwise.

    What is finished of it stays for the next try, see :mod:`keeping`; of refused files there will be none.
    """
    status = Status.FAILED
    if error is None:
        status = Status.CANCELLED
    elif error.code.startswith(REFUSED):
        status = Status.REJECTED
    end_without_result(generation.pk, status, error)
    signals.ask_to_stop(generation.pk)
    if status == Status.REJECTED:
        keeping.release(generation)
