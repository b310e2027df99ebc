"""What Stripe's messages mean for the books. Each is worked off once, whatever the order in which they come."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Sum
from django.utils import timezone

from apps.billing import invoices, ledger
from apps.billing.models import (
    Account,
    BillingProfile,
    Entry,
    Invoice,
    InvoiceItem,
    Plan,
    ProviderEvent,
    Subscription,
)
from apps.billing.plans import FREE, current_plan, open_subscription, subscribe
from apps.billing.spending import profile_of
from apps.billing.tax import tax_for
from apps.workspaces.activity import record
from apps.workspaces.models import Workspace

IGNORED = "not for us"
Fetch = Callable[[str], dict[str, Any]]


def work_off(event: dict[str, Any], subscription: Fetch) -> str:
    """Book what an event says; returns it in a few words. ``subscription`` fetches one as it is now.

    The row of the event is written in the same transaction: an event that failed half-way is not there and comes again.
    """
    thing = event["data"]["object"]
    with transaction.atomic():
        row, new = ProviderEvent.objects.get_or_create(
            provider="stripe",
            event_id=event["id"],
            defaults={"kind": event["type"], "made_at": datetime.fromtimestamp(event["created"], UTC)},
        )
        if not new:
            return "seen before"
        workspace = _workspace_of(thing)
        if workspace is None:
            row.outcome = IGNORED
        else:
            Workspace.objects.select_for_update().get(pk=workspace.pk)
            handler = HANDLERS.get(event["type"])
            row.outcome = handler(workspace, thing, subscription) if handler else IGNORED
        row.save(update_fields=["outcome"])
    return row.outcome


def set_plan(
    workspace: Workspace, plan: Plan, extra_seats: int, ref: str, *, ends: bool = False, now: datetime | None = None
) -> None:
    """Put a workspace on the plan that Stripe has it on. A cheaper one, or its end, waits for the month's end."""
    current = open_subscription(workspace)
    if current is not None and current.provider_ref == ref:
        if (current.plan_id, current.extra_seats) == (plan.pk, extra_seats):
            _plan_next(current, current_plan(FREE) if ends else None)
            return
        wanted = Subscription(workspace=workspace, plan=plan, extra_seats=extra_seats)
        paid_on = current.period_end is not None and current.period_end > (now or timezone.now())
        if paid_on and wanted.monthly_micros < current.monthly_micros:
            _plan_next(current, plan, extra_seats)
            return
    one = subscribe(workspace=workspace, plan=plan)
    Subscription.objects.filter(pk=one.pk).update(extra_seats=extra_seats, provider_ref=ref)


def _plan_next(current: Subscription, plan: Plan | None, extra_seats: int = 0) -> None:
    current.next_plan, current.next_seats = plan, extra_seats
    current.save(update_fields=["next_plan", "next_seats"])


def _checkout_completed(workspace: Workspace, session: dict[str, Any], subscription: Fetch) -> str:
    if session.get("customer"):
        profile, _ = BillingProfile.objects.get_or_create(workspace=workspace)
        profile.customer_ref = session["customer"]
        profile.save(update_fields=["customer_ref"])
    if session.get("subscription"):
        return _subscription_changed(workspace, {"id": session["subscription"]}, subscription)
    return IGNORED  # money of a single payment is told by its payment intent


def _subscription_changed(workspace: Workspace, thing: dict[str, Any], subscription: Fetch) -> str:
    """The plan by the prices that the subscription has now, not by what an old message says it had."""
    found = subscription(thing["id"])
    current = open_subscription(workspace)
    if found["status"] in ("canceled", "incomplete_expired", "unpaid"):
        if current is None or current.provider_ref != found["id"]:
            return "an older subscription ended"
        subscribe(workspace=workspace, plan=current_plan(FREE))
        record("plan.changed", workspace=workspace, subject=current_plan(FREE).name)
        return "back to Free"
    if found["status"] not in ("active", "trialing", "past_due"):
        return f"waits, {found['status']}"
    names = {price: code for code, price in settings.STRIPE_PRICES.items()}
    quantities = {names.get(item["price"]["id"]): item.get("quantity", 1) for item in found["items"]["data"]}
    codes = [code for code in quantities if code and code != "seat"]
    if not codes:
        return IGNORED
    plan, period = current_plan(codes[0]), _period_of(found)
    now = (
        max(timezone.now(), period["period_start"]) if period else None
    )  # a renewal may be told before our clock has it
    ends = bool(found.get("cancel_at_period_end"))
    set_plan(workspace, plan, quantities.get("seat", 0), found["id"], ends=ends, now=now)
    Subscription.objects.filter(workspace=workspace, ended_at=None).update(**period)
    return _said(workspace, current)


def _said(workspace: Workspace, before: Subscription | None) -> str:
    """What came of it; a plan that has changed is told in the log, once."""
    after = open_subscription(workspace)
    assert after is not None  # it was set a moment ago
    if before is None or before.plan_id != after.plan_id:
        record("plan.changed", workspace=workspace, subject=after.plan.name)
    return f"on {after.plan.code}, then {after.next_plan.code}" if after.next_plan else f"on {after.plan.code}"


def _period_of(found: dict[str, Any]) -> dict[str, datetime]:
    """The paid month. Since API version 2025-03-31 it stands at the items."""
    item = found["items"]["data"][0]
    start, end = (item.get(name) or found.get(name) for name in ("current_period_start", "current_period_end"))
    if not start or not end:
        return {}
    return {"period_start": datetime.fromtimestamp(start, UTC), "period_end": datetime.fromtimestamp(end, UTC)}


