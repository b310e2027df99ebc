"""The monthly cap and the alerts on the way to it, pauses, and the free plan."""

from datetime import timedelta
from unittest.mock import patch
from uuid import uuid4

import pytest
import time_machine
from django.core import mail

from apps.billing import ledger, tasks
from apps.billing.models import BillingProfile, Invoice, SpendAlert
from apps.billing.plans import current_plan, subscribe
from apps.billing.spending import month_start, refusals, spend_of
from apps.generations.models import Status
from apps.generations.services import end_without_result, submit_generation
from studio.errors import StudioError
from tests.factories import AssetFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def capped(workspace):
    subscribe(workspace=workspace, plan=current_plan("enterprise"))
    BillingProfile.objects.create(workspace=workspace, cap_micros=1_000_000)
    return workspace


@pytest.fixture
def draft(workspace):
    """Ten seconds of lipsync-2, which cost 50 cents at list price and 40 on Enterprise."""
    return {
        "project": None,
        "video": AssetFactory(workspace=workspace, video=True),
        "audio": AssetFactory(workspace=workspace, audio=True),
        "model": "lipsync-2",
        "sync_mode": "cut_off",
        "options": {},
    }


def test_the_cap_counts_what_is_held_and_says_the_figures(capped, membership, draft):
    submit_generation(membership=membership, **draft)
    submit_generation(membership=membership, **draft)
    with pytest.raises(StudioError) as refused:
        submit_generation(membership=membership, **draft)
    assert (refused.value.code, refused.value.status) == ("spend_cap_reached", 402)
    assert refused.value.message == (
        "This would pass your monthly cap: $0.40 on top of $0.80 is more than $1.00. Nothing was started."
    )
    assert spend_of(capped).total == 800_000


def test_what_is_released_can_be_spent_again(capped, membership, draft):
    takes = [submit_generation(membership=membership, **draft) for _ in range(2)]
    end_without_result(takes[0].pk, Status.CANCELLED)
    submit_generation(membership=membership, **draft)
    assert spend_of(capped).total == 800_000


def test_what_was_earned_last_month_does_not_count(capped):
    subject = uuid4()
    ledger.hold(workspace=capped, subject=subject, micros=900_000)
    with time_machine.travel(month_start() - timedelta(seconds=1)):
        ledger.capture(workspace=capped, subject=subject, micros=900_000)
    assert spend_of(capped).total == 0


def test_alerts_are_told_once_each_and_again_for_another_cap(capped):
    def spend(micros: int) -> list[str]:
        mail.outbox.clear()
        ledger.hold(workspace=capped, subject=uuid4(), micros=micros)
        for _ in range(2):
            tasks.after_usage(str(capped.pk))
        return [message.subject for message in mail.outbox]

    assert spend(400_000) == []
    assert spend(100_000) == ["Harbour films: 50 % of the monthly cap is reached"]
    assert spend(400_000) == ["Harbour films: 80 % of the monthly cap is reached"]
    assert spend(100_000) == ["Harbour films: 100 % of the monthly cap is reached"]
    assert "do not start until next month" in mail.outbox[0].body
    assert mail.outbox[0].to == ["ada@studio.example"]
    BillingProfile.objects.update(cap_micros=2_000_000)
    assert spend(0) == ["Harbour films: 50 % of the monthly cap is reached"]
    assert SpendAlert.objects.count() == 4


def test_a_jump_over_several_shares_sends_one_mail(capped):
    ledger.hold(workspace=capped, subject=uuid4(), micros=850_000)
    tasks.after_usage(str(capped.pk))
    assert [message.subject for message in mail.outbox] == ["Harbour films: 80 % of the monthly cap is reached"]
    assert SpendAlert.objects.count() == 2


def test_a_paused_workspace_starts_nothing_also_with_billing_off(capped, membership, draft, settings):
    BillingProfile.objects.update(paused_at=month_start(), pause_reason="Chargeback.")
    for settings.BILLING in (True, False):
        with pytest.raises(StudioError, match="New work is stopped") as refused:
            submit_generation(membership=membership, **draft)
        assert refused.value.code == "account_on_hold"


def test_free_gives_three_takes_a_month_and_then_needs_credit(membership, workspace, draft):
    takes = []
    for _ in range(3):
        takes.append(submit_generation(membership=membership, **draft))
        assert takes[-1].quoted_micros == 0
        end_without_result(takes[-1].pk, Status.CANCELLED)  # without a result it does not count
    for _ in range(3):
        take = submit_generation(membership=membership, **draft)
        type(take).objects.filter(pk=take.pk).update(status=Status.COMPLETED)
    with pytest.raises(StudioError, match="The 3 free takes of this month are used") as refused:
        submit_generation(membership=membership, **draft)
    assert refused.value.code == "free_tier_generations_exhausted"
    ledger.payment(workspace=workspace, micros=600_000, key="top-up", memo="card")
    assert submit_generation(membership=membership, **draft).quoted_micros == 500_000
    assert [refusal.code for refusal in refusals(workspace, current_plan("free"), 200_000)] == [
        "free_tier_generations_exhausted"
    ]


def test_usage_is_invoiced_when_it_reaches_the_plans_threshold(workspace):
    subscribe(workspace=workspace, plan=current_plan("hobbyist"))
    for micros, invoices in ((5_990_000, 0), (10_000, 1), (100, 1)):
        subject = uuid4()
        ledger.hold(workspace=workspace, subject=subject, micros=micros)
        ledger.capture(workspace=workspace, subject=subject, micros=micros)
        tasks.after_usage(str(workspace.pk))
        assert Invoice.objects.count() == invoices
    assert Invoice.objects.get().total_cents == 600


def test_usage_of_last_month_is_invoiced_however_little_it_is(workspace):
    subject = uuid4()
    ledger.hold(workspace=workspace, subject=subject, micros=50_000)
    ledger.capture(workspace=workspace, subject=subject, micros=50_000)
    tasks.daily()
    assert not Invoice.objects.exists()
    with patch("apps.billing.invoices.month_start", return_value=month_start() + timedelta(days=40)):
        tasks.daily()
    assert Invoice.objects.get().total_cents == 5
