"""What a provider of payments has to do. Addresses it gives are where the person is sent next."""

from typing import Protocol

from apps.billing.models import Invoice, Plan
from apps.workspaces.models import Workspace


class Provider(Protocol):
    """One way to be paid.

    Every method may raise ``StudioError``: ``payment_provider_failed`` where the provider cannot be reached or refuses,
    ``payment_offline`` where it has no such thing.
    """

    name: str
    # Whether people pay by themselves, on pages of the provider.
    online: bool

    def change_plan(self, workspace: Workspace, plan: Plan, extra_seats: int, back: str) -> str:
        """Put the workspace on a plan; an address where it has to be paid for first, or nothing."""
        ...

    def pay(self, invoice: Invoice, back: str) -> str:
        """Where an open invoice is paid."""
        ...

    def collect(self, invoice: Invoice) -> None:
        """Take the money for a new invoice by the saved way, where there is one."""
        ...

    def add_credit(self, workspace: Workspace, cents: int, back: str) -> str:
        """Where credit is paid for."""
        ...

    def portal(self, workspace: Workspace, back: str) -> str:
        """Where the saved way of paying is looked after."""
        ...

    def catch_up(self) -> int:
        """Work off messages that did not arrive; returns how many there were."""
        ...

    def receive(self, body: bytes, signature: str) -> str:
        """Work off a message of the provider; returns what it led to, in a few words. A second copy does nothing."""
        ...
