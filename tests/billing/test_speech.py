"""Spoken text is paid for by the character, held before and earned after."""

from uuid import uuid4

import pytest

from apps.billing import invoices, ledger, proof
from apps.billing.models import Account, BillingProfile, Plan
from apps.billing.plans import current_plan, load_plans, subscribe
from apps.billing.prices import speech_micros
from apps.billing.speech import hold_speech, paid_speech, settle_speech
from studio.errors import StudioError

pytestmark = pytest.mark.django_db


@pytest.fixture
def paying(workspace):
    """A workspace on Creator, where a thousand spoken characters cost 18 cents."""
    Plan.objects.filter(pk=current_plan("creator").pk).update(speech_micros=180_000)
    subscribe(workspace=workspace, plan=current_plan("creator"))
    return workspace


def test_nothing_costs_anything_until_a_plan_names_a_price():
    load_plans()
    assert {plan.speech_micros for plan in Plan.objects.all()} == {0}


@pytest.mark.parametrize(("characters", "micros"), [(0, 0), (1, 180), (1000, 180_000), (1234, 222_120), (-5, 0)])
def test_each_character_has_its_price(paying, characters, micros):
    assert speech_micros(current_plan("creator"), characters) == micros


def test_a_part_of_a_micro_dollar_is_given_away():
    assert speech_micros(Plan(speech_micros=999), 1) == 0
    assert speech_micros(Plan(speech_micros=999), 1500) == 1498


def test_billing_switched_off_costs_nothing(paying, settings):
    settings.BILLING = False
    assert speech_micros(current_plan("creator"), 1000) == 0


def test_speech_is_held_while_it_is_made_and_earned_when_it_is_there(paying):
    with paid_speech(workspace=paying, subject=uuid4(), characters=1000, project="Harbour") as held:
        assert held == ledger.balance(paying, Account.HELD) == 180_000
    assert ledger.balances(paying) | {"balance": -180_000, "held": 0, "revenue": 180_000} == ledger.balances(paying)


def test_speech_that_fails_costs_nothing(paying):
    with (
        pytest.raises(ZeroDivisionError),
        paid_speech(workspace=paying, subject=uuid4(), characters=1000),
    ):
        raise ZeroDivisionError
    assert set(ledger.balances(paying).values()) == {0}


def test_a_worker_that_died_goes_on_with_the_same_hold(paying):
    subject = uuid4()
    hold_speech(workspace=paying, subject=subject, characters=1000)  # and the process is gone
    for _ in range(2):
        with paid_speech(workspace=paying, subject=subject, characters=1000):
            pass
    assert ledger.balance(paying, Account.REVENUE) == 180_000
    with pytest.raises(ledger.LedgerError):
        settle_speech(workspace=paying, subject=subject, characters=1000, spoken=False)
    assert proof.unbalanced() + proof.wrong_holds() == []


def test_the_hold_keeps_the_price_of_its_moment(paying):
    subject = uuid4()
    hold_speech(workspace=paying, subject=subject, characters=1000)
    subscribe(workspace=paying, plan=current_plan("scale"))
    settle_speech(workspace=paying, subject=subject, characters=1000, spoken=True)
    assert ledger.balance(paying, Account.REVENUE) == 180_000


def test_the_cap_and_credit_hold_for_speech_too(paying):
    BillingProfile.objects.create(workspace=paying, cap_micros=200_000)
    with paid_speech(workspace=paying, subject=uuid4(), characters=1000):
        pass
    with pytest.raises(StudioError) as refused, paid_speech(workspace=paying, subject=uuid4(), characters=1000):
        pytest.fail("nothing may be spoken")
    assert refused.value.code == "spend_cap_reached"
    Plan.objects.filter(code="free").update(speech_micros=180_000)
    subscribe(workspace=paying, plan=current_plan("free"))
    BillingProfile.objects.update(cap_micros=None)
    with pytest.raises(StudioError) as refused:
        hold_speech(workspace=paying, subject=uuid4(), characters=1000)
    assert refused.value.code == "account_payment_required"
    assert "free takes" not in refused.value.message


def test_an_invoice_has_a_line_per_project(paying):
    for project, characters in (("Harbour", 1000), ("Harbour", 500), ("", 2000)):
        with paid_speech(workspace=paying, subject=uuid4(), characters=characters, project=project):
            pass
    invoice = invoices.issue(workspace=paying)
    lines = [(line.text, line.project, line.takes, line.frames, line.amount_micros) for line in invoice.lines.all()]
    assert lines == [
        ("Spoken text, 2,000 characters", "", 0, None, 360_000),
        ("Spoken text, 1,500 characters", "Harbour", 0, None, 270_000),
    ]
