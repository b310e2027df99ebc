"""Voices and spoken text."""

from typing import Any

from django.http import Http404

from apps.api import answers, bodies, limits, queries, schemas
from apps.api.errors import ApiError
from apps.api.idempotency import HEADER, claimed
from apps.api.models import Scope
from apps.api.routing import Answer, Caller, Param, route
from apps.api.speech import begun, cloned, job_json, voice_json, waited
from apps.voices import cloning, listing
from apps.voices.access import speech_in
from apps.voices.keys import usable
from apps.voices.models import SpeechJob
from apps.voices.providers.base import SpeechProvider, Voice
from apps.voices.registry import provider as provider_named

TAG = "Voices"
POLL_S = "3"
PROVIDER = Param("provider", {"type": "string"}, "only this provider's, such as local or elevenlabs")
SPEAK_EXAMPLE = {"provider": "local", "voiceId": "heart", "script": "Good morning."}
# Of a provider that is named or asked.
PROVIDER_CODES = ("voice_provider_unknown", "tts_not_configured", "elevenlabs_service_unavailable")
SPEAK_CODES = (
    "tts_not_configured",
    "voice_provider_unknown",
    "voice_not_found",
    "tts_script_empty",
    "tts_script_unspeakable",
    "generation_input_option_invalid",
    "elevenlabs_quota_exceeded",
    "elevenlabs_api_key_invalid",
    "elevenlabs_service_unavailable",
    "account_payment_required",
    "spend_cap_reached",
    "account_on_hold",
)


@route(
    "GET",
    "voices",
    summary="List voices",
    tag=TAG,
    query=(PROVIDER,),
    gives=list[answers.Voice],
    codes=PROVIDER_CODES,
)
def voices(caller: Caller) -> list[dict[str, Any]]:
    """The voices that can speak for this workspace. Empty where no provider is set up; one that is named and cannot be
    used is refused with the reason.
    """
    wished = caller.request.GET.get("provider", "")
    if not wished:
        return [voice_json(provider, voice) for provider, voice in listing.all_voices(caller.workspace)]
    provider = provider_named(wished)
    return [voice_json(provider, voice) for voice in listing.voices_of(caller.workspace, provider)]


@route(
    "GET",
    "voices/{voice_id}",
    summary="Get a voice",
    tag=TAG,
    query=(PROVIDER,),
    gives=answers.Voice,
    codes=("voice_not_found", *PROVIDER_CODES),
)
def voice(caller: Caller, voice_id: str) -> dict[str, Any]:
    """One voice by its id."""
    return voice_json(*_found(caller, voice_id))


def _found(caller: Caller, voice_id: str) -> tuple[SpeechProvider, Voice]:
    wished = caller.request.GET.get("provider", "")
    if wished:
        provider = provider_named(wished)
        return provider, listing.voice_of(caller.workspace, provider, voice_id)
    for provider, voice in listing.all_voices(caller.workspace):
        if voice.id == voice_id:
            return provider, voice
    raise ApiError("voice_not_found")


@route(
    "POST",
    "voices",
    summary="Clone a voice",
    tag=TAG,
    scope=Scope.GENERATE,
    bucket=limits.CREATE,
    body=schemas.CloneVoice,
    example={"provider": "elevenlabs", "name": "Anna", "url": "https://media.example/anna.wav"},
    gives=answers.Voice,
    status=201,
    codes=(
        "tts_not_configured",
        "voice_provider_unknown",
        "voice_clone_unsupported",
        "voice_clone_limit_reached",
        "voice_sample_not_accessible",
        "voice_sample_source_too_large",
        "voice_sample_too_short",
        "voice_sample_type_unsupported",
        "asset_not_found",
        "elevenlabs_service_unavailable",
    ),
)
def clone(caller: Caller) -> dict[str, Any]:
    """A voice learned from 30 seconds or more of clean speech of one person, who has agreed to it."""
    body = schemas.CloneVoice.model_validate(_body(caller))
    provider = provider_named(body.provider)
    return voice_json(provider, cloned(caller, body, provider))


@route(
    "DELETE",
    "voices/{voice_id}",
    summary="Delete a voice",
    tag=TAG,
    scope=Scope.MANAGE,
    query=(PROVIDER,),
    gives=bool,
    codes=("voice_not_found", "voice_not_deletable", *PROVIDER_CODES),
)
def delete(caller: Caller, voice_id: str) -> bool:
    """Only a cloned one. What it spoke stays."""
    provider, voice = _found(caller, voice_id)
    cloning.delete(membership=caller.membership, provider=provider, voice_id=voice.id)
    return True


@route(
    "POST",
    "tts",
    summary="Speak a text and wait for it",
    tag=TAG,
    scope=Scope.GENERATE,
    bucket=limits.CREATE,
    body=schemas.SpeakText,
    example=SPEAK_EXAMPLE,
    gives=answers.Speech,
    codes=(*SPEAK_CODES, "controller_timeout"),
)
def speak(caller: Caller) -> dict[str, Any]:
    """Answers when the sound is in the library, within 45 seconds; a long text is better asked for as a job.

    The same text by the same voice with the same settings is spoken once and answered from the library.
    """
    job = waited(begun(caller, schemas.SpeakText.model_validate(_body(caller))))
    answer = job_json(job, caller)
    if answer["url"] is None:
        raise ApiError("asset_not_found", "The spoken sound was deleted.")
    return {name: answer[name] for name in ("id", "url", "duration", "assetId")}


@route(
    "POST",
    "tts/jobs",
    summary="Speak a text",
    tag=TAG,
    scope=Scope.GENERATE,
    bucket=limits.CREATE,
    body=schemas.SpeakText,
    example=SPEAK_EXAMPLE,
    gives=answers.SpeechJob,
    status=202,
    codes=(*SPEAK_CODES, "INVALID_IDEMPOTENCY_KEY", "IDEMPOTENCY_KEY_CONFLICT", "IDEMPOTENCY_OUTCOME_UNKNOWN"),
)
def start(caller: Caller) -> Answer:
    """Answers at once; `Location` says where to look. With `Idempotency-Key` the same request makes one job."""
    wish = schemas.SpeakText.model_validate(_body(caller))
    key = caller.request.headers.get(HEADER)
    with claimed(caller.workspace, key, ["tts", wish.model_dump(mode="json")] if key else None) as claim:
        job = claim.earlier_speech
        if job is None:
            job = begun(caller, wish)
            claim.made(speech=job)
    headers = {"Location": f"/v2/tts/jobs/{job.pk}", "Retry-After": POLL_S}
    return Answer(job_json(job, caller), status=202, headers=headers)


@route(
    "GET",
    "tts/jobs/{job_id}",
    summary="Get a spoken text",
    tag=TAG,
    gives=answers.SpeechJob,
    codes=("tts_job_not_found",),
)
def get(caller: Caller, job_id: str) -> Answer:
    """How far it is, and the sound when it is ready."""
    job = _job(caller, job_id)
    return Answer(job_json(job, caller), headers={} if job.is_final else {"Retry-After": POLL_S})


def _body(caller: Caller) -> Any:
    """The JSON that came. Where nobody can speak for this workspace that is said first, whatever else is wrong."""
    body = bodies.read_json(caller.request)
    if not usable(caller.workspace):
        raise ApiError("tts_not_configured", "No voice provider is set up for this workspace.")
    return body


def _job(caller: Caller, job_id: str) -> SpeechJob:
    found = queries.uuid_or_none(job_id)
    if found is None:
        raise ApiError("tts_job_not_found")
    try:
        return speech_in(caller.membership, found)
    except Http404 as error:
        raise ApiError("tts_job_not_found") from error
