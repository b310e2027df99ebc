"""What a plan allows: the one place where a limit is looked at, for pages and API alike.

Each refusal says the limit, what was asked for, and which plan allows it. Amounts of money are in ``spending``.
"""

from collections.abc import Callable
from typing import Any

from django.conf import settings

from apps.billing.models import Plan
from apps.billing.plans import PLANS, standing_of
from apps.workspaces.models import Workspace
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


def file_refusal(plan: Plan, name: str, size: int) -> StudioError | None:
    """Whether studio and plan take a file of this size in bytes."""
    return None if size <= file_limit(plan) else too_large(plan, name, size)


def too_large(plan: Plan, name: str, size: int | None = None) -> StudioError:
    """The refusal of a file; ``size`` is None for one that was stopped while it was fetched."""
    limit = file_limit(plan)
    ours = not plan.max_file_bytes or plan.max_file_bytes > limit
    larger = "" if ours else plan_for(lambda row: _takes(row, limit + 1 if size is None else size))
    has = f"has {_size(size)}" if size is not None else f"has more than {_size(limit)}"
    return StudioError(
        "file_size_exceeds_plan_limit",
        f"{name} {has}. {'This studio' if ours else f'The {plan.name} plan'} takes files up to {_size(limit)}.",
        _advice(larger, "Or export it smaller.") if larger else "Export it smaller, or cut it into parts.",
        field="file",
        status=413,
    )


def seat_refusal(workspace: Workspace, used: int) -> StudioError | None:
    """Whether a workspace with ``used`` seats taken has one more; the room of members asks this by name."""
    standing = standing_of(workspace)
    if standing.seats is None or used < standing.seats:
        return None
    plan = standing.plan
    larger = plan_for(lambda row: row["seats"] is None or row["seats"] > used)
    buys = f" {plan.name} sells more seats on the billing page." if plan.extra_seat_cents else ""
    seats = "1 seat" if standing.seats == 1 else f"{standing.seats} seats"
    return StudioError(
        "workspace_full",
        f"The {plan.name} plan has {seats}, and {used} {'is' if used == 1 else 'are'} taken.",
        f"{_advice(larger, 'Or remove a member, or revoke an invitation.')}{buys}",
        status=409,
    )


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


def _takes(row: dict[str, Any], size: int) -> bool:
    return min(settings.UPLOAD_LIMIT, row["max_file_bytes"] or settings.UPLOAD_LIMIT) >= size


def _size(count: int) -> str:
    """``1.07 GB``, three figures, so that what is just too large does not look like the limit; what has more figures
    stands with commas, never as a power of ten.
    """
    for unit, step in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= 100 * step:
            return f"{(count + step // 2) // step:,} {unit}"
        if count >= step:
            return f"{count / step:.3g} {unit}"
    return f"{count} bytes"


def _length(seconds: float) -> str:
    """``45 s``, ``10 min``, ``12:40 min``, as the limits are published."""
    whole = round(seconds)
    if whole < 60 or (whole < 120 and whole % 60):
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes:,}:{rest:02d} min" if rest else f"{minutes:,} min"
