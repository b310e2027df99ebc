"""Forms of the billing page."""

from decimal import Decimal

from django import forms

from apps.billing.models import BillingProfile

DOLLAR = 1_000_000
# Below 5 dollars a card payment costs more than it brings; above 10,000 somebody meant something else.
LEAST_CREDIT, MOST_CREDIT = 5, 10_000
MOST_CAP = 1_000_000
CAP_ERRORS = ("invalid", "min_value", "max_value", "max_decimal_places", "max_digits", "max_whole_digits")
CREDIT_ERRORS = ("required", "invalid", "min_value", "max_value")


class CapForm(forms.Form):
    """The monthly cap in dollars; empty for none."""

    cap = forms.DecimalField(
        label="Monthly cap in dollars",
        required=False,
        min_value=Decimal(0),
        max_value=Decimal(MOST_CAP),
        decimal_places=2,
        help_text="Empty: no cap.",
        error_messages=dict.fromkeys(CAP_ERRORS, "Dollars and cents from 0 to 1,000,000, or empty for no cap."),
    )

    def micros(self) -> int | None:
        cap = self.cleaned_data["cap"]
        return None if cap is None else int(cap * DOLLAR)


class CreditForm(forms.Form):
    """Dollars of credit to pay for."""

    amount = forms.IntegerField(
        label="Credit in dollars",
        min_value=LEAST_CREDIT,
        max_value=MOST_CREDIT,
        initial=20,
        help_text=f"{LEAST_CREDIT} to {MOST_CREDIT:,}.",
        error_messages=dict.fromkeys(CREDIT_ERRORS, f"Whole dollars from {LEAST_CREDIT} to {MOST_CREDIT:,}."),
    )


class DetailsForm(forms.ModelForm):
    """What stands on invoices, and who gets them."""

    class Meta:
        model = BillingProfile
        fields = ["legal_name", "address", "country", "vat_id", "billing_email"]
        labels = {
            "legal_name": "Name on invoices",
            "country": "Country, two letters",
            "vat_id": "VAT number",
            "billing_email": "E-mail for invoices",
        }
        help_texts = {
            "legal_name": "Empty: the workspace's name.",
            "country": "For example IE, FR or US. It decides the tax.",
            "vat_id": "Businesses in another country of the EU pay no tax with it.",
            "billing_email": "Beside the owners.",
        }
        widgets = {"address": forms.Textarea(attrs={"rows": 3})}

    def clean_country(self) -> str:
        country = self.cleaned_data["country"].strip().upper()
        if country and not (len(country) == 2 and country.isascii() and country.isalpha()):
            raise forms.ValidationError("Two letters, like IE.")
        return country

    def clean_vat_id(self) -> str:
        return self.cleaned_data["vat_id"].replace(" ", "").upper()
