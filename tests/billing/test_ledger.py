"""Books that balance whatever happens in which order."""

from uuid import uuid4

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models import Sum
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from apps.billing import ledger, proof
from apps.billing.models import Account, Entry, Transaction
from tests.factories import WorkspaceFactory

MICROS = st.integers(min_value=0, max_value=10**12)
STEPS = st.lists(st.tuples(st.sampled_from(["hold", "capture", "release"]), st.integers(0, 2), MICROS), max_size=25)


@pytest.fixture
def unsealed(db):
    """The triggers are off until the test is rolled back."""
    on = " ON {}" if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        for table in ("billing_transaction", "billing_entry"):
            for deed in ("update", "delete"):
                cursor.execute(f"DROP TRIGGER {table}_no_{deed}{on.format(table)}")


@pytest.mark.django_db
def test_a_hold_is_taken_from_the_balance_and_a_capture_gives_the_rest_back(workspace):
    subject = uuid4()
    ledger.hold(workspace=workspace, subject=subject, micros=5_377_380)
    assert (ledger.balance(workspace), ledger.balance(workspace, Account.HELD)) == (-5_377_380, 5_377_380)
    ledger.capture(workspace=workspace, subject=subject, micros=5_000_000)
    assert (ledger.balance(workspace), ledger.balance(workspace, Account.HELD)) == (-5_000_000, 0)
    assert ledger.balance(workspace, Account.REVENUE) == 5_000_000


@pytest.mark.django_db
def test_a_released_hold_leaves_nothing(workspace):
    subject = uuid4()
    ledger.hold(workspace=workspace, subject=subject, micros=70)
    ledger.release(workspace=workspace, subject=subject)
    assert set(ledger.balances(workspace).values()) == {0}


@pytest.mark.django_db
def test_every_movement_happens_once(workspace):
    subject = uuid4()
    for _ in range(3):
        ledger.hold(workspace=workspace, subject=subject, micros=100)
    for _ in range(3):
        ledger.capture(workspace=workspace, subject=subject, micros=60)
    assert Transaction.objects.count() == 2
    assert ledger.balance(workspace) == -60


@pytest.mark.django_db
def test_a_hold_has_one_outcome(workspace):
    subject = uuid4()
    ledger.hold(workspace=workspace, subject=subject, micros=100)
    ledger.release(workspace=workspace, subject=subject)
    with pytest.raises(ledger.LedgerError, match="was a release already"):
        ledger.capture(workspace=workspace, subject=subject, micros=1)
    assert ledger.balance(workspace, Account.REVENUE) == 0


@pytest.mark.django_db
@pytest.mark.parametrize("micros", [-1, 101])
def test_no_more_than_the_hold_is_captured_and_nothing_negative(workspace, micros):
    subject = uuid4()
    ledger.hold(workspace=workspace, subject=subject, micros=100)
    with pytest.raises(ledger.LedgerError):
        ledger.capture(workspace=workspace, subject=subject, micros=micros)
    with pytest.raises(ledger.LedgerError):
        ledger.hold(workspace=workspace, subject=uuid4(), micros=-1)
    with pytest.raises(ledger.LedgerError):
        ledger.release(workspace=workspace, subject=uuid4())
    assert Transaction.objects.count() == 1


class AnyOrder(TestCase):
    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(STEPS)
    def test_any_order_of_movements_leaves_books_that_balance(self, steps):
        workspace = WorkspaceFactory()
        subjects = [uuid4() for _ in range(3)]
        for what, which, micros in steps:
            try:
                if what == "release":
                    ledger.release(workspace=workspace, subject=subjects[which])
                else:
                    getattr(ledger, what)(workspace=workspace, subject=subjects[which], micros=micros)
            except ledger.LedgerError:
                continue
        assert (Entry.objects.aggregate(total=Sum("amount_micros"))["total"] or 0) == 0
        assert proof.unbalanced() == []
        assert proof.wrong_holds() == []
        assert ledger.balance(workspace, Account.HELD) >= 0
        assert ledger.balance(workspace, Account.REVENUE) >= 0
        assert ledger.balance(workspace) <= 0


@pytest.mark.django_db
def test_the_proof_finds_books_that_were_tampered_with(workspace, unsealed):
    subject = uuid4()
    posted = ledger.hold(workspace=workspace, subject=subject, micros=100)
    ledger.capture(workspace=workspace, subject=subject, micros=60)
    assert (proof.unbalanced(), proof.wrong_holds()) == ([], [])
    Entry.objects.filter(transaction=posted, account=Account.HELD).update(amount_micros=90)
    assert "adds up to -10" in proof.unbalanced()[0]
    assert "-10 micro-dollars are still held" in proof.wrong_holds()[0]
    Entry.objects.filter(transaction=posted).delete()
    assert "has no entries" in proof.unbalanced()[0]


@pytest.mark.django_db
@pytest.mark.parametrize("table", [Entry, Transaction])
def test_the_database_refuses_to_change_or_delete_what_is_in_the_books(workspace, table):
    ledger.hold(workspace=workspace, subject=uuid4(), micros=100)
    for deed in (lambda rows: rows.update(created_at=workspace.created_at), lambda rows: rows._raw_delete(rows.db)):
        with pytest.raises(DatabaseError, match="only grows"), transaction.atomic():
            deed(table.objects.all())
    assert (Transaction.objects.count(), Entry.objects.count()) == (1, 2)
