"""Pictures of usage, billing and staff pages in a studio that charges: ``python -m tests.browser.shots_money [WORD]``.

It has twelve made-up workspaces after half a year; Ada owns the busiest and runs the studio.
"""

import sys

import tests.environment  # noqa: F401 - a data folder of its own, before Django reads its settings

import django  # isort: skip

from tests.browser.drawing import EMAIL, PASSWORD, Shot, draw_all

NAMES = (
    "North Pier Films",
    "Calder School",
    "Ostrava Radio",
    "Łódź Animation",
    "株式会社 東京スタジオ",
    "Harbour Town TV",
    "Sunday Sermons",
    "Lena Vogt",
    "Kite and Anchor",
    "Museum of Trains",
    "Blue Door Dubbing",
    "Two Rivers",
)
DOLLAR = 1_000_000


def refused_cap(page) -> None:
    page.get_by_label("Monthly cap in dollars").fill("-3")
    page.locator("form[action$='/cap/']").evaluate("form => { form.noValidate = true; form.requestSubmit(); }")
    page.locator("[aria-invalid=true]").wait_for()


def table_open(page) -> None:
    page.get_by_text("Show as table").first.click()


def deed_open(page) -> None:
    page.get_by_text("Give credit").first.click()


def shots() -> list[Shot]:
    from apps.generations.models import Generation
    from apps.workspaces.models import Workspace

    busy = Workspace.objects.get(name=NAMES[0])
    takes = Generation.objects.filter(workspace=busy)
    late = Workspace.objects.get(name=NAMES[1]).slug
    pages = [
        ("money-usage", f"/w/{busy.slug}/usage/", None),
        ("money-usage-table", f"/w/{busy.slug}/usage/?by=project", table_open),
        ("money-billing", f"/w/{busy.slug}/billing/", None),
        ("money-billing-refused", f"/w/{busy.slug}/billing/", refused_cap),
        ("money-billing-late", f"/w/{late}/billing/", None),
        ("money-plan-up", f"/w/{busy.slug}/billing/plan/scale/", None),
        ("money-plan-down", f"/w/{busy.slug}/billing/plan/hobbyist/", None),
        ("money-staff", "/staff/", None),
        ("money-staff-workspace", f"/staff/w/{busy.slug}/", deed_open),
        ("money-staff-late", f"/staff/w/{late}/", None),
        ("money-staff-take", f"/staff/g/{takes.filter(status='COMPLETED').latest('created_at').pk}/", None),
        ("money-staff-failed", f"/staff/g/{takes.filter(status='FAILED').latest('created_at').pk}/", None),
        ("money-staff-search", "/staff/search/?q=e", None),
    ]
    return [Shot(name, address, prepare, whole=True) for name, address, prepare in pages]


def fill() -> None:
    from django.conf import settings
    from django.core.management import call_command
    from django.db.models import Count

    from apps.accounts.models import User
    from apps.billing import invoices, ledger
    from apps.billing.models import BillingProfile
    from apps.billing.plans import current_plan, load_plans, subscribe
    from apps.billing.subscriptions import change_plan
    from apps.workspaces.models import Membership, Workspace
    from studio.celery import app

    app.send_task = lambda name, args=(), **rest: None
    settings.BILLING = True
    load_plans()
    call_command("seed_load", takes=3000, entries=15_600, workspaces=len(NAMES), verbosity=0)
    ada = User.objects.create_user(EMAIL, PASSWORD, name="Ada Lind", is_staff=True, is_superuser=True)
    by_work = Workspace.objects.annotate(takes=Count("generations")).order_by("-takes")
    for one, name in zip(by_work, NAMES, strict=True):
        Workspace.objects.filter(pk=one.pk).update(name=name)
        invoices.issue(workspace=one)
    busy, late = by_work[0], by_work[1]
    for one in (busy, late):
        Membership.objects.filter(workspace=one, role="owner").update(role="admin")
        Membership.objects.create(workspace=one, user=ada, role="owner")
    subscribe(workspace=busy, plan=current_plan("free"))
    for invoice in busy.invoices.all():
        invoices.pay(invoice=invoice, cents=invoice.due_cents, key="seed", ref="transfer 1", memo="transfer")
    change_plan(workspace=busy, plan=current_plan("growth"), extra_seats=1)
    BillingProfile.objects.create(
        workspace=busy, cap_micros=400 * DOLLAR, legal_name="North Pier Films Ltd", country="IE"
    )
    ledger.charge(workspace=busy, micros=1_260_000, key="storage", memo="Storage", detail={"what": "Storage"})
    for invoice in late.invoices.all():
        invoices.note_failure(invoice, "The card was refused.")


if __name__ == "__main__":
    import os

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "studio.settings")
    django.setup()
    draw_all(fill, shots, sys.argv[1:])
