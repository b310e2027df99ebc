"""Plans: changed in the middle of a month, renewed at its end."""

from datetime import UTC, datetime, timedelta

import pytest

from apps.billing import invoices, ledger, proof
from apps.billing.models import Account, Invoice, Subscription
from apps.billing.plans import current_plan, open_subscription, plan_of, seats_of, subscribe
from apps.billing.subscriptions import change_plan, month_later, renew_due
from apps.workspaces.models import Workspace
from studio.errors import StudioError

pytestmark = pytest.mark.django_db
START = datetime(2026, 11, 1, 9, tzinfo=UTC)
MIDDLE = datetime(2026, 11, 16, 9, tzinfo=UTC)  # half of November's 30 days
END = datetime(2026, 12, 1, 9, tzinfo=UTC)


def change(workspace, code: str, now: datetime = START, seats: int = 0) -> Subscription:
    return change_plan(workspace=workspace, plan=current_plan(code), extra_seats=seats, now=now)


@pytest.mark.parametrize(
    ("day", "anchor", "next_day"),
    [((2026, 1, 31), 31, (2026, 2, 28)), ((2026, 2, 28), 31, (2026, 3, 31)), ((2026, 12, 15), 15, (2027, 1, 15))],
)
def test_months_keep_their_day(day, anchor, next_day):
    assert month_later(datetime(*day, tzinfo=UTC), anchor) == datetime(*next_day, tzinfo=UTC)


def test_a_first_plan_is_paid_for_a_month_ahead(workspace):
    one = change(workspace, "growth")
    assert (one.period_start, one.period_end, plan_of(workspace).code) == (START, END, "growth")
    invoice = Invoice.objects.get()
    assert (invoice.total_cents, invoice.subject) == (4900, "Plan")
    assert invoice.lines.get().text == "Growth, from 1 November 2026"
    assert ledger.balance(workspace, Account.FEES) == 49_000_000


def test_an_upgrade_in_the_middle_gives_back_half_and_costs_half(workspace):
    change(workspace, "growth")
    one = change(workspace, "scale", MIDDLE)
    assert (plan_of(workspace).code, one.period_end) == ("scale", END)
    second = Invoice.objects.order_by("number").last()
    assert [line.amount_micros for line in second.lines.all()] == [-24_500_000, 124_500_000]
    assert second.total_cents == 10_000
    with pytest.raises(StudioError, match="on Scale already"):
        change(workspace, "scale", MIDDLE)
    assert Invoice.objects.count() == 2


def test_a_downgrade_waits_for_the_end_of_the_month(workspace):
    change(workspace, "scale")
    change(workspace, "creator", MIDDLE)
    assert plan_of(workspace).code == "scale"
    assert renew_due(MIDDLE) == 0
    assert renew_due(END) == 1
    assert plan_of(workspace).code == "creator"
    assert Invoice.objects.order_by("number").last().total_cents == 1900
    assert renew_due(END) == 0


def test_a_planned_change_can_be_taken_back(workspace):
    change(workspace, "scale")
    change(workspace, "free", MIDDLE)
    change(workspace, "scale", MIDDLE)
    renew_due(END)
    assert plan_of(workspace).code == "scale"
    assert ledger.balance(workspace, Account.FEES) == 2 * 249_000_000


def test_to_free_at_the_end_costs_nothing_more(workspace):
    change(workspace, "hobbyist")
    change(workspace, "free", MIDDLE)
    renew_due(END)
    assert (plan_of(workspace).code, open_subscription(workspace).period_end) == ("free", None)
    assert ledger.balance(workspace, Account.FEES) == 5_000_000


def test_a_studio_that_was_off_for_months_misses_none(workspace):
    change(workspace, "hobbyist")
    for _ in range(2):
        renew_due(datetime(2027, 2, 10, tzinfo=UTC))
    assert ledger.balance(workspace, Account.FEES) == 4 * 5_000_000
    assert Invoice.objects.count() == 2
    assert open_subscription(workspace).period_end == datetime(2027, 3, 1, 9, tzinfo=UTC)
    assert proof.unbalanced() + proof.wrong_invoices() == []


def test_more_seats_are_sold_where_the_plan_has_teams(workspace):
    change(workspace, "growth", seats=2)
    assert (seats_of(workspace), Invoice.objects.get().total_cents) == (5, 4900 + 2 * 2500)
    change(workspace, "growth", MIDDLE, seats=1)
    assert seats_of(workspace) == 5, "they are paid for until the month ends"
    renew_due(END)
    assert seats_of(workspace) == 4
    with pytest.raises(StudioError, match="sells no seats"):
        change(workspace, "creator", END, seats=1)


def test_what_stripe_renews_is_left_to_it(workspace):
    one = change(workspace, "growth")
    Subscription.objects.filter(pk=one.pk).update(provider_ref="sub_1")
    assert renew_due(END) == 0


def test_staff_may_put_a_workspace_on_any_plan(workspace):
    subscribe(workspace=workspace, plan=current_plan("enterprise"))
    assert (plan_of(workspace).code, seats_of(workspace), invoices.issue(workspace=workspace)) == (
        "enterprise",
        None,
        None,
    )


def test_the_plan_of_a_closed_workspace_ends_with_its_month(workspace):
    """Nobody can open its billing page to end the plan, so no further month may be charged."""
    change(workspace, "growth", seats=1)
    Workspace.objects.filter(pk=workspace.pk).update(closed_at=MIDDLE)
    renew_due(END + timedelta(days=90))
    assert (Invoice.objects.count(), plan_of(workspace).code, seats_of(workspace)) == (1, "free", 1)


def test_a_month_that_began_before_the_closing_is_charged_also_late(workspace):
    change(workspace, "growth")
    Workspace.objects.filter(pk=workspace.pk).update(closed_at=END + timedelta(days=3))
    renew_due(END + timedelta(days=90))
    assert ledger.balance(workspace, Account.FEES) == 2 * 49_000_000
