"""A workspace's keys for providers: written by administrators, read by nobody."""

from typing import Any

from django.db import transaction

from apps.voices.models import ProviderKey
from apps.voices.providers.base import Busy, SpeechProvider
from apps.voices.registry import providers
from apps.workspaces.access import require
from apps.workspaces.activity import record
from apps.workspaces.models import Membership, Role, Workspace
from studio.errors import StudioError
from studio.sealing import SealBroken, seal, unseal

PURPOSE = "voice provider key"
KEY_LIMIT = 400


def set_key(*, membership: Membership, provider: SpeechProvider, key: str) -> ProviderKey:
    """Keep a key in place of the one before. Raises ``StudioError`` for what is no key."""
    require(membership, Role.ADMIN)
    key = key.strip()
    if not provider.abilities.needs_key:
        raise StudioError("voice_key_not_needed", f"{provider.label} needs no key.", field="key")
    if not 8 <= len(key) <= KEY_LIMIT or not key.isascii() or not key.isprintable() or " " in key:
        advice = f"Copy it from your {provider.label} account."
        raise StudioError("voice_key_invalid", "That is no key.", advice, field="key")
    with transaction.atomic():
        kept, _ = ProviderKey.objects.update_or_create(
            workspace=membership.workspace,
            provider=provider.name,
            defaults={"sealed": seal(key, PURPOSE), "hint": key[-4:], "added_by": membership.user},
        )
        record("voices.key_set", workspace=membership.workspace, actor=membership.user, subject=provider.label)
    return kept


def remove_key(*, membership: Membership, provider: SpeechProvider) -> None:
    """Forget a key; where there is none nothing happens."""
    require(membership, Role.ADMIN)
    with transaction.atomic():
        if ProviderKey.objects.filter(workspace=membership.workspace, provider=provider.name).delete()[0]:
            record("voices.key_removed", workspace=membership.workspace, actor=membership.user, subject=provider.label)


def test_key(*, membership: Membership, provider: SpeechProvider) -> dict[str, Any]:
    """Ask the provider whether the key works; what it tells of the account. Raises ``StudioError``."""
    require(membership, Role.ADMIN)
    try:
        return provider.check(key_for(membership.workspace, provider))
    except Busy as busy:
        raise busy.error from busy


def key_for(workspace: Workspace, provider: SpeechProvider) -> str:
    """What to hand to the provider. Raises ``StudioError`` (``tts_not_configured``) where it cannot be used yet."""
    if not provider.installed():
        raise StudioError(
            "tts_not_configured",
            f"The voices of {provider.label} are not installed.",
            "Whoever runs the studio installs them by `make voice`.",
        )
    if not provider.abilities.needs_key:
        return ""
    kept = ProviderKey.objects.filter(workspace=workspace, provider=provider.name).first()
    if kept is None:
        raise StudioError(
            "tts_not_configured",
            f"This workspace has no key for {provider.label}.",
            "An administrator can enter one on the page of voices.",
        )
    try:
        return unseal(kept.sealed, PURPOSE)
    except SealBroken as error:
        raise StudioError(
            "tts_not_configured",
            f"The key for {provider.label} cannot be read any more, since the studio's signing key was changed.",
            "An administrator can enter it again on the page of voices.",
        ) from error


def usable(workspace: Workspace) -> list[SpeechProvider]:
    """Providers that can speak for this workspace now, in one query."""
    with_key = set(ProviderKey.objects.filter(workspace=workspace).values_list("provider", flat=True))
    return [one for one in providers() if one.installed() and (not one.abilities.needs_key or one.name in with_key)]
