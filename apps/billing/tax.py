"""Who issues invoices, who pays them, and which tax stands on them.

The rule is the European one for electronic services, with one rate: buyers of the issuer's own country pay it; a
business abroad that gave its VAT number pays none and accounts for it itself (reverse charge, article 196 of directive
2006/112/EC); everybody else pays the issuer's rate where both are in the European Union, and none outside.
"""

from dataclasses import dataclass

from django.conf import settings

from apps.billing.models import BillingProfile

EU = frozenset({
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU",
    "IE", "IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK",
})  # fmt: skip
REVERSE_CHARGE = "Reverse charge: the recipient is liable for the VAT."


@dataclass(frozen=True)
class Tax:
    """Rate in thousandths and what the invoice has to say about it."""

    permille: int
    note: str = ""


def tax_for(profile: BillingProfile) -> Tax:
    """The tax on an invoice to this buyer; without a country the buyer counts as one of the issuer's."""
    rate, home = settings.TAX_PERMILLE, settings.INVOICE_ISSUER_COUNTRY
    if not rate:
        return Tax(0)
    if profile.country in ("", home):
        return Tax(rate)
    if home not in EU or profile.country not in EU:
        return Tax(0, "Not subject to the issuer's tax: the recipient is abroad.")
    return Tax(0, REVERSE_CHARGE) if profile.vat_id else Tax(rate)


def issuer() -> dict[str, str]:
    """Who issues, as the settings say now; kept with each invoice."""
    name, *address = [line.strip() for line in settings.INVOICE_ISSUER.split("|")]
    return {
        "name": name,
        "address": "\n".join(address),
        "country": settings.INVOICE_ISSUER_COUNTRY,
        "vat_id": settings.INVOICE_ISSUER_VAT,
    }


def buyer(profile: BillingProfile) -> dict[str, str]:
    """Who pays, as the billing page says now; the workspace's name stands in for a missing one."""
    return {
        "name": profile.legal_name or profile.workspace.name,
        "address": profile.address,
        "country": profile.country,
        "vat_id": profile.vat_id,
    }
