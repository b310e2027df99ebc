"""The state table of generations. A state is changed by a conditional UPDATE from here and by nothing else."""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from apps.generations.measures import state_changed
from apps.generations.models import Event, Generation, Status

TRANSITIONS: dict[Status, frozenset[Status]] = {
    Status.PENDING: frozenset({Status.PROCESSING, Status.FAILED, Status.REJECTED, Status.CANCELLED}),
    Status.PROCESSING: frozenset({Status.COMPLETED, Status.FAILED, Status.REJECTED, Status.CANCELLED}),
    Status.COMPLETED: frozenset(),
    Status.FAILED: frozenset(),
    Status.REJECTED: frozenset(),
    Status.CANCELLED: frozenset(),
}
FINAL = frozenset(status for status, following in TRANSITIONS.items() if not following)


def advance(pk: UUID, frm: Status, to: Status, **fields: Any) -> bool:
    """Move a generation from one state to another, with ``fields``; False where it is not in ``frm`` any more.

    Of any number of callers that try at once exactly one gets True. Raises ``ValueError`` for a step that the table
    does not have.
    """
    if to not in TRANSITIONS[frm]:
        raise ValueError(f"No generation goes from {frm} to {to}.")
    now = timezone.now()
    if to in FINAL:
        fields.setdefault("finished_at", now)
    with transaction.atomic():
        moved = Generation.objects.filter(pk=pk, status=frm).update(status=to, **fields) == 1
        if moved:
            detail = {"code": fields["error_code"]} if fields.get("error_code") else {}
            Event.objects.create(generation_id=pk, at=now, what=to.value, detail=detail)
            transaction.on_commit(lambda: state_changed(pk, to), robust=True)
    return moved
