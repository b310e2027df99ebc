"""The state table of generations. A state is changed by a conditional UPDATE from here and by nothing else."""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from apps.generations import notices
from apps.generations.measures import state_changed
from apps.generations.models import Event, Generation, Status
from studio.celery import app as celery_app

MAIL_AFTER_S = 5

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
            if to in FINAL:
                transaction.on_commit(lambda: _tell(pk, to), robust=True)
    return moved


def _tell(pk: UUID, to: Status) -> None:
    """Have a mail sent where somebody wants one. The task is late on purpose: who looks on sees the end first."""
    take = Generation.objects.select_related("created_by").get(pk=pk)
    if notices.worth_a_mail(take, to):
        celery_app.send_task(
            "generations.mail_outcome", args=[str(pk)], countdown=MAIL_AFTER_S, ignore_result=True, retry=False
        )
