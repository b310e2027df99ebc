"""Rows as the clients know them."""

from collections.abc import Callable
from functools import partial
from typing import Any, TypeGuard

from apps.api.links import base_of, file_url, thumbnail_url
from apps.api.models import Call, CallState
from apps.api.routing import Caller
from apps.api.snippets import request_of
from apps.assets.models import Asset, Kind, Origin
from apps.assets.models import Status as AssetStatus
from apps.assets.naming import suffix_of
from apps.generations import progress
from apps.generations.models import Generation, Status
from apps.projects.models import Project
from apps.workspaces.access import sees
from apps.workspaces.models import Membership, Visibility

# Which files of a take whoever reads its JSON may have besides the result.
Opens = Callable[[Asset], bool]
# The clients know five states and no cancelled one; they would wait for ever. It is a failure whose code says so.
CANCELLED = ("generation_cancelled", "The generation was cancelled.", "Start it again if you need the result.")
INPUT_TYPES = {Origin.RESULT: "PLATFORM_IMPORT", Origin.SAMPLE: "PLATFORM_IMPORT"}
SEEN_BY = {Visibility.PRIVATE: "USER", Visibility.WORKSPACE: "ORGANIZATION"}
VISIBILITIES = {name: visibility for visibility, name in SEEN_BY.items()}
KINDS = {Kind.VIDEO: "VIDEO", Kind.AUDIO: "AUDIO", Kind.IMAGE: "IMAGE"}


def status_of(generation: Generation) -> str:
    return Status.FAILED.value if generation.status == Status.CANCELLED else generation.status


def call_of(generation: Generation) -> Call | None:
    """The API call a generation came by; None for one made in the studio."""
    return getattr(generation, "api_call", None)


def opened_by(membership: Membership) -> Opens:
    """The files that a member sees: a take of a project that others see can be made of one that its owner keeps
    private.
    """
    return partial(sees, membership)


def opened_by_all(asset: Asset) -> bool:
    """The files that everybody in the workspace sees."""
    return asset.visibility != Visibility.PRIVATE


def is_there(asset: Asset | None) -> TypeGuard[Asset]:
    """Whether an address of its bytes leads anywhere: takes outlive files that were deleted from the library."""
    return asset is not None and asset.deleted_at is None


def generation_json(generation: Generation, base: str, opens: Opens, *, with_progress: bool = False) -> dict[str, Any]:
    """A generation that was admitted, for somebody who sees it; ``opens`` says which of its inputs get an address."""
    call = call_of(generation)
    error = (generation.error_code, generation.error_message, generation.error_advice)
    if generation.status == Status.CANCELLED:
        error = CANCELLED
    result = generation.result
    output = file_url(base, result, name=call.output_name if call else "") if is_there(result) and result.file else None
    asked = {"options": {}} | call.body if call else request_of(generation)
    body = _common(call) | {
        "id": str(generation.pk),
        "createdAt": (call or generation).created_at.isoformat(),
        "status": status_of(generation),
        "model": generation.model,
        "input": _inputs(generation, asked["input"], base, opens),
        "options": asked["options"],
        "segments": asked.get("segments"),
        "outputUrl": output,
        "outputMediaUrl": output,
        "outputDuration": result.duration_s if result else None,
        "synthesizedAudioUrl": _spoken_url(generation, call, base, opens),
        "projectId": str(generation.project_id) if generation.project_id else None,
    }
    return body | _error(*error) | ({"progress": progress_json(generation)} if with_progress else {})


def waiting_json(call: Call) -> dict[str, Any]:
    """A call whose files are not here yet, or that was refused when they were."""
    refused = call.state == CallState.REFUSED
    body = _common(call) | {
        "id": str(call.pk),
        "createdAt": call.created_at.isoformat(),
        "status": Status.REJECTED.value if refused else Status.PENDING.value,
        "model": call.body["model"],
        "input": call.body["input"],
        "options": call.body.get("options", {}),
        "segments": call.body.get("segments"),
        "outputUrl": None,
        "outputMediaUrl": None,
        "outputDuration": None,
        "synthesizedAudioUrl": None,
        "projectId": str(call.project_id) if call.project_id else None,
    }
    return body | _error(call.error_code, call.error_message, call.error_advice)


