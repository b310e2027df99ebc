"""Sign-up and sign-in forms: allauth's, with our words."""

from allauth.account import forms as allauth_forms
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn import forms as passkey_forms
from django import forms

AT_LEAST = "At least 10 characters, and none of the common ones."


class _PlainWords:
    """What is said of a field that is empty, or whose address is none."""

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():  # type: ignore[attr-defined]
            field.error_messages["required"] = "This is empty. Fill it in."
            if isinstance(field, forms.EmailField):
                field.error_messages["invalid"] = "This is no e-mail address. It looks like name@example.com."


class SignupForm(_PlainWords, allauth_forms.SignupForm):
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


class LoginForm(_PlainWords, allauth_forms.LoginForm):
    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].label = "E-mail"
        self.fields["password"].help_text = ""  # the link to a new password stands at the foot of the card


class ResetPasswordForm(_PlainWords, allauth_forms.ResetPasswordForm):
    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].label = "E-mail"


class AddEmailForm(_PlainWords, allauth_forms.AddEmailForm):
    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].label = "E-mail"


class ChangePasswordForm(_PlainWords, allauth_forms.ChangePasswordForm):
    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.fields["oldpassword"].label = "Password until now"
        self.fields["oldpassword"].help_text = ""  # the way to reset it stands beside the button
        name_twice(self)


class SetPasswordForm(_PlainWords, allauth_forms.SetPasswordForm):
    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        name_twice(self)


class ResetPasswordKeyForm(_PlainWords, allauth_forms.ResetPasswordKeyForm):
    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        name_twice(self)


class _WholeAnswer:
    """A passkey's answer in which a part is missing is a wrong one; allauth refuses only some of them itself."""

    def clean_credential(self) -> Authenticator:
        try:
            return super().clean_credential()  # type: ignore[misc]
        except KeyError:
            raise get_adapter().validation_error("incorrect_code") from None


class PasskeyForm(_WholeAnswer, passkey_forms.AuthenticateWebAuthnForm):
    """The second factor."""


class PasskeyLoginForm(_WholeAnswer, passkey_forms.LoginWebAuthnForm):
    """Sign-in without a password."""


class PasskeyAgainForm(_WholeAnswer, passkey_forms.ReauthenticateWebAuthnForm):
    """Once more before something that matters."""


def name_twice(form: forms.Form) -> None:
    """Words for a new password that is typed twice."""
    form.fields["password1"].label = "New password"
    form.fields["password1"].help_text = AT_LEAST
    form.fields["password2"].label = "New password again"
