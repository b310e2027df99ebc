"""How far a take is, for pages, the API and the command line."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from django.utils import timezone

from apps.generations import signals, workers
from apps.generations.models import PIECES_EVENT, STAGE_EVENT, Event, Generation, Stage, Status
from apps.generations.percent import ORDER, Rendering, percent_of, rendering
from apps.generations.places import Place, place_of
from apps.generations.speed import SHARES, run_s, work_s

# A worker signs every 5 s. Where none has for this long nobody is at the take, and what is left only seems to grow.
QUIET_S = 15.0

StepState = Literal["done", "now", "waiting", "failed"]


@dataclass(frozen=True)
class Step:
    """One line of the stepper; ``seconds`` it took, or has taken so far."""

    label: str
    state: StepState
    seconds: float | None = None


@dataclass(frozen=True)
class ProgressView:
    """What a page shows of a take: the stage, how far, how fast, how long still, and the steps.

    ``place`` is its place in the queue while it waits there. Of ``pieces`` to draw ``pieces_kept`` were there already.
    """

    stage: str
    stage_label: str
    percent: int
    fps: float | None = None
    seconds_left: float | None = None
    frames_done: int = 0
    frames_total: int = 0
    steps: list[Step] = field(default_factory=list)
    place: Place | None = None
    pieces: int = 0
    pieces_kept: int = 0


def read(generation: Generation) -> ProgressView:
    """Progress of a take, from the cache where the workers note it, else from the row."""
    stage = Stage(generation.stage)
    label = stage.label if generation.status == Status.PROCESSING else Status(generation.status).label
    events = list(Event.objects.filter(generation=generation, what__in=(STAGE_EVENT, PIECES_EVENT)))
    steps = _steps(generation, [event for event in events if event.what == STAGE_EVENT])
    found: dict[str, int] = next((event.detail for event in events if event.what == PIECES_EVENT), {})
    if generation.status == Status.COMPLETED:
        frames = (generation.report or {}).get("frames", 0)
        return ProgressView(stage, label, 100, frames_done=frames, frames_total=frames, steps=steps)
    if generation.status == Status.PENDING:
        place = place_of(generation)
        return ProgressView(stage, label, 0, seconds_left=place.ready_in_s, steps=steps, place=place)
    drawn = rendering(generation)
    percent = percent_of(generation, drawn)
    return ProgressView(
        stage,
        label,
        percent,
        fps=drawn.fps if stage == Stage.LIPSYNC else None,
        seconds_left=_seconds_left(generation, stage, percent, drawn),
        frames_done=drawn.done,
        frames_total=drawn.total,
        steps=steps,
        pieces=found.get("count", 0),
        pieces_kept=found.get("kept", 0),
    )


def _seconds_left(generation: Generation, stage: Stage, percent: int, drawn: Rendering) -> float | None:
    """Seconds until the result is there, None where nobody can tell.

    Before rendering: what earlier takes on this model needed. While rendering: by the speed seen, and the last stages
    in proportion. At the end: by the time so far. Nobody can tell while no worker signs for the take.
    """
    if generation.status != Status.PROCESSING or generation.started_at is None:
        return None
    if (signals.silent_for(generation.pk) or 0.0) > QUIET_S:
        return None
    if stage == Stage.LIPSYNC:
        if drawn.fps is None:
            return None
        left = (drawn.total - drawn.done) / drawn.fps
        return left + (drawn.elapsed_s + left) * (SHARES[Stage.ASSEMBLE] + SHARES[Stage.PROOF]) / SHARES[Stage.LIPSYNC]
    if stage in (Stage.ASSEMBLE, Stage.PROOF):
        elapsed = (timezone.now() - generation.started_at).total_seconds()
        return elapsed * (100 - percent) / percent
    seconds = generation.quoted_seconds
    work = work_s(generation.model, generation.video, seconds)
    if work is None:
        return None
    slots = workers.pool_of(generation.model, workers.present_or_none() or []).slots
    return run_s(work, seconds, slots) * (100 - percent) / 100


def _steps(generation: Generation, events: list[Event]) -> list[Step]:
    """The stepper: when each stage began is told by the events of the take."""
    began: dict[str, datetime] = {}
    for event in events:
        began.setdefault(event.detail.get("stage", ""), event.at)
    names: list[str] = [Stage.QUEUED, *ORDER]
    began[Stage.QUEUED] = generation.created_at
    reached = names.index(generation.stage)
    until = generation.finished_at or timezone.now()
    steps = []
    for index, name in enumerate(names):
        later = [began[after] for after in names[index + 1 :] if after in began]
        end = min(later, default=until)
        seconds = max(0.0, (end - began[name]).total_seconds()) if name in began else None
        steps.append(Step(Stage(name).label, _state(generation, index, reached), seconds))
    return steps


def _state(generation: Generation, index: int, reached: int) -> StepState:
    if generation.status == Status.COMPLETED or index < reached:
        return "done"
    if index > reached:
        return "waiting"
    return "failed" if generation.is_final else "now"
