"""Stripe's messages: signed, twice, late, out of order. Nothing here reaches a network."""

import hashlib
import hmac
import json
import time
from typing import Any
from unittest.mock import MagicMock
from uuid import uuid4

import pytest
import stripe
from django.test import Client

from apps.billing import invoices, ledger, proof
from apps.billing.models import Account, BillingProfile, Invoice, ProviderEvent, Subscription
from apps.billing.payments import provider
from apps.billing.payments.stripe_events import net_of
from apps.billing.plans import current_plan, open_subscription, plan_of
from studio.errors import StudioError

pytestmark = pytest.mark.django_db
SECRET = "whsec_of_the_tests"
SUBSCRIPTION = {
    "id": "sub_1",
    "status": "active",
    "items": {"data": [{"id": "si_1", "price": {"id": "price_growth"}, "quantity": 1}]},
}


@pytest.fixture(autouse=True)
def stripe_on(settings):
    settings.PAYMENTS, settings.STRIPE_KEY, settings.STRIPE_WEBHOOK_SECRET = "stripe", "sk_test_1", SECRET
    settings.STRIPE_PRICES = {"growth": "price_growth", "scale": "price_scale", "seat": "price_seat"}


@pytest.fixture
def calls(monkeypatch) -> MagicMock:
    """Stripe's client, with whatever a test puts in; an answer is a dict."""
    client = MagicMock()
    monkeypatch.setattr(stripe, "StripeClient", lambda *args, **options: MagicMock(v1=client))
    client.subscriptions.retrieve.return_value.to_dict.return_value = SUBSCRIPTION
    client.customers.create.return_value.to_dict.return_value = {"id": "cus_1"}
    client.checkout.sessions.create.return_value.to_dict.return_value = {"url": "https://checkout.stripe.com/c/1"}
    return client


@pytest.fixture
def tell(workspace, calls):
    """Send a message as Stripe would; gives the answer."""

    def send(kind: str, thing: dict[str, Any], *, event: str = "", secret: str = SECRET, age: int = 0):
        thing = {"metadata": {"workspace": str(workspace.pk)}} | thing
        body = json.dumps(
            {
                "id": event or f"evt_{uuid4()}",
                "object": "event",
                "type": kind,
                "created": int(time.time()),
                "data": {"object": thing},
            }
        )
        moment = int(time.time()) - age
        signature = hmac.new(secret.encode(), f"{moment}.{body}".encode(), hashlib.sha256).hexdigest()
        return Client().post(
            "/stripe/",
            body,
            content_type="application/json",
            headers={"Stripe-Signature": f"t={moment},v1={signature}"},
        )

    return send


def bill(number: str, cents: int) -> dict[str, Any]:
    return {
        "id": number,
        "object": "invoice",
        "amount_due": cents,
        "amount_paid": cents,
        "lines": {"data": [{"description": "Growth, November"}]},
    }


def intent(invoice: Invoice | None = None, *, number: str = "pi_1", cents: int, **facts: str) -> dict[str, Any]:
    found = {"workspace": str(invoice.workspace_id), "invoice": str(invoice.pk)} if invoice else facts
    return {"id": number, "amount_received": cents, "metadata": found}


def owed(workspace, micros: int) -> Invoice:
    subject = uuid4()
    ledger.hold(workspace=workspace, subject=subject, micros=micros)
    ledger.capture(workspace=workspace, subject=subject, micros=micros)
    return invoices.issue(workspace=workspace)


def balanced() -> bool:
    return proof.unbalanced() + proof.wrong_invoices() == []


@pytest.mark.parametrize("trick", [{"secret": "whsec_of_somebody_else"}, {"age": 3600}])
def test_a_forged_or_old_message_changes_nothing(tell, workspace, trick):
    answer = tell("payment_intent.succeeded", intent(cents=500, workspace=str(workspace.pk), credit="1"), **trick)
    assert answer.status_code == 400
    assert not ProviderEvent.objects.exists()
    assert ledger.balance(workspace) == 0


