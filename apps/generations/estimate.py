"""What a take would be: how long, what it costs, when it would be ready, and what still stands in its way."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from apps.assets.models import Asset, Kind
from apps.assets.models import Status as AssetStatus
from apps.billing import limits, spending
from apps.billing.models import Plan
from apps.billing.plans import plan_of
from apps.billing.prices import Quote, priced, quote
from apps.catalog.registry import MODELS, check_sync_mode, clean_options, output_seconds
from apps.generations import elsewhere
from apps.generations.models import Generation, Status
from apps.generations.places import place_of_new
from apps.generations.queue import active_takes
from apps.generations.segments import Segments, clean_segments
from apps.workspaces.models import Workspace
from studio.errors import StudioError


@dataclass(frozen=True)
class Estimate:
    """``seconds`` of result, their price, sentences worth knowing, what stands in the way (empty: it can start),
    seconds until it would be ready (None: not known yet) and how many takes wait before it. ``plan`` is the one it was
    priced by. Where ``segments`` lipsync only a part, ``seconds`` is that part; ``length_s`` is the whole.
    """

    plan: Plan
    seconds: float
    quote: Quote
    warnings: list[str] = field(default_factory=list)
    refusals: list[StudioError] = field(default_factory=list)
    eta_s: float | None = None
    queue_ahead: int = 0
    length_s: float = 0.0
    segments: Segments | None = None


def estimate(
    *,
    workspace: Workspace,
    video: Asset | None,
    audio: Asset | None,
    model: str,
    sync_mode: str,
    options: Mapping[str, Any],
    segments: Sequence[Mapping[str, Any]] = (),
) -> Estimate:
    """The estimate for a draft as it stands; never raises: what is missing or wrong is in ``refusals``."""
    plan = plan_of(workspace)
    refusals: list[StudioError] = []
    warnings: list[str] = []
    try:
        check_sync_mode(model, sync_mode)
        cleaned, warnings = clean_options(model, options)
    except StudioError as error:
        refusals.append(error)
    else:
        if elsewhere.is_rendered_elsewhere(model):
            marked = limits.is_marked(plan)
            refusals += elsewhere.refusals(model, marked=marked, segmented=bool(segments), options=cleaned)
    refusals += picture_refusals(video, model) + sound_refusals(audio)
    if model not in MODELS or refusals:
        nothing = quote(model=model if model in MODELS else next(iter(MODELS)), plan=plan, seconds=0.0)
        return Estimate(plan, 0.0, nothing, warnings, refusals)
    assert video is not None and audio is not None  # else refused above
    sound_s = audio.heard_s or 0.0
    # A photo has no length of its own; it is shown for as long as the sound lasts.
    picture_s = sound_s if video.kind == Kind.IMAGE else video.duration_s or 0.0
    length_s = seconds = output_seconds(sync_mode, picture_s, sound_s)
    asked: Segments | None = None
    if segments:
        try:
            asked = clean_segments(
                segments, workspace=workspace, video=video, audio=audio, model=model, sync_mode=sync_mode
            )
        except StudioError as error:
            refusals.append(error)
        else:
            length_s, seconds = asked.length_s, asked.seconds
            refusals += [refusal for asset in asked.sounds.values() for refusal in sound_refusals(asset)]
    priced_at = quote(model=model, plan=plan, seconds=seconds)
    if priced_at.micros and (left := included_left(workspace, plan)):
        priced_at = priced(0, seconds)
        warnings.append(f"Free of charge: {left} of {plan.included_takes} free takes of this month are left.")
    if limits.is_marked(plan):
        warnings.append(limits.mark_sentence(plan))
    active = active_takes()
    refusals += length_refusals(plan, length_s)
    refusals += slot_refusals(plan, sum(take.workspace_id == workspace.pk for take in active))
    refusals += spending.refusals(workspace, plan, priced_at.micros)
    place = place_of_new(workspace, model, video, seconds, active)
    return Estimate(
        plan=plan,
        seconds=seconds,
        quote=priced_at,
        warnings=warnings + (asked.warnings if asked else length_warnings(sync_mode, picture_s, sound_s)),
        refusals=refusals,
        eta_s=place.ready_in_s,
        queue_ahead=place.ahead,
        length_s=length_s,
        segments=asked,
    )


def picture_refusals(video: Asset | None, model: str) -> list[StudioError]:
    """Why this cannot be the picture for a model; empty when it can."""
    if video is None:
        return [StudioError("generation_video_missing", "There is no video yet.", "Choose one.", field="video")]
    if not_ready := _not_ready(video, "video"):
        return not_ready
    if video.kind == Kind.IMAGE and not (model in MODELS and MODELS[model].accepts_image):
        able = " or ".join(spec.id for spec in MODELS.values() if spec.accepts_image)
        return [
            StudioError(
                "generation_input_asset_type_mismatch",
                f"{video.name} is a photo, which {model} cannot bring to life.",
                f"Choose a video, or {able} as the model.",
                field="video",
            )
        ]
    if video.kind == Kind.AUDIO:
        return [
            StudioError(
                "generation_input_asset_type_mismatch",
                f"{video.name} has no picture.",
                "Choose a video of a person who speaks.",
                field="video",
            )
        ]
    return []


def sound_refusals(audio: Asset | None) -> list[StudioError]:
    """Why this cannot be the soundtrack; empty when it can. The sound of a video will do."""
    if audio is None:
        return [StudioError("generation_audio_missing", "There is no soundtrack yet.", "Choose one.", field="audio")]
    if not_ready := _not_ready(audio, "audio"):
        return not_ready
    if not audio.has_sound:
        return [
            StudioError(
                "generation_input_asset_type_mismatch",
                f"{audio.name} has no sound.",
                "Choose a recording, or a video with sound.",
                field="audio",
            )
        ]
    return []


def _not_ready(asset: Asset, role: str) -> list[StudioError]:
    if asset.deleted_at is not None:
        return [StudioError("asset_not_found", f"{asset.name} was deleted.", "Choose another file.", field=role)]
    if asset.status == AssetStatus.CHECKING:
        return [
            StudioError(
                "asset_not_ready", f"{asset.name} is still being checked.", "This takes a few seconds.", field=role
            )
        ]
    if asset.status == AssetStatus.REJECTED:
        return [StudioError(asset.error_code, asset.error_message, "Choose another file.", field=role)]
    return []


def length_refusals(plan: Plan, seconds: float) -> list[StudioError]:
    """Whether there is anything to make, and the plan allows a result of this length."""
    if seconds <= 0:
        return [StudioError("generation_input_validation_failed", "The result would be empty.", "Choose longer files.")]
    refusal = limits.length_refusal(plan, seconds)
    return [refusal] if refusal else []


def slot_refusals(plan: Plan, running: int) -> list[StudioError]:
    """Whether the plan lets one more generation run at once beside the ``running`` ones of a workspace."""
    refusal = limits.slot_refusal(plan, running)
    return [refusal] if refusal else []


def included_left(workspace: Workspace, plan: Plan) -> int:
    """Takes of this month that the plan still gives free of charge; those without a result do not count."""
    if not plan.included_takes:
        return 0
    month = Generation.objects.filter(workspace=workspace, created_at__gte=spending.month_start())
    used = month.filter(price_micros_per_frame=0).exclude(status__in=[Status.FAILED, Status.CANCELLED, Status.REJECTED])
    return max(0, plan.included_takes - used.count())


def length_warnings(sync_mode: str, picture: float, sound: float) -> list[str]:
    """What the sync mode does to these two lengths in seconds, where a person may not expect it."""
    if sync_mode == "cut_off" and abs(picture - sound) > 0.5:
        longer = f"the last {abs(picture - sound):.1f} s of the {'video' if picture > sound else 'soundtrack'}"
        return [f"The result ends with the shorter file; {longer} are left out."]
    if sync_mode == "remap" and sound > 0 and not 0.5 <= picture / sound <= 2.0:
        return [f"The picture runs at {picture / sound:.1f} times its speed, which looks unnatural."]
    return []
