"""Money in a real browser: a change of plan, a cap that is reached, an invoice on paper, and the staff's dashboard."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from apps.accounts.models import User
from apps.billing import invoices, ledger
from apps.billing.models import BillingProfile
from apps.billing.plans import current_plan, load_plans, plan_of, subscribe
from apps.generations.models import Generation, Status
from apps.workspaces.models import Membership
from tests.browser.stage import enter, film, forgive, make_project, tone
from tests.browser.test_accessible import serious
from tests.factories import GenerationFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

DOLLAR = 1_000_000
FIGURE = ".stats .figure"


@pytest.fixture(autouse=True)
def billing_on(monkeypatch, settings):
    settings.BILLING = True
    load_plans()  # a test with real transactions begins with an empty database
    monkeypatch.setattr("studio.celery.app.send_task", lambda name, args=None, **_: None)
    monkeypatch.setattr("apps.generations.queue.hand_to_workers", lambda generation_id: None)


@pytest.fixture
def visit(studio: Page, live_server, as_person, owner):
    """``visit(route)`` opens a page of the workspace as its owner."""
    cookie = as_person(owner).cookies["sessionid"].value
    return lambda route, *more: enter(studio, live_server.url, reverse(route, args=["harbour", *more]), cookie)


def test_a_plan_is_chosen_and_its_invoice_opened(visit, membership: Membership):
    page = visit("billing:billing")
    expect(page.locator(FIGURE).nth(3)).to_have_text("Free")
    page.get_by_role("button", name="Choose Creator").click()
    expect(page.locator(".facts")).to_contain_text("$19.00")
    page.get_by_role("button", name="Change to Creator").click()
    expect(page.locator(FIGURE).nth(3)).to_have_text("Creator")
    assert plan_of(membership.workspace).code == "creator"
    row = page.locator("#invoices").get_by_role("link", name=re.compile("LS-000001"))
    answer = page.request.get(page.url.split("/w/")[0] + row.get_attribute("href"))
    assert (answer.status, answer.headers["content-type"]) == (200, "application/pdf")
    assert answer.headers["content-disposition"] == 'inline; filename="LS-000001.pdf"'
    paper = answer.body()
    assert paper.startswith(b"%PDF-1.") and paper.rstrip().endswith(b"%%EOF")
    assert b"Invoice LS-000001" in paper, "the title of the document"
    assert serious(page) == []
    page.set_viewport_size({"width": 375, "height": 812})
    for route in ("billing:billing", "usage:usage"):
        page.goto(page.url.split("/w/")[0] + reverse(route, args=["harbour"]))
        assert not page.evaluate("document.documentElement.scrollWidth > window.innerWidth"), route


def test_a_cap_that_is_reached_is_said_and_nothing_starts(visit, membership: Membership, tmp_path: Path, complaints):
    workspace = membership.workspace
    subscribe(workspace=workspace, plan=current_plan("creator"))
    ledger.charge(workspace=workspace, micros=5 * DOLLAR, key="speech", memo="Speech")
    video, audio = film(membership, tmp_path, "cam-a.mp4", 1.0), tone(membership, tmp_path, "maren.wav", 1.0)
    project = make_project(membership, video=video, audio=audio)
    page = visit("billing:billing")
    page.get_by_label("Monthly cap in dollars").fill("5")
    page.get_by_role("button", name="Set cap").click()
    expect(page.get_by_text("100 % of the $5.00 cap")).to_be_visible()
    assert BillingProfile.objects.get().cap_micros == 5 * DOLLAR
    page = visit("projects:workbench", project.pk)
    expect(page.locator("#hints")).to_contain_text("This would pass your monthly cap")
    expect(page.locator("#hints")).to_contain_text("Raise the cap on the billing page")
    expect(page.locator("#generate")).to_have_attribute("aria-disabled", "true")
    page.locator("#generate").click(force=True)
    expect(page.locator("#refusal")).to_contain_text("Nothing was started.")
    assert not Generation.objects.exists()
    forgive(complaints, 422)


@pytest.mark.parametrize(("scheme", "width"), [("light", 375), ("dark", 1440)])
def test_the_dashboard_of_the_staff_is_accessible(
    studio: Page, live_server, as_person, membership: Membership, scheme, width
):
    ledger.charge(workspace=membership.workspace, micros=5 * DOLLAR, key="speech", memo="Speech")
    GenerationFactory(
        workspace=membership.workspace, model="lipsync-1.9.0-beta", status=Status.COMPLETED, charged_micros=0,
        charged_seconds=9.6, started_at=timezone.now() - timedelta(seconds=8), finished_at=timezone.now(),
    )  # fmt: skip
    invoices.note_failure(invoices.issue(workspace=membership.workspace), "declined")
    staff = User.objects.create_user("sten@studio.example", "open-the-studio-1", name="Sten Aff", is_staff=True)
    studio.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    studio.set_viewport_size({"width": width, "height": 900})
    cookie = as_person(staff).cookies["sessionid"].value
    for address in (reverse("staff:dashboard"), reverse("staff:workspace", args=["harbour"])):
        page = enter(studio, live_server.url, address, cookie)
        expect(page.get_by_text("Harbour").first).to_be_attached()
        assert serious(page) == []
        assert not page.evaluate("document.documentElement.scrollWidth > window.innerWidth"), address
        cut_off = "[...document.querySelectorAll('.scrolls')].filter((one) => one.scrollWidth > one.clientWidth)"
        assert page.evaluate(f"{cut_off}.map((one) => one.ariaLabel)") == [], address
