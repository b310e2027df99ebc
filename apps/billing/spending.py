"""Whether a workspace may spend: pause, unpaid invoices, the monthly cap, credit; and the alerts on the way to the cap.

Spent in a month is what was earned by usage since its first day (UTC) and what is held at the moment. A hold of last
month counts to the month in which it is captured, so that the cap of no month can be passed by it.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Case, OuterRef, Q, Subquery, Sum, Value, When
from django.utils import timezone

from apps.billing import ledger
from apps.billing.later import later
from apps.billing.models import Account, BillingProfile, Entry, Invoice, Plan, SpendAlert
from apps.billing.tax import tax_for
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
    standing = _standing(workspace, plan)
    if standing.paused_at:
        reason = f" Reason: {standing.pause_reason}" if standing.pause_reason else ""
        return [
            StudioError("account_on_hold", f"New work is stopped for this workspace.{reason}", ASK, status=403),
        ]
    if not settings.BILLING:
        return []
    if standing.late is not None:
        late = Invoice.objects.get(pk=standing.late)
        message = f"Invoice {late.number} over {cents(late.due_cents)} is not paid. Nothing was started."
        return [StudioError("account_payment_required", message, "Pay it on the billing page.", status=402)]
    if micros <= 0:
        return []
    return _cap_refusal(standing, micros) or _credit_refusal(workspace, standing, plan, micros, take)


@dataclass(frozen=True)
class Standing:
    """How a workspace stands: a pause, its oldest invoice that stops work, the month against its cap, its credit."""

    paused_at: datetime | None
    pause_reason: str
    late: Any
    spend: Spend
    credit: int


def _standing(workspace: Workspace, plan: Plan) -> Standing:
    """All of it in one query, since every page with a price asks for it; sums that nobody needs are not made."""
    rows = Workspace.objects.filter(pk=workspace.pk)
    names = {"billing__paused_at", "billing__pause_reason", "billing__cap_micros"}
    if settings.BILLING:
        late = Invoice.objects.filter(workspace=OuterRef("pk")).stopping_work().order_by("issued_at")
        capped = Q(billing__cap_micros__isnull=False)
        rows = rows.annotate(
            late=Subquery(late.values("pk")[:1]),
            earned=Case(When(capped, then=_sum(Account.REVENUE, created_at__gte=month_start()))),
            held=Case(When(capped, then=_sum(Account.HELD))),
            credit=_sum(Account.BALANCE) if plan.prepaid else Value(0),
        )
        names |= {"late", "earned", "held", "credit"}
    row = rows.values(*names).get()
    return Standing(
        paused_at=row["billing__paused_at"],
        pause_reason=row["billing__pause_reason"] or "",
        late=row.get("late"),
        spend=Spend(row.get("earned") or 0, row.get("held") or 0, row["billing__cap_micros"]),
        credit=row.get("credit") or 0,
    )


def _sum(account: Account, **conditions: Any) -> Subquery:
    """Micro-dollars in an account of the workspace of the outer query; NULL where nothing has moved it."""
    entries = Entry.objects.filter(workspace=OuterRef("pk"), account=account, **conditions)
    return Subquery(entries.order_by().values("workspace").annotate(total=Sum("amount_micros")).values("total"))


def _cap_refusal(standing: Standing, micros: int) -> list[StudioError]:
    spend = standing.spend
    if spend.cap is None or spend.total + micros <= spend.cap:
        return []
    message = (
        f"This would pass your monthly cap: {dollars(micros)} on top of {dollars(spend.total)} is more than "
        f"{dollars(spend.cap)}. Nothing was started."
    )
    return [StudioError(CAP_REACHED, message, "Raise the cap on the billing page, or wait for next month.", status=402)]


def _credit_refusal(workspace: Workspace, standing: Standing, plan: Plan, micros: int, take: bool) -> list[StudioError]:
    """A prepaid plan spends what was paid before and nothing else: the tax that invoices add is paid from it, too."""
    if not plan.prepaid:
        return []
    permille = tax_for(profile_of(workspace)).permille if settings.TAX_PERMILLE else 0
    cost = micros + _taxed(micros, permille)
    coming = _taxed(_not_invoiced(workspace), permille) if permille else 0
    credit = standing.credit - coming
    if credit >= cost:
        return []
    message = f"This costs {exact_dollars(cost)}{' with tax' if permille else ''}, and the credit is "
    message += f"{exact_dollars(max(0, credit))}{' after the tax on what was used' if coming else ''}."
    included = take and plan.included_takes
    if included:
        message = f"The {plan.included_takes} free takes of this month are used. {message}"
    code = "free_tier_generations_exhausted" if included else "account_payment_required"
    return [StudioError(code, message, "Add credit, or choose a plan on the billing page.", status=402)]


def _taxed(micros: int, permille: int) -> int:
    """The tax on an amount, rounded up."""
    return -(-max(0, micros) * permille // 1000)


def _not_invoiced(workspace: Workspace) -> int:
    """Micro-dollars that are held, or charged and on no invoice yet."""
    charged = Q(account__in=(Account.REVENUE, Account.FEES), transaction__invoice_item=None)
    entries = Entry.objects.filter(charged | Q(account=Account.HELD), workspace=workspace)
    return entries.aggregate(total=Sum("amount_micros"))["total"] or 0


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
