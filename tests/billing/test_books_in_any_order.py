"""Whatever happens in whatever order: books balance, nothing is charged twice, no cap is passed."""

from unittest.mock import patch
from uuid import UUID, uuid4

from django.test import override_settings
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from apps.billing import invoices, ledger, proof, spending
from apps.billing.models import Account, BillingProfile, Invoice
from apps.billing.plans import current_plan, load_plans
from apps.billing.subscriptions import change_plan
from apps.generations import queue
from apps.generations.models import Generation, Status
from apps.generations.proof import wrong_outcomes
from apps.generations.services import begin, complete, end_without_result, retry_generation, submit_generation
from apps.workspaces.services import create_workspace
from studio.errors import StudioError
from tests.factories import AssetFactory, UserFactory

PICK = st.integers(min_value=0, max_value=1000)
CAP = 2_000_000


class Books(RuleBasedStateMachine):
    """One workspace with a cap; its takes may be finished, lost, cancelled and retried at any moment and twice."""

    @initialize()
    def open_them(self):
        load_plans()
        self.workspace = create_workspace(name="Any order", owner=UserFactory(), slug=f"any-{uuid4()}")
        self.membership = self.workspace.memberships.select_related("user", "workspace").get()
        change_plan(workspace=self.workspace, plan=current_plan("creator"))
        BillingProfile.objects.create(workspace=self.workspace, cap_micros=CAP)
        self.draft = {
            "project": None,
            "video": AssetFactory(workspace=self.workspace, video=True, duration_s=8.0),
            "audio": AssetFactory(workspace=self.workspace, audio=True, duration_s=8.0),
            "sync_mode": "cut_off",
            "options": {},
        }
        self.result = AssetFactory(workspace=self.workspace, video=True)

    def takes(self) -> list[Generation]:
        return list(Generation.objects.filter(workspace=self.workspace).order_by("created_at", "pk"))

    def one(self, pick: int) -> Generation:
        takes = self.takes()
        return takes[pick % len(takes)]

    @rule(model=st.sampled_from(["sync-3", "lipsync-2", "lipsync-1.9.0-beta"]), identity=st.uuids())
    def submit(self, model: str, identity: UUID):
        try:
            submit_generation(membership=self.membership, model=model, identity=identity, **self.draft)
        except StudioError as error:
            assert error.code in ("spend_cap_reached", "concurrency_limit_reached", "account_payment_required")

    @precondition(lambda self: self.takes())
    @rule(pick=PICK, share=st.floats(0, 1.5), times=st.integers(1, 2))
    def finish(self, pick: int, share: float, times: int):
        take = self.one(pick)
        begin(take.pk)
        for _ in range(times):
            complete(generation_id=take.pk, result=self.result, lipsynced_s=take.quoted_seconds * share, report={})

    @precondition(lambda self: self.takes())
    @rule(pick=PICK, end=st.sampled_from([Status.FAILED, Status.CANCELLED]), times=st.integers(1, 2))
    def end(self, pick: int, end: Status, times: int):
        for _ in range(times):
            end_without_result(self.one(pick).pk, end)

    @precondition(lambda self: self.takes())
    @rule(pick=PICK)
    def retry(self, pick: int):
        try:
            retry_generation(membership=self.membership, generation=self.one(pick))
        except StudioError as error:
            assert error.code != "internal_error"

    @rule(code=st.sampled_from(["creator", "growth", "scale", "hobbyist"]))
    def change(self, code: str):
        try:
            change_plan(workspace=self.workspace, plan=current_plan(code))
        except StudioError as error:
            assert error.code == "plan_unchanged"

    @rule()
    def invoice(self):
        invoices.issue(workspace=self.workspace)

    @precondition(lambda self: Invoice.objects.filter(workspace=self.workspace).exists())
    @rule(pick=PICK, times=st.integers(1, 3))
    def pay(self, pick: int, times: int):
        """The provider tells of the same payment several times."""
        found = list(Invoice.objects.filter(workspace=self.workspace).order_by("number"))
        invoice = found[pick % len(found)]
        for _ in range(times):
            invoices.pay(invoice=invoice, cents=invoice.total_cents, key=f"payment:{invoice.pk}", ref="pi", memo="card")

    @precondition(lambda self: any(take.charged_micros for take in self.takes()))
    @rule(pick=PICK, share=st.integers(1, 100))
    def refund(self, pick: int, share: int):
        paid = [take for take in self.takes() if take.charged_micros]
        take = paid[pick % len(paid)]
        left = ledger.earned_by(take.pk)
        if micros := left * share // 100:
            ledger.refund(workspace=self.workspace, subject=take.pk, micros=micros, key=f"r:{uuid4()}", memo="sorry")

    @invariant()
    def books_balance(self):
        if not hasattr(self, "workspace"):
            return
        sums = ledger.balances(self.workspace)
        assert sum(sums.values()) == 0
        assert sums[Account.HELD] >= 0
        assert sums[Account.REVENUE] >= 0
        assert spending.spend_of(self.workspace).total <= CAP
        assert all(0 <= ledger.earned_by(take.pk) <= take.quoted_micros for take in self.takes())
        active = sum(take.quoted_micros for take in self.takes() if not take.is_final)
        assert sums[Account.HELD] == active

    def teardown(self):
        assert proof.unbalanced() + proof.wrong_holds() + proof.wrong_invoices() + proof.wrong_copies() == []
        assert wrong_outcomes() == []
        paid = sum(one.total_cents for one in Invoice.objects.filter(workspace=self.workspace, status="paid"))
        assert -ledger.balance(self.workspace, Account.CASH) <= paid * 10_000


class AnyOrder(TestCase):
    def test_any_order(self):
        from hypothesis.stateful import run_state_machine_as_test

        class InTransaction(Books):
            """Each example in a transaction of its own that is rolled back."""

            def __init__(machine):
                super().__init__()
                self.setup_example()

            def teardown(machine):
                try:
                    if hasattr(machine, "workspace"):
                        super().teardown()
                finally:
                    self.teardown_example(None)

        with override_settings(BILLING=True), patch.object(queue.celery_app, "send_task"):
            run_state_machine_as_test(
                InTransaction,
                settings=settings(
                    max_examples=10,
                    stateful_step_count=15,
                    deadline=None,
                    suppress_health_check=list(HealthCheck),
                ),
            )
