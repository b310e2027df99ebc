"""Whether a workspace may spend: pause, unpaid invoices, the monthly cap, credit; and the alerts on the way to the cap.

Spent in a month is what was earned by usage since its first day (UTC) and what is held at the moment. A hold of last
month counts to the month in which it is captured, so that the cap of no month can be passed by it.
"""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import Sum
from django.utils import timezone

from apps.billing import ledger
from apps.billing.later import later
from apps.billing.models import Account, BillingProfile, Entry, Invoice, Plan, SpendAlert
from apps.billing.templatetags.money import cents, dollars, exact_dollars
from apps.workspaces.models import Workspace
from studio.errors import StudioError

ALERTS = (50, 80, 100)
CAP_REACHED = "spend_cap_reached"
ASK = "Ask whoever runs the studio."


@dataclass(frozen=True)
class Spend:
    """A month so far, in micro-dollars; ``cap`` is None where there is none."""

    earned: int
    held: int
    cap: int | None

    @property
    def total(self) -> int:
        return self.earned + self.held

    @property
    def percent(self) -> int | None:
        """Share of the cap, rounded down; a cap of zero is reached."""
        if self.cap is None:
            return None
        return 100 if self.cap == 0 else self.total * 100 // self.cap


def profile_of(workspace: Workspace) -> BillingProfile:
    """What is special about the bill of a workspace; nothing is, as long as nobody has written a row."""
    found = BillingProfile.objects.filter(workspace=workspace).first()
    return found or BillingProfile(workspace=workspace)


def month_start(moment: datetime | None = None) -> datetime:
    """The first moment (UTC) of the month of ``moment``, of this month without one."""
    moment = moment or timezone.now()
    return moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def spend_of(workspace: Workspace, profile: BillingProfile | None = None, held: int | None = None) -> Spend:
    """This month of a workspace; profile and held sum are asked for where they are not at hand."""
    entries = Entry.objects.filter(workspace=workspace)
    earned = entries.filter(account=Account.REVENUE, created_at__gte=month_start())
    total = earned.aggregate(total=Sum("amount_micros"))["total"] or 0
    cap = (profile or profile_of(workspace)).cap_micros
    return Spend(total, ledger.balance(workspace, Account.HELD) if held is None else held, cap)


def refusals(workspace: Workspace, plan: Plan, micros: int, *, take: bool = True) -> list[StudioError]:
    """Why work at this price cannot start; empty when it can. Hold the workspace's row, or two may pass together.

    ``take`` is off for what the free takes of a plan do not cover, such as spoken text.
    """
    profile = profile_of(workspace)
    if profile.paused_at:
        reason = f" Reason: {profile.pause_reason}" if profile.pause_reason else ""
        return [
            StudioError("account_on_hold", f"New work is stopped for this workspace.{reason}", ASK, status=403),
        ]
    if not settings.BILLING:
        return []
    late = Invoice.objects.filter(workspace=workspace).stopping_work().order_by("issued_at").first()
    if late is not None:
        message = f"Invoice {late.number} over {cents(late.due_cents)} is not paid. Nothing was started."
        return [StudioError("account_payment_required", message, "Pay it on the billing page.", status=402)]
    if micros <= 0:
        return []
    return _cap_refusal(workspace, profile, micros) or _credit_refusal(workspace, plan, micros, take)


def _cap_refusal(workspace: Workspace, profile: BillingProfile, micros: int) -> list[StudioError]:
    if profile.cap_micros is None:
        return []
    spend = spend_of(workspace, profile)
    if spend.total + micros <= profile.cap_micros:
        return []
    message = (
        f"This would pass your monthly cap: {dollars(micros)} on top of {dollars(spend.total)} is more than "
        f"{dollars(profile.cap_micros)}. Nothing was started."
    )
    return [StudioError(CAP_REACHED, message, "Raise the cap on the billing page, or wait for next month.", status=402)]


def _credit_refusal(workspace: Workspace, plan: Plan, micros: int, take: bool) -> list[StudioError]:
    """A prepaid plan spends what was paid before and nothing else."""
    if not plan.prepaid:
        return []
    credit = ledger.balance(workspace)
    if credit >= micros:
        return []
    message = f"This costs {exact_dollars(micros)}, and the credit is {exact_dollars(max(0, credit))}."
    included = take and plan.included_takes
    if included:
        message = f"The {plan.included_takes} free takes of this month are used. {message}"
    code = "free_tier_generations_exhausted" if included else "account_payment_required"
    return [StudioError(code, message, "Add credit, or choose a plan on the billing page.", status=402)]


def usage_happened(workspace: Workspace) -> None:
    """After a hold or a capture: alerts and invoices that are due follow on commit, in a task of their own."""
    if settings.BILLING:
        later("billing.after_usage", str(workspace.pk))


def note_alerts(workspace: Workspace) -> list[SpendAlert]:
    """Write down the shares of the cap that are reached and were not told yet, smallest first."""
    spend = spend_of(workspace)
    if spend.cap is None or spend.percent is None:
        return []
    month, new = month_start().date(), []
    for percent in ALERTS:
        if spend.percent >= percent:
            alert, created = SpendAlert.objects.get_or_create(
                workspace=workspace, month=month, percent=percent, cap_micros=spend.cap
            )
            if created:
                new.append(alert)
    return new
