"""How sign-up and sign-in speak to people, and how secrets of second factors are kept."""

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.totp.internal.auth import generate_totp_secret
from django.conf import settings
from django.http import HttpRequest

from apps.accounts.models import User
from studio.sealing import SealBroken, seal, unseal

# What every Fernet token begins with; secrets in plain letters never do: they are capitals, or hexadecimal digits.
SEALED = "gAAAA"


class AccountAdapter(DefaultAccountAdapter):
    """allauth's own behaviour with our user: no user name, lower-case addresses, the name from the sign-up form."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "email_password_mismatch": "E-mail and password do not match.",
        "email_taken": "There is an account with this address. Sign in, or reset its password.",
        "invalid_password_reset": "This link is used up or too old. Ask for a new one.",
        "too_many_login_attempts": "Too many tries. Wait some minutes, or reset the password.",
        "rate_limited": "Too many tries. Wait some minutes.",
    }

    def save_user(self, request: HttpRequest, user: User, form, commit: bool = True) -> User:
        user = super().save_user(request, user, form, commit=False)
        user.email = user.email.lower()
        user.name = form.cleaned_data.get("name", "").strip()
        if commit:
            user.save()
        return user

    def should_send_confirmation_mail(self, request: HttpRequest, email_address, signup: bool) -> bool:
        """Not at sign-up where mails only go to a folder: nobody would read the link that we announce."""
        return not (signup and settings.EMAIL_BACKEND.endswith("filebased.EmailBackend"))


class MFAAdapter(DefaultMFAAdapter):
    """Secrets of apps and recovery codes lie sealed in their rows; those of before stay as they are and are read."""

    PURPOSE = "second_factor"

    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": "That does not fit. Try again with the code that the app shows now.",
    }

    def encrypt(self, text: str) -> str:
        return seal(text, self.PURPOSE)

    def decrypt(self, encrypted_text: str) -> str:
        """The secret; one that nobody knows where the signing key is another by now, so that no code fits."""
        if not encrypted_text.startswith(SEALED):
            return encrypted_text
        try:
            return unseal(encrypted_text, self.PURPOSE)
        except SealBroken:
            return generate_totp_secret()
