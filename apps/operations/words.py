"""What the codes that rows keep are called on the staff's pages: reasons, events, options, deeds."""

from collections.abc import Mapping
from typing import Any

from apps.api.catalogue import ENTRIES
from apps.catalog.registry import FACE, OPTIONS, SYNC_MODES
from apps.generations.models import PIECES_EVENT, STAGE_EVENT, Event, Generation, Stage, Status
from apps.operations import deeds

FACES = {"all": "Everybody", "point": "Whoever is at a point", "boxes": "Whoever is in given boxes"}
DETAILS = {"worker": "worker", "task": "task", "warnings": "to know"}


def reason(code: str) -> str:
    """Why a take ended without a result, as people are told; the code itself where the catalogue has none."""
    entry = ENTRIES.get(code)
    return entry.message.removesuffix(".") if entry else code or "Without a code"


def stage(code: str) -> str:
    return str(Stage(code).label) if code in Stage.values else code


def event_told(event: Event) -> tuple[str, list[str]]:
    """What happened, and what is known of it besides."""
    detail = dict(event.detail)
    if event.what == STAGE_EVENT:
        words = stage(detail.pop("stage", ""))
    elif event.what == PIECES_EVENT:
        words = f"Drawn in {detail.pop('count', 0)} pieces"
        kept = detail.pop("kept", 0)
        detail = {"": f"{kept} of them are there from earlier"} if kept else {}
    else:
        words = str(Status(event.what).label) if event.what in Status.values else event.what
    if code := detail.pop("code", ""):
        detail = {"": reason(code)} | detail
    return words, [_detail(name, value) for name, value in detail.items() if value]


def choices_of(take: Generation) -> list[tuple[str, str]]:
    """Sync mode and options of a take by their names on the workbench."""
    mode = SYNC_MODES.get(take.sync_mode)
    rows = [("Lengths", mode.label if mode else take.sync_mode)]
    for name, value in take.options.items():
        rows.append((OPTIONS[name].label if name in OPTIONS else name, _value(name, value)))
    return rows


def times_of(report: Mapping[str, Any]) -> list[tuple[str, float]]:
    """Stages and the seconds of work they took."""
    return [(stage(name), seconds) for name, seconds in report.get("timings_s", {}).items()]


def deed(name: str) -> str:
    """What a staff member did, by the name of its button."""
    found = deeds.WORKSPACE_DEEDS.get(name) or deeds.TAKE_DEEDS.get(name)
    return found.label if found else name


def _detail(name: str, value: Any) -> str:
    words = "; ".join(map(str, value)) if isinstance(value, list) else str(value)
    return f"{DETAILS.get(name, name)}: {words}" if name else words


def _value(name: str, value: Any) -> str:
    if isinstance(value, Mapping):
        kind = str(value.get("kind"))
        return f"Person {value['id']}" if "id" in value else FACES.get(kind, kind)
    if isinstance(value, bool):
        return ("Whoever speaks" if value else "Left to the model") if name == FACE else ("On" if value else "Off")
    return str(value)
