"""Plans and the ledger. Money is integer micro-dollars; balances are sums of entries, never stored."""

import uuid

from django.db import models
from django.utils import timezone


class Plan(models.Model):
    """What a workspace may do and pays, as of a date. A changed plan is a new row; old rows stay for old bills."""

    code = models.SlugField(max_length=30)
    name = models.CharField(max_length=40)
    valid_from = models.DateField()
    monthly_cents = models.PositiveIntegerField(default=0)
    max_duration_s = models.PositiveIntegerField(null=True, help_text="longest video; empty: no limit")
    max_concurrent = models.PositiveIntegerField(null=True, help_text="generations at once; empty: no limit")
    max_file_bytes = models.BigIntegerField(null=True, help_text="empty: no limit but the studio's own")
    seats = models.PositiveIntegerField(null=True, help_text="empty: no limit")
    discount_permille = models.PositiveIntegerField(default=0, help_text="off list prices, in thousandths")
    watermark = models.BooleanField(default=False)
    batch = models.BooleanField(default=False)
    voice_clones = models.PositiveIntegerField(null=True, help_text="empty: no limit")
    order = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["order", "-valid_from"]
        constraints = [models.UniqueConstraint(fields=["code", "valid_from"], name="one_plan_row_per_date")]

    def __str__(self) -> str:
        return self.name


class Subscription(models.Model):
    """Which plan a workspace is on, from when until when; at most one is open."""

    workspace = models.ForeignKey("workspaces.Workspace", on_delete=models.CASCADE, related_name="subscriptions")
    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="subscriptions")
    started_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["workspace"], condition=models.Q(ended_at=None), name="one_open_subscription"
            )
        ]

    def __str__(self) -> str:
        return f"{self.workspace} on {self.plan}"


class Account(models.TextChoices):
    """Where money lies. Each transaction's entries add up to zero over these."""

    BALANCE = "balance", "Balance of the workspace (negative: owed)"
    HELD = "held", "Held for running generations"
    REVENUE = "revenue", "Earned by the studio"
    CASH = "cash", "Paid in"


class TransactionKind(models.TextChoices):
    HOLD = "hold", "Hold"
    CAPTURE = "capture", "Capture"
    RELEASE = "release", "Release"
    CREDIT = "credit", "Credit"
    PAYMENT = "payment", "Payment"
    REFUND = "refund", "Refund"
    ADJUSTMENT = "adjustment", "Adjustment"


class Transaction(models.Model):
    """One movement of money. Append-only; the idempotency key makes a second try a no-op."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    workspace = models.ForeignKey("workspaces.Workspace", on_delete=models.PROTECT, related_name="transactions")
    kind = models.CharField(max_length=10, choices=TransactionKind)
    subject = models.UUIDField(null=True, db_index=True, help_text="the generation it is about")
    idempotency_key = models.CharField(max_length=120, unique=True)
    memo = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    def __str__(self) -> str:
        return f"{self.kind} {self.idempotency_key}"


class Entry(models.Model):
    """One side of a transaction."""

    transaction = models.ForeignKey(Transaction, on_delete=models.PROTECT, related_name="entries")
    account = models.CharField(max_length=10, choices=Account)
    amount_micros = models.BigIntegerField(help_text="micro-dollars; the entries of a transaction add up to zero")

    class Meta:
        indexes = [models.Index(fields=["account", "transaction"], name="entries_of_account")]

    def __str__(self) -> str:
        return f"{self.account} {self.amount_micros}"