def _fee_paid(workspace: Workspace, bill: dict[str, Any], subscription: Fetch) -> str:
    """Stripe's invoice for a plan's month or its proration is paid: the fee, our invoice, the payment."""
    invoice = _fee_invoice(workspace, bill)
    if bill["amount_paid"]:
        key = f"payment:stripe:{bill['id']}"
        memo = f"Stripe {bill['id']}"
        if invoice is None:
            ledger.payment(workspace=workspace, micros=bill["amount_paid"] * invoices.MICROS, key=key, memo=memo)
        else:
            invoices.pay(invoice=invoice, cents=bill["amount_paid"], key=key, ref=bill["id"], memo=memo)
    return "fee paid"


def _fee_failed(workspace: Workspace, bill: dict[str, Any], subscription: Fetch) -> str:
    invoice = _fee_invoice(workspace, bill)
    if invoice is not None:
        invoices.note_failure(invoice, "The card was refused.")
    return "fee refused"


def _fee_invoice(workspace: Workspace, bill: dict[str, Any]) -> Invoice | None:
    """Book the fee of Stripe's invoice once and put it on an invoice of ours; None where nothing was to pay."""
    if not bill["amount_due"]:
        return None
    texts = [line.get("description") or "Plan" for line in bill["lines"]["data"]]
    booked = ledger.charge(
        workspace=workspace,
        micros=net_of(bill["amount_due"], tax_for(profile_of(workspace)).permille) * invoices.MICROS,
        key=f"fee:stripe:{bill['id']}",
        memo="; ".join(texts) or "Plan",
        to=Account.FEES,
    )
    item = InvoiceItem.objects.select_related("invoice").filter(transaction=booked).first()
    return item.invoice if item else invoices.issue(workspace=workspace, only=booked, ref=bill["id"])


def net_of(gross_cents: int, permille: int) -> int:
    """The largest net amount that is not more than ``gross_cents`` with its tax: prices at Stripe include the tax."""
    net = gross_cents * 1000 // (1000 + permille) + 1
    while net + (net * permille + 500) // 1000 > gross_cents:
        net -= 1
    return net


def _money_arrived(workspace: Workspace, intent: dict[str, Any], subscription: Fetch) -> str:
    """A single payment: of one of our invoices, or credit."""
    facts, cents = intent.get("metadata") or {}, intent["amount_received"]
    key, memo = f"payment:stripe:{intent['id']}", f"Stripe {intent['id']}"
    invoice = Invoice.objects.filter(workspace=workspace, pk=facts["invoice"]).first() if "invoice" in facts else None
    if invoice is not None:
        invoices.pay(invoice=invoice, cents=cents, key=key, ref=intent["id"], memo=memo)
        return f"invoice {invoice.number} paid"
    if "credit" not in facts:
        return IGNORED  # a plan's month, which Stripe's invoice tells of
    ledger.payment(workspace=workspace, micros=cents * invoices.MICROS, key=key, memo=memo)
    invoices.settle_from_credit(workspace)
    return "credit paid"


def _payment_failed(workspace: Workspace, intent: dict[str, Any], subscription: Fetch) -> str:
    facts = intent.get("metadata") or {}
    invoice = Invoice.objects.filter(workspace=workspace, pk=facts["invoice"]).first() if "invoice" in facts else None
    if invoice is None:
        return IGNORED
    reason = (intent.get("last_payment_error") or {}).get("message") or "The payment was refused."
    return "payment refused" if invoices.note_failure(invoice, reason) else "paid by now"


def _money_went_back(workspace: Workspace, charge: dict[str, Any], subscription: Fetch) -> str:
    """``amount_refunded`` is a running sum; what is new of it is booked, so that order does not matter."""
    prefix = f"back:stripe:{charge['id']}:"
    entries = Entry.objects.filter(account=Account.CASH, transaction__idempotency_key__startswith=prefix)
    booked = entries.aggregate(total=Sum("amount_micros"))["total"] or 0
    new = charge["amount_refunded"] * invoices.MICROS - booked
    if new <= 0:
        return "booked before"
    ledger.pay_back(
        workspace=workspace, micros=new, key=f"{prefix}{charge['amount_refunded']}", memo=f"Stripe {charge['id']}"
    )
    return "paid back"


def _method_changed(workspace: Workspace, customer: dict[str, Any], subscription: Fetch) -> str:
    method = (customer.get("invoice_settings") or {}).get("default_payment_method")
    BillingProfile.objects.filter(workspace=workspace).update(payment_method="Card kept by Stripe" if method else "")
    return "way of paying noted"


HANDLERS: dict[str, Callable[[Workspace, dict[str, Any], Fetch], str]] = {
    "checkout.session.completed": _checkout_completed,
    "customer.subscription.created": _subscription_changed,
    "customer.subscription.updated": _subscription_changed,
    "customer.subscription.deleted": _subscription_changed,
    "customer.updated": _method_changed,
    "invoice.paid": _fee_paid,
    "invoice.payment_failed": _fee_failed,
    "payment_intent.succeeded": _money_arrived,
    "payment_intent.payment_failed": _payment_failed,
    "charge.refunded": _money_went_back,
}


def _workspace_of(thing: dict[str, Any]) -> Workspace | None:
    """By the facts we put beside the object, else by its customer."""
    named = (thing.get("metadata") or {}).get("workspace")
    if named:
        return Workspace.objects.filter(pk=named).first()
    customer = thing["id"] if thing.get("object") == "customer" else thing.get("customer")
    profile = BillingProfile.objects.select_related("workspace").filter(customer_ref=customer or "-").first()
    return profile.workspace if profile else None
