"""The ledger: every movement of money as a transaction whose entries add up to zero.

Nothing is ever changed or deleted. A balance is the sum of entries. A hold takes the quoted price from the balance
when a generation is submitted; settling it, exactly once, earns what was really lipsynced and gives back the rest.
"""

from uuid import UUID

from django.db import transaction
from django.db.models import Sum

from apps.billing.models import Account, Entry, Transaction, TransactionKind
from apps.workspaces.models import Workspace


class LedgerError(Exception):
    """Somebody asked for a movement that the books do not allow: a bug, not something a person can mend."""


def hold(*, workspace: Workspace, subject: UUID, micros: int) -> Transaction:
    """Set the quoted price of a generation aside; a second call gives the first transaction."""
    if micros < 0:
        raise LedgerError(f"A hold of {micros} micro-dollars makes no sense.")
    return _post(
        workspace=workspace,
        kind=TransactionKind.HOLD,
        subject=subject,
        key=f"hold:{subject}",
        entries={Account.BALANCE: -micros, Account.HELD: micros},
    )


def capture(*, workspace: Workspace, subject: UUID, micros: int) -> Transaction:
    """Earn ``micros`` of the hold and give the rest back.

    Raises ``LedgerError`` for more than the hold, without a hold, and after a release.
    """
    held = held_for(subject)
    if not 0 <= micros <= held:
        raise LedgerError(f"{micros} micro-dollars cannot be captured from a hold of {held}.")
    return _post(
        workspace=workspace,
        kind=TransactionKind.CAPTURE,
        subject=subject,
        key=settle_key(subject),
        entries={Account.HELD: -held, Account.REVENUE: micros, Account.BALANCE: held - micros},
    )


def release(*, workspace: Workspace, subject: UUID) -> Transaction:
    """Give a whole hold back. Raises ``LedgerError`` without a hold, and after a capture."""
    held = held_for(subject)
    return _post(
        workspace=workspace,
        kind=TransactionKind.RELEASE,
        subject=subject,
        key=settle_key(subject),
        entries={Account.HELD: -held, Account.BALANCE: held},
    )


def settle_key(subject: UUID) -> str:
    """One key for capture and release, so that the database itself lets only one of them happen."""
    return f"settle:{subject}"


def held_for(subject: UUID) -> int:
    """Micro-dollars of the hold for a generation, settled or not; raises ``LedgerError`` where there is none."""
    found = Entry.objects.filter(transaction__idempotency_key=f"hold:{subject}", account=Account.HELD).first()
    if found is None:
        raise LedgerError(f"There is no hold for {subject}.")
    return found.amount_micros


def balance(workspace: Workspace, account: Account = Account.BALANCE) -> int:
    """Micro-dollars in an account of a workspace; a negative balance is owed to the studio."""
    entries = Entry.objects.filter(transaction__workspace=workspace, account=account)
    return entries.aggregate(total=Sum("amount_micros"))["total"] or 0


def _post(
    *, workspace: Workspace, kind: TransactionKind, subject: UUID, key: str, entries: dict[Account, int]
) -> Transaction:
    if sum(entries.values()):
        raise LedgerError(f"The entries of {key} add up to {sum(entries.values())}, not to zero.")
    with transaction.atomic():
        posted, new = Transaction.objects.get_or_create(
            idempotency_key=key, defaults={"workspace": workspace, "kind": kind, "subject": subject}
        )
        if not new and posted.kind != kind:
            raise LedgerError(f"{key} was a {posted.kind} already and cannot become a {kind}.")
        if new:
            Entry.objects.bulk_create(
                Entry(transaction=posted, account=account, amount_micros=amount) for account, amount in entries.items()
            )
    return posted
