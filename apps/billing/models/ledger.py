"""The books. Money is integer micro-dollars; balances are sums of entries, never stored."""

import uuid

from django.db import models
from django.utils import timezone


class Account(models.TextChoices):
    """Where money lies. Each transaction's entries add up to zero over these.

    Money enters from CASH or GIVEN, which therefore go below zero by what was paid in or given.
    """

    BALANCE = "balance", "Balance of the workspace (negative: owed)"
    HELD = "held", "Held for running generations"
    REVENUE = "revenue", "Earned by usage"
    FEES = "fees", "Earned by plans and seats"
    TAX = "tax", "Collected for the tax office"
    CASH = "cash", "Paid in"
    GIVEN = "given", "Given away: credits and adjustments"


class TransactionKind(models.TextChoices):
    HOLD = "hold", "Hold"
    CAPTURE = "capture", "Capture"
    RELEASE = "release", "Release"
    CHARGE = "charge", "Charge"
    CREDIT = "credit", "Credit"
    PAYMENT = "payment", "Payment"
    REFUND = "refund", "Refund"
    ADJUSTMENT = "adjustment", "Adjustment"


class Transaction(models.Model):
    """One movement of money. Append-only; the idempotency key makes a second try a no-op."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    workspace = models.ForeignKey("workspaces.Workspace", on_delete=models.PROTECT, related_name="transactions")
    kind = models.CharField(max_length=10, choices=TransactionKind)
    subject = models.UUIDField(null=True, db_index=True, help_text="the generation or invoice it is about")
    idempotency_key = models.CharField(max_length=120, unique=True)
    memo = models.CharField(max_length=200, blank=True)
    detail = models.JSONField(default=dict, blank=True, help_text="what an invoice says of it: model, project, seconds")
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        indexes = [
            models.Index(fields=["workspace", "-created_at"], name="transactions_of_workspace"),
            models.Index(fields=["kind", "created_at"], name="transactions_of_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.idempotency_key}"


class Entry(models.Model):
    """One side of a transaction. Workspace and time repeat the transaction's, so that sums read one index only."""

    transaction = models.ForeignKey(Transaction, on_delete=models.PROTECT, related_name="entries")
    workspace = models.ForeignKey("workspaces.Workspace", on_delete=models.PROTECT, related_name="+", db_index=False)
    account = models.CharField(max_length=10, choices=Account)
    amount_micros = models.BigIntegerField(help_text="micro-dollars; the entries of a transaction add up to zero")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        # The amount is the last key, so that a sum is read from the index alone on both databases.
        indexes = [
            models.Index(fields=["workspace", "account", "created_at", "amount_micros"], name="entries_of_workspace"),
            models.Index(fields=["account", "created_at", "amount_micros"], name="entries_of_account"),
        ]

    def __str__(self) -> str:
        return f"{self.account} {self.amount_micros}"
