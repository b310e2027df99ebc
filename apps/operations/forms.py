"""What staff can do to a workspace or a take. Each deed has a reason."""

from typing import Any
from uuid import uuid4

from django import forms

from apps.accounts.models import User
from apps.billing.models import Invoice
from apps.billing.plans import PLANS
from apps.workspaces.models import Workspace

DOLLAR = 1_000_000


class DeedForm(forms.Form):
    """Every deed: why. ``once`` marks one drawing of the form, so that a form sent twice moves money once."""

    once = forms.UUIDField(initial=uuid4, widget=forms.HiddenInput)
    reason = forms.CharField(label="Reason", max_length=300, widget=forms.TextInput(attrs={"autocomplete": "off"}))

    def __init__(self, *args: Any, workspace: Workspace, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.workspace = workspace
        self.order_fields([name for name in self.fields if name != "reason"] + ["reason"])

    def micros(self) -> int:
        return int(self.cleaned_data["amount"] * DOLLAR)


class AmountForm(DeedForm):
    amount = forms.DecimalField(label="Dollars", min_value=0, max_value=100_000, max_digits=12, decimal_places=6)

    def clean_amount(self) -> Any:
        if self.cleaned_data["amount"] == 0:
            raise forms.ValidationError("More than nothing.")
        return self.cleaned_data["amount"]


class PlanForm(DeedForm):
    plan = forms.ChoiceField(label="Plan", choices=[(row["code"], row["name"]) for row in PLANS])


class PaymentForm(DeedForm):
    invoice = forms.ModelChoiceField(label="Invoice", queryset=Invoice.objects.none())
    reference = forms.CharField(label="Reference of the payment", max_length=100)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["invoice"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = Invoice.objects.filter(workspace=self.workspace).open()


class VisitForm(DeedForm):
    """Look as a member, without changing anything."""

    member = forms.ModelChoiceField(label="Member", queryset=User.objects.none())

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["member"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = self.workspace.members.filter(is_active=True, is_staff=False, is_superuser=False)
