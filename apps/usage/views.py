"""The usage page of a workspace."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.accounts.requests import SignedInRequest
from apps.billing import invoices
from apps.billing.models import Invoice
from apps.billing.plans import standing_of
from apps.billing.prices import frame_price
from apps.billing.spending import ALERTS, Spend, spend_of
from apps.catalog.registry import MODELS
from apps.usage import charts
from apps.usage.figures import (
    EXPORT_HEAD,
    GROUPS,
    Month,
    Row,
    besides_takes,
    charged_for,
    export_rows,
    forecast,
    not_charged,
    rows_of,
    total_of,
)
from apps.workspaces.access import membership_in
from apps.workspaces.models import Membership
from apps.workspaces.permissions import Action, may
from studio.sheets import csv_response

MICROS = 1_000_000
INVOICES_SHOWN = 5


@login_required
@require_safe
def usage(request: SignedInRequest, ws: str) -> HttpResponse:
    """A month by day and by model, project, member or API key."""
    membership = membership_in(request.user, ws)
    month = Month.read(request.GET.get("month", ""))
    group = request.GET.get("by", "model")
    group = group if group in GROUPS else "model"
    rows = rows_of(charged_for(membership, month), group)
    expected = forecast(membership.workspace, month)
    total, besides = total_of(rows), besides_takes(membership.workspace, month)
    context: dict[str, Any] = {
        "membership": membership,
        "ws": ws,
        "month": month,
        "next_month": None if month.is_now else Month(month.end),
        "group": group,
        "groups": [(key, label) for key, (label, _) in GROUPS.items()],
        "group_label": GROUPS[group][0],
        "rows": [(row, _colour(rows, index)) for index, row in enumerate(rows)],
        "total": total,
        "besides": besides.items(),
        "whole": total.micros + sum(besides.values()),
        "expected": sum(expected.values()),
        "left_out": not_charged(membership.workspace, month),
    }
    context |= _chart(month, rows, expected) | _money(membership, month)
    context |= _coming(context["spend"], sum(expected.values()))
    if group == "model":
        plan = standing_of(membership.workspace).plan
        context["prices"] = {model: frame_price(model, plan) for model in MODELS}
    return render(request, "usage/usage.html", context)


@login_required
@require_safe
def export(request: SignedInRequest, ws: str) -> StreamingHttpResponse:
    """The month as CSV."""
    membership = membership_in(request.user, ws)
    month = Month.read(request.GET.get("month", ""))
    return csv_response(f"usage-{ws}-{month.token}.csv", EXPORT_HEAD, export_rows(membership, month))


def _colour(rows: list[Row], index: int) -> str:
    """The series a row is drawn in: its own colour, or that of the others."""
    last = charts.SERIES_LIMIT - 1
    return str(index if index < last or len(rows) <= charts.SERIES_LIMIT else last)


def _chart(month: Month, rows: list[Row], expected: dict) -> dict[str, Any]:
    days = month.days
    series = {row.name: [row.by_day[day] / MICROS for day in days] for row in rows}
    shown = charts.largest(series) if rows else {}
    coming = [expected.get(day, 0) / MICROS for day in days]
    drawn = charts.stacked([str(day.day) for day in days], shown, coming)
    table = [
        (day, [round(values[index] * MICROS) for values in shown.values()], expected.get(day))
        for index, day in enumerate(days)
        if any(values[index] for values in shown.values()) or expected.get(day)
    ]
    return {"chart": drawn, "chart_table": table, "has_forecast": any(coming)}


def _coming(spend: Spend | None, expected: int) -> dict[str, int]:
    """Where this month will end, and how far that is from the cap."""
    if spend is None:
        return {}
    coming = spend.total + expected
    room = coming - spend.cap if spend.cap is not None else 0
    return {"coming_micros": coming, "over_cap": room, "under_cap": -room}


def _money(membership: Membership, month: Month) -> dict[str, Any]:
    """Plan, cap and invoices; who may not see money sees the plan alone."""
    workspace = membership.workspace
    standing = standing_of(workspace)
    plan = standing.plan
    spend = spend_of(workspace) if month.is_now else None
    found: dict[str, Any] = {
        "plan": plan,
        "subscription": standing.subscription,
        "seats": standing.seats,
        "seats_taken": workspace.memberships.count(),
        "spend": spend,
        "alerts": ALERTS,
        "may_pay": may(membership, Action.MONEY),
    }
    if found["may_pay"]:
        found["invoices"] = Invoice.objects.filter(workspace=workspace)[:INVOICES_SHOWN]
        found["open_micros"] = invoices.next_amount(workspace)
        if plan.auto_invoice_cents:
            found["invoice_percent"] = min(100, found["open_micros"] // (plan.auto_invoice_cents * 100))
    return found
