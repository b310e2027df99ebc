"""Proof that the books balance, by reading all of them."""

from django.db.models import Count, Sum

from apps.billing.models import Account, Entry, Transaction, TransactionKind


def unbalanced() -> list[str]:
    """Transactions whose entries do not add up to zero, or that have none."""
    totals = Transaction.objects.annotate(total=Sum("entries__amount_micros"), count=Count("entries"))
    return [f"{row} has no entries" for row in totals.filter(count=0)] + [
        f"{row} adds up to {row.total}" for row in totals.exclude(total=0).exclude(count=0)
    ]


def wrong_holds() -> list[str]:
    """Holds that were settled twice or settled for another amount, and earnings that are negative."""
    found: list[str] = []
    per_subject = (
        Entry.objects.filter(account=Account.HELD)
        .values("transaction__subject")
        .annotate(left=Sum("amount_micros"), count=Count("id"))
    )
    for row in per_subject:
        if row["count"] > 2:
            found.append(f"{row['transaction__subject']} moved its hold {row['count']} times")
        if row["count"] == 2 and row["left"]:
            found.append(f"{row['transaction__subject']} is settled, but {row['left']} micro-dollars are still held")
    negative = Entry.objects.filter(
        account=Account.REVENUE, transaction__kind=TransactionKind.CAPTURE, amount_micros__lt=0
    )
    found += [f"{entry.transaction} earned {entry.amount_micros}" for entry in negative.select_related("transaction")]
    return found
