"""Paying for spoken text: the price of its characters is held before it is spoken and earned when it was.

Whoever makes the sound names the work by an id of its own, and a repeated step moves no money again. A try that failed
has given its hold back; the next try needs a new id.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from django.db import transaction

from apps.billing import ledger
from apps.billing.models import Transaction
from apps.billing.plans import plan_of
from apps.billing.prices import speech_micros
from apps.billing.spending import refusals, usage_happened
from apps.workspaces.models import Workspace

SPOKEN = "Spoken text"


@contextmanager
def paid_speech(*, workspace: Workspace, subject: UUID, characters: int, project: str = "") -> Iterator[int]:
    """Speak inside the block: its price (micro-dollars) is held on entry, earned at its end, given back if it raises.

    Raises ``StudioError`` before anything is spoken where pause, unpaid invoice, cap or credit forbid it.
    A process that dies inside leaves the hold: whoever finds the work again enters once more with the same id, or
    calls :func:`settle_speech`.
    """
    held = hold_speech(workspace=workspace, subject=subject, characters=characters)
    try:
        yield held
    except BaseException:
        settle_speech(workspace=workspace, subject=subject, characters=characters, project=project, spoken=False)
        raise
    settle_speech(workspace=workspace, subject=subject, characters=characters, project=project, spoken=True)


@transaction.atomic
def hold_speech(*, workspace: Workspace, subject: UUID, characters: int) -> int:
    """Set the price aside, in micro-dollars; a second call gives the first hold. Raises ``StudioError`` if refused."""
    locked = Workspace.objects.select_for_update().get(pk=workspace.pk)
    if Transaction.objects.filter(idempotency_key=f"hold:{subject}").exists():
        return ledger.held_for(subject)
    plan = plan_of(locked)
    micros = speech_micros(plan, characters)
    if found := refusals(locked, plan, micros, take=False):
        raise found[0]
    ledger.hold(workspace=locked, subject=subject, micros=micros)
    usage_happened(locked)
    return micros


@transaction.atomic
def settle_speech(*, workspace: Workspace, subject: UUID, characters: int, spoken: bool, project: str = "") -> None:
    """Earn the whole hold, or give it back. Raises ``LedgerError`` where the other has happened already."""
    if not spoken:
        ledger.release(workspace=workspace, subject=subject)
        return
    detail = {"what": SPOKEN, "characters": characters, "project": project}
    ledger.capture(workspace=workspace, subject=subject, micros=ledger.held_for(subject), detail=detail)
    usage_happened(workspace)
