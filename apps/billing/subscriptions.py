"""Changing and renewing plans.

A dearer plan starts at once: what is left of the month paid for the old one is given back by the second, what is left
of it costs the new one's price by the second, both rounded in the payer's favour. A cheaper plan starts when the month
that is paid for ends, so nothing is given back.
"""

import calendar
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from apps.billing import invoices, ledger
from apps.billing.models import Account, Plan, Subscription
from apps.billing.plans import current_plan, default_plan, open_subscription
from apps.workspaces.activity import record
from apps.workspaces.models import Workspace
from studio.errors import StudioError


def for_sale() -> list[Plan]:
    """The plans that members can choose themselves, smallest first, as they are today."""
    codes = ("free", "hobbyist", "creator", "growth", "scale")
    rows = Plan.objects.filter(code__in=codes, valid_from__lte=timezone.localdate()).order_by("valid_from")
    valid = {plan.code: plan for plan in rows}  # the latest of each code comes last
    return [valid.get(code) or current_plan(code) for code in codes]


def month_later(moment: datetime, anchor_day: int) -> datetime:
    """The same time a month on, on the anchor's day or the month's last: 31 January, 28 February, 31 March."""
    year, month = (moment.year + 1, 1) if moment.month == 12 else (moment.year, moment.month + 1)
    return moment.replace(year=year, month=month, day=min(anchor_day, calendar.monthrange(year, month)[1]))


@dataclass(frozen=True)
class Terms:
    """What a change of plan means: from when, what is given back and charged now, in micro-dollars, until when."""

    starts_at: datetime
    given_back: int = 0
    charged: int = 0
    until: datetime | None = None

    @property
    def now_micros(self) -> int:
        return self.charged - self.given_back


def terms(*, current: Subscription | None, wanted: Subscription, now: datetime) -> Terms:
    """The terms of going from one subscription to another; nothing is changed."""
    if current is None or not current.period_start or not current.period_end or current.period_end <= now:
        until = month_later(now, now.day) if wanted.monthly_micros else None
        return Terms(now, charged=wanted.monthly_micros, until=until)
    if wanted.monthly_micros < current.monthly_micros:
        return Terms(current.period_end)
    part, whole = _us(current.period_end - now), _us(current.period_end - current.period_start)
    back = -(-current.monthly_micros * part // whole)
    return Terms(now, back, wanted.monthly_micros * part // whole, current.period_end)


@transaction.atomic
def change_plan(*, workspace: Workspace, plan: Plan, extra_seats: int = 0, now: datetime | None = None) -> Subscription:
    """Put a workspace on another plan, or plan it for the end of the paid month.

    Raises ``StudioError`` where nothing would change, or for seats that the plan does not sell.
    """
    now = now or timezone.now()
    workspace = Workspace.objects.select_for_update().get(pk=workspace.pk)
    if extra_seats and plan.extra_seat_cents is None:
        raise StudioError("plan_feature_unavailable", f"The {plan.name} plan sells no seats.", "Choose a larger one.")
    current = open_subscription(workspace)
    wanted = Subscription(workspace=workspace, plan=plan, extra_seats=extra_seats)
    if current is not None and (current.plan_id, current.extra_seats) == (plan.pk, extra_seats):
        if current.next_plan is None:
            raise StudioError("plan_unchanged", f"The workspace is on {plan.name} already.", "Choose another plan.")
        current.next_plan = None
        current.save(update_fields=["next_plan"])
        return current
    if current is None and plan == default_plan():
        raise StudioError("plan_unchanged", f"The workspace is on {plan.name} already.", "Choose another plan.")
    meant = terms(current=current, wanted=wanted, now=now)
    if current is not None and meant.starts_at > now:
        current.next_plan, current.next_seats = plan, extra_seats
        current.save(update_fields=["next_plan", "next_seats"])
        return current
    return _start(wanted, current, meant)


def _start(wanted: Subscription, current: Subscription | None, meant: Terms) -> Subscription:
    """End the current subscription and begin the wanted one in the rest of its month, or with a month of its own."""
    now = wanted.started_at = meant.starts_at
    rest = ""
    if meant.until:
        wanted.period_start, wanted.period_end, wanted.anchor_day = now, meant.until, now.day
    if current is not None:
        if current.period_end == meant.until and meant.until:
            wanted.period_start, wanted.anchor_day, rest = current.period_start, current.anchor_day, ", rest of it"
        if meant.given_back:
            ledger.charge(
                workspace=current.workspace,
                micros=-meant.given_back,
                key=f"unused:{current.pk}",
                memo=f"{current.plan.name}, unused rest of the month",
                to=Account.FEES,
            )
        current.ended_at = now
        current.save(update_fields=["ended_at"])
    wanted.save()
    if meant.charged:
        _charge_month(wanted, meant.charged, now, rest)
        invoices.issue(workspace=wanted.workspace, now=now)
    return wanted


def _charge_month(subscription: Subscription, micros: int, start: datetime, rest: str = "") -> None:
    more = subscription.extra_seats
    seats = f" with {more} more seat{'' if more == 1 else 's'}" if more else ""
    ledger.charge(
        workspace=subscription.workspace,
        micros=micros,
        key=f"fee:{subscription.pk}:{start:%Y-%m-%dT%H:%M:%S}",
        memo=f"{subscription.plan.name}{seats}, from {start:%-d %B %Y}{rest}",
        to=Account.FEES,
    )


def _us(delta: timedelta) -> int:
    """Whole microseconds, so that shares of a month are exact."""
    return round(delta.total_seconds() * 1_000_000)


def renew_due(now: datetime | None = None) -> int:
    """Begin the next month of every subscription whose month is over; returns how many. Run twice, it does it once.

    Those that a payment provider renews are left to it.
    """
    now = now or timezone.now()
    due = Subscription.objects.filter(ended_at=None, period_end__lte=now, provider_ref="")
    ids = list(due.values_list("pk", flat=True))
    for pk in ids:
        with transaction.atomic():
            _renew(pk, now)
    return len(ids)


def _renew(pk: int, now: datetime) -> None:
    """Month by month until the present one, on one invoice: a studio that was off for long misses none."""
    workspace_id = Subscription.objects.values_list("workspace", flat=True).get(pk=pk)
    workspace = Workspace.objects.select_for_update().get(pk=workspace_id)
    one = open_subscription(workspace)
    charged = False
    while one is not None and one.period_end is not None and one.period_end <= now:
        start = one.period_end
        plan = one.next_plan or current_plan(one.plan.code)
        seats = one.next_seats if one.next_plan else one.extra_seats
        if workspace.closed_at is not None and workspace.closed_at <= start:
            plan, seats = default_plan(), 0  # nobody is in there any more to use the plan, or to end it
        if (plan.pk, seats) != (one.plan_id, one.extra_seats):
            one.ended_at = start
            one.save(update_fields=["ended_at"])
            one = Subscription(
                workspace=workspace, plan=plan, extra_seats=seats, started_at=start, anchor_day=one.anchor_day
            )
            record("plan.changed", workspace=workspace, subject=plan.name)
        if not one.monthly_micros:
            one.period_start = one.period_end = None
            one.save()
            break
        one.period_start, one.period_end = start, month_later(start, one.anchor_day)
        one.next_plan = None
        one.save()
        if settings.BILLING:  # months that pass while it is off cost nothing
            _charge_month(one, one.monthly_micros, start)
            charged = True
    if charged:
        invoices.issue(workspace=workspace, now=now)
