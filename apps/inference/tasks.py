"""The steps as Celery tasks: prepare → look × N → plan (encode_sound) → render_chunk × N → assemble.

They carry ids only and may run twice.
"""

import logging
from typing import Any
from uuid import UUID

from celery import Signature, Task, chain, chord, shared_task
from celery.signals import worker_init
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from apps.catalog.registry import MODELS
from apps.generations.models import Generation, Status
from apps.generations.services import begin
from apps.inference import footage_checks, steps, sweeping
from apps.inference.announcing import renders
from apps.inference.backends import Piece, backend_for
from apps.inference.lanes import lanes_of
from apps.inference.running import TRANSIENT, run_step
from studio.tries import Poison, counted

log = logging.getLogger(__name__)


@worker_init.connect
def load_engines(sender: Any = None, **kwargs: Any) -> None:
    """Load the engines before the worker's processes are made: they share the memory, and no take waits for it."""
    if not renders(sender.app.amqp.queues.consume_from):
        return
    for model in MODELS:
        backend_for(model)


@shared_task(bind=True, name="inference.prepare", ignore_result=True)
def prepare(self: Task, generation_id: str, attempt: int = 0) -> None:
    """See what has to be looked at, and hand that out."""
    claimed = _claimed(self, UUID(generation_id), attempt)
    if claimed is None:
        return
    looks = run_step(self, generation_id, claimed, "prepare", steps.prepare)
    if looks is None:
        return
    following = plan.si(generation_id, claimed)
    if not looks:
        following.apply_async()
        return
    chord(_lanes(generation_id, [look.si(generation_id, claimed, name) for name in looks]))(following)


@shared_task(bind=True, name="inference.look")
def look(self: Task, generation_id: str, attempt: int, name: str) -> None:
    """Look at one part of the footage, or listen to the sound."""

    def do(generation: Generation, watch: Any) -> None:
        steps.look(generation, name, watch)

    run_step(self, generation_id, attempt, f"look at {name}", do, part=name)


@shared_task(bind=True, name="inference.plan", ignore_result=True)
def plan(self: Task, generation_id: str, attempt: int) -> None:
    """Plan the whole film, then hand the pieces out; meanwhile a worker that waits makes the soundtrack."""

    def do(generation: Generation, watch: Any) -> list[Piece]:
        return steps.plan(generation, watch, lambda: _send_along(encode_sound.si(generation_id, attempt)))

    pieces = run_step(self, generation_id, attempt, "plan", do)
    if pieces is None:
        return
    last = assemble.si(generation_id, attempt)
    if not pieces:
        last.apply_async()
        return
    queue = backend_for(Generation.objects.only("model").get(pk=UUID(generation_id)).model).queue
    drawn = [render_chunk.si(generation_id, attempt, piece.first, piece.last).set(queue=queue) for piece in pieces]
    chord(_lanes(generation_id, drawn))(last)


def _send_along(step: Signature) -> None:
    """Send a step without which the take is made as well, only later."""
    try:
        step.apply_async()
    except (OperationalError, RedisError, OSError) as error:
        log.warning("%s could not be sent: %s", step.task, error)


@shared_task(bind=True, name="inference.encode_sound", ignore_result=True)
def encode_sound(self: Task, generation_id: str, attempt: int) -> None:
    """Make the soundtrack."""
    run_step(self, generation_id, attempt, "sound", steps.encode_sound, part="sound")


def _lanes(generation_id: str, parts: list[Signature]) -> list[Signature]:
    """The parts of a stage as lanes that run beside each other, as many as steps can run at once, each a chain.

    A lane sends its next part when one is done. So a film of an hour never has more messages in the queue than lanes,
    and a short take that comes later gets every other turn instead of waiting behind hundreds of parts.
    """
    take = Generation.objects.only("model").get(pk=UUID(generation_id))
    count = min(len(parts), lanes_of(take.model))
    return [chain(*parts[lane::count]) for lane in range(count)]


def _claimed(task: Task, generation_id: UUID, attempt: int) -> int | None:
    """The attempt at which this worker shall prepare the generation; None where it shall not.

    A waiting take (``attempt`` 0) is claimed by its change of state, so of two messages one is void. A running one is
    prepared by the message of its present attempt, and again where that very message was handed out before (its worker
    died) or comes back after a fault.
    """
    if attempt == 0 and begin(generation_id):
        return 1
    again = bool(task.request.retries or (task.request.delivery_info or {}).get("redelivered"))
    present = Generation.objects.filter(pk=generation_id, status=Status.PROCESSING).values_list("attempts", flat=True)
    expected = attempt or (1 if again else None)
    return expected if present.first() == expected else None


@shared_task(bind=True, name="inference.render_chunk")
def render_chunk(self: Task, generation_id: str, attempt: int, first: int, last: int) -> None:
    """Render output frames [first, last)."""

    def do(generation: Generation, watch: Any) -> None:
        steps.render(generation, first, watch)

    run_step(self, generation_id, attempt, f"render {Piece(first, last).name}", do, piece=first)


@shared_task(bind=True, name="inference.assemble", ignore_result=True)
def assemble(self: Task, generation_id: str, attempt: int) -> None:
    """Join, measure, finish."""
    run_step(self, generation_id, attempt, "assemble", steps.assemble)


def _check(task: Task, asset_id: str) -> None:
    redelivered = bool((task.request.delivery_info or {}).get("redelivered"))
    try:
        with counted(f"check:{asset_id}"):
            footage_checks.run_check(UUID(asset_id), redelivered=redelivered)
    except Poison:
        footage_checks.give_up(UUID(asset_id))


@shared_task(
    bind=True,
    name="inference.check_footage",
    ignore_result=True,
    autoretry_for=TRANSIENT,  # nobody else sends a check that has failed
    retry_backoff=2,
    retry_jitter=True,
    max_retries=4,
    soft_time_limit=1500,
    time_limit=1560,
)
def check_footage(self: Task, asset_id: str) -> None:
    """Look through one asset and say where it will be weak; short files only, see ``check_long_footage``."""
    _check(self, asset_id)


@shared_task(
    bind=True,
    name="inference.check_long_footage",
    ignore_result=True,
    autoretry_for=TRANSIENT,
    retry_backoff=2,
    retry_jitter=True,
    max_retries=4,
)
def check_long_footage(self: Task, asset_id: str) -> None:
    """The same for files of minutes, on the workers that render."""
    _check(self, asset_id)


@shared_task(name="inference.sweep", ignore_result=True)
def sweep() -> None:
    """Everything that was lost on the way: queued and running takes, probes, temporary files."""
    sweeping.sweep()


@shared_task(name="inference.clean_analyses", ignore_result=True)
def clean_analyses() -> None:
    """Analyses that nobody needs any more."""
    sweeping.clean_analyses()
