"""The models side by side, for the draft as it stands: what each is good at, how fast it is here, what it costs."""

from dataclasses import dataclass
from typing import Any

from apps.assets.models import Asset
from apps.billing.prices import quote
from apps.catalog.registry import MODELS, OPTIONS
from apps.catalog.specs import ModelSpec, OptionState
from apps.generations import speed, workers
from apps.generations.places import about
from apps.projects.models import Project
from apps.projects.workbench import draft_estimate, lipsynced_seconds


@dataclass(frozen=True)
class Handles:
    """One thing a model can deal with: by itself, where it is switched on, or not at all."""

    label: str
    state: OptionState
    why: str = ""


@dataclass(frozen=True)
class Row:
    """A model for this draft; price in micro-dollars and time in words, None where a file is missing or nobody has
    measured it yet.
    """

    spec: ModelSpec
    selected: bool
    micros: int | None
    micros_minute: int
    takes_about: str | None
    handles: list[Handles]


def comparison(project: Project) -> list[Row]:
    """A row for each model of the registry, in its order."""
    now = draft_estimate(project)
    plan, seconds = now.plan, lipsynced_seconds(project, now)
    there = workers.present_or_none() or []
    rows = []
    for spec in MODELS.values():
        micros = None if seconds is None else quote(model=spec.id, plan=plan, seconds=seconds).micros
        slots = workers.pool_of(spec.id, there).slots
        rows.append(
            Row(
                spec=spec,
                selected=spec.id == project.model,
                micros=micros,
                micros_minute=quote(model=spec.id, plan=plan, seconds=60.0).micros,
                takes_about=_time(spec, project.video, seconds, slots),
                handles=_handles(spec),
            )
        )
    return rows


def _time(spec: ModelSpec, video: Asset | None, seconds: float | None, slots: int) -> str | None:
    """How long this take would run on these workers, from the takes they have finished."""
    if video is None or seconds is None:
        return None
    work = speed.work_s(spec.id, video, seconds)
    return None if work is None else about(speed.run_s(work, seconds, slots))


def _handles(spec: ModelSpec) -> list[Handles]:
    still = Handles("Still lips", "automatic" if spec.opens_still_lips else "absent")
    photos = Handles("Photos", "available" if spec.accepts_image else "absent")
    options = [Handles(OPTIONS[name].label, option.state, option.why) for name, option in spec.options.items()]
    return [still, photos, *options]


def comparison_context(project: Project) -> dict[str, Any]:
    rows = comparison(project)
    return {"rows": rows, "measured": any(row.takes_about for row in rows)}
