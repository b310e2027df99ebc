"""Storage by the gigabyte and month."""

from datetime import UTC, date, datetime

import pytest
import time_machine
from django.utils import timezone

from apps.billing import invoices, ledger
from apps.billing.models import Account, Plan
from apps.billing.plans import current_plan, load_plans, subscribe
from apps.usage import storage, tasks
from apps.usage.models import StoredDay
from tests.factories import AssetFactory

pytestmark = pytest.mark.django_db
NOVEMBER = date(2026, 11, 1)
GB = 10**9


@pytest.fixture(autouse=True)
def priced(settings):
    """Two cents for a gigabyte and month on Creator, one on Scale."""
    settings.BILLING = True
    load_plans()
    Plan.objects.filter(code="creator").update(storage_micros=20_000)
    Plan.objects.filter(code="scale").update(storage_micros=10_000)


def at(day: int, month: int = 11) -> time_machine.travel:
    return time_machine.travel(datetime(2026, month, day, 3, tzinfo=UTC), tick=False)


def test_nothing_costs_anything_until_a_plan_names_a_price(workspace):
    Plan.objects.update(storage_micros=0)
    AssetFactory(workspace=workspace, size=500 * GB)
    with at(2):
        assert storage.look() == 1
    assert storage.charge(NOVEMBER) == 0


def test_a_day_is_looked_at_once_and_counts_what_is_in_the_library(workspace):
    AssetFactory(workspace=workspace, size=3 * GB)
    AssetFactory(workspace=workspace, size=9 * GB, deleted_at=timezone.now())
    with at(2):
        assert (storage.look(), storage.look()) == (1, 0)
    assert StoredDay.objects.get().bytes == 3 * GB


def test_a_month_is_the_mean_of_its_days_at_each_days_plan_and_is_charged_once(workspace):
    subscribe(workspace=workspace, plan=current_plan("creator"))
    AssetFactory(workspace=workspace, size=30 * GB)
    for day in range(1, 31):
        with at(day):
            if day == 16:
                subscribe(workspace=workspace, plan=current_plan("scale"))
            tasks.look_at_storage()
    assert ledger.balance(workspace, Account.REVENUE) == 0, "the month is not over"
    for day in (1, 2):
        with at(day, month=12):
            tasks.look_at_storage()
    assert ledger.balance(workspace, Account.REVENUE) == (15 * 30 * 20_000 + 15 * 30 * 10_000) // 30
    line = invoices.issue(workspace=workspace).lines.get()
    assert (line.text, line.amount_micros) == ("Storage, November 2026, 30.0 GB on average", 450_000)


def test_a_day_that_was_not_looked_at_is_free_and_parts_of_a_micro_dollar_too(workspace):
    subscribe(workspace=workspace, plan=current_plan("creator"))
    AssetFactory(workspace=workspace, size=GB + 1)
    with at(7):
        storage.look()
    assert storage.charge(NOVEMBER) == 1
    assert ledger.balance(workspace, Account.REVENUE) == 20_000 // 30


def test_nothing_is_noted_where_billing_is_off(workspace, settings):
    settings.BILLING = False
    AssetFactory(workspace=workspace, size=GB)
    assert storage.look() == 0
