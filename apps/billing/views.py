"""The billing page of a workspace: plan, cap, credit, invoices, name on them."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.requests import SignedInRequest
from apps.billing import invoices, ledger
from apps.billing.forms import CapForm, CreditForm, DetailsForm
from apps.billing.models import Account, BillingProfile, Invoice, Plan, Subscription
from apps.billing.payments import provider
from apps.billing.pdf import invoice_pdf
from apps.billing.plans import open_subscription, plan_of, standing_of
from apps.billing.spending import ALERTS, profile_of, spend_of
from apps.billing.subscriptions import for_sale, terms
from apps.workspaces.access import membership_in
from apps.workspaces.activity import record
from apps.workspaces.models import Membership
from apps.workspaces.permissions import Action, require_action
from studio.errors import StudioError
from studio.sheets import csv_response
from studio.toasts import toast

INVOICES_SHOWN = 100
MOST_SEATS = 100


def _payer(request: SignedInRequest, ws: str) -> Membership:
    """The membership of somebody who may look after money; 404 for outsiders, 403 for smaller roles."""
    membership = membership_in(request.user, ws)
    require_action(membership, Action.MONEY)
    return membership


@login_required
@never_cache
@require_safe
def billing(request: SignedInRequest, ws: str) -> HttpResponse:
    return render(request, "billing/billing.html", _page(_payer(request, ws)))


@login_required
def plan(request: SignedInRequest, ws: str, code: str) -> HttpResponse:
    """What a change of plan means, and the change itself."""
    membership = _payer(request, ws)
    if not settings.BILLING:
        raise Http404("Billing is off.")
    wanted = next((one for one in for_sale() if one.code == code), None)
    if wanted is None:
        raise Http404("There is no such plan for sale.")
    seats = _seats(request, wanted)
    if request.method != "POST":
        return render(request, "billing/plan.html", _terms(membership, wanted, seats))
    try:
        there = provider().change_plan(membership.workspace, wanted, seats, _back(ws))
    except StudioError as error:
        toast(request, str(error), level=messages.ERROR)
        return redirect("billing:billing", ws)
    if there:
        return redirect(there)
    one = open_subscription(membership.workspace)
    planned = one is not None and one.next_plan is not None
    action = "plan.planned" if planned else "plan.changed"
    record(action, workspace=membership.workspace, actor=membership.user, subject=wanted.name)
    toast(request, _said(one, wanted))
    return redirect("billing:billing", ws)


def _seats(request: HttpRequest, wanted: Plan) -> int:
    text = request.POST.get("seats") or request.GET.get("seats") or "0"
    if wanted.extra_seat_cents is None or not text.isascii() or not text.isdigit():
        return 0
    return min(int(text[:4]), MOST_SEATS)


def _terms(membership: Membership, wanted: Plan, seats: int) -> dict[str, Any]:
    workspace = membership.workspace
    now = timezone.now()
    current = open_subscription(workspace)
    meant = terms(current=current, wanted=Subscription(workspace=workspace, plan=wanted, extra_seats=seats), now=now)
    return {
        "membership": membership,
        "ws": workspace.slug,
        "current": plan_of(workspace),
        "plan": wanted,
        "seats": seats,
        "terms": meant,
        "later": meant.starts_at > now,
        "by_provider": provider().online,
        "month_micros": wanted.monthly_micros + seats * (wanted.extra_seat_cents or 0) * invoices.MICROS,
    }


def _said(one: Subscription | None, wanted: Plan) -> str:
    if one is not None and one.next_plan is not None and one.period_end:
        return f"{one.plan.name} stays until {one.period_end:%-d %B}. Then {wanted.name} starts."
    return f"The workspace is on {wanted.name} now."


@login_required
@require_POST
def cap(request: SignedInRequest, ws: str) -> HttpResponse:
    membership = _payer(request, ws)
    form = CapForm(request.POST)
    if not form.is_valid():
        return render(request, "billing/billing.html", _page(membership, cap_form=form), status=422)
    with transaction.atomic():
        micros = form.micros()
        BillingProfile.objects.update_or_create(workspace=membership.workspace, defaults={"cap_micros": micros})
        words = "the monthly cap" if micros is None else f"the monthly cap to ${micros / 1_000_000:,.2f}"
        record("billing.changed", workspace=membership.workspace, actor=membership.user, subject=words)
    toast(request, "There is no monthly cap now." if micros is None else "The monthly cap is set.")
    return redirect("billing:billing", ws)


@login_required
@require_POST
def details(request: SignedInRequest, ws: str) -> HttpResponse:
    membership = _payer(request, ws)
    profile, _ = BillingProfile.objects.get_or_create(workspace=membership.workspace)
    form = DetailsForm(request.POST, instance=profile)
    if not form.is_valid():
        return render(request, "billing/billing.html", _page(membership, details_form=form), status=422)
    with transaction.atomic():
        form.save()
        record("billing.changed", workspace=membership.workspace, actor=membership.user, subject="the billing details")
    toast(request, "The next invoice carries these details.")
    return redirect("billing:billing", ws)


@login_required
@require_POST
def credit(request: SignedInRequest, ws: str) -> HttpResponse:
    """To the provider's page where credit is paid for."""
    membership = _payer(request, ws)
    form = CreditForm(request.POST)
    if not form.is_valid():
        return render(request, "billing/billing.html", _page(membership, credit_form=form), status=422)
    cents = form.cleaned_data["amount"] * 100
    return _to_provider(request, ws, lambda way: way.add_credit(membership.workspace, cents, _back(ws)))


