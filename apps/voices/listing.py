"""The voices a workspace can choose from; what a service answers is kept for some minutes."""

import hashlib
import logging

from django.core.cache import cache
from redis.exceptions import RedisError

from apps.voices.keys import key_for, usable
from apps.voices.providers.base import Busy, SpeechProvider, Voice
from apps.workspaces.models import Workspace
from studio.errors import StudioError

log = logging.getLogger(__name__)
KEEP_S = 300


def voices_of(workspace: Workspace, provider: SpeechProvider) -> list[Voice]:
    """The provider's voices for this workspace. Raises ``StudioError`` where it cannot be used or does not answer."""
    key = key_for(workspace, provider)
    if not provider.abilities.needs_key:
        return provider.voices(key)
    place = _place(provider, key)
    try:
        kept = cache.get(place)
    except RedisError:
        kept = None
    if kept is not None:
        return kept
    try:
        found = provider.voices(key)
    except Busy as busy:
        raise busy.error from busy
    try:
        cache.set(place, found, KEEP_S)
    except RedisError as error:
        log.warning("voices are not kept: %s", error)
    return found


def forget_voices(workspace: Workspace, provider: SpeechProvider) -> None:
    """After a voice was made or deleted."""
    try:
        cache.delete(_place(provider, key_for(workspace, provider)))
    except RedisError as error:
        log.warning("voices are not forgotten: %s", error)


def all_voices(workspace: Workspace) -> list[tuple[SpeechProvider, Voice]]:
    """The voices of every provider that answers. Raises ``StudioError`` where there are some and none answers."""
    found: list[tuple[SpeechProvider, Voice]] = []
    failed: list[StudioError] = []
    for provider in usable(workspace):
        try:
            found += [(provider, voice) for voice in voices_of(workspace, provider)]
        except StudioError as error:
            log.warning("voices of %s: %s", provider.name, error)
            failed.append(error)
    if failed and not found:
        raise failed[0]
    return found


def voice_of(workspace: Workspace, provider: SpeechProvider, voice_id: str) -> Voice:
    """One voice by its id. Raises ``StudioError`` (404) where the provider has none such."""
    for voice in voices_of(workspace, provider):
        if voice.id == voice_id:
            return voice
    raise no_voice(voice_id)


def no_voice(voice_id: str) -> StudioError:
    message = f"There is no voice “{voice_id[:60]}”."
    return StudioError("voice_not_found", message, "Choose one of the list.", field="voiceId", status=404)


def _place(provider: SpeechProvider, key: str) -> str:
    """Of the key, so that a list never outlives the key it was made with."""
    return f"voices:{provider.name}:{hashlib.sha256(key.encode()).hexdigest()}"
