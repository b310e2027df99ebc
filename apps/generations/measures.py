"""What the metrics learn from a change of state: waits, endings, stages, speed."""

from uuid import UUID

from apps.generations.models import Generation, Status
from studio import metrics


def state_changed(generation_id: UUID, to: Status) -> None:
    """Count a change that has been written."""
    take = Generation.objects.get(pk=generation_id)
    if to == Status.PROCESSING:
        if take.started_at is not None:
            metrics.QUEUE_WAIT.add((take.started_at - take.created_at).total_seconds(), take.model)
        return
    metrics.ENDED.add(take.model, to.value, take.error_code)
    report = take.report or {}
    for stage, seconds in report.get("timings_s", {}).items():
        metrics.STAGE.add(seconds, stage, take.model)
    if report.get("real_time_factor"):
        metrics.REAL_TIME_FACTOR.add(report["real_time_factor"], take.model)
