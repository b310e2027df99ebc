"""How sign-up and sign-in speak to people."""

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.http import HttpRequest

from apps.accounts.models import User


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
