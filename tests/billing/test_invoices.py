"""Invoices: what stands on them, what they ask for, and how they are paid."""

from uuid import uuid4

import pytest
from django.db import transaction

from apps.billing import invoices, ledger, proof
from apps.billing.models import Account, Invoice, InvoiceSeries
from apps.billing.plans import current_plan
from apps.billing.spending import profile_of, refusals
from tests.factories import WorkspaceFactory

pytestmark = pytest.mark.django_db


def use(workspace, micros: int, model: str = "lipsync-2", project: str = "Harbour film") -> None:
    subject = uuid4()
    ledger.hold(workspace=workspace, subject=subject, micros=micros)
    detail = {"model": model, "project": project, "seconds": 2.0, "frames": 50}
    ledger.capture(workspace=workspace, subject=subject, micros=micros, detail=detail)


def pay(invoice: Invoice, cents: int, key: str = "one") -> Invoice:
    return invoices.pay(invoice=invoice, cents=cents, key=f"payment:{key}", ref=key, memo="transfer")


def test_lines_are_per_model_and_project_and_what_is_less_than_a_cent_is_given_away(workspace):
    use(workspace, 5_377_380)
    use(workspace, 1_000_001)
    use(workspace, 700_000, project="Another film")
    use(workspace, 2_000, model="sync-3")
    use(workspace, 0)
    invoice = invoices.issue(workspace=workspace)
    rows = [(line.text, line.project, line.takes, line.frames, line.amount_micros) for line in invoice.lines.all()]
    assert rows == [
        ("lipsync-2", "Another film", 1, 50, 700_000),
        ("lipsync-2", "Harbour film", 2, 100, 6_377_381),
        ("sync-3", "Harbour film", 1, 50, 2_000),
    ]
    assert (invoice.net_cents, invoice.total_cents, invoice.due_cents, invoice.subject) == (707, 707, 707, "Usage")
    assert ledger.balance(workspace) == -7_070_000
    assert (invoices.uninvoiced(workspace), invoices.next_amount(workspace)) == (0, 0)
    assert invoices.issue(workspace=workspace) is None
    assert proof.unbalanced() + proof.wrong_invoices() == []


def test_numbers_have_no_gaps_even_where_one_is_rolled_back(workspace):
    for _ in range(3):
        use(workspace, 50_000)
        with pytest.raises(RuntimeError), transaction.atomic():
            invoices.issue(workspace=workspace)
            raise RuntimeError("the disk is full")
        invoices.issue(workspace=workspace)
    assert list(Invoice.objects.order_by("number").values_list("number", flat=True)) == [
        "LS-000001",
        "LS-000002",
        "LS-000003",
    ]
    assert InvoiceSeries.objects.get().last_number == 3


def test_credit_that_was_paid_before_is_used_first(workspace):
    ledger.payment(workspace=workspace, micros=3_000_000, key="p1", memo="top-up")
    use(workspace, 2_000_000)
    first = invoices.issue(workspace=workspace)
    assert (first.status, first.applied_cents, first.due_cents) == ("paid", 200, 0)
    use(workspace, 4_000_000)
    assert invoices.next_amount(workspace) == 3_000_000
    second = invoices.issue(workspace=workspace)
    assert (second.status, second.applied_cents, second.due_cents) == ("open", 100, 300)
    assert pay(second, 300).status == "paid"
    assert invoices.settled(workspace) == 0


def test_a_payment_that_comes_twice_is_booked_once_and_too_much_becomes_credit(workspace):
    use(workspace, 1_000_000)
    invoice = invoices.issue(workspace=workspace)
    for _ in range(2):
        pay(invoice, 150)
    assert ledger.balance(workspace) == 500_000
    assert pay(invoice, 100, key="somebody else paid too").status == "paid"
    assert ledger.balance(workspace) == 1_500_000


def test_a_part_of_it_lowers_what_is_due(workspace):
    use(workspace, 1_000_000)
    invoice = invoices.issue(workspace=workspace)
    pay(invoice, 40, key="a")
    pay(invoice, 40, key="a")
    invoice.refresh_from_db()
    assert (invoice.status, invoice.due_cents) == ("open", 60)
    assert pay(invoice, 60, key="b").status == "paid"
    assert invoices.settled(workspace) == 0


