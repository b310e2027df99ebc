"""Invoices: what is owed is written down, numbered without gaps, and paid from credit first.

Rounding, in the payer's favour: lines are exact micro-dollars, their sum is rounded down to a whole cent, and the rest
of less than a cent is given away as an adjustment. Tax is a share of that sum, rounded half up to a cent.

How much credit is free, for a settled balance S (balance and holds), open invoices that still want D, and charges of C
on no invoice yet: S + C + D. It is what was paid and given beyond everything that has been invoiced.
"""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet, Sum
from django.utils import timezone

from apps.billing import ledger, tax
from apps.billing.later import later
from apps.billing.models import (
    Account,
    Entry,
    Invoice,
    InvoiceItem,
    InvoiceLine,
    InvoiceSeries,
    InvoiceStatus,
    Transaction,
    TransactionKind,
)
from apps.billing.spending import month_start, profile_of
from apps.workspaces.activity import record
from apps.workspaces.models import Workspace

MICROS = 10_000  # in a cent
CHARGED = (Account.REVENUE, Account.FEES)


def open_entries(workspace: Workspace | None = None) -> QuerySet[Entry]:
    """What was charged, or given back of it, and stands on no invoice yet."""
    entries = Entry.objects.filter(account__in=CHARGED, transaction__invoice_item=None).exclude(amount_micros=0)
    return entries if workspace is None else entries.filter(workspace=workspace)


def uninvoiced(workspace: Workspace) -> int:
    """Micro-dollars charged and on no invoice yet."""
    return open_entries(workspace).aggregate(total=Sum("amount_micros"))["total"] or 0


def open_due(workspace: Workspace) -> int:
    """Micro-dollars that open invoices still want."""
    due = Invoice.objects.filter(workspace=workspace).open().aggregate(due=Sum(F("total_cents") - F("applied_cents")))
    return (due["due"] or 0) * MICROS


def settled(workspace: Workspace, sums: Mapping[str, int] | None = None) -> int:
    """Balance as if nothing ran: below zero it is owed, invoiced or not. ``sums`` are the balances, where at hand."""
    sums = sums or ledger.balances(workspace)
    return sums[Account.BALANCE] + sums[Account.HELD]


def next_amount(workspace: Workspace, sums: Mapping[str, int] | None = None) -> int:
    """Micro-dollars the next invoice would want: owed and not on an open invoice."""
    return max(0, -settled(workspace, sums) - open_due(workspace))


@transaction.atomic
def issue(
    *, workspace: Workspace, only: Transaction | None = None, ref: str = "", now: datetime | None = None
) -> Invoice | None:
    """Put everything that is on no invoice on one, or one transaction alone; None where there is nothing to ask for.

    ``ref`` is the bill of a provider that collects this one by itself.
    """
    now = now or timezone.now()
    Workspace.objects.select_for_update().get(pk=workspace.pk)
    wanted = open_entries(workspace).select_related("transaction").order_by("created_at", "pk")
    entries = list(wanted.filter(transaction=only) if only else wanted)
    micros = sum(entry.amount_micros for entry in entries)
    if micros <= 0:
        return None  # what was given back is set against the next charges
    profile = profile_of(workspace)
    share = tax.tax_for(profile)
    net = micros // MICROS
    tax_cents = (net * share.permille + 500) // 1000
    invoice = Invoice.objects.create(
        workspace=workspace,
        number=_next_number(),
        subject=_subject(entries),
        payment_ref=ref,
        issued_at=now,
        due_at=now + timedelta(days=settings.INVOICE_DAYS),
        period_start=entries[0].created_at,
        period_end=entries[-1].created_at,
        net_cents=net,
        tax_permille=share.permille,
        tax_cents=tax_cents,
        total_cents=net + tax_cents,
        tax_note=share.note,
        issuer=tax.issuer(),
        buyer=tax.buyer(profile),
    )
    InvoiceItem.objects.bulk_create(
        [InvoiceItem(transaction=entry.transaction, invoice=invoice) for entry in entries], batch_size=1000
    )
    InvoiceLine.objects.bulk_create(_lines(invoice, entries))
    _book_tax_and_rest(invoice, rest=micros - net * MICROS)
    record("billing.invoiced", workspace=workspace, subject=invoice.number)
    _take_credit(invoice)
    _tell(invoice)
    return invoice


def _book_tax_and_rest(invoice: Invoice, *, rest: int) -> None:
    number = f"Invoice {invoice.number}"
    if rest:
        ledger.adjustment(
            workspace=invoice.workspace,
            micros=rest,
            key=f"rounding:{invoice.pk}",
            memo=f"{number}: less than a cent",
            subject=invoice.pk,
        )
    if invoice.tax_cents:
        ledger.charge(
            workspace=invoice.workspace,
            micros=invoice.tax_cents * MICROS,
            key=f"tax:{invoice.pk}",
            memo=f"{number}: tax",
            to=Account.TAX,
            subject=invoice.pk,
        )


