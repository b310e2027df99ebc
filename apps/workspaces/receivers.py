"""What happens to accounts, noted in the log as allauth tells of it."""

from typing import Any

from allauth.account import signals as account
from allauth.mfa import signals as mfa
from django.contrib.auth.signals import user_login_failed
from django.dispatch import receiver
from django.http import HttpRequest

from apps.accounts.models import User
from apps.workspaces.activity import record


@receiver(account.user_logged_in)
def signed_in(sender: Any, request: HttpRequest, user: User, **rest: Any) -> None:
    record("account.signed_in", actor=user)


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
