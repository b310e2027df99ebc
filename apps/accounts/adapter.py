"""How sign-up and sign-in speak to people."""

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest

from apps.accounts.models import User


class AccountAdapter(DefaultAccountAdapter):
    """allauth's own behaviour with our user: no user name, lower-case addresses, the name from the sign-up form."""

    def save_user(self, request: HttpRequest, user: User, form, commit: bool = True) -> User:
        user = super().save_user(request, user, form, commit=False)
        user.email = user.email.lower()
        user.name = form.cleaned_data.get("name", "").strip()
        if commit:
            user.save()
        return user
