"""Asking for speech: checked, priced, never asked for twice, and handed to a worker."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction

from apps.assets.models import Status as AssetStatus
from apps.billing.speech import hold_speech
from apps.voices.listing import voice_of
from apps.voices.models import ON_THE_WAY, SpeechJob, SpeechState
from apps.voices.providers.base import SpeechProvider, Voice
from apps.voices.registry import provider as provider_named
from apps.workspaces.access import require, visible_to
from apps.workspaces.models import Membership, Role
from studio.celery import app as celery_app
from studio.errors import StudioError

SPEAK = "voices.speak"
SCRIPT_LIMIT = 5000
CHARACTERS_S = 15.0


@dataclass(frozen=True)
class Order:
    """A text as it would be spoken: everything checked, nothing begun. ``digest`` is the same for the same sound."""

    provider: SpeechProvider
    voice: Voice
    script: str
    settings: dict[str, float]

    @property
    def digest(self) -> str:
        """SHA-256 over everything that makes the sound."""
        text = json.dumps([self.provider.name, self.voice.id, self.script, self.settings], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def seconds(self) -> float:
        """About how long it will last: 15 characters a second, which English read calmly comes to."""
        return max(0.5, len(self.script) / CHARACTERS_S / self.settings.get("speed", 1.0))


def order_of(
    *, membership: Membership, provider: str, voice_id: str, script: str, options: Mapping[str, Any] | None = None
) -> Order:
    """What is asked for, checked.

    Raises ``StudioError``: an unknown or unusable provider, no such voice, an empty or too long text, a setting outside
    its range.
    """
    who = provider_named(provider)
    script = clean_script(script)
    wished = clean_settings(who, options or {})
    return Order(who, voice_of(membership.workspace, who, voice_id), script, wished)


def request_speech(*, membership: Membership, order: Order) -> SpeechJob:
    """A job for an order. The same order again gives the job there is, be it on its way or ready; a failed one is begun
    anew. Raises ``StudioError`` where the workspace may not spend.
    """
    require(membership, Role.EDITOR)
    digest = order.digest
    if known := known_speech(membership, digest):
        return known
    job = SpeechJob(
        workspace=membership.workspace,
        user=membership.user,
        provider=order.provider.name,
        voice_id=order.voice.id,
        voice_name=order.voice.name[:200],
        script=order.script,
        settings=order.settings,
        digest=digest,
    )
    try:
        with transaction.atomic():
            job.price_micros = hold_speech(workspace=job.workspace, subject=job.pk, characters=len(job.script))
            job.save(force_insert=True)
            send(job)
    except IntegrityError:  # somebody asked for the same thing at the same moment
        if known := known_speech(membership, digest):
            return known
        raise
    return job


def known_speech(membership: Membership, digest: str) -> SpeechJob | None:
    """The job of the same order that is on its way, or whose sound is in the library."""
    asked = SpeechJob.objects.filter(workspace=membership.workspace, digest=digest)
    if running := asked.filter(state__in=ON_THE_WAY).first():
        return running
    ready = asked.filter(visible_to(membership, "asset__"), state=SpeechState.SUCCESS, asset__deleted_at=None)
    return ready.filter(asset__status=AssetStatus.READY).order_by("-created_at").first()


def send(job: SpeechJob) -> None:
    """Hand a job to the queue of its provider on commit. Where Redis is away the sweep sends it later."""
    queue = provider_named(job.provider).abilities.queue
    transaction.on_commit(
        lambda: celery_app.send_task(SPEAK, args=[str(job.pk)], queue=queue, ignore_result=True, retry=False),
        robust=True,
    )


def clean_script(script: str) -> str:
    """The text without blanks around it. Raises ``StudioError`` for none and for more than 5,000 characters."""
    script = script.replace("\r\n", "\n").strip()
    if not script:
        raise StudioError("tts_script_empty", "There is no text.", "Type what shall be spoken.", field="script")
    if len(script) > SCRIPT_LIMIT:
        raise StudioError(
            "generation_text_length_exceeded",
            f"The text has {len(script)} characters.",
            f"Up to {SCRIPT_LIMIT} can be spoken at once.",
            field="script",
        )
    if any(ord(letter) < 32 and letter not in "\n\t" for letter in script):
        raise StudioError(
            "tts_script_unspeakable", "The text has characters that are no text.", "Type it again.", field="script"
        )
    return script


def clean_settings(provider: SpeechProvider, wished: Mapping[str, Any]) -> dict[str, float]:
    """A value for each setting the provider has; others are left aside. Raises ``StudioError`` outside a range."""
    return {name: allowed.clean(name, wished.get(name)) for name, allowed in provider.abilities.settings.items()}