def test_credit_given_later_pays_open_invoices_oldest_first(workspace):
    numbers = []
    for _ in range(2):
        use(workspace, 1_000_000)
        numbers.append(invoices.issue(workspace=workspace).number)
    ledger.credit(workspace=workspace, micros=1_500_000, key="sorry", memo="goodwill")
    assert [invoice.number for invoice in invoices.settle_from_credit(workspace)] == numbers[:1]
    assert invoices.open_due(workspace) == 1_000_000
    use(workspace, 300_000)
    third = invoices.issue(workspace=workspace)
    assert third.due_cents == 0, "half a dollar of the credit is left"


@pytest.mark.parametrize(
    ("country", "vat_id", "cents", "note"),
    [
        ("", "", 230, ""),
        ("IE", "IE7654321B", 230, ""),
        ("FR", "", 230, ""),
        ("FR", "FR12345678901", 0, "Reverse charge"),
        ("US", "", 0, "Not subject"),
    ],
)
def test_tax_by_who_buys(workspace, settings, country, vat_id, cents, note):
    settings.TAX_PERMILLE = 230
    profile = profile_of(workspace)
    profile.country, profile.vat_id = country, vat_id
    profile.save()
    use(workspace, 10_000_000)
    invoice = invoices.issue(workspace=workspace)
    assert (invoice.net_cents, invoice.tax_cents, invoice.total_cents) == (1000, cents, 1000 + cents)
    assert invoice.tax_note.startswith(note)
    assert ledger.balance(workspace, Account.TAX) == cents * 10_000
    assert invoice.issuer["vat_id"] == "IE1234567A"
    assert pay(invoice, invoice.due_cents).status == "paid"
    assert invoices.settled(workspace) == 0


def test_a_refund_stands_on_the_next_invoice(workspace):
    subject = uuid4()
    ledger.hold(workspace=workspace, subject=subject, micros=500_000)
    ledger.capture(workspace=workspace, subject=subject, micros=500_000)
    invoices.issue(workspace=workspace)
    ledger.refund(workspace=workspace, subject=subject, micros=200_000, key="r1", memo="Refund of take 3")
    assert invoices.issue(workspace=workspace) is None, "nobody is sent an invoice for less than nothing"
    with pytest.raises(ledger.LedgerError, match="has cost 300000"):
        ledger.refund(workspace=workspace, subject=subject, micros=300_001, key="r2", memo="too much")
    use(workspace, 600_000)
    invoice = invoices.issue(workspace=workspace)
    assert [line.amount_micros for line in invoice.lines.all()] == [-200_000, 600_000]
    assert invoice.total_cents == 40


def test_an_invoice_past_its_day_or_with_a_refused_card_stops_new_work_and_nothing_else(workspace, settings):
    plan = current_plan("creator")
    use(workspace, 1_000_000)
    invoice = invoices.issue(workspace=workspace)
    assert refusals(workspace, plan, 100) == []
    assert invoices.note_failure(invoice, "card expired")
    refused = refusals(workspace, plan, 100)[0]
    assert (refused.code, refused.status) == ("account_payment_required", 402)
    assert "LS-000001 over $1.00 is not paid" in refused.message
    pay(invoice, 100)
    assert refusals(workspace, plan, 100) == []
    assert not invoices.note_failure(invoice, "an old message"), "a paid invoice stays paid"
    settings.INVOICE_DAYS = -1
    use(workspace, 1_000_000)
    invoices.issue(workspace=workspace)
    assert refusals(workspace, plan, 0)[0].code == "account_payment_required"
    assert refusals(WorkspaceFactory(), plan, 100) == []


def test_what_was_paid_before_covers_the_tax_too(workspace, settings):
    """On a prepaid plan: an invoice that asks for more than the credit would stop all work two weeks later."""
    settings.TAX_PERMILLE = 250
    free = current_plan("free")
    ledger.payment(workspace=workspace, micros=10_000_000, key="top-up", memo="card")
    assert "costs $10.000002 with tax, and the credit is $10.00." in refusals(workspace, free, 8_000_001)[0].message
    assert refusals(workspace, free, 8_000_000) == []
    use(workspace, 6_000_000)
    ledger.hold(workspace=workspace, subject=uuid4(), micros=1_000_000)
    assert refusals(workspace, free, 1_000_000) == []
    refused = refusals(workspace, free, 1_000_001)[0]
    assert "and the credit is $1.25 after the tax on what was used" in refused.message
    use(workspace, 1_000_000)
    assert invoices.issue(workspace=workspace).status == "paid"
    assert refusals(workspace, free, 1), "what is left is the tax of the work that is held"
