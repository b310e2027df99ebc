"""Invoices and what providers of payments told us."""

import uuid

from django.db import models
from django.utils import timezone


class InvoiceStatus(models.TextChoices):
    OPEN = "open", "Open"
    PAID = "paid", "Paid"


class InvoiceQuerySet(models.QuerySet["Invoice"]):
    def open(self) -> "InvoiceQuerySet":
        return self.filter(status=InvoiceStatus.OPEN)

    def stopping_work(self) -> "InvoiceQuerySet":
        """Open and past their day, or with a payment that failed."""
        late = models.Q(due_at__lt=timezone.now()) | models.Q(failed_at__isnull=False)
        return self.open().filter(late)


class InvoiceSeries(models.Model):
    """The last number given under a prefix. Its row is locked while an invoice is written, so no number is missing."""

    prefix = models.CharField(max_length=12, unique=True)
    last_number = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.prefix}-{self.last_number:06d}"


class Invoice(models.Model):
    """One invoice, never changed after it was issued but for its payment. Names and tax are kept as they were then."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    workspace = models.ForeignKey("workspaces.Workspace", on_delete=models.PROTECT, related_name="invoices")
    number = models.CharField(max_length=30, unique=True)
    subject = models.CharField(max_length=80, help_text="what it is for, in two or three words")
    status = models.CharField(max_length=5, choices=InvoiceStatus, default=InvoiceStatus.OPEN, db_index=True)
    issued_at = models.DateTimeField(default=timezone.now, db_index=True)
    due_at = models.DateTimeField()
    period_start = models.DateTimeField()
    period_end = models.DateTimeField()
    net_cents = models.BigIntegerField()
    tax_permille = models.PositiveIntegerField(default=0)
    tax_cents = models.BigIntegerField(default=0)
    total_cents = models.BigIntegerField()
    applied_cents = models.BigIntegerField(default=0, help_text="paid in part, or taken from credit")
    tax_note = models.CharField(max_length=200, blank=True)
    issuer = models.JSONField(help_text="name, address, country and VAT number of who issued it")
    buyer = models.JSONField(help_text="name, address, country and VAT number of who pays it")
    paid_at = models.DateTimeField(null=True)
    told_at = models.DateTimeField(null=True, help_text="when its payment was asked for and its mail was sent")
    failed_at = models.DateTimeField(null=True, help_text="when a payment of it failed last")
    failure = models.CharField(max_length=200, blank=True)
    payment_ref = models.CharField(max_length=120, blank=True, help_text="the provider's payment, or what staff noted")

    objects = InvoiceQuerySet.as_manager()

    class Meta:
        ordering = ["-issued_at", "-number"]
        indexes = [models.Index(fields=["workspace", "status", "-issued_at"], name="invoices_of_workspace")]

    def __str__(self) -> str:
        return self.number

    @property
    def due_cents(self) -> int:
        """What is to be paid beside the credit it took; ``applied_cents`` below zero is owed from before."""
        return self.total_cents - self.applied_cents

    @property
    def is_late(self) -> bool:
        return self.status == InvoiceStatus.OPEN and (self.failed_at is not None or self.due_at < timezone.now())


class InvoiceLine(models.Model):
    """One line: a model in a project, a plan's month, a refund."""

    invoice = models.ForeignKey(Invoice, on_delete=models.CASCADE, related_name="lines")
    position = models.PositiveSmallIntegerField()
    text = models.CharField(max_length=200)
    project = models.CharField(max_length=120, blank=True)
    takes = models.PositiveIntegerField(default=0)
    frames = models.BigIntegerField(null=True, help_text="at 25 fps; empty: not by the frame")
    amount_micros = models.BigIntegerField()

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["invoice", "position"], name="one_invoice_line_per_position")]

    def __str__(self) -> str:
        return self.text


class InvoiceItem(models.Model):
    """Puts a transaction on an invoice; one-to-one, so that nothing is invoiced twice."""

    transaction = models.OneToOneField("billing.Transaction", on_delete=models.PROTECT, related_name="invoice_item")
    invoice = models.ForeignKey(Invoice, on_delete=models.CASCADE, related_name="items")

    def __str__(self) -> str:
        return f"{self.transaction_id} on {self.invoice_id}"


class ProviderEvent(models.Model):
    """A message of a payment provider that was worked off; the second copy of it finds this row."""

    provider = models.CharField(max_length=20)
    event_id = models.CharField(max_length=120)
    kind = models.CharField(max_length=80)
    made_at = models.DateTimeField(help_text="when the provider wrote it; messages may come out of order")
    outcome = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["provider", "event_id"], name="one_row_per_provider_event")]

    def __str__(self) -> str:
        return f"{self.kind} {self.event_id}"
