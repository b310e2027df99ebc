"""Hands a running take over anew whose work was lost. Each time is a new attempt; messages of older ones are void."""

import logging

from django.utils import timezone

from apps.generations.models import Generation, Status
from apps.generations.queue import hand_to_workers
from apps.generations.services import end_without_result
from studio.errors import StudioError

log = logging.getLogger(__name__)

MAX_ATTEMPTS = 8


def take_up(generation: Generation) -> bool:
    """Begin the next attempt of a running take; fails it where there were too many.

    Of several who find the loss at once one hands it over. False where another did or the take has ended.
    """
    if generation.attempts >= MAX_ATTEMPTS:
        error = StudioError(
            "generation_infra_service_unavailable",
            f"The work was lost {generation.attempts} times.",
            "Tell whoever runs the studio, then try again.",
        )
        end_without_result(generation.pk, Status.FAILED, error)
        return False
    attempt = generation.attempts + 1
    same = Generation.objects.filter(pk=generation.pk, status=Status.PROCESSING, attempts=generation.attempts)
    if same.update(attempts=attempt, heartbeat_at=timezone.now()) != 1:
        return False
    log.warning("generation %s has lost its work, attempt %s begins", generation.pk, attempt)
    hand_to_workers(generation.pk, attempt)
    return True
