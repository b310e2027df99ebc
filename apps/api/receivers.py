"""Keys end with the account they belong to."""

from typing import Any

from django.dispatch import receiver
from django.utils import timezone

from apps.accounts.models import User
from apps.api.models import ApiKey
from apps.workspaces.signals import account_closing


@receiver(account_closing)
def revoke_keys(sender: Any, user: User, **rest: Any) -> None:
    ApiKey.objects.filter(user=user, revoked_at=None).update(revoked_at=timezone.now())
