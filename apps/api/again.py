"""Running a generation once more: a new one by the same request, told to the same address under the same file name."""

from contextlib import suppress

from django.db import transaction
from pydantic import ValidationError

from apps.api.admitting import warnings_of
from apps.api.models import Call, CallState
from apps.api.presentation import call_of
from apps.api.routing import Caller
from apps.api.schemas import CreateGeneration
from apps.api.slots import FULL, full, refuse_when_full
from apps.api.snippets import request_of
from apps.api.wishes import wish_of
from apps.generations.models import Generation
from apps.generations.services import retry_generation
from studio.errors import StudioError


def run_again(caller: Caller, generation: Generation) -> Generation:
    """A new generation with the files and settings of one that ended. Raises ``StudioError`` like a create."""
    refuse_when_full(caller.workspace)
    earlier = call_of(generation)
    try:
        with transaction.atomic():
            made = retry_generation(membership=caller.membership, generation=generation)
            Call.objects.create(
                pk=made.pk,
                workspace=caller.workspace,
                user=caller.membership.user,
                key=caller.key,
                project=made.project,
                generation=made,
                state=CallState.ADMITTED,
                body=earlier.body if earlier else request_of(generation),
                assets=earlier.assets if earlier else {},
                speeches=earlier.speeches if earlier else {},
                warnings=_warnings(earlier, made),
                webhook_url=earlier.webhook_url if earlier else "",
                output_name=earlier.output_name if earlier else "",
            )
    except StudioError as error:
        if error.code == FULL:  # another request took the last place meanwhile
            raise full(caller.workspace, error) from error
        raise
    return made


def _warnings(earlier: Call | None, made: Generation) -> list[str]:
    """What was asked for and is not used, and what the studio says now: free takes of the first time may be gone."""
    asked: list[str] = []
    if earlier is not None:
        with suppress(StudioError, ValidationError):  # an earlier version may have taken what is refused today
            asked = wish_of(CreateGeneration.model_validate(earlier.body)).warnings
    return list(dict.fromkeys(asked + warnings_of(made)))