def test_a_message_without_a_signature_is_refused(calls):
    assert Client().post("/stripe/", "{}", content_type="application/json").status_code == 400


def test_there_is_no_such_address_without_stripe(settings):
    settings.PAYMENTS = "manual"
    assert Client().post("/stripe/", "{}", content_type="application/json").status_code == 404


def test_credit_is_booked_once_however_often_it_is_told(tell, workspace):
    thing = intent(cents=500, workspace=str(workspace.pk), credit="1")
    for event in ("evt_1", "evt_1", "evt_2"):
        assert tell("payment_intent.succeeded", thing, event=event).status_code == 200
    assert ledger.balance(workspace) == 5_000_000
    assert ledger.balance(workspace, Account.CASH) == -5_000_000


def test_an_invoice_is_paid_and_an_older_failure_that_comes_later_does_not_reopen_it(tell, workspace):
    invoice = owed(workspace, 3_000_000)
    failed = intent(invoice, cents=0) | {"last_payment_error": {"message": "Your card was declined."}}
    assert tell("payment_intent.payment_failed", failed).content == b"payment refused"
    invoice.refresh_from_db()
    assert (invoice.is_late, invoice.failure) == (True, "Your card was declined.")
    tell("payment_intent.succeeded", intent(invoice, number="pi_2", cents=300))
    tell("payment_intent.payment_failed", failed)
    invoice.refresh_from_db()
    assert (invoice.status, invoice.is_late) == ("paid", False)
    assert balanced()


def test_a_plan_starts_when_its_checkout_is_done_and_its_fee_is_booked_once(tell, workspace):
    done = {"id": "cs_1", "customer": "cus_1", "subscription": "sub_1"}
    for _ in range(2):
        tell("checkout.session.completed", done)
        tell("customer.subscription.created", {"id": "sub_1", "object": "subscription"})
        tell("invoice.paid", bill("in_1", 4900))
    assert plan_of(workspace).code == "growth"
    assert Subscription.objects.filter(workspace=workspace).count() == 1
    assert BillingProfile.objects.get(workspace=workspace).customer_ref == "cus_1"
    invoice = Invoice.objects.get()
    assert (invoice.status, invoice.total_cents, ledger.balance(workspace)) == ("paid", 4900, 0)
    assert ledger.balance(workspace, Account.FEES) == 49_000_000
    assert balanced()


def test_the_fee_alone_is_on_the_invoice_that_stripe_collected(tell, workspace):
    subject = uuid4()
    ledger.hold(workspace=workspace, subject=subject, micros=700_000)
    ledger.capture(workspace=workspace, subject=subject, micros=700_000)
    tell("invoice.paid", bill("in_1", 4900))
    assert (Invoice.objects.get().status, invoices.uninvoiced(workspace)) == ("paid", 700_000)


def test_a_refused_fee_stops_new_work_until_it_is_paid(tell, workspace):
    tell("invoice.payment_failed", bill("in_1", 4900) | {"amount_paid": 0})
    assert Invoice.objects.get().is_late
    tell("invoice.paid", bill("in_1", 4900))
    tell("invoice.payment_failed", bill("in_1", 4900) | {"amount_paid": 0})
    assert Invoice.objects.get().status == "paid"
    assert balanced()


def test_old_news_of_a_subscription_does_not_turn_time_back(tell, workspace, calls):
    tell("customer.subscription.created", {"id": "sub_1"})
    now = SUBSCRIPTION | {"items": {"data": [{"id": "si_1", "price": {"id": "price_scale"}, "quantity": 1}]}}
    calls.subscriptions.retrieve.return_value.to_dict.return_value = now
    tell("customer.subscription.updated", {"id": "sub_1", "items": SUBSCRIPTION["items"]})
    assert plan_of(workspace).code == "scale", "what Stripe says now counts, not what the message said"
    calls.subscriptions.retrieve.return_value.to_dict.return_value = now | {"status": "canceled"}
    tell("customer.subscription.deleted", {"id": "sub_1"})
    tell("customer.subscription.updated", {"id": "sub_1"})
    assert plan_of(workspace).code == "free"


