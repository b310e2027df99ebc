"""API keys: made, shown once, found again by their prefix, revoked.

A key reads ``lips_<8 characters>_<32 characters>``. The first part is its prefix, public and unique. The second has
190 bits of randomness, so that a plain SHA-256 of the key is as hard to turn around as the key is to guess.
"""

import hashlib
import hmac
import secrets
import string
from datetime import datetime, timedelta

from django.db.models import F, FilteredRelation, Q
from django.utils import timezone

from apps.accounts.models import User
from apps.api.models import ApiKey, Scope
from apps.workspaces.access import open_memberships, require
from apps.workspaces.activity import record
from apps.workspaces.models import Membership, Role
from studio.errors import StudioError

ALPHABET = string.ascii_letters + string.digits
PREFIX_LENGTH, SECRET_LENGTH = 8, 32
PREFIX_LIMIT = 16  # characters of the column
NAME_LIMIT = 80
# `last_used_at` is written at most this often, so that reading does not write a row for each request.
USE_NOTED_EVERY = timedelta(minutes=1)


def _random(length: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def digest_of(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def make_key(
    *, membership: Membership, name: str, scope: str = Scope.GENERATE, expires_at: datetime | None = None
) -> tuple[ApiKey, str]:
    """A new key of this person for this workspace: its row and, this once, the key itself.

    A viewer's key can only read. Raises ``StudioError`` for a missing or long name, an unknown scope or a past expiry.
    """
    name = " ".join(name.replace("\x00", "").split())
    if not name:
        raise StudioError("key_name_missing", "A key needs a name.", "Name what will use it.", field="name")
    if len(name) > NAME_LIMIT:
        raise StudioError(
            "key_name_too_long", f"The name has {len(name)} characters.", f"Up to {NAME_LIMIT} fit.", field="name"
        )
    if scope not in Scope.values:
        raise StudioError("key_scope_unknown", "There is no such scope.", "Choose one of the list.", field="scope")
    if expires_at is not None and expires_at <= timezone.now():
        raise StudioError("key_expiry_past", "The key would have expired.", "Choose a later day.", field="expires")
    if scope != Scope.READ:
        require(membership, Role.EDITOR)
    prefix = f"lips_{_random(PREFIX_LENGTH)}"
    key = f"{prefix}_{_random(SECRET_LENGTH)}"
    row = ApiKey.objects.create(
        workspace=membership.workspace,
        user=membership.user,
        name=name,
        scope=scope,
        prefix=prefix,
        digest=digest_of(key),
        expires_at=expires_at,
    )
    record("key.made", workspace=membership.workspace, actor=membership.user, subject=name, role=str(scope))
    return row, key


def find_key(key: str) -> tuple[ApiKey, Membership] | None:
    """The usable key of these characters and its person's membership in its workspace, in one query; None where there
    is no such key, or its person may not come in (any more). Notes that the key was used.
    """
    prefix = key.rpartition("_")[0][:PREFIX_LIMIT]
    by_prefix = FilteredRelation("workspace__api_keys", condition=Q(workspace__api_keys__prefix=prefix))
    held = open_memberships().alias(api_key=by_prefix).filter(api_key__user=F("user"), user__is_active=True)
    held = held.select_related("workspace", "user", "api_key")  # type: ignore[misc]  # a relation of this query alone
    membership = next(iter(held), None)
    row: ApiKey | None = getattr(membership, "api_key", None)
    if membership is None or row is None or not row.is_usable or not hmac.compare_digest(row.digest, digest_of(key)):
        return None
    now = timezone.now()
    stale = Q(last_used_at=None) | Q(last_used_at__lt=now - USE_NOTED_EVERY)
    if row.last_used_at is None or row.last_used_at < now - USE_NOTED_EVERY:
        ApiKey.objects.filter(stale, pk=row.pk).update(last_used_at=now)
    return row, membership


def visible_keys(membership: Membership) -> list[ApiKey]:
    """Keys a member sees: their own, and for administrators everyone's of the workspace."""
    keys = ApiKey.objects.filter(workspace=membership.workspace, revoked_at=None).select_related("user")
    return list(keys if membership.may(Role.ADMIN) else keys.filter(user=membership.user))


def revoke_key(*, membership: Membership, key: ApiKey) -> None:
    """Switch a key off at once: one's own, or any of the workspace for administrators."""
    _own_or_admin(membership, key)
    if ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now()):
        record("key.revoked", workspace=membership.workspace, actor=membership.user, subject=key.name)


def rotate_key(*, membership: Membership, key: ApiKey, grace: timedelta = timedelta(hours=24)) -> tuple[ApiKey, str]:
    """A new key with the same name, scope and expiry; the old one works on for ``grace``, to be replaced meanwhile."""
    if key.user_id != membership.user.pk:
        raise StudioError("key_not_yours", "This key is another person's.", "They can rotate it.", status=403)
    row, secret = make_key(membership=membership, name=key.name, scope=key.scope, expires_at=key.expires_at)
    ends = timezone.now() + grace
    ApiKey.objects.filter(pk=key.pk).filter(Q(expires_at=None) | Q(expires_at__gt=ends)).update(expires_at=ends)
    return row, secret


def _own_or_admin(membership: Membership, key: ApiKey) -> None:
    owner: User = key.user
    if owner.pk != membership.user.pk:
        require(membership, Role.ADMIN)
