"""What a workspace may do, since when, and what is special about its bill."""

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
    extra_seat_cents = models.PositiveIntegerField(null=True, help_text="a month for one more seat; empty: not sold")
    discount_permille = models.PositiveIntegerField(default=0, help_text="off list prices, in thousandths")
    watermark = models.BooleanField(default=False)
    batch = models.BooleanField(default=False)
    voice_clones = models.PositiveIntegerField(null=True, help_text="empty: no limit")
    speech_micros = models.PositiveIntegerField(default=0, help_text="micro-dollars for 1,000 spoken characters")
    storage_micros = models.PositiveIntegerField(default=0, help_text="micro-dollars for a gigabyte kept for a month")
    api_creates = models.PositiveIntegerField(null=True, help_text="a minute for each key; empty: the studio's limit")
    api_requests = models.PositiveIntegerField(null=True, help_text="others a minute; empty: the studio's limit")
    included_takes = models.PositiveIntegerField(default=0, help_text="takes a month that cost nothing")
    prepaid = models.BooleanField(default=False, help_text="work needs credit that was paid before")
    auto_invoice_cents = models.PositiveIntegerField(
        null=True, help_text="usage is invoiced when it reaches this; empty: once a month"
    )
    order = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["order", "-valid_from"]
        constraints = [models.UniqueConstraint(fields=["code", "valid_from"], name="one_plan_row_per_date")]

    def __str__(self) -> str:
        return self.name

    @property
    def monthly_micros(self) -> int:
        return self.monthly_cents * 10_000

    @property
    def discount_percent(self) -> str:
        """``5`` or ``7.5``, for reading."""
        return f"{self.discount_permille / 10:g}"


class Subscription(models.Model):
    """Which plan a workspace is on, from when until when; at most one is open.

    A plan that costs money is paid for a month ahead: from ``period_start`` to ``period_end``, when ``next_plan``
    (empty: the same) takes over.
    """

    workspace = models.ForeignKey("workspaces.Workspace", on_delete=models.CASCADE, related_name="subscriptions")
    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="subscriptions")
    extra_seats = models.PositiveSmallIntegerField(default=0)
    started_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)
    anchor_day = models.PositiveSmallIntegerField(default=1, help_text="day of the month on which it renews")
    period_start = models.DateTimeField(null=True)
    period_end = models.DateTimeField(null=True, db_index=True)
    next_plan = models.ForeignKey(Plan, on_delete=models.PROTECT, null=True, related_name="+")
    next_seats = models.PositiveSmallIntegerField(default=0, help_text="extra seats under ``next_plan``")
    provider_ref = models.CharField(max_length=120, blank=True, help_text="the provider's subscription that renews it")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["workspace"], condition=models.Q(ended_at=None), name="one_open_subscription"
            )
        ]

    def __str__(self) -> str:
        return f"{self.workspace} on {self.plan}"

    @property
    def monthly_micros(self) -> int:
        """Fee of a whole month with the extra seats."""
        return self.plan.monthly_micros + self.extra_seats * (self.plan.extra_seat_cents or 0) * 10_000


class BillingProfile(models.Model):
    """What is special about a workspace's bill: its cap, a pause, the name and tax number on invoices."""

    workspace = models.OneToOneField("workspaces.Workspace", on_delete=models.CASCADE, related_name="billing")
    cap_micros = models.BigIntegerField(null=True, help_text="most to spend in a calendar month; empty: no cap")
    paused_at = models.DateTimeField(null=True, help_text="since when staff let no new work start")
    pause_reason = models.CharField(max_length=300, blank=True)
    legal_name = models.CharField(max_length=200, blank=True)
    address = models.TextField(max_length=500, blank=True)
    country = models.CharField(max_length=2, blank=True, help_text="ISO 3166 code in capitals")
    vat_id = models.CharField(max_length=30, blank=True)
    billing_email = models.EmailField(blank=True, help_text="gets invoices and alerts beside the owners")
    customer_ref = models.CharField(max_length=120, blank=True, db_index=True, help_text="the provider's customer")
    payment_method = models.CharField(max_length=80, blank=True, help_text="as shown, like “Visa ending in 4242”")

    def __str__(self) -> str:
        return f"Bill of {self.workspace}"


class SpendAlert(models.Model):
    """A share of the month's cap that was reached, told once."""

    workspace = models.ForeignKey("workspaces.Workspace", on_delete=models.CASCADE, related_name="spend_alerts")
    month = models.DateField(help_text="its first day")
    percent = models.PositiveSmallIntegerField()
    cap_micros = models.BigIntegerField(help_text="the cap it was a share of")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["workspace", "month", "percent", "cap_micros"], name="one_alert_per_share")
        ]

    def __str__(self) -> str:
        return f"{self.percent} % of the cap in {self.month:%B %Y}"
