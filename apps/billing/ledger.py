"""The ledger: every movement of money as a transaction whose entries add up to zero.

Nothing is ever changed or deleted. A balance is the sum of entries. A hold takes the quoted price from the balance
when a generation is submitted; settling it, exactly once, earns what was really lipsynced and gives back the rest.
Every movement has an idempotency key: a second call with it gives the first transaction and moves nothing.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Sum

from apps.billing.models import Account, Entry, Transaction, TransactionKind
from apps.workspaces.models import Workspace


class LedgerError(Exception):
    """Somebody asked for a movement that the books do not allow: a bug, not something a person can mend."""


def hold(*, workspace: Workspace, subject: UUID, micros: int) -> Transaction:
    """Set the quoted price of a generation aside; a second call gives the first transaction."""
    return _post(
        workspace=workspace,
        kind=TransactionKind.HOLD,
        subject=subject,
        key=f"hold:{subject}",
        entries={Account.BALANCE: -_not_negative(micros), Account.HELD: micros},
    )


def capture(
    *, workspace: Workspace, subject: UUID, micros: int, detail: Mapping[str, Any] | None = None
) -> Transaction:
    """Earn ``micros`` of the hold and give the rest back; ``detail`` is what the invoice says of it.

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
        detail=detail,
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


def charge(
    *,
    workspace: Workspace,
    micros: int,
    key: str,
    memo: str,
    to: Account = Account.REVENUE,
    subject: UUID | None = None,
    detail: Mapping[str, Any] | None = None,
) -> Transaction:
    """Earn something that was not held: a plan's month (``to=FEES``), tax of an invoice (``TAX``), spoken text.

    A negative ``micros`` gives unused time of a plan back; usage is given back by :func:`refund`.
    """
    if micros < 0 and to != Account.FEES:
        raise LedgerError(f"A charge of {micros} micro-dollars is a refund.")
    return _post(
        workspace=workspace,
        kind=TransactionKind.CHARGE,
        subject=subject,
        key=key,
        entries={Account.BALANCE: -micros, to: micros},
        memo=memo,
        detail=detail,
    )


def credit(*, workspace: Workspace, micros: int, key: str, memo: str) -> Transaction:
    """Give a workspace something to spend."""
    entries = {Account.BALANCE: _not_negative(micros), Account.GIVEN: -micros}
    return _post(workspace=workspace, kind=TransactionKind.CREDIT, key=key, entries=entries, memo=memo)


def payment(*, workspace: Workspace, micros: int, key: str, memo: str, subject: UUID | None = None) -> Transaction:
    """Money that arrived; ``subject`` is the invoice it was for, if any."""
    entries = {Account.BALANCE: _not_negative(micros), Account.CASH: -micros}
    return _post(
        workspace=workspace, kind=TransactionKind.PAYMENT, subject=subject, key=key, entries=entries, memo=memo
    )


def refund(*, workspace: Workspace, subject: UUID, micros: int, key: str, memo: str) -> Transaction:
    """Give back some of what a generation cost. Raises ``LedgerError`` for more than it has cost in the end."""
    with transaction.atomic():
        Workspace.objects.select_for_update().get(pk=workspace.pk)  # two refunds at once see each other
        left = earned_by(subject)
        if not 0 < micros <= left and not Transaction.objects.filter(idempotency_key=key).exists():
            raise LedgerError(f"{micros} micro-dollars cannot be given back: the generation has cost {left}.")
        return _post(
            workspace=workspace,
            kind=TransactionKind.REFUND,
            subject=subject,
            key=key,
            entries={Account.REVENUE: -micros, Account.BALANCE: micros},
            memo=memo,
        )


def pay_back(*, workspace: Workspace, micros: int, key: str, memo: str) -> Transaction:
    """Money that went back to the payer. The balance may fall below zero: a bank can take a payment back."""
    entries = {Account.BALANCE: -_not_negative(micros), Account.CASH: micros}
    return _post(workspace=workspace, kind=TransactionKind.REFUND, key=key, entries=entries, memo=memo)


def adjustment(*, workspace: Workspace, micros: int, key: str, memo: str, subject: UUID | None = None) -> Transaction:
    """Mend the balance up or down, like the part of a cent that an invoice leaves out."""
    entries = {Account.BALANCE: micros, Account.GIVEN: -micros}
    return _post(
        workspace=workspace, kind=TransactionKind.ADJUSTMENT, subject=subject, key=key, entries=entries, memo=memo
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


def earned_by(subject: UUID) -> int:
    """Micro-dollars a generation has cost in the end: captured less refunded."""
    return _total(Entry.objects.filter(transaction__subject=subject, account=Account.REVENUE))


def balance(workspace: Workspace, account: Account = Account.BALANCE) -> int:
    """Micro-dollars in an account of a workspace; a negative balance is owed to the studio."""
    return _total(Entry.objects.filter(workspace=workspace, account=account))


def balances(workspace: Workspace) -> dict[str, int]:
    """All accounts of a workspace at once; those that nothing has moved are 0."""
    sums = Entry.objects.filter(workspace=workspace).values("account").annotate(total=Sum("amount_micros"))
    return {str(account): 0 for account in Account} | {row["account"]: row["total"] for row in sums}


def _total(entries) -> int:
    return entries.aggregate(total=Sum("amount_micros"))["total"] or 0


def _not_negative(micros: int) -> int:
    if micros < 0:
        raise LedgerError(f"A movement of {micros} micro-dollars goes the wrong way.")
    return micros


def _post(
    *,
    workspace: Workspace,
    kind: TransactionKind,
    key: str,
    entries: Mapping[Account, int],
    subject: UUID | None = None,
    memo: str = "",
    detail: Mapping[str, Any] | None = None,
) -> Transaction:
    if sum(entries.values()):
        raise LedgerError(f"The entries of {key} add up to {sum(entries.values())}, not to zero.")
    with transaction.atomic():
        posted, new = Transaction.objects.get_or_create(
            idempotency_key=key,
            defaults={
                "workspace": workspace,
                "kind": kind,
                "subject": subject,
                "memo": memo[:200],
                "detail": dict(detail or {}),
            },
        )
        if not new and posted.kind != kind:
            raise LedgerError(f"{key} was a {posted.kind} already and cannot become a {kind}.")
        if new:
            Entry.objects.bulk_create(
                Entry(
                    transaction=posted,
                    workspace=workspace,
                    account=account,
                    amount_micros=amount,
                    created_at=posted.created_at,
                )
                for account, amount in entries.items()
            )
    return posted