def test_money_that_went_back_is_booked_by_its_running_sum(tell, workspace):
    for total in (200, 500, 200, 500):
        tell("charge.refunded", {"id": "ch_1", "amount_refunded": total})
    assert ledger.balance(workspace) == -5_000_000


def test_a_message_that_cannot_be_worked_off_comes_again(tell, workspace, calls):
    calls.subscriptions.retrieve.side_effect = stripe.APIConnectionError("no network")
    assert tell("customer.subscription.created", {"id": "sub_1"}, event="evt_1").status_code == 502
    assert not ProviderEvent.objects.exists()
    calls.subscriptions.retrieve.side_effect = None
    assert tell("customer.subscription.created", {"id": "sub_1"}, event="evt_1").content == b"on growth"


def test_what_concerns_nobody_here_is_left_alone(tell):
    assert tell("payment_intent.succeeded", {"metadata": {}, "customer": "cus_9"}).content == b"not for us"
    assert tell("product.created", {"id": "prod_1"}).content == b"not for us"


def test_the_first_plan_leads_to_the_checkout_and_changes_nothing_yet(workspace, calls):
    there = provider().change_plan(workspace, current_plan("growth"), 2, "https://studio.example/back")
    assert there == "https://checkout.stripe.com/c/1"
    asked = calls.checkout.sessions.create.call_args.kwargs["params"]
    assert asked["line_items"] == [{"price": "price_growth", "quantity": 1}, {"price": "price_seat", "quantity": 2}]
    assert plan_of(workspace).code == "free"


def test_an_upgrade_is_prorated_at_once_and_the_end_is_planned(workspace, calls, tell):
    tell("customer.subscription.created", {"id": "sub_1"})
    assert provider().change_plan(workspace, current_plan("scale"), 0, "") == ""
    asked = calls.subscriptions.update.call_args
    assert asked.args == ("sub_1",)
    assert asked.kwargs["params"]["proration_behavior"] == "always_invoice"
    assert asked.kwargs["params"]["items"] == [
        {"id": "si_1", "deleted": True},
        {"price": "price_scale", "quantity": 1},
    ]
    assert plan_of(workspace).code == "scale"
    provider().change_plan(workspace, current_plan("free"), 0, "")
    assert calls.subscriptions.update.call_args.kwargs["params"] == {"cancel_at_period_end": True}
    assert open_subscription(workspace).next_plan.code == "free"


def test_a_usage_invoice_is_collected_once_from_the_saved_card(workspace, calls):
    invoice = owed(workspace, 3_000_000)
    calls.customers.retrieve.return_value.to_dict.return_value = {"invoice_settings": {"default_payment_method": "pm"}}
    calls.payment_intents.create.return_value.to_dict.return_value = {"id": "pi_1"}
    provider().collect(invoice)
    asked = calls.payment_intents.create.call_args.kwargs
    assert (asked["params"]["amount"], asked["options"]) == (300, {"idempotency_key": f"collect:{invoice.pk}"})
    invoice.payment_ref = "in_1"
    provider().collect(invoice)
    assert calls.payment_intents.create.call_count == 1, "Stripe collects a plan's month by itself"


def test_a_refused_card_and_a_silent_stripe_are_said_in_words(workspace, calls):
    invoice = owed(workspace, 3_000_000)
    calls.checkout.sessions.create.side_effect = stripe.APIConnectionError("no network")
    with pytest.raises(StudioError, match="Stripe did not answer"):
        provider().pay(invoice, "https://studio.example")
    calls.checkout.sessions.create.side_effect = stripe.CardError("declined", None, "card_declined")
    with pytest.raises(StudioError, match="refused") as refused:
        provider().pay(invoice, "https://studio.example")
    assert refused.value.status == 402


@pytest.mark.parametrize("gross", [1, 99, 4900, 4901, 24_900, 123_457])
@pytest.mark.parametrize("permille", [0, 190, 230, 255])
def test_the_net_of_a_price_with_tax(gross, permille):
    net = net_of(gross, permille)
    assert 0 <= gross - net - (net * permille + 500) // 1000 <= 1
