"""Proof that the books balance, by reading all of them."""

from django.db.models import Count, F, Sum

from apps.billing.models import Account, Entry, Invoice, InvoiceStatus, Transaction, TransactionKind


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


def wrong_invoices() -> list[str]:
    """Invoices whose lines are not what was charged, or that ask for too little or too much."""
    found = []
    lines = Invoice.objects.annotate(lines_sum=Sum("lines__amount_micros"))
    for invoice in lines.iterator(chunk_size=1000):
        if not 0 <= (invoice.lines_sum or 0) - invoice.net_cents * 10_000 < 10_000:
            found.append(f"invoice {invoice} has lines of {invoice.lines_sum} micro-dollars")
        if invoice.net_cents + invoice.tax_cents != invoice.total_cents or not invoice.due_cents >= 0:
            found.append(f"invoice {invoice} does not add up")
        if invoice.status == InvoiceStatus.OPEN and not invoice.due_cents:
            found.append(f"invoice {invoice} is open and asks for nothing")
    charged = Entry.objects.filter(
        account__in=(Account.REVENUE, Account.FEES), transaction__invoice_item__invoice__isnull=False
    ).values(number=F("transaction__invoice_item__invoice__number"))
    sums = {row["number"]: row["total"] for row in charged.annotate(total=Sum("amount_micros"))}
    for invoice in lines.iterator(chunk_size=1000):
        if sums.get(invoice.number, 0) != invoice.lines_sum:
            found.append(f"invoice {invoice} stands for charges of {sums.get(invoice.number, 0)} micro-dollars")
    return found


def wrong_copies() -> list[str]:
    """Entries whose workspace or time is not their transaction's."""
    wrong = Entry.objects.exclude(workspace=F("transaction__workspace"), created_at=F("transaction__created_at"))
    return [f"{entry.transaction} has an entry of another workspace or time" for entry in wrong[:100]]
