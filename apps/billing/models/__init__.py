"""Plans, the ledger and invoices. Money is integer micro-dollars; balances are sums of entries, never stored."""

from apps.billing.models.invoices import (
    Invoice,
    InvoiceItem,
    InvoiceLine,
    InvoiceSeries,
    InvoiceStatus,
    ProviderEvent,
)
from apps.billing.models.ledger import Account, Entry, Transaction, TransactionKind
from apps.billing.models.plans import BillingProfile, Plan, SpendAlert, Subscription

__all__ = [
    "Account",
    "BillingProfile",
    "Entry",
    "Invoice",
    "InvoiceItem",
    "InvoiceLine",
    "InvoiceSeries",
    "InvoiceStatus",
    "Plan",
    "ProviderEvent",
    "SpendAlert",
    "Subscription",
    "Transaction",
    "TransactionKind",
]
