"""What a generation would cost, before it is made."""

import time
from typing import Any

from apps.api import answers, bodies, limits, schemas
from apps.api.errors import ApiError
from apps.api.intake import (
    TooSlow,
    asset_by_id,
    asset_from_url,
    orders_of,
    place_to_wait,
    refuse_other_kinds,
    wait_until_checked,
)
from apps.api.looking import found
from apps.api.models import Call, CallState, Scope
from apps.api.presentation import call_of, cost_json
from apps.api.routes.parameters import EXAMPLE
from apps.api.routing import Caller, route
from apps.api.schemas import MediaInput
from apps.api.wishes import Wish, wish_of
from apps.assets.models import Asset, Kind, Status
from apps.billing import ledger
from apps.billing.plans import plan_of
from apps.billing.prices import quote, speech_micros
from apps.catalog.registry import model_spec
from apps.generations.models import Generation
from apps.generations.services import estimate
from apps.voices.models import SpeechJob
from apps.voices.services import Order, known_speech
from studio.errors import StudioError

TAG = "Costs"
# For everything that is fetched and checked, so that the answer comes while the client still waits.
SECONDS = 45.0
COSTS_AGAIN_S = 5


@route(
    "POST",
    "analyze/cost",
    summary="Cost of a request",
    tag=TAG,
    scope=Scope.GENERATE,
    bucket=limits.CREATE,
    body=schemas.CreateGeneration,
    example=EXAMPLE,
    gives=list[answers.Cost],
    codes=(
        "generation_input_validation_failed",
        "generation_video_missing",
        "generation_media_probe_timeout",
        "tts_not_configured",
        "voice_not_found",
        "cost_estimate_unavailable",
    ),
)
def analyze(caller: Caller) -> list[dict[str, Any]]:
    """The body of a create. Files behind addresses are fetched into the library, so that a create finds them there.

    A text that was not spoken yet is taken to last as long as its characters suggest; `estimatedSpeechSeconds` says so.
    """
    body = schemas.CreateGeneration.model_validate(bodies.read_json(caller.request))
    wish = wish_of(body)
    orders = orders_of(caller.membership, wish)
    assets = _assets_of(caller, wish, orders)
    refuse_other_kinds(wish, assets)
    expected = estimate(
        workspace=caller.workspace,
        video=assets["video"],
        audio=assets["audio"],
        model=wish.model,
        sync_mode=wish.sync_mode,
        options=wish.options,
        segments=wish.rows(assets),
    )
    # That as many run as the plan allows is no reason not to name the price.
    refusals = [refusal for refusal in expected.refusals if refusal.code != "concurrency_limit_reached"]
    if refusals:
        raise refusals[0]
    cost = cost_json(expected.quote.frames, expected.quote.micros)
    if orders:
        # What was spoken already is answered from the library; of two alike one is spoken.
        open_orders = {
            order.digest: order for order in orders.values() if not known_speech(caller.membership, order.digest)
        }
        characters = sum(len(order.script) for order in open_orders.values())
        cost["estimatedSpeechSeconds"] = round(sum(assets[role].duration_s or 0.0 for role in orders), 2)
        cost["estimatedSpeechCost"] = round(speech_micros(expected.plan, characters) / 1_000_000, 6)
    return [cost]


def _assets_of(caller: Caller, wish: Wish, orders: dict[str, Order]) -> dict[str, Asset]:
    """The inputs by their roles, here and checked. Raises ``ApiError`` where that takes too long."""
    assets = {}
    with place_to_wait(SECONDS) as seconds:
        ends = time.monotonic() + seconds
        for role, item in wish.items.items():
            if role in orders:
                needed = any(row["audio"] == role for row in wish.segments)
                assets[role] = _sound_of(caller, orders[role], needed=needed)
            elif isinstance(item, MediaInput) and item.assetId:
                assets[role] = asset_by_id(caller.membership, item.assetId, field="input")
            elif isinstance(item, MediaInput) and item.url:
                left = ends - time.monotonic()
                try:
                    assets[role] = asset_from_url(caller.membership, item.url, item.type, seconds=left)
                except TooSlow as error:
                    raise ApiError("generation_media_probe_timeout", field="input") from error
        if not wait_until_checked(list(assets.values()), seconds=ends - time.monotonic()):
            raise ApiError("generation_media_probe_timeout", field="input")
    return assets


