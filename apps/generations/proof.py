"""Proof that every take has the one outcome in the books that its state says."""

from apps.billing.models import Account, Transaction, TransactionKind
from apps.generations.models import Generation, Status


def wrong_outcomes() -> list[str]:
    """Takes whose hold is missing, unsettled, settled against their state, or captured for another sum."""
    movements: dict[tuple[object, str], Transaction] = {
        (row.subject, row.kind): row
        for row in Transaction.objects.exclude(subject=None).prefetch_related("entries").iterator(chunk_size=1000)
    }
    found = []
    for take in Generation.objects.only("pk", "status", "charged_micros").iterator():
        hold = (take.pk, TransactionKind.HOLD) in movements
        capture = movements.get((take.pk, TransactionKind.CAPTURE))
        release = (take.pk, TransactionKind.RELEASE) in movements
        if problem := _problem(take, hold, capture, release):
            found.append(f"take {take.pk} is {take.status}, but {problem}")
    return found


def _problem(take: Generation, hold: bool, capture: Transaction | None, release: bool) -> str:
    if not hold:
        return "nothing was held"
    if take.status == Status.COMPLETED:
        earned = _earned(capture)
        return "" if earned == take.charged_micros and not release else f"captured {earned}"
    if capture is not None:
        return "captured"
    return "" if release == take.is_final else ("released" if release else "not released")


def _earned(capture: Transaction | None) -> int | None:
    if capture is None:
        return None
    return sum(entry.amount_micros for entry in capture.entries.all() if entry.account == Account.REVENUE)
