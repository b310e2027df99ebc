"""Plans at Stripe: dearer at once, cheaper when the paid month ends, whatever order its messages come in."""

import time
from datetime import UTC, datetime, timedelta

import pytest
import stripe
import time_machine
from django.utils import timezone

from apps.billing import ledger, tasks
from apps.billing.models import ProviderEvent, Subscription
from apps.billing.payments import provider
from apps.billing.plans import current_plan, open_subscription, plan_of
from apps.billing.subscriptions import change_plan
from apps.workspaces.models import Activity, Workspace
from tests.billing.test_stripe import calls, stripe_on, tell  # noqa: F401  fixtures

pytestmark = pytest.mark.django_db
START = datetime(2026, 11, 1, tzinfo=UTC)
END = START + timedelta(days=31)
BACK = "https://studio.example/back"


def at_stripe(plan: str, *, seats: int = 0, start: datetime = START, **more) -> dict:
    """A subscription as Stripe tells it, with the month it is paid for."""
    end = start + timedelta(days=31)
    month = {"current_period_start": int(start.timestamp()), "current_period_end": int(end.timestamp())}
    items = [{"id": "si_1", "price": {"id": f"price_{plan}"}, "quantity": 1} | month]
    if seats:
        items.append({"id": "si_2", "price": {"id": "price_seat"}, "quantity": seats} | month)
    return {"id": "sub_1", "status": "active", "items": {"data": items}} | more


@pytest.fixture
def on_growth(workspace, calls, tell, settings):  # noqa: F811
    """A workspace on Growth since the first of the month; ``stripe_says`` sets the state and sends its message."""
    settings.STRIPE_PRICES |= {"creator": "price_creator"}

    def says(plan: str, **more) -> str:
        calls.subscriptions.retrieve.return_value.to_dict.return_value = at_stripe(plan, **more)
        return tell("customer.subscription.updated", {"id": "sub_1"}).content.decode()

    with time_machine.travel(START + timedelta(days=10), tick=False):
        says("growth")
        yield says


def test_a_cheaper_plan_waits_for_the_end_of_the_paid_month(workspace, calls, on_growth):  # noqa: F811
    assert provider().change_plan(workspace, current_plan("creator"), 0, BACK) == ""
    assert calls.subscriptions.update.call_args.kwargs["params"]["proration_behavior"] == "none"
    assert (plan_of(workspace).code, open_subscription(workspace).next_plan.code) == ("growth", "creator")
    assert on_growth("creator") == "on growth, then creator"
    assert plan_of(workspace).code == "growth", "Stripe has the new price already, the month is paid for the old one"
    with time_machine.travel(END + timedelta(hours=1), tick=False):
        assert on_growth("creator", start=END) == "on creator"
    assert (plan_of(workspace).code, open_subscription(workspace).next_plan) == ("creator", None)
    assert Subscription.objects.filter(workspace=workspace).count() == 2


def test_a_renewal_told_a_moment_early_starts_the_cheaper_plan(workspace, on_growth):
    on_growth("creator")
    with time_machine.travel(END - timedelta(seconds=2), tick=False):
        assert on_growth("creator", start=open_subscription(workspace).period_end) == "on creator"


def test_fewer_seats_wait_too_and_more_come_at_once(workspace, calls, on_growth):  # noqa: F811
    provider().change_plan(workspace, current_plan("growth"), 2, BACK)
    assert calls.subscriptions.update.call_args.kwargs["params"]["proration_behavior"] == "always_invoice"
    assert open_subscription(workspace).extra_seats == 2
    on_growth("growth", seats=2)
    provider().change_plan(workspace, current_plan("growth"), 1, BACK)
    assert calls.subscriptions.update.call_args.kwargs["params"]["proration_behavior"] == "none"
    assert (open_subscription(workspace).extra_seats, open_subscription(workspace).next_seats) == (2, 1)


def test_the_end_that_is_planned_at_stripes_portal_is_shown_and_can_be_taken_back(workspace, on_growth):
    assert on_growth("growth", cancel_at_period_end=True) == "on growth, then free"
    assert on_growth("growth") == "on growth"
    on_growth("growth", cancel_at_period_end=True)
    assert on_growth("growth", status="canceled") == "back to Free"
    assert plan_of(workspace).code == "free"


def test_a_plan_that_stripe_changes_is_told_once_in_the_log(workspace, on_growth):
    on_growth("scale")
    on_growth("scale")
    told = list(Activity.objects.filter(action="plan.changed").order_by("pk").values_list("subject", "actor"))
    assert told == [("Growth", None), ("Scale", None)]


