"""Sign-up and sign-in forms: allauth's, with our words."""

from allauth.account import forms as allauth_forms
from django import forms

AT_LEAST = "At least 10 characters, and none of the common ones."


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
        self.fields["email"].label = "E-mail"
        self.fields["password1"].help_text = AT_LEAST


class LoginForm(allauth_forms.LoginForm):
    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].label = "E-mail"
        self.fields["password"].help_text = ""  # the link to a new password stands at the foot of the card


class ResetPasswordForm(allauth_forms.ResetPasswordForm):
    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].label = "E-mail"


class AddEmailForm(allauth_forms.AddEmailForm):
    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].label = "E-mail"


class ChangePasswordForm(allauth_forms.ChangePasswordForm):
    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.fields["oldpassword"].label = "Password until now"
        self.fields["oldpassword"].help_text = ""  # the way to reset it stands beside the button
        name_twice(self)


class SetPasswordForm(allauth_forms.SetPasswordForm):
    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        name_twice(self)


class ResetPasswordKeyForm(allauth_forms.ResetPasswordKeyForm):
    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        name_twice(self)


def name_twice(form: forms.Form) -> None:
    """Words for a new password that is typed twice."""
    form.fields["password1"].label = "New password"
    form.fields["password1"].help_text = AT_LEAST
    form.fields["password2"].label = "New password again"
