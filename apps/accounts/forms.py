"""Sign-up and sign-in forms: allauth's, with our words."""

from allauth.account import forms as allauth_forms
from django import forms


class SignupForm(allauth_forms.SignupForm):
    name = forms.CharField(
        label="Your name",
        max_length=120,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    field_order = ["name", "email", "password1"]

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        quiet_placeholders(self)


class LoginForm(allauth_forms.LoginForm):
    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        quiet_placeholders(self)


def quiet_placeholders(form: forms.Form) -> None:
    """Labels stand above the fields; a placeholder that repeats them vanishes when it is needed."""
    for field in form.fields.values():
        field.widget.attrs.pop("placeholder", None)
