"""Billing is on in every test of this room."""

import pytest


@pytest.fixture(autouse=True)
def billing_on(settings):
    settings.BILLING = True
    settings.INVOICE_ISSUER = "Quiet Harbour Ltd|3 Pier Road|Cork"
    settings.INVOICE_ISSUER_COUNTRY = "IE"
    settings.INVOICE_ISSUER_VAT = "IE1234567A"
