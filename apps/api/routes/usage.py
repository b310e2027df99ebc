"""What the workspace has used and owes."""

from typing import Any

from django.db.models import Count, Sum
from django.utils import timezone

from apps.api import answers
from apps.api.routing import Caller, route
from apps.billing import ledger
from apps.billing.models import Account
from apps.billing.plans import plan_of
from apps.generations.models import Generation, Status
from apps.usage.figures import FRAMES
from apps.voices.models import SpeechJob, SpeechState

MICROS_PER_CENT = 10_000


@route("GET", "usage", summary="Usage of this month", tag="Costs", gives=answers.Usage)
def usage(caller: Caller) -> dict[str, Any]:
    """Finished generations since the first of the month (UTC), what they cost, what is held, and the plan's limits."""
    workspace = caller.workspace
    since = timezone.now().replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    sums = Generation.objects.filter(workspace=workspace, status=Status.COMPLETED, finished_at__gte=since).aggregate(
        count=Count("pk"), seconds=Sum("charged_seconds"), frames=Sum(FRAMES), micros=Sum("charged_micros")
    )
    plan = plan_of(workspace)
    seconds = sums["seconds"] or 0.0
    spoken = SpeechJob.objects.filter(workspace=workspace, state=SpeechState.SUCCESS, finished_at__gte=since)
    books = ledger.balances(workspace)
    return {
        "since": since.isoformat(),
        "plan": plan.code,
        "usage": {
            "totalGenerations": sums["count"],
            "totalSeconds": round(seconds, 3),
            "totalFrames": int(sums["frames"] or 0),
            "totalCostCents": round((sums["micros"] or 0) / MICROS_PER_CENT, 4),
            "totalTtsSeconds": round(spoken.aggregate(seconds=Sum("asset__duration_s"))["seconds"] or 0.0, 3),
        },
        "credits": {
            "balance": (books[Account.BALANCE] + books[Account.HELD]) / 1_000_000,
            "available": books[Account.BALANCE] / 1_000_000,
            "inFlight": books[Account.HELD] / 1_000_000,
        },
        "freeMonthlyLimits": {"generations": plan.included_takes},
        "limits": {"maxConcurrent": plan.max_concurrent, "maxDurationSeconds": plan.max_duration_s},
        "activeGenerations": Generation.objects.filter(workspace=workspace).active().count(),
    }
