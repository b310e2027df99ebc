"""Places: how many generations of a workspace may be on their way at once, by its plan."""

from django.conf import settings

from apps.api.errors import ApiError
from apps.api.models import Call, CallState
from apps.billing.limits import slot_refusal
from apps.billing.plans import plan_of
from apps.generations.models import Generation
from apps.workspaces.models import Workspace
from studio.errors import StudioError

FULL = "concurrency_limit_reached"
SLOT_WAIT_S = 30


def refuse_when_full(workspace: Workspace) -> None:
    """Raise :func:`full` where as many run, or wait for their files, as the plan allows."""
    if refusal := slot_refusal(plan_of(workspace), on_the_way(workspace)):
        raise full(workspace, refusal)


def on_the_way(workspace: Workspace) -> int:
    """Generations that run or are queued, and calls that wait for their files."""
    running = Generation.objects.filter(workspace=workspace).active().count()
    return running + Call.objects.filter(workspace=workspace, state=CallState.WAITING, deleted_at=None).count()


def full(workspace: Workspace, refusal: StudioError) -> ApiError:
    """The refusal for want of a slot as the 429 with the documented fields."""
    extra = {
        "activeGenerations": on_the_way(workspace),
        "concurrencyLimit": plan_of(workspace).max_concurrent,
        "retryAfterSeconds": SLOT_WAIT_S,
        "upgradeUrl": f"{settings.PUBLIC_URL}/w/{workspace.slug}/billing/",
    }
    retry = {"Retry-After": str(SLOT_WAIT_S)}
    return ApiError(FULL, refusal.message, refusal.advice, extra=extra, headers=retry)
