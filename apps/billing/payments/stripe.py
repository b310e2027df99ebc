"""Payments through Stripe by its official SDK.

Stripe takes the money: it keeps the card, renews plans, prorates their changes. The studio keeps the books and writes
the invoices. What a message says is booked under Stripe's own ids, so a message that comes twice, late or out of order
books once; the state of a subscription is asked for anew instead of being taken from the message.
"""

import time
from collections.abc import Callable
from typing import Any

import stripe
from django.conf import settings

from apps.billing import subscriptions
from apps.billing.models import BillingProfile, Invoice, Plan, Subscription
from apps.billing.payments import stripe_events
from apps.billing.plans import open_subscription
from apps.workspaces.models import Workspace
from studio.errors import StudioError

TIMEOUT_S = 20
# Stripe itself tries a message for three days.
CATCH_UP_S = 4 * 24 * 3600


class StripeProvider:
    name = "stripe"
    online = True

    def __init__(self) -> None:
        if not settings.STRIPE_KEY or not settings.STRIPE_WEBHOOK_SECRET:
            raise StudioError(
                "payment_provider_failed",
                "Stripe is not set up.",
                "Set STUDIO_STRIPE_KEY and STUDIO_STRIPE_WEBHOOK_SECRET.",
                status=503,
            )
        self.client = stripe.StripeClient(
            settings.STRIPE_KEY, max_network_retries=2, http_client=stripe.RequestsClient(timeout=TIMEOUT_S)
        ).v1

    def change_plan(self, workspace: Workspace, plan: Plan, extra_seats: int, back: str) -> str:
        current = open_subscription(workspace)
        if current is None or not current.provider_ref:
            kept = current is not None and (current.plan_id, current.extra_seats) == (plan.pk, extra_seats)
            if kept or not plan.monthly_cents:  # a plan of before Stripe was set up is kept or ended without it
                subscriptions.change_plan(workspace=workspace, plan=plan, extra_seats=extra_seats)
                return ""
            return self._checkout_of_plan(workspace, plan, extra_seats, back)
        if not plan.monthly_cents:
            self._ask(
                lambda: self.client.subscriptions.update(current.provider_ref, params={"cancel_at_period_end": True})
            )
            current.next_plan, current.next_seats = plan, 0
            current.save(update_fields=["next_plan", "next_seats"])
            return ""
        wanted = Subscription(workspace=workspace, plan=plan, extra_seats=extra_seats)
        kept = (current.plan_id, current.extra_seats) == (plan.pk, extra_seats)
        upgrade = not kept and wanted.monthly_micros >= current.monthly_micros
        if upgrade and current.next_plan is not None:
            # Stripe has the cheaper price already and gave nothing back for it: a share reckoned from there would ask
            # once more for the month that is paid for.
            self._set_items(current, current.plan, current.extra_seats, "none")
        self._set_items(current, plan, extra_seats, "always_invoice" if upgrade else "none")
        stripe_events.set_plan(workspace, plan, extra_seats, current.provider_ref)
        return ""

    def pay(self, invoice: Invoice, back: str) -> str:
        if invoice.payment_ref.startswith("in_"):  # a plan's month, which Stripe goes on collecting by itself
            return self._ask(lambda: self.client.invoices.retrieve(invoice.payment_ref))["hosted_invoice_url"]
        return self._checkout_of_amount(
            invoice.workspace,
            invoice.due_cents,
            f"Invoice {invoice.number}",
            back,
            _facts(invoice.workspace, invoice=str(invoice.pk)),
            key=f"pay:{invoice.pk}:{invoice.due_cents}",
        )

    def collect(self, invoice: Invoice) -> None:
        if invoice.payment_ref:
            return
        customer = self._customer(invoice.workspace)
        found = self._ask(lambda: self.client.customers.retrieve(customer))
        method = (found.get("invoice_settings") or {}).get("default_payment_method")
        if not method or not invoice.due_cents:
            return
        params = {
            "amount": invoice.due_cents,
            "currency": "usd",
            "customer": customer,
            "payment_method": method,
            "off_session": True,
            "confirm": True,
            "description": f"Invoice {invoice.number}",
            "metadata": _facts(invoice.workspace, invoice=str(invoice.pk)),
        }
        # The key makes a task that runs twice take the money once; a refused card is told by a message too.
        self._ask(
            lambda: self.client.payment_intents.create(
                params=params,  # type: ignore[arg-type]
                options={"idempotency_key": f"collect:{invoice.pk}"},
            )
        )

    def add_credit(self, workspace: Workspace, cents: int, back: str) -> str:
        return self._checkout_of_amount(workspace, cents, "Credit", back, _facts(workspace, credit="1"))

    def portal(self, workspace: Workspace, back: str) -> str:
        params = {"customer": self._customer(workspace), "return_url": back}
        return self._ask(lambda: self.client.billing_portal.sessions.create(params=params))["url"]  # type: ignore[arg-type]

    def receive(self, body: bytes, signature: str) -> str:
        try:
            event = stripe.Webhook.construct_event(body, signature, settings.STRIPE_WEBHOOK_SECRET)
        except (ValueError, stripe.SignatureVerificationError) as error:
            raise StudioError(
                "payment_signature_invalid", "The signature does not fit the message.", "", status=400
            ) from error
        return stripe_events.work_off(event.to_dict(), self.subscription)

    def catch_up(self) -> int:
        """Work off the messages of the last days that Stripe could not deliver, in the order they were made."""
        params: dict[str, Any] = {
            "created": {"gte": int(time.time()) - CATCH_UP_S},
            "delivery_success": False,
            "types": list(stripe_events.HANDLERS),
            "limit": 100,
        }
        missed: list[dict[str, Any]] = []
        more = True
        while more:
            page = self._ask(lambda: self.client.events.list(params=params))  # type: ignore[arg-type]
            missed += page["data"]
            more = bool(page.get("has_more") and page["data"])
            if more:
                params["starting_after"] = page["data"][-1]["id"]
        for event in sorted(missed, key=lambda event: event["created"]):
            stripe_events.work_off(event, self.subscription)
        return len(missed)

    def subscription(self, ref: str) -> dict[str, Any]:
        """A subscription as it is now."""
        return self._ask(lambda: self.client.subscriptions.retrieve(ref))

    def _set_items(self, current: Subscription, plan: Plan, extra_seats: int, proration: str) -> None:
        """Have the subscription renew at the prices of this plan and so many seats."""
        ref = current.provider_ref
        found = self._ask(lambda: self.client.subscriptions.retrieve(ref))
        params: dict[str, Any] = {
            "items": _changed_items(found, plan, extra_seats),
            "proration_behavior": proration,
            "cancel_at_period_end": False,
            "metadata": _facts(current.workspace, plan=plan.code, seats=str(extra_seats)),
        }
        self._ask(lambda: self.client.subscriptions.update(ref, params=params))  # type: ignore[arg-type]

    def _checkout_of_plan(self, workspace: Workspace, plan: Plan, extra_seats: int, back: str) -> str:
        facts = _facts(workspace, plan=plan.code, seats=str(extra_seats))
        params = {
            "mode": "subscription",
            "customer": self._customer(workspace),
            "line_items": [{"price": price_of(plan.code), "quantity": 1}]
            + ([{"price": price_of("seat"), "quantity": extra_seats}] if extra_seats else []),
            "metadata": facts,
            "subscription_data": {"metadata": facts},
            "success_url": back,
            "cancel_url": back,
        }
        return self._ask(lambda: self.client.checkout.sessions.create(params=params))["url"]  # type: ignore[arg-type]

    def _checkout_of_amount(
        self, workspace: Workspace, cents: int, text: str, back: str, facts: dict[str, str], key: str = ""
    ) -> str:
        params = {
            "mode": "payment",
            "customer": self._customer(workspace),
            "line_items": [
                {
                    "price_data": {"currency": "usd", "unit_amount": cents, "product_data": {"name": text}},
                    "quantity": 1,
                }
            ],
            "payment_intent_data": {"metadata": facts, "setup_future_usage": "off_session"},
            "metadata": facts,
            "success_url": back,
            "cancel_url": back,
        }
        options = {"idempotency_key": key} if key else {}
        created = self._ask(
            lambda: self.client.checkout.sessions.create(params=params, options=options)  # type: ignore[arg-type]
        )
        return created["url"]

    def _customer(self, workspace: Workspace) -> str:
        """Stripe's customer of a workspace, made on first need; the key makes two first needs at once one."""
        profile, _ = BillingProfile.objects.get_or_create(workspace=workspace)
        if not profile.customer_ref:
            params = {"name": profile.legal_name or workspace.name, "metadata": _facts(workspace)}
            if profile.billing_email:
                params["email"] = profile.billing_email
            made = self._ask(
                lambda: self.client.customers.create(
                    params=params,  # type: ignore[arg-type]
                    options={"idempotency_key": f"customer:{workspace.pk}"},
                )
            )
            profile.customer_ref = made["id"]
            profile.save(update_fields=["customer_ref"])
        return profile.customer_ref

    def _ask(self, call: Callable[[], Any]) -> dict[str, Any]:
        """One call; Stripe's refusals and silence in words for people."""
        try:
            return call().to_dict()
        except stripe.CardError as error:
            raise StudioError(
                "payment_refused", f"The payment was refused: {error.user_message}", "Use another card.", status=402
            ) from error
        except stripe.StripeError as error:
            raise StudioError(
                "payment_provider_failed", "Stripe did not answer as it should.", "Try again in a minute.", status=502
            ) from error


def price_of(code: str) -> str:
    """Stripe's price id for a plan or for ``seat``. Raises ``StudioError`` where none is set."""
    if code not in settings.STRIPE_PRICES:
        raise StudioError(
            "payment_provider_failed",
            f"No Stripe price is set for {code}.",
            "Name it in STUDIO_STRIPE_PRICES.",
            status=503,
        )
    return settings.STRIPE_PRICES[code]


def _facts(workspace: Workspace, **more: str) -> dict[str, str]:
    """What Stripe keeps beside an object, and gives back with every message about it."""
    return {"workspace": str(workspace.pk)} | more


def _changed_items(found: dict[str, Any], plan: Plan, extra_seats: int) -> list[dict[str, Any]]:
    """The items of a subscription as they shall be: the plan's price once, the seats' price as often as wanted."""
    wanted = {price_of(plan.code): 1}
    if extra_seats:
        wanted[price_of("seat")] = extra_seats
    items = []
    for item in found["items"]["data"]:
        price = item["price"]["id"]
        quantity = wanted.pop(price, 0)
        items.append({"id": item["id"], "quantity": quantity} if quantity else {"id": item["id"], "deleted": True})
    return items + [{"price": price, "quantity": quantity} for price, quantity in wanted.items()]
