"""Samples of voices. They are fetched or spoken once by a worker and kept, so that pages load them from the studio."""

import hashlib
import logging
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.files.storage import default_storage
from django.utils.module_loading import import_string

from apps.assets import files
from apps.voices.keys import key_for
from apps.voices.listing import voice_of
from apps.voices.providers.base import Busy, SpeechProvider, SpeechRequest, Voice
from apps.voices.registry import provider as provider_named
from apps.voices.services import clean_settings
from apps.workspaces.models import Workspace
from studio.celery import app as celery_app
from studio.errors import StudioError

log = logging.getLogger(__name__)
SAMPLE = "Hello. This is how I sound when I read your words."
LIMIT, SECONDS = 4 * 1024**2, 15.0


def has_preview(provider: SpeechProvider, voice: Voice) -> bool:
    """Whether a sample can be had without anybody paying for it."""
    return bool(voice.preview_url) or provider.abilities.speaks_previews


def place_of(provider: SpeechProvider, voice: Voice) -> str:
    """Where the sample lies in the storage, as the same for everybody who may use the voice."""
    digest = hashlib.sha256(f"{provider.name} {voice.id} {voice.preview_url}".encode()).hexdigest()
    return f"voices/previews/{digest}"


def ask_for(workspace: Workspace, provider: SpeechProvider, voice: Voice) -> None:
    """Have a worker make the sample."""
    args = [str(workspace.pk), provider.name, voice.id]
    celery_app.send_task(
        "voices.preview", args=args, queue=provider.abilities.queue, ignore_result=True, retry=False, expires=30
    )


def make(workspace_id: UUID, provider_name: str, voice_id: str) -> None:
    """Fetch or speak the sample; one that is there already stays."""
    workspace = Workspace.objects.get(pk=workspace_id)
    try:
        provider = provider_named(provider_name)
        voice = voice_of(workspace, provider, voice_id)
        place = place_of(provider, voice)
        if default_storage.exists(place) or not has_preview(provider, voice):
            return
        with files.scratch_folder() as folder:
            if voice.preview_url:
                path = folder / "preview"
                fetch: Any = import_string(settings.FETCHER)
                fetch(voice.preview_url, path, limit=LIMIT, seconds=SECONDS)
            else:
                wished = SpeechRequest(voice.id, SAMPLE, clean_settings(provider, {}))
                path = provider.speak(wished, key_for(workspace, provider), folder)
            files.put(path, place)
    except (StudioError, Busy) as error:
        log.warning("no preview of %s %s: %s", provider_name, voice_id, error)