def _common(call: Call | None) -> dict[str, Any]:
    return {
        "segmentOutputUrl": None,
        "webhookUrl": (call.webhook_url or None) if call else None,
        "outputFileName": (call.output_name or None) if call else None,
        "source": call.source if call else "studio",
        "warnings": call.warnings if call else [],
    }


def _error(code: str, message: str, advice: str) -> dict[str, Any]:
    return {
        "error": message or None,
        "error_code": code or None,
        "errorCode": code or None,
        "suggestion": advice or None,
    }


def _inputs(generation: Generation, asked: list[dict[str, Any]], base: str, opens: Opens) -> list[dict[str, Any]]:
    """The inputs as they were sent; those that came as files or ids get an address that works now, if it ``opens``."""
    assets = [generation.video, generation.audio]
    if generation.segments:
        assets += [sound.asset for sound in generation.segment_sounds.all()]
    by_id = {str(asset.pk): asset for asset in assets if opens(asset) and is_there(asset)}
    return [
        item | {"url": file_url(base, by_id[item["assetId"].lower()])}
        if item.get("assetId", "").lower() in by_id
        else item
        for item in asked
    ]


def _spoken_url(generation: Generation, call: Call | None, base: str, opens: Opens) -> str | None:
    """Address of the first sound that was spoken for it; None where none was, or where it does not open."""
    spoken = {call.assets.get(role) for role in call.speeches} if call and call.speeches else set()
    sounds = [generation.audio]
    if spoken and generation.segments:
        sounds += [sound.asset for sound in generation.segment_sounds.all()]
    shown = (asset for asset in sounds if str(asset.pk) in spoken and opens(asset) and is_there(asset))
    return next((file_url(base, asset) for asset in shown), None)


def progress_json(generation: Generation) -> dict[str, Any]:
    """Stage, percent and time left (null: not known yet); while it waits its place in the queue, 1 for the next."""
    view = progress.read(generation)
    return {
        "stage": view.stage,
        "stageLabel": view.stage_label,
        "percent": view.percent,
        "framesDone": view.frames_done,
        "framesTotal": view.frames_total,
        "framesPerSecond": view.fps,
        "secondsLeft": view.seconds_left,
        "queuePosition": view.place.ahead + 1 if view.place else None,
    }


def asset_json(asset: Asset, caller: Caller) -> dict[str, Any]:
    base = base_of(caller.request)
    return {
        "id": str(asset.pk),
        "createdAt": asset.created_at.isoformat(),
        "updatedAt": asset.updated_at.isoformat(),
        "name": asset.name,
        "url": file_url(base, asset) if asset.file else None,
        "size": asset.size,
        "format": suffix_of(asset.file.name or "").removeprefix(".") or None,
        "type": KINDS.get(Kind(asset.kind)) if asset.kind else None,
        "inputType": INPUT_TYPES.get(Origin(asset.origin), asset.origin.upper()),
        "durationSeconds": asset.duration_s,
        "thumbnailUrl": thumbnail_url(base, asset) if asset.thumbnail else None,
        "visibility": SEEN_BY[Visibility(asset.visibility)],
        "width": asset.width,
        "height": asset.height,
        "status": asset.status,
        "error": asset.error_message or None if asset.status == AssetStatus.REJECTED else None,
        "speech": asset.spoken,
    }


def project_json(project: Project) -> dict[str, Any]:
    return {
        "id": str(project.pk),
        "name": project.name,
        "description": project.description or None,
        "createdAt": project.created_at.isoformat(),
        "updatedAt": project.updated_at.isoformat(),
        "visibility": SEEN_BY[Visibility(project.visibility)],
        "mode": "CREATOR",
        "defaultWorkflow": "lipsync",
    }


def cost_json(frames: int, micros: int) -> dict[str, Any]:
    """Frames at the billed rate and their price in dollars; whole micro-dollars, so six places are exact."""
    return {"estimatedFrameCount": frames, "estimatedGenerationCost": round(micros / 1_000_000, 6)}
