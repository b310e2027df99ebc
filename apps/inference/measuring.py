"""What each step cost: kept with the take, told to the log and added to the metrics."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import Error
from django.db.models import F

from apps.generations.models import Generation
from apps.inference.engine.errors import Cancelled
from studio import logs, metrics

log = logging.getLogger(__name__)


@contextmanager
def measured(generation: Generation, step: str) -> Iterator[None]:
    """Measure the step that runs inside; ``step`` begins with its kind, like "render 0000000-0000200.mp4"."""
    began = time.monotonic()
    outcome = "failed"
    with logs.noted(generation_id=str(generation.pk)):
        try:
            yield
            outcome = "done"
        except Cancelled:
            outcome = "cancelled"
            raise
        except (SystemExit, KeyboardInterrupt):
            outcome = "handed back"  # the worker is being stopped
            raise
        finally:
            seconds = time.monotonic() - began
            log.info("%s %s after %.2f s", step, outcome, seconds)
            metrics.STEP.add(seconds, step.split()[0], generation.model, outcome)
            _keep(generation, seconds)


def _keep(generation: Generation, seconds: float) -> None:
    """Add the step to the take's work, from which the speed of these workers is known."""
    try:
        Generation.objects.filter(pk=generation.pk).update(busy_s=F("busy_s") + seconds)
    except Error as error:  # the step's own outcome counts, not its measurement
        log.warning("%.2f s of work of generation %s are not kept: %s", seconds, generation.pk, error)