def _take_credit(invoice: Invoice) -> None:
    """Pay from credit what it covers; an invoice that it covers wholly is paid. What is owed beyond all invoices, as
    after a bank took a payment back, is asked for with it, but on the bill of a provider, which has its own sum.
    """
    others = open_due(invoice.workspace) - invoice.due_cents * MICROS
    free = settled(invoice.workspace) + invoice.total_cents * MICROS + others
    invoice.applied_cents = min(invoice.total_cents, max(0, free // MICROS))
    if free < 0 and not invoice.payment_ref:
        invoice.applied_cents = -(-free // MICROS)
    if not invoice.due_cents:
        invoice.status, invoice.paid_at = InvoiceStatus.PAID, invoice.issued_at
    invoice.save(update_fields=["applied_cents", "status", "paid_at"])


@transaction.atomic
def pay(*, invoice: Invoice, cents: int, key: str, ref: str, memo: str) -> Invoice:
    """Book a payment for an invoice. Called twice with a key it books once; what is too much becomes credit."""
    Workspace.objects.select_for_update().get(pk=invoice.workspace_id)
    new = not Transaction.objects.filter(idempotency_key=key).exists()
    ledger.payment(workspace=invoice.workspace, micros=cents * MICROS, key=key, memo=memo, subject=invoice.pk)
    invoice.refresh_from_db()
    if new and invoice.status == InvoiceStatus.OPEN:
        if cents >= invoice.due_cents:
            _mark_paid(invoice, ref=ref)
        else:
            invoice.applied_cents += cents  # a part of it
            invoice.save(update_fields=["applied_cents"])
    settle_from_credit(invoice.workspace)
    invoice.refresh_from_db()
    return invoice


@transaction.atomic
def settle_from_credit(workspace: Workspace) -> list[Invoice]:
    """Pay open invoices, oldest first, from credit that is free. Called after a credit or a payment."""
    Workspace.objects.select_for_update().get(pk=workspace.pk)
    free = settled(workspace) + uninvoiced(workspace) + open_due(workspace)
    paid = []
    for invoice in Invoice.objects.filter(workspace=workspace).open().order_by("issued_at", "number"):
        if free < invoice.due_cents * MICROS:
            break
        free -= invoice.due_cents * MICROS
        invoice.applied_cents = invoice.total_cents
        invoice.save(update_fields=["applied_cents"])
        _mark_paid(invoice, ref="credit")
        paid.append(invoice)
    return paid


@transaction.atomic
def note_failure(invoice: Invoice, reason: str) -> bool:
    """Note that a payment failed, which stops new work; False where the invoice is paid by now."""
    Workspace.objects.select_for_update().get(pk=invoice.workspace_id)  # first, as whoever pays it does
    open_ones = Invoice.objects.filter(pk=invoice.pk).open()
    noted = open_ones.update(failed_at=timezone.now(), failure=reason[:200]) == 1
    if noted:
        record("billing.refused", workspace=invoice.workspace, subject=invoice.number)
    return noted


def is_due(workspace: Workspace, auto_invoice_cents: int | None) -> bool:
    """Whether the next invoice has reached the plan's threshold."""
    return auto_invoice_cents is not None and next_amount(workspace) >= auto_invoice_cents * MICROS


def workspaces_with_usage_of_last_month() -> list[Any]:
    """Ids of workspaces that still have charges of an earlier month on no invoice."""
    old = open_entries().filter(created_at__lt=month_start())
    return list(old.values_list("workspace", flat=True).distinct())


def _mark_paid(invoice: Invoice, *, ref: str) -> None:
    invoice.status, invoice.paid_at, invoice.payment_ref = InvoiceStatus.PAID, timezone.now(), ref
    invoice.failed_at, invoice.failure = None, ""
    invoice.save(update_fields=["status", "paid_at", "payment_ref", "failed_at", "failure"])
    record("billing.paid", workspace=invoice.workspace, subject=invoice.number)


def _next_number() -> str:
    """The row of the series stays locked until the invoice is committed; a rollback takes the number back."""
    InvoiceSeries.objects.get_or_create(prefix=settings.INVOICE_PREFIX)
    series = InvoiceSeries.objects.select_for_update().get(prefix=settings.INVOICE_PREFIX)
    series.last_number += 1
    series.save(update_fields=["last_number"])
    return f"{series.prefix}-{series.last_number:06d}"


def _subject(entries: list[Entry]) -> str:
    fees = any(entry.account == Account.FEES for entry in entries)
    usage = any(entry.account == Account.REVENUE for entry in entries)
    return "Plan and usage" if fees and usage else "Plan" if fees else "Usage"


def _lines(invoice: Invoice, entries: list[Entry]) -> list[InvoiceLine]:
    """One line per model and project for takes, one per project for spoken text, one per kind of other usage.

    Fees and refunds stand each on their own.
    """
    groups: dict[tuple[str, str], list[Entry]] = defaultdict(list)
    lines: list[InvoiceLine] = []
    for entry in entries:
        movement = entry.transaction
        text = movement.memo or movement.get_kind_display()
        if movement.kind == TransactionKind.CAPTURE:
            what = movement.detail.get("model") or movement.detail.get("what") or "Lipsync"
            groups[what, movement.detail.get("project", "")].append(entry)
        elif movement.kind == TransactionKind.CHARGE and entry.account == Account.REVENUE:
            groups[text, ""].append(entry)
        else:
            lines.append(InvoiceLine(invoice=invoice, text=text, amount_micros=entry.amount_micros))
    lines += [_group_line(invoice, *key, group) for key, group in sorted(groups.items())]
    for position, line in enumerate(lines, 1):
        line.position = position
    return lines


def _group_line(invoice: Invoice, text: str, project: str, group: list[Entry]) -> InvoiceLine:
    details = [entry.transaction.detail for entry in group]
    takes = [detail for detail in details if "frames" in detail]
    characters = sum(detail.get("characters", 0) for detail in details)
    return InvoiceLine(
        invoice=invoice,
        text=f"{text}, {characters:,} characters" if characters else text,
        project=project[:120],
        takes=len(takes),
        frames=sum(detail["frames"] for detail in takes) if takes else None,
        amount_micros=sum(entry.amount_micros for entry in group),
    )


def _tell(invoice: Invoice) -> None:
    """The payment is collected and the mail written in a task, once the invoice is safely there."""
    later("billing.invoice_issued", str(invoice.pk))