@login_required
@require_POST
def pay(request: SignedInRequest, ws: str, invoice_id: UUID) -> HttpResponse:
    """To the provider's page where an open invoice is paid."""
    invoice = _invoice(_payer(request, ws), invoice_id)
    return _to_provider(request, ws, lambda way: way.pay(invoice, _back(ws)))


@login_required
@require_POST
def portal(request: SignedInRequest, ws: str) -> HttpResponse:
    """To the provider's page where cards are looked after."""
    membership = _payer(request, ws)
    return _to_provider(request, ws, lambda way: way.portal(membership.workspace, _back(ws)))


def _to_provider(request: HttpRequest, ws: str, ask: Any) -> HttpResponse:
    try:
        return redirect(ask(provider()))
    except StudioError as error:
        toast(request, str(error), level=messages.ERROR)
        return redirect("billing:billing", ws)


@login_required
@require_safe
def invoice(request: SignedInRequest, ws: str, invoice_id: UUID) -> HttpResponse:
    """An invoice as PDF."""
    one = _invoice(_payer(request, ws), invoice_id)
    response = HttpResponse(invoice_pdf(one), content_type="application/pdf")
    response["Content-Disposition"] = f'inline; filename="{one.number}.pdf"'
    return response


@login_required
@require_safe
def invoices_csv(request: SignedInRequest, ws: str) -> StreamingHttpResponse:
    """All lines of all invoices."""
    membership = _payer(request, ws)
    head = ("invoice", "issued", "status", "line", "project", "takes", "frames", "amount_usd", "tax_percent")
    return csv_response(f"invoices-{ws}.csv", head, _invoice_rows(membership))


def _invoice_rows(membership: Membership) -> Any:
    found = Invoice.objects.filter(workspace=membership.workspace).prefetch_related("lines")
    for one in found.iterator(chunk_size=500):
        for line in one.lines.all():
            amount = f"{line.amount_micros / 1_000_000:.6f}"
            facts = (one.number, f"{one.issued_at:%Y-%m-%d}", one.status, line.text, line.project)
            yield (*facts, line.takes, line.frames or "", amount, one.tax_permille / 10)


@csrf_exempt
@require_POST
def stripe_webhook(request: HttpRequest) -> HttpResponse:
    """Messages of Stripe. A signature that does not fit is 400; what failed here is 5xx, and Stripe sends it again."""
    if settings.PAYMENTS != "stripe":
        raise Http404("This studio takes no payments by Stripe.")
    try:
        outcome = provider().receive(request.body, request.headers.get("Stripe-Signature", ""))
    except StudioError as error:
        return HttpResponse(error.message, status=error.status, content_type="text/plain")
    return HttpResponse(outcome, content_type="text/plain")


def _invoice(membership: Membership, invoice_id: UUID) -> Invoice:
    found = Invoice.objects.select_related("workspace").filter(workspace=membership.workspace, pk=invoice_id).first()
    if found is None:
        raise Http404("There is no such invoice in this workspace.")
    return found


def _back(ws: str) -> str:
    return settings.PUBLIC_URL + reverse("billing:billing", args=[ws])


def _page(membership: Membership, **forms: Any) -> dict[str, Any]:
    workspace = membership.workspace
    profile = profile_of(workspace)
    sums = ledger.balances(workspace)
    standing = standing_of(workspace)
    all_invoices = list(Invoice.objects.filter(workspace=workspace)[:INVOICES_SHOWN])
    cap_dollars = None if profile.cap_micros is None else f"{profile.cap_micros / 1_000_000:.2f}"
    return {
        "membership": membership,
        "ws": workspace.slug,
        "plan": standing.plan,
        "plans": for_sale() if settings.BILLING else [],
        "subscription": standing.subscription,
        "seats": standing.seats,
        "seats_taken": workspace.memberships.count(),
        "spend": spend_of(workspace, profile, sums[Account.HELD]),
        "alerts": ALERTS,
        "paused": profile.pause_reason or "There is no reason noted." if profile.paused_at else "",
        "invoices": all_invoices,
        "late_invoices": [one for one in all_invoices if one.is_late],
        "open_micros": invoices.next_amount(workspace, sums),
        "credit_micros": max(0, invoices.settled(workspace, sums)),
        "payment_method": profile.payment_method,
        "online": settings.PAYMENTS == "stripe",
        "cap_form": CapForm(initial={"cap": cap_dollars}),
        "credit_form": CreditForm(),
        "details_form": DetailsForm(instance=profile),
    } | forms
