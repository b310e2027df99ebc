"""What a plan allows: the one place where a limit is looked at, for pages and API alike.

Each refusal says the limit, what was asked for, and which plan allows it. Amounts of money are in ``spending``.
"""

from collections.abc import Callable
from typing import Any

from django.conf import settings

from apps.billing.models import Plan
from apps.billing.plans import PLANS
from studio.errors import StudioError

# Half a frame at 25 fps: a length that is a whole number of seconds may arrive a rounding error longer.
LENGTH_SLACK_S = 0.02
GIB = 1024**3


def plan_for(allows: Callable[[dict[str, Any]], bool]) -> str:
    """Name of the smallest priced plan whose row satisfies the condition, for a sentence; empty where none does."""
    rows = sorted(PLANS, key=lambda row: row["order"])[1:]
    return next((str(row["name"]) for row in rows if allows(row)), "")


def length_refusal(plan: Plan, seconds: float) -> StudioError | None:
    """Whether the plan allows a result of this length."""
    if plan.max_duration_s is None or seconds <= plan.max_duration_s + LENGTH_SLACK_S:
        return None
    larger = plan_for(lambda row: row["max_duration_s"] is None or row["max_duration_s"] >= seconds)
    return StudioError(
        "generation_plan_duration_exceeded",
        f"The result would last {_length(seconds)}. The {plan.name} plan allows {_length(plan.max_duration_s)}.",
        _advice(larger, "Or shorten the files."),
        status=402,
    )


def slot_refusal(plan: Plan, running: int) -> StudioError | None:
    """Whether the plan lets one more generation run beside the ``running`` ones."""
    if plan.max_concurrent is None or running < plan.max_concurrent:
        return None
    takes = "take runs" if running == 1 else "takes run"
    larger = plan_for(lambda row: row["max_concurrent"] is None or row["max_concurrent"] > running)
    return StudioError(
        "concurrency_limit_reached",
        f"{running} {takes} already, as many as the {plan.name} plan allows at once.",
        "Wait until one is ready, or cancel one." + (f" The {larger} plan allows more." if larger else ""),
        status=429,
    )


def file_limit(plan: Plan) -> int:
    """Largest file in bytes that the studio and the plan take."""
    return min(settings.UPLOAD_LIMIT, plan.max_file_bytes or settings.UPLOAD_LIMIT)


def batch_refusal(plan: Plan) -> StudioError | None:
    """Whether the plan has batches."""
    if plan.batch:
        return None
    larger = plan_for(lambda row: bool(row.get("batch")))
    return StudioError("batch_plan_required", f"The {plan.name} plan has no batches.", _advice(larger), status=402)


def voice_refusal(plan: Plan, voices: int) -> StudioError | None:
    """Whether the plan allows one more cloned voice beside the ``voices`` there are."""
    if plan.voice_clones is None or voices < plan.voice_clones:
        return None
    larger = plan_for(lambda row: row["voice_clones"] is None or row["voice_clones"] > voices)
    return StudioError(
        "voice_clone_limit_reached",
        f"The {plan.name} plan allows {plan.voice_clones} cloned voices. This would be number {voices + 1}.",
        _advice(larger, "Or delete a voice."),
        status=402,
    )


def is_marked(plan: Plan) -> bool:
    """Whether results carry the studio's name in a corner; never where billing is switched off."""
    return settings.BILLING and plan.watermark


def mark_sentence(plan: Plan) -> str:
    """What to know before a take on a plan with a mark is paid for."""
    larger = plan_for(lambda row: not row.get("watermark"))
    without = f" The {larger} plan has none." if larger else ""
    return f"Results of the {plan.name} plan carry “Lipsync Studio” in the lower right corner.{without}"


def _advice(larger: str, otherwise: str = "") -> str:
    allowed = f"The {larger} plan allows it." if larger else ""
    return f"{allowed} {otherwise}".strip() or "No plan allows it."


def _length(seconds: float) -> str:
    """``45 s``, ``10 min``, ``12:40 min``, as the limits are published."""
    whole = round(seconds)
    if whole < 60 or (whole < 120 and whole % 60):
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes}:{rest:02d} min" if rest else f"{minutes} min"