def _sound_of(caller: Caller, order: Order, *, needed: bool) -> Asset:
    """The sound of a text where it was spoken already, else one of about its length that stands for it.

    Raises ``ApiError`` where the sound itself is ``needed``, since a segment is cut from it.
    """
    job = known_speech(caller.membership, order.digest)
    if job is not None and job.asset is not None:
        return job.asset
    if needed:
        raise ApiError(
            "cost_estimate_unavailable", "The text of a segment is not spoken yet.", "Speak it by POST /v2/tts first."
        )
    return Asset(
        name="the spoken text",
        kind=Kind.AUDIO,
        status=Status.READY,
        audio_codec="pcm_s16le",
        duration_s=order.seconds,
    )


@route(
    "POST",
    "generations/estimate",
    summary="Cost of a length",
    tag=TAG,
    body=schemas.EstimateRequest,
    example={"model": "lipsync-2", "duration": 12.5},
    gives=answers.Estimate,
    codes=("cost_estimate_unavailable", "generation_input_validation_failed"),
)
@route(
    "POST",
    "generate/estimate-cost",
    summary="Cost of a length (older address)",
    tag=TAG,
    body=schemas.EstimateRequest,
    example={"model": "lipsync-2", "duration": 12.5},
    gives=answers.Estimate,
    codes=("cost_estimate_unavailable",),
)
def of_length(caller: Caller) -> dict[str, Any]:
    """What some seconds of result cost with a model, without any file."""
    body = schemas.EstimateRequest.model_validate(bodies.read_json(caller.request))
    try:
        model_spec(body.model)
    except StudioError as error:
        raise ApiError("cost_estimate_unavailable", str(error), field="model") from error
    priced = quote(model=body.model, plan=plan_of(caller.workspace), seconds=body.duration)
    return cost_json(priced.frames, priced.micros) | {"estimatedCredits": None}


@route(
    "GET",
    "generations/{generation_id}/costs",
    summary="What a generation has cost",
    tag=TAG,
    gives=answers.Costs,
    codes=("generation_not_found",),
)
def of_generation(caller: Caller, generation_id: str) -> dict[str, Any]:
    """Lipsync and spoken text, each as captured; null while it is not settled. What failed costs nothing, nor does a
    text that was spoken already.
    """
    row = found(caller, generation_id)
    call = row if isinstance(row, Call) else call_of(row)
    settled = row.is_final if isinstance(row, Generation) else row.state == CallState.REFUSED
    costs = {"lipsync": ledger.earned_by(row.pk) if settled else None}
    if call and call.speeches:
        # A text that had been spoken before, or by another request, was paid there.
        jobs = SpeechJob.objects.filter(pk__in=call.begun)
        ended = all(job.is_final for job in jobs)
        costs["speech_synthesis"] = sum(ledger.earned_by(job.pk) for job in jobs) if ended else None
    open_parts = [name for name, micros in costs.items() if micros is None]
    known = sum(micros for micros in costs.values() if micros is not None) / 1_000_000
    return {
        "generationId": str(row.pk),
        "components": [
            {"type": name, "costUsd": None if micros is None else micros / 1_000_000} for name, micros in costs.items()
        ],
        "totalCostUsd": None if open_parts else known,
        "knownSubtotalUsd": known,
        "excludedCosts": open_parts,
        "retryAfterSeconds": COSTS_AGAIN_S if open_parts else None,
    }
