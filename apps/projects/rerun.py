"""From a take back to the draft: change it and run it again; and what of earlier takes is used again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import Any

from django.conf import settings
from django.db.models import F
from django.utils import timezone

from apps.catalog.registry import MODELS, OPTIONS, clean_options
from apps.generations.models import Generation, Status
from apps.inference import drawn, work
from apps.projects.models import Project
from apps.workspaces.access import require
from apps.workspaces.models import Membership, Role
from studio.errors import StudioError

# Takes that a draft is compared with.
COMPARED = 8
# What a draft says, besides its two files; a take says the same.
CHOICES = ("model", "sync_mode", "options", "segments")


@dataclass(frozen=True)
class Kept:
    """Pieces of an unfinished take that are drawn and still there, of how many."""

    finished: int
    count: int


def kept_of(take: Generation) -> Kept | None:
    """What a failed or cancelled take would go on from; None where that is nothing."""
    pieces = drawn.pieces_of(take)
    if not pieces or not take.may_go_on:
        return None
    there = set(work.pieces())  # one look at the folder, however many pieces it holds
    finished = sum(drawn.folder_of(take, piece) in there for piece in pieces)
    return Kept(finished, len(pieces)) if finished else None


@dataclass(frozen=True)
class Likeness:
    """What a new take of this draft shares with a finished one: ``changed_s`` seconds differ, all others are kept."""

    number: int
    changed_s: float


def draft_as(*, membership: Membership, project: Project, take: Generation) -> dict[str, Any]:
    """Make the draft what a take was made of; returns the draft as it stood before, for undo.

    Raises ``StudioError`` where a file of the take is gone.
    """
    require(membership, Role.EDITOR)
    gone = next((asset for asset in (take.video, take.audio) if asset.deleted_at is not None), None)
    if gone is not None:
        raise StudioError(
            "asset_not_found",
            f"{gone.name}, which take {take.number} was made of, is deleted.",
            "Bring it back in the library, or choose other files in the workbench.",
            status=409,
        )
    before = {"video": _id(project.video_id), "audio": _id(project.audio_id)} | {
        name: getattr(project, name) for name in CHOICES
    }
    _put(project, {"video": take.video_id, "audio": take.audio_id} | {name: getattr(take, name) for name in CHOICES})
    return before


def draft_back(*, membership: Membership, project: Project, before: Mapping[str, Any]) -> None:
    """Undo of :func:`draft_as`."""
    require(membership, Role.EDITOR)
    _put(project, before)


def _put(project: Project, values: Mapping[str, Any]) -> None:
    fields = {"video_id": values["video"], "audio_id": values["audio"]} | {name: values[name] for name in CHOICES}
    Project.objects.filter(pk=project.pk).update(**fields, revision=F("revision") + 1, updated_at=timezone.now())


def _id(value: Any) -> str | None:
    return None if value is None else str(value)


def likeness(
    project: Project, takes: Sequence[Generation], seconds: float | None, marked: bool = False
) -> Likeness | None:
    """The latest finished take that differs from the draft in its segments alone, None where there is none.

    ``takes`` are the project's, the latest first; ``seconds`` the length of the result; ``marked`` whether it would
    carry the plan's mark. Where anything else differs, every second does, and what was drawn a while ago is gone.
    """
    if seconds is None or project.model not in MODELS:
        return None
    since = timezone.now() - timedelta(hours=settings.RESUME_HOURS)
    wanted = clean_options(project.model, _known(project.options))[0]
    for take in takes:
        same = (
            take.status == Status.COMPLETED
            and take.result_id is not None
            and take.finished_at is not None
            and take.finished_at > since
            and (take.video_id, take.audio_id) == (project.video_id, project.audio_id)
            and (take.model, take.sync_mode) == (project.model, project.sync_mode)
            and take.options == wanted
            and take.watermark == marked
        )
        if same:
            return Likeness(take.number, changed_seconds(take.segments, project.segments, seconds))
    return None


def lately_finished(project: Project) -> list[Generation]:
    """Takes to compare a draft with, the latest first, with just what that needs."""
    few = ("number", "status", "model", "sync_mode", "options", "segments", "watermark", "video", "audio", "result")
    takes = Generation.objects.filter(project=project, deleted_at=None, status=Status.COMPLETED)
    return list(takes.order_by("-number").only(*few, "finished_at")[:COMPARED])


def _known(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if name in OPTIONS}


def changed_seconds(one: Sequence[Mapping[str, Any]], other: Sequence[Mapping[str, Any]], seconds: float) -> float:
    """In how many seconds of a film two lists of segments say different things."""
    if bool(_speaks(one)) != bool(_speaks(other)):  # what lies outside the segments is meant differently
        return seconds
    edges = {0.0, seconds} | {min(row[end], seconds) for row in (*one, *other) for end in ("start_s", "end_s")}
    borders = sorted(edges)
    return sum(
        right - left
        for left, right in pairwise(borders)
        if _at((left + right) / 2, one) != _at((left + right) / 2, other)
    )


def _speaks(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [row for row in rows if row.get("lipsync", True)]


def _at(second: float, rows: Sequence[Mapping[str, Any]]) -> tuple[Any, ...] | None:
    """What a list of segments says of a second: None where no segment stands."""
    row = next((row for row in rows if row["start_s"] <= second < row["end_s"]), None)
    if row is None:
        return None
    if not row.get("lipsync", True):
        return (False,)
    # Where its own sound stands at that second: a moved edge alone changes nothing in between.
    offset = round(row["start_s"] - row.get("audio_start_s", 0.0), 3) if row.get("audio") else None
    return (True, row.get("audio"), offset, row.get("audio_end_s"), str(row.get("face")), str(row.get("options")))
