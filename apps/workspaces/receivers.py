"""What happens to accounts, noted in the log as allauth tells of it."""

from typing import Any

from allauth.account import signals as account
from allauth.mfa import signals as mfa
from django.contrib.auth.signals import user_logged_out, user_login_failed
from django.dispatch import receiver
from django.http import HttpRequest

from apps.accounts.models import User
from apps.workspaces.activity import record


@receiver(account.user_signed_up)
def signed_up(sender: Any, request: HttpRequest, user: User, **rest: Any) -> None:
    record("account.made", actor=user)


@receiver(account.user_logged_in)
def signed_in(sender: Any, request: HttpRequest, user: User, **rest: Any) -> None:
    record("account.signed_in", actor=user)


@receiver(user_logged_out)
def signed_out(sender: Any, request: HttpRequest, user: User | None, **rest: Any) -> None:
    if user is not None and user.is_active:  # a deleted account says so itself
        record("account.signed_out", actor=user)


@receiver(user_login_failed)
def sign_in_failed(sender: Any, credentials: dict[str, Any], **rest: Any) -> None:
    """Noted with the account it was tried for. Addresses that nobody has are not kept: they may be a typed password."""
    user = User.objects.filter(email__iexact=str(credentials.get("email") or credentials.get("username") or "")).first()
    if user is not None:
        record("account.sign_in_failed", actor=user, subject=user.email)


@receiver([account.password_changed, account.password_set, account.password_reset])
def password_changed(sender: Any, request: HttpRequest, user: User, **rest: Any) -> None:
    record("account.password_changed", actor=user)


@receiver(mfa.authenticator_added)
def factor_added(sender: Any, request: HttpRequest, user: User, authenticator: Any, **rest: Any) -> None:
    record("account.factor_added", actor=user, subject=authenticator.get_type_display())


@receiver(mfa.authenticator_removed)
def factor_removed(sender: Any, request: HttpRequest, user: User, authenticator: Any, **rest: Any) -> None:
    record("account.factor_removed", actor=user, subject=authenticator.get_type_display())


@receiver(mfa.authenticator_reset)
def codes_renewed(sender: Any, request: HttpRequest, user: User, authenticator: Any, **rest: Any) -> None:
    record("account.codes_renewed", actor=user)


@receiver(mfa.authentication_failed)
def code_failed(sender: Any, request: HttpRequest, user: User, **rest: Any) -> None:
    record("account.code_failed", actor=user)


@receiver(account.email_added)
def address_added(sender: Any, request: HttpRequest, user: User, email_address: Any, **rest: Any) -> None:
    record("account.address_added", actor=user, subject=email_address.email)


@receiver(account.email_confirmed)
def address_confirmed(sender: Any, request: HttpRequest, email_address: Any, **rest: Any) -> None:
    record("account.address_confirmed", actor=email_address.user, subject=email_address.email)


@receiver(account.email_removed)
def address_removed(sender: Any, request: HttpRequest, user: User, email_address: Any, **rest: Any) -> None:
    record("account.address_removed", actor=user, subject=email_address.email)


@receiver(account.email_changed)
def address_changed(sender: Any, request: HttpRequest, user: User, to_email_address: Any, **rest: Any) -> None:
    record("account.address_changed", actor=user, subject=to_email_address.email)
