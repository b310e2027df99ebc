"""Payments by bank transfer or in whatever way people agree: staff note what arrived. Needs nothing from outside."""

from apps.billing.models import Invoice, Plan
from apps.billing.subscriptions import change_plan
from apps.workspaces.models import Workspace
from studio.errors import StudioError

OFFLINE = StudioError(
    "payment_offline",
    "This studio takes payments by transfer, not on a page.",
    "Pay by the details on the invoice; whoever runs the studio notes it.",
    status=409,
)


class ManualProvider:
    name = "manual"
    online = False

    def change_plan(self, workspace: Workspace, plan: Plan, extra_seats: int, back: str) -> str:
        change_plan(workspace=workspace, plan=plan, extra_seats=extra_seats)
        return ""

    def pay(self, invoice: Invoice, back: str) -> str:
        raise OFFLINE

    def collect(self, invoice: Invoice) -> None:
        """The invoice itself asks for the money."""

    def add_credit(self, workspace: Workspace, cents: int, back: str) -> str:
        raise OFFLINE

    def portal(self, workspace: Workspace, back: str) -> str:
        raise OFFLINE

    def catch_up(self) -> int:
        return 0

    def receive(self, body: bytes, signature: str) -> str:
        raise OFFLINE
