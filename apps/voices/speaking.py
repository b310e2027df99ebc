"""The work itself, on a worker: a job becomes a sound of the library, or ends with its reason.

A job may be handed out twice; whoever claims it first works, and a job whose worker died is taken up by the sweep.
"""

import logging
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from apps.assets import files
from apps.assets.checking import check_asset
from apps.assets.models import Asset, Origin, Status
from apps.assets.services import import_file
from apps.billing.speech import settle_speech
from apps.voices.keys import key_for
from apps.voices.models import ON_THE_WAY, SpeechJob, SpeechState
from apps.voices.providers.base import Busy, SpeechRequest
from apps.voices.registry import provider as provider_named
from apps.voices.services import send
from studio.errors import StudioError

log = logging.getLogger(__name__)
# Longer than any provider may take (see their own limits); a job claimed longer ago has lost its worker.
LOST_AFTER = timedelta(minutes=5)
# A message that was not taken for that long may be lost with the queue. A second one does no harm.
UNHEARD_AFTER = timedelta(minutes=3)
MOST_TRIES = 4
NAME_LENGTH = 48
FAULT = StudioError(
    "generation_pipeline_failed", "The text could not be spoken: something broke in the studio.", "Try again."
)


def speak(job_id: UUID) -> float | None:
    """Work on a job; returns seconds after which to try again where the provider is busy, else None."""
    job = _claimed(job_id)
    if job is None:
        return None
    try:
        asset = _spoken(job)
    except Busy as busy:
        if job.tries < MOST_TRIES:
            SpeechJob.objects.filter(pk=job.pk, state=SpeechState.PROCESSING).update(
                state=SpeechState.PENDING, sent_at=timezone.now()
            )
            return 3.0 * 2**job.tries
        fail(job, busy.error)
    except StudioError as error:
        fail(job, error)
    except Exception:
        log.exception("speech %s broke", job.pk)
        fail(job, FAULT)
    else:
        _succeed(job, asset)
    return None


def _claimed(job_id: UUID) -> SpeechJob | None:
    """The job, where nobody else is at it."""
    now = timezone.now()
    lost = Q(state=SpeechState.PROCESSING, started_at__lt=now - LOST_AFTER)
    mine = SpeechJob.objects.filter(Q(state=SpeechState.PENDING) | lost, pk=job_id)
    if not mine.update(state=SpeechState.PROCESSING, started_at=now, tries=F("tries") + 1):
        return None
    job = SpeechJob.objects.select_related("workspace", "user").get(pk=job_id)
    if job.tries > MOST_TRIES:
        fail(job, FAULT)
        return None
    return job


def _spoken(job: SpeechJob) -> Asset:
    who = provider_named(job.provider)
    key = key_for(job.workspace, who)
    with files.scratch_folder() as folder:
        path = who.speak(SpeechRequest(job.voice_id, job.script, job.settings), key, folder)
        asset = import_file(
            workspace=job.workspace,
            user=job.user,
            path=path,
            name=name_of(job, path),
            origin=Origin.TTS,
            move=True,
        )
    # A sound of seconds is looked at on the spot, so that it is ready when the job is.
    check_asset(asset.pk)
    asset.refresh_from_db()
    if asset.status == Status.REJECTED:
        raise StudioError(asset.error_code, asset.error_message, "Change the text.")
    return asset


def name_of(job: SpeechJob, path: Path) -> str:
    """How the library calls it: the beginning of the text, cut at a word."""
    words = " ".join(job.script.replace("/", " ").replace("\\", " ").split())
    if len(words) > NAME_LENGTH:
        words = f"{words[:NAME_LENGTH].rsplit(' ', 1)[0].rstrip(',;:. ')}…"
    return f"{words} ({job.voice_name.split(' - ')[0][:40]}){path.suffix}"


@transaction.atomic
def _succeed(job: SpeechJob, asset: Asset) -> None:
    Asset.objects.filter(pk=asset.pk, spoken__isnull=True).update(
        spoken={
            "script": job.script,
            "voice": job.voice_name,
            "voiceId": job.voice_id,
            "provider": job.provider,
            "settings": job.settings,
        }
    )
    ended = SpeechJob.objects.filter(pk=job.pk, state__in=ON_THE_WAY)
    if ended.update(state=SpeechState.SUCCESS, asset=asset, finished_at=timezone.now()):
        settle_speech(workspace=job.workspace, subject=job.pk, characters=len(job.script), spoken=True)


@transaction.atomic
def fail(job: SpeechJob, error: StudioError) -> None:
    """End a job with its reason and give its price back."""
    ended = SpeechJob.objects.filter(pk=job.pk, state__in=ON_THE_WAY)
    if not ended.update(
        state=SpeechState.FAILED,
        error_code=error.code,
        error_message=error.message,
        error_advice=error.advice,
        finished_at=timezone.now(),
    ):
        return
    log.info("speech %s failed: %s", job.pk, error.code)
    settle_speech(workspace=job.workspace, subject=job.pk, characters=len(job.script), spoken=False)


def take_up_lost() -> int:
    """Send jobs again whose worker or message was lost; returns how many."""
    now = timezone.now()
    unheard = Q(state=SpeechState.PENDING, sent_at__lt=now - UNHEARD_AFTER)
    dead = Q(state=SpeechState.PROCESSING, started_at__lt=now - LOST_AFTER, sent_at__lt=now - UNHEARD_AFTER)
    lost = list(SpeechJob.objects.filter(unheard | dead)[:100])
    for job in lost:
        SpeechJob.objects.filter(pk=job.pk).update(sent_at=now)
        send(job)
    return len(lost)
