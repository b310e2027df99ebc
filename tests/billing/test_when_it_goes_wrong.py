"""The table "When money goes wrong" of the operations guide, row by row, where no other file has the test."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from unittest.mock import patch

import pytest
import time_machine
from celery.exceptions import Retry
from django.core import mail
from django.db import connection, connections
from django.utils import timezone

from apps.billing import invoices, ledger, proof, tasks
from apps.billing.models import Account, BillingProfile, Entry, Invoice, InvoiceSeries
from apps.billing.pdf import invoice_pdf
from apps.billing.plans import current_plan, load_plans, open_subscription, subscribe
from apps.billing.subscriptions import change_plan, renew_due
from apps.generations.models import Status
from apps.generations.proof import wrong_outcomes
from apps.generations.services import begin, complete, end_without_result, submit_generation
from studio.errors import StudioError
from tests.factories import AssetFactory, WorkspaceFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def take(workspace, membership):
    """A running take of ten seconds of lipsync-2 on Creator: $0.50 held."""
    subscribe(workspace=workspace, plan=current_plan("creator"))
    draft = {"project": None, "model": "lipsync-2", "sync_mode": "cut_off", "options": {}}
    files = {kind: AssetFactory(workspace=workspace, **{kind: True}) for kind in ("video", "audio")}
    made = submit_generation(membership=membership, **draft, **files)
    begin(made.pk)
    return made


def finish(take, seconds: float = 10.0) -> bool:
    result = AssetFactory(workspace=take.workspace, video=True)
    return complete(generation_id=take.pk, result=result, lipsynced_s=seconds, report={})


@pytest.mark.parametrize(
    "where", ["apps.generations.services.ledger.capture", "apps.billing.ledger.Entry.objects.bulk_create"]
)
def test_a_worker_that_dies_while_it_charges_has_done_neither(take, workspace, where):
    """State, result and charge are one transaction: the next attempt finds a running take and a whole hold."""
    with patch(where, side_effect=SystemExit), pytest.raises(SystemExit):
        finish(take)
    take.refresh_from_db()
    assert (take.status, take.result) == (Status.PROCESSING, None)
    assert ledger.balance(workspace, Account.HELD) == 500_000
    assert finish(take) and not finish(take)
    assert (ledger.balance(workspace, Account.REVENUE), ledger.balance(workspace, Account.HELD)) == (500_000, 0)
    assert wrong_outcomes() + proof.wrong_holds() == []


def test_a_take_that_is_never_taken_up_again_gives_its_hold_back(take, workspace):
    end_without_result(take.pk, Status.FAILED, StudioError("generation_infra_service_unavailable", "gone", ""))
    assert set(ledger.balances(workspace).values()) == {0}


def test_a_plan_that_changes_in_the_middle_of_a_take_does_not_change_its_price(take, workspace):
    change_plan(workspace=workspace, plan=current_plan("scale"))
    finish(take)
    take.refresh_from_db()
    assert (take.price_micros_per_frame, take.charged_micros) == (2000, 500_000)


def test_billing_switched_on_or_off_in_the_middle_of_a_take_does_not_change_its_price(take, workspace, settings):
    settings.BILLING = False
    finish(take, seconds=4.0)
    assert ledger.balance(workspace, Account.REVENUE) == 200_000


def test_months_that_pass_while_billing_is_switched_off_cost_nothing(workspace, settings):
    change_plan(workspace=workspace, plan=current_plan("creator"))
    end = open_subscription(workspace).period_end
    settings.BILLING = False
    with time_machine.travel(end + timedelta(days=1), tick=False):
        renew_due()
        assert Invoice.objects.count() == 1
    settings.BILLING = True
    with time_machine.travel(end + timedelta(days=32), tick=False):
        renew_due()
    fees = Entry.objects.filter(account=Account.FEES)
    assert [entry.amount_micros for entry in fees] == [19_000_000, 19_000_000]


def test_a_clock_that_is_set_back_charges_no_month_twice(workspace):
    change_plan(workspace=workspace, plan=current_plan("creator"))
    end = open_subscription(workspace).period_end
    for moment in (end + timedelta(hours=1), end - timedelta(days=2), end + timedelta(hours=2)):
        with time_machine.travel(moment, tick=False):
            renew_due()
            invoices.issue(workspace=workspace)
    fees = Entry.objects.filter(account=Account.FEES)
    assert [entry.amount_micros for entry in fees] == [19_000_000, 19_000_000]
    assert Invoice.objects.count() == 2


def test_a_clock_that_was_set_back_between_hold_and_capture_still_balances(take, workspace):
    with time_machine.travel(timezone.now() - timedelta(days=40), tick=False):
        finish(take)
    assert proof.unbalanced() + proof.wrong_holds() + proof.wrong_copies() + wrong_outcomes() == []


def test_an_invoice_whose_provider_is_silent_is_tried_again_and_mailed_once(workspace):
    ledger.charge(workspace=workspace, micros=20_000_000, key="use", memo="use")
    invoice = invoices.issue(workspace=workspace)
    silent = StudioError("payment_provider_failed", "Stripe did not answer.", "", status=502)
    with patch.object(tasks, "provider") as provider:
        provider.return_value.collect.side_effect = silent
        with pytest.raises(Retry):
            tasks.invoice_issued.apply(args=[str(invoice.pk)], throw=True)
        assert mail.outbox == []
        provider.return_value.collect.side_effect = None
        tasks.invoice_issued(str(invoice.pk))
    assert [message.subject for message in mail.outbox] == [f"Invoice {invoice.number}"]
    invoice.refresh_from_db()
    assert (invoice.status, invoice.failed_at) == ("open", None), "silence is no refusal and stops no work"


def test_an_invoice_whose_provider_stays_silent_is_mailed_all_the_same(workspace):
    ledger.charge(workspace=workspace, micros=20_000_000, key="use", memo="use")
    invoice = invoices.issue(workspace=workspace)
    with patch.object(tasks, "provider") as provider:
        provider.return_value.collect.side_effect = StudioError("payment_provider_failed", "Silence.", "", status=502)
        for retries in (4, 5, 5):
            tasks.invoice_issued.apply(args=[str(invoice.pk)], retries=retries)
    assert [message.subject for message in mail.outbox] == [f"Invoice {invoice.number}"]


def test_an_invoice_whose_message_was_lost_is_told_within_the_hours(workspace):
    """Redis was away, or the mail server: nobody was told, and in two weeks its work would stop."""
    ledger.charge(workspace=workspace, micros=20_000_000, key="use", memo="use")
    with patch("apps.billing.invoices.later"):
        invoice = invoices.issue(workspace=workspace)
    with patch.object(tasks, "later") as later:
        tasks.daily()
        assert not later.called, "its message may be on the way"
        with time_machine.travel(timezone.now() + timedelta(hours=2), tick=False):
            tasks.daily()
            later.assert_called_once_with("billing.invoice_issued", str(invoice.pk))
            tasks.invoice_issued(str(invoice.pk))
            tasks.daily()
    assert later.call_count == 1


def test_a_mail_server_that_is_away_loses_no_alert_and_keeps_nobody_waiting(workspace):
    other = WorkspaceFactory()
    for house in (workspace, other):
        subscribe(workspace=house, plan=current_plan("hobbyist"))
        BillingProfile.objects.create(workspace=house, cap_micros=10_000_000)
        ledger.charge(workspace=house, micros=7_000_000, key=f"use:{house.pk}", memo="use")
    BillingProfile.objects.filter(workspace=other).update(cap_micros=None)
    with patch.object(tasks.mails, "alert", side_effect=ConnectionRefusedError):
        tasks.daily()
    assert [invoice.workspace for invoice in Invoice.objects.all()] == [other]
    tasks.daily()
    assert [message.subject for message in mail.outbox] == [f"{workspace.name}: 50 % of the monthly cap is reached"]
    assert Invoice.objects.count() == 2


def test_a_payment_that_goes_back_makes_the_next_invoice_ask_for_it(workspace):
    ledger.charge(workspace=workspace, micros=20_000_000, key="use", memo="use")
    invoice = invoices.issue(workspace=workspace)
    invoices.pay(invoice=invoice, cents=2000, key="pay", ref="pay", memo="card")
    ledger.pay_back(workspace=workspace, micros=20_000_000, key="back", memo="the bank took it back")
    assert invoices.next_amount(workspace) == 20_000_000
    ledger.charge(workspace=workspace, micros=5_000_000, key="more", memo="use")
    second = invoices.issue(workspace=workspace)
    assert (second.total_cents, second.due_cents, invoices.next_amount(workspace)) == (500, 2500, 0)
    assert b"%PDF" in invoice_pdf(second)
    invoices.pay(invoice=second, cents=2500, key="pay 2", ref="pay 2", memo="card")
    assert (ledger.balance(workspace), invoices.open_due(workspace)) == (0, 0)
    assert proof.unbalanced() + proof.wrong_invoices() == []


@pytest.mark.database
@pytest.mark.django_db(transaction=True)
def test_invoices_at_once_have_numbers_without_gaps():
    """Twelve workspaces at once, each twice: its second invoice has nothing to ask for."""
    load_plans()
    houses = [WorkspaceFactory() for _ in range(12)]
    for house in houses:
        ledger.charge(workspace=house, micros=5_000_000, key=f"use:{house.pk}", memo="use")
    start = threading.Barrier(8)

    def issue(number: int) -> str | None:
        if number < 8:
            start.wait()
        try:
            invoice = invoices.issue(workspace=houses[number % len(houses)])
            return invoice.number if invoice else None
        finally:
            connections.close_all()

    with patch("apps.billing.invoices.later"), ThreadPoolExecutor(8) as pool:
        numbers = [number for number in pool.map(issue, range(24)) if number]
    assert sorted(numbers) == [f"LS-{number:06d}" for number in range(1, 13)], connection.vendor
    assert InvoiceSeries.objects.get().last_number == 12
    assert proof.wrong_invoices() == []
