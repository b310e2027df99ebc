"""The steps of a take in this process, as a worker would run them one by one."""

from types import SimpleNamespace

from celery.exceptions import Retry
from django.conf import settings

from apps.assets import files
from apps.generations.models import Generation
from apps.generations.services import begin
from apps.inference import running, steps
from apps.inference.backends import Piece


class Task:
    """Stands for the bound Celery task."""

    def __init__(self, retries: int = 0, redelivered: bool = False) -> None:
        self.request = SimpleNamespace(retries=retries, delivery_info={"redelivered": redelivered})
        self.countdown = 0.0

    def retry(self, *, countdown: float, **options) -> Retry:
        self.countdown = countdown
        return Retry()


def run(take: Generation, name: str, do, task: Task | None = None, **more):
    """One step of the first attempt, in this process."""
    return running.run_step(task or Task(), str(take.pk), 1, name, do, **more)


def planned(take: Generation) -> list[Piece] | None:
    """Everything up to the pieces."""
    for part in run(take, "prepare", steps.prepare) or []:
        run(take, part, lambda g, w, p=part: steps.look(g, p, w), part=part)
    return run(take, "plan", steps.plan)


def rendered(take: Generation, piece: Piece) -> None:
    run(take, piece.name, lambda g, w: steps.render(g, piece.first, w), piece=piece.first)


def whole_run(take: Generation) -> bool | None:
    """All steps in order, in this process."""
    if not begin(take.pk):
        return None
    for piece in planned(take) or []:
        rendered(take, piece)
    return run(take, "assemble", steps.assemble)


def scratch() -> list:
    return list((settings.DATA_DIR / "tmp").glob(f"{files.SCRATCH_PREFIX}*"))
