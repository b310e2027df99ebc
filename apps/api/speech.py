"""Spoken texts and voices as the API's clients know them."""

import time
from pathlib import Path
from typing import Any

from apps.api.errors import ApiError
from apps.api.fetching import FetchFailed, TooLarge, TooSlow, fetch
from apps.api.intake import asset_by_id, place_to_wait
from apps.api.links import base_of, file_url
from apps.api.routing import Caller
from apps.api.schemas import CloneVoice, SpeakText
from apps.assets import files
from apps.voices import cloning
from apps.voices.models import SpeechJob, SpeechState
from apps.voices.providers.base import SpeechProvider, Voice
from apps.voices.services import order_of, request_speech
from studio.errors import StudioError

# The clients give up after 60 s.
WAIT_S, LOOK_S = 45.0, 0.2
FETCH_S = 15.0


def begun(caller: Caller, body: SpeakText) -> SpeechJob:
    """The job for what was asked for. Raises ``StudioError``."""
    order = order_of(
        membership=caller.membership,
        provider=body.provider,
        voice_id=body.voiceId,
        script=body.script,
        options={"stability": body.stability, "similarityBoost": body.similarityBoost, "speed": body.speed},
    )
    return request_speech(membership=caller.membership, order=order)


def waited(job: SpeechJob) -> SpeechJob:
    """The job when it is ready. Raises ``ApiError`` with the reason of one that failed, or when the time is over."""
    with place_to_wait(WAIT_S) as seconds:
        ends = time.monotonic() + seconds
        while not job.is_final:
            if time.monotonic() >= ends:
                raise ApiError("controller_timeout", "The text is not spoken yet.", f"GET /v2/tts/jobs/{job.pk}")
            time.sleep(LOOK_S)
            job.refresh_from_db()
    if job.state == SpeechState.FAILED:
        raise StudioError(job.error_code, job.error_message, job.error_advice)
    return job


def job_json(job: SpeechJob, caller: Caller) -> dict[str, Any]:
    asset = job.asset if job.asset is not None and job.asset.deleted_at is None else None
    return {
        "id": str(job.pk),
        "status": job.state,
        "url": file_url(base_of(caller.request), asset) if asset else None,
        "duration": asset.duration_s if asset else None,
        "assetId": str(asset.pk) if asset else None,
        "error": job.error_message or None,
        "errorCode": job.error_code or None,
        "suggestion": job.error_advice or None,
        "createdAt": job.created_at.isoformat(),
        "startedAt": job.started_at.isoformat() if job.started_at else None,
        "finishedAt": job.finished_at.isoformat() if job.finished_at else None,
    }


def voice_json(provider: SpeechProvider, voice: Voice) -> dict[str, Any]:
    return {
        "id": voice.id,
        "voiceId": voice.id,
        "internalVoiceId": None,
        "name": voice.name,
        "provider": provider.name,
        "previewUrl": voice.preview_url or None,
        "restriction": None,
        "language": voice.language,
        "description": voice.description,
        "cloned": voice.own,
    }


def cloned(caller: Caller, body: CloneVoice, provider: SpeechProvider) -> Voice:
    """A voice learned from a file of the library or from one at an address. Raises ``StudioError``."""
    if body.assetId:
        asset = asset_by_id(caller.membership, body.assetId)
        with files.as_path(asset.file.name or "") as path:
            return cloning.clone(membership=caller.membership, provider=provider, name=body.name, source=path)
    with files.scratch_folder() as folder:
        path = _fetched(body.url or "", folder / "sample")
        return cloning.clone(membership=caller.membership, provider=provider, name=body.name, source=path)


def _fetched(url: str, path: Path) -> Path:
    try:
        with place_to_wait(FETCH_S) as seconds:
            fetch(url, path, limit=cloning.SOURCE_LIMIT, seconds=seconds)
    except TooLarge as error:
        raise ApiError("voice_sample_source_too_large", field="url") from error
    except (FetchFailed, TooSlow) as error:
        message = f"The sample cannot be had. {error}".strip()
        raise ApiError("voice_sample_not_accessible", message, field="url") from error
    return path
