"""The steps as Celery tasks: prepare → render_chunk × N → assemble. They carry ids only and may run twice."""

from typing import Any
from uuid import UUID

from celery import Signature, Task, chain, chord, shared_task
from celery.signals import worker_init
from django.utils import timezone

from apps.catalog.registry import MODELS
from apps.generations import signals, workers
from apps.generations.models import Generation, Status
from apps.generations.services import begin
from apps.inference import steps, sweeping, work
from apps.inference.backends import Piece, backend_for
from apps.inference.running import run_step

# Where no worker has signed yet: enough for a laptop, and a worker that joins later helps with the next take.
FEWEST_LANES = 2


@worker_init.connect
def load_engines(**kwargs: Any) -> None:
    """Load the engines before the worker's processes are made: they share the memory, and no take waits for it."""
    for model in MODELS:
        backend_for(model)


@shared_task(bind=True, name="inference.prepare", ignore_result=True)
def prepare(self: Task, generation_id: str) -> None:
    """Analyse and plan, then hand the pieces out."""
    if not _claimed(self, UUID(generation_id)):
        return
    pieces = run_step(self, generation_id, "prepare", steps.prepare)
    if pieces is None:
        return
    last = assemble.si(generation_id)
    if not pieces:
        last.apply_async()
        return
    chord(_lanes(generation_id, pieces))(last)


def _lanes(generation_id: str, pieces: list[Piece]) -> list[Signature]:
    """The pieces as lanes that run beside each other, as many as steps can run at once, each a chain of pieces.

    A lane sends its next piece when one is done. So a film of an hour never has more messages in the queue than lanes,
    and a short take that comes later gets every other turn instead of waiting behind hundreds of pieces.
    """
    take = Generation.objects.only("model").get(pk=UUID(generation_id))
    slots = workers.pool_of(take.model, workers.present_or_none() or []).slots
    queue = backend_for(take.model).queue
    count = min(len(pieces), max(slots, FEWEST_LANES))
    steps = [render_chunk.si(generation_id, piece.first, piece.last).set(queue=queue) for piece in pieces]
    return [chain(*steps[lane::count]) for lane in range(count)]


def _claimed(task: Task, generation_id: UUID) -> bool:
    """Whether this worker shall prepare the generation.

    A queued one is claimed by its change of state. A running one is taken on where this very message was handed out
    before (its worker died) or came from a retry or the sweeper, never where another worker shows signs of life.
    """
    if begin(generation_id):
        return True
    running = Generation.objects.filter(pk=generation_id, status=Status.PROCESSING).only("heartbeat_at").first()
    if running is None:
        work.forget(generation_id)
        return False
    if task.request.retries or (task.request.delivery_info or {}).get("redelivered"):
        return True
    silent = signals.silent_for(generation_id)
    if silent is None and running.heartbeat_at is not None:
        # Claimed a moment ago and not signed yet: the claim itself wrote the time.
        silent = (timezone.now() - running.heartbeat_at).total_seconds()
    return silent is None or silent > signals.SILENT_AFTER_S


@shared_task(bind=True, name="inference.render_chunk")
def render_chunk(self: Task, generation_id: str, first: int, last: int) -> None:
    """Render output frames [first, last)."""
    piece = Piece(first, last)

    def do(generation: Generation, watch: Any) -> None:
        steps.render(generation, piece, watch)

    run_step(self, generation_id, f"render {piece.name}", do, piece=first)


@shared_task(bind=True, name="inference.assemble", ignore_result=True)
def assemble(self: Task, generation_id: str) -> None:
    """Join, measure, finish."""
    if run_step(self, generation_id, "assemble", steps.assemble) is not None:
        work.forget(UUID(generation_id))


@shared_task(name="inference.sweep", ignore_result=True)
def sweep() -> None:
    """Everything that was lost on the way: queued and running takes, probes, temporary files."""
    sweeping.sweep()
