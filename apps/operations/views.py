"""Pages of those who run the studio: the dashboard, a workspace, a take, and what they can do there."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.requests import SignedInRequest
from apps.billing import invoices, ledger
from apps.billing.models import Account, BillingProfile, Invoice, Transaction
from apps.billing.plans import standing_of
from apps.billing.spending import spend_of
from apps.generations.models import Generation
from apps.operations import deeds, figures, visiting, words
from apps.operations.access import any_take, any_workspace, staff_only
from apps.operations.models import StaffAction
from apps.usage import charts
from apps.usage.figures import Month
from apps.workspaces.models import Workspace
from studio.errors import StudioError
from studio.toasts import toast

MICROS = 1_000_000
FOUND, TAKES_SHOWN, BOOKED_SHOWN, DEEDS_SHOWN, EVENTS_SHOWN = 20, 12, 15, 20, 200


@staff_only
@never_cache
@require_safe
def dashboard(request: SignedInRequest) -> HttpResponse:
    month = Month.read(request.GET.get("month", ""))
    work, revenue = figures.work_of(month), figures.revenue_of(month)
    days = [day for day in month.days if day <= max([*revenue.by_day, *work.cost_by_day, month.start.date()])]
    series = {
        "Revenue": [revenue.by_day.get(day, 0) / MICROS for day in days],
        "Compute": [work.cost_by_day.get(day, 0) / MICROS for day in days],
    }
    context = {
        "month": month,
        "next_month": None if month.is_now else Month(month.end),
        "work": work,
        "total": work.total,
        "revenue": revenue,
        "chart": charts.lines([str(day.day) for day in days], series),
        "has_figures": any(revenue.by_day.values()) or any(work.cost_by_day.values()),
        "chart_table": [(day, revenue.by_day.get(day, 0), work.cost_by_day.get(day, 0)) for day in days],
        "recurring": figures.recurring(),
        "failures": figures.failures_of(month),
        "unpaid": figures.unpaid(),
        "given_back": figures.given_back(month).items(),
        "top": figures.top_workspaces(month),
        "storage": figures.storage(),
        "now": figures.machines(),
        "log": _log(StaffAction.objects.select_related("actor", "workspace")[:DEEDS_SHOWN]),
    }
    return render(request, "operations/dashboard.html", context)


@staff_only
@require_safe
def search(request: SignedInRequest) -> HttpResponse:
    """A take by its id, else workspaces by name, slug or the e-mail of a member."""
    text = request.GET.get("q", "").replace("\x00", "").strip()[:100]
    try:
        take_id = UUID(text)  # as a database or a log writes it, with capitals or without hyphens
        if Generation.objects.filter(pk=take_id).exists():
            return redirect("staff:take", take_id)
    except ValueError:
        pass  # no id: a name
    found: list[Workspace] = []
    if text:
        by_name = Workspace.objects.filter(name__icontains=text) | Workspace.objects.filter(slug__icontains=text)
        by_person = Workspace.objects.filter(members__email__icontains=text)
        ids = {*by_name.values_list("pk", flat=True)[:FOUND], *by_person.values_list("pk", flat=True)[:FOUND]}
        found = list(Workspace.objects.filter(pk__in=ids).order_by("name")[:FOUND])
    if len(found) == 1:
        return redirect("staff:workspace", found[0].slug)
    return render(request, "operations/search.html", {"text": text, "found": found})


@staff_only
@never_cache
@require_safe
def workspace(request: SignedInRequest, slug: str) -> HttpResponse:
    return render(request, "operations/workspace.html", _workspace_page(any_workspace(slug)))


@staff_only
@never_cache
@require_safe
def take(request: SignedInRequest, take_id: UUID) -> HttpResponse:
    return render(request, "operations/take.html", _take_page(any_take(take_id)))


@staff_only
@require_POST
def workspace_deed(request: SignedInRequest, slug: str, name: str) -> HttpResponse:
    one = any_workspace(slug)
    deed = deeds.WORKSPACE_DEEDS.get(name)
    if deed is None:
        raise Http404("There is no such deed.")
    form = deed.form(request.POST, workspace=one)
    facts = _done(request, deed, one, form, None) if form.is_valid() else None
    if facts is None:
        page = _workspace_page(one, failed={name: form})
        return render(request, "operations/workspace.html", page, status=422)
    if name == "visit":
        visiting.begin(request, facts["user"], slug)
        return redirect("assets:library", slug)
    return redirect("staff:workspace", slug)


@staff_only
@require_POST
def take_deed(request: SignedInRequest, take_id: UUID, name: str) -> HttpResponse:
    one = any_take(take_id)
    deed = deeds.TAKE_DEEDS.get(name)
    if deed is None or not deed.offered(one):
        raise Http404("There is no such deed for this take.")
    form = deed.form(request.POST, workspace=one.workspace)
    facts = _done(request, deed, one.workspace, form, one) if form.is_valid() else None
    if facts is None:
        return render(request, "operations/take.html", _take_page(one, failed={name: form}), status=422)
    return redirect("staff:take", facts.get("new", take_id))


@require_POST
def leave(request: SignedInRequest) -> HttpResponse:
    """End of a visit; the middleware lets this through as the staff member."""
    visiting.end(request)
    return redirect("staff:dashboard" if request.user.is_authenticated and request.user.is_staff else "home")


def _done(
    request: SignedInRequest, deed: deeds.Deed, one: Workspace, form: Any, about: Generation | None
) -> dict[str, Any] | None:
    try:
        facts = deeds.do(deed, actor=request.user, workspace=one, form=form, take=about)
    except StudioError as error:
        form.add_error(None, str(error))
        return None
    toast(request, f"{deed.label}: done, and written down.", level=messages.SUCCESS)
    return facts


def _workspace_page(one: Workspace, failed: dict[str, Any] | None = None) -> dict[str, Any]:
    profile = getattr(one, "billing", None) or BillingProfile(workspace=one)
    sums, standing = ledger.balances(one), standing_of(one)
    return {
        "one": one,
        "profile": profile,
        "spend": spend_of(one, profile, sums[Account.HELD]),
        "plan": standing.plan,
        "subscription": standing.subscription,
        "balances": sums,
        "open_micros": invoices.next_amount(one, sums),
        "members": one.memberships.select_related("user").order_by("role", "user__email")[:FOUND],
        "invoices": Invoice.objects.filter(workspace=one)[:TAKES_SHOWN],
        "takes": Generation.objects.filter(workspace=one).order_by("-created_at")[:TAKES_SHOWN],
        "booked": _booked(Transaction.objects.filter(workspace=one).order_by("-created_at")[:BOOKED_SHOWN]),
        "log": _log(StaffAction.objects.filter(workspace=one).select_related("actor")[:DEEDS_SHOWN]),
        "deeds": _offered(deeds.WORKSPACE_DEEDS, one, one, failed or {}),
    }


def _take_page(one: Generation, failed: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "take": one,
        "events": [(event.at, *words.event_told(event)) for event in one.events.all()[:EVENTS_SHOWN]],
        "took_s": (one.finished_at - one.started_at).total_seconds() if one.finished_at and one.started_at else None,
        "booked": _booked(Transaction.objects.filter(subject=one.pk).order_by("created_at")),
        "earned": ledger.earned_by(one.pk),
        "log": _log(StaffAction.objects.filter(generation=one.pk).select_related("actor")),
        "choices": words.choices_of(one),
        "times": words.times_of(one.report or {}),
        "report": one.report or {},
        "deeds": _offered(deeds.TAKE_DEEDS, one, one.workspace, failed or {}),
    }


def _log(rows: Iterable[StaffAction]) -> list[tuple[StaffAction, str]]:
    return [(row, words.deed(row.action)) for row in rows]


def _offered(
    table: dict[str, deeds.Deed], one: Workspace | Generation, workspace: Workspace, failed: dict[str, Any]
) -> list[tuple[deeds.Deed, Any, str]]:
    """Deeds for a page with their forms and addresses; a form that was refused keeps what was typed."""
    place, key = ("workspace_deed", workspace.slug) if one is workspace else ("take_deed", str(one.pk))
    return [
        (
            deed,
            failed.get(deed.name) or deed.form(workspace=workspace, auto_id=f"{deed.name}-%s"),
            reverse(f"staff:{place}", args=[key, deed.name]),
        )
        for deed in table.values()
        if deed.name in failed or deed.offered(one)
    ]


def _booked(rows: Any) -> list[tuple[Transaction, list[tuple[str, int]]]]:
    """Transactions with their entries as (account, micro-dollars), two queries whatever their number."""
    return [
        (row, [(entry.account, entry.amount_micros) for entry in row.entries.all()])
        for row in rows.prefetch_related("entries")
    ]