def test_the_portal_and_credit_lead_to_pages_of_stripe(workspace, calls):  # noqa: F811
    calls.billing_portal.sessions.create.return_value.to_dict.return_value = {"url": "https://billing.stripe.com/p/1"}
    assert provider().portal(workspace, BACK) == "https://billing.stripe.com/p/1"
    assert calls.billing_portal.sessions.create.call_args.kwargs["params"] == {"customer": "cus_1", "return_url": BACK}
    assert provider().add_credit(workspace, 2000, BACK) == "https://checkout.stripe.com/c/1"
    asked = calls.checkout.sessions.create.call_args.kwargs["params"]
    assert asked["line_items"][0]["price_data"]["unit_amount"] == 2000
    assert asked["payment_intent_data"]["metadata"] == {"workspace": str(workspace.pk), "credit": "1"}
    assert calls.customers.create.call_count == 1, "the customer is made once"


def test_messages_that_never_came_are_fetched_and_worked_off_in_their_order(workspace, calls, tell):  # noqa: F811
    facts = {"workspace": str(workspace.pk), "credit": "1"}

    def event(number: int, kind: str, thing: dict) -> dict:
        made = int(time.time()) - 100 + number
        return {"id": f"evt_{number}", "type": kind, "created": made, "data": {"object": thing}}

    paid = event(1, "payment_intent.succeeded", {"id": "pi_1", "amount_received": 2000, "metadata": facts})
    back = event(2, "charge.refunded", {"id": "ch_1", "amount_refunded": 500, "metadata": facts})
    first, second = {"data": [back], "has_more": True}, {"data": [paid], "has_more": False}
    calls.events.list.return_value.to_dict.side_effect = [first, second, first, second]
    assert tasks.catch_up() == 2
    assert list(ProviderEvent.objects.order_by("pk").values_list("event_id", flat=True)) == ["evt_1", "evt_2"]
    assert calls.events.list.call_args.kwargs["params"]["starting_after"] == "evt_2"
    tasks.catch_up()
    tell("payment_intent.succeeded", paid["data"]["object"], event="evt_1")  # and then it comes after all
    assert ledger.balance(workspace) == 15_000_000


def test_there_is_nothing_to_catch_up_with_without_a_provider(settings):
    settings.PAYMENTS = "manual"
    assert tasks.catch_up() == 0


def test_to_keep_the_plan_after_all_costs_nothing(workspace, calls, on_growth):  # noqa: F811
    """Stripe took the cheaper price without giving anything back: prorated from there, it would be paid twice."""
    provider().change_plan(workspace, current_plan("creator"), 0, BACK)
    on_growth("creator")
    provider().change_plan(workspace, current_plan("growth"), 0, BACK)
    asked = calls.subscriptions.update.call_args.kwargs["params"]
    assert (asked["proration_behavior"], asked["items"][-1]["price"]) == ("none", "price_growth")
    assert open_subscription(workspace).next_plan is None


def test_a_dearer_plan_after_a_cheaper_one_was_planned_is_reckoned_from_the_one_that_is_paid(
    workspace,
    calls,  # noqa: F811
    on_growth,
):
    provider().change_plan(workspace, current_plan("creator"), 0, BACK)
    on_growth("creator")
    calls.subscriptions.update.reset_mock()
    provider().change_plan(workspace, current_plan("scale"), 0, BACK)
    asked = [call.kwargs["params"] for call in calls.subscriptions.update.call_args_list]
    assert [(one["proration_behavior"], one["items"][-1]["price"]) for one in asked] == [
        ("none", "price_growth"),
        ("always_invoice", "price_scale"),
    ]
    assert plan_of(workspace).code == "scale"


def test_stripe_is_told_each_hour_to_renew_no_plan_of_a_closed_workspace(workspace, calls, on_growth):  # noqa: F811
    Workspace.objects.update(closed_at=timezone.now())
    calls.subscriptions.update.side_effect = stripe.APIConnectionError("no network")
    tasks.daily()
    calls.subscriptions.update.side_effect = None
    calls.subscriptions.update.reset_mock()
    tasks.daily()
    tasks.daily()
    calls.subscriptions.update.assert_called_once_with("sub_1", params={"cancel_at_period_end": True})
    assert open_subscription(workspace).next_plan.code == "free"


def test_a_plan_of_before_stripe_was_set_up_can_be_ended_and_kept(workspace, calls):  # noqa: F811
    change_plan(workspace=workspace, plan=current_plan("growth"))
    assert provider().change_plan(workspace, current_plan("free"), 0, BACK) == ""
    assert open_subscription(workspace).next_plan.code == "free"
    assert provider().change_plan(workspace, current_plan("growth"), 0, BACK) == ""
    assert open_subscription(workspace).next_plan is None
    assert not calls.checkout.sessions.create.called
