"""What stands behind the lists: query parameters in all encodings of the clients, and pages of rows."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db.models import Prefetch, Q, QuerySet, prefetch_related_objects
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.utils.dateparse import parse_datetime
from django.utils.timezone import is_naive, make_aware

from apps.api.bodies import parsed
from apps.api.errors import INVALID, ApiError
from apps.api.models import Call, CallState
from apps.assets.models import Asset
from apps.generations.models import Generation, SegmentSound, Status
from apps.projects.models import Project
from apps.workspaces.access import visible_to
from apps.workspaces.models import Membership, Workspace

# Without a limit the documented list has no pages. That is kept up to this many rows, newest first.
UNPAGED = 1000
STATUSES = ("PENDING", "PROCESSING", "COMPLETED", "FAILED", "REJECTED", "CANCELED", "TIMED_OUT")
SORTS = {
    "name": ("name",),
    "date": ("created_at",),
    "duration": ("length_s",),
    "size": ("size",),
    "kind": ("kind",),
}


def listed(request: HttpRequest, name: str) -> list[str]:
    """A list parameter: a JSON array (TypeScript client), a repeated key (Python client) or separated by commas."""
    values: list[str] = []
    for text in request.GET.getlist(name):
        if text.startswith("["):
            try:
                found = parsed(text)
            except ValueError:
                found = None
            if not isinstance(found, list):
                raise invalid(name, f"“{text[:80]}” is no list.")
            values += [str(item) for item in found]
        else:
            values += [part.strip() for part in text.split(",")]
    if any("\x00" in value for value in values):  # which no database can be asked for
        raise invalid(name, f"{name} has a character that text does not have.")
    return [value for value in values if value]


def invalid(name: str, message: str) -> ApiError:
    return ApiError(INVALID, message, field=name)


def uuid_or_none(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def whole(request: HttpRequest, name: str, *, default: int | None, least: int, most: int) -> int | None:
    """A whole number within a range; raises ``ApiError`` for anything else."""
    text = request.GET.get(name, "")
    if not text:
        return default
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1
    if not least <= number <= most:
        raise invalid(name, f"{name} is “{text[:20]}”. Give a number from {least} to {most}.")
    return number


def flag(request: HttpRequest, name: str) -> bool:
    """Yes or no; raises ``ApiError`` for anything else."""
    text = request.GET.get(name, "").lower()
    if text not in ("", "true", "1", "false", "0"):
        raise invalid(name, f"{name} is “{text[:20]}”. Give true or false.")
    return text in ("true", "1")


def moment(request: HttpRequest, name: str) -> datetime | None:
    """A date and time in ISO 8601; one without a zone is UTC."""
    text = request.GET.get(name, "")
    if not text:
        return None
    try:
        found = parse_datetime(text.replace(" ", "+")) or parse_datetime(f"{text}T00:00:00")
    except ValueError:
        found = None
    if found is None:
        raise invalid(name, f"{name} is “{text[:40]}”. Give a date and time as 2026-11-22T10:00:00Z.")
    try:
        return (make_aware(found) if is_naive(found) else found).astimezone(UTC)
    except OverflowError as error:  # a zone can lead out of the years 1 to 9999
        raise invalid(name, f"{name} is “{text[:40]}”, which is no year of the calendar.") from error


# Of no project, or of one that nobody has deleted.
IN_SIGHT = Q(project=None) | Q(project__deleted_at=None)
# What the JSON of a generation shows. The rest stays in the database: reports above all, which can be long.
_FILE = ("id", "name", "file", "visibility", "created_by", "deleted_at")
SHOWN = (
    *("id", "status", "model", "sync_mode", "options", "segments", "created_at", "project_id"),
    *("error_code", "error_message", "error_advice", "video__kind"),
    *(f"{related}__{column}" for related in ("video", "audio", "result") for column in _FILE),
    "result__duration_s",
    *(f"api_call__{column}" for column in ("body", "assets", "speeches", "warnings", "source", "created_at")),
    *("api_call__webhook_url", "api_call__output_name"),
)
SOUNDS = Prefetch(
    "segment_sounds",
    SegmentSound.objects.select_related("asset").only("generation", *(f"asset__{column}" for column in _FILE)),
)


def generations(membership: Membership) -> QuerySet[Generation]:
    """Generations that a member sees, with all that their JSON shows, in no order; see :func:`with_sounds`. Those of a
    deleted project are gone with it.
    """
    related = ("video", "audio", "result", "api_call")
    seen = Generation.objects.listed(membership.workspace).filter(IN_SIGHT, visible_to(membership, "project__"))
    return seen.select_related(*related).order_by()


def with_sounds(rows: list[Generation]) -> list[Generation]:
    """Fetch the sounds of the segments of those that have some: one query for all, none where none has."""
    prefetch_related_objects([row for row in rows if row.segments], SOUNDS)
    return rows


def waiting(membership: Membership) -> QuerySet[Call]:
    """Calls that a member sees and that have no generation: their files are on the way, or they were refused."""
    calls = Call.objects.filter(IN_SIGHT, visible_to(membership, "project__"), workspace=membership.workspace)
    return calls.filter(generation=None, deleted_at=None).order_by("-created_at")


Row = Generation | Call


@dataclass(frozen=True)
class Page:
    """Which part of a list: so many rows (None: all) after the row with the id ``cursor`` (empty: from the start)."""

    limit: int | None
    cursor: str


def filtered(request: HttpRequest, membership: Membership) -> tuple[QuerySet[Generation], QuerySet[Call]]:
    """Both kinds of rows that a member sees, after the filters of the request."""
    rows, calls = generations(membership), waiting(membership)
    if statuses := listed(request, "status"):
        unknown = [status for status in statuses if status not in STATUSES]
        if unknown:
            raise invalid("status", f"There is no status “{unknown[0][:40]}”. There are: {', '.join(STATUSES)}.")
        rows = rows.filter(_has_status(statuses))
        states = {"PENDING": CallState.WAITING, "REJECTED": CallState.REFUSED}
        calls = calls.filter(state__in=[states[status] for status in statuses if status in states])
    if "ids" in request.GET:
        ids = [found for text in listed(request, "ids") if (found := uuid_or_none(text))]
        rows, calls = rows.filter(pk__in=ids), calls.filter(pk__in=ids)
    if project := request.GET.get("projectId", ""):
        found = uuid_or_none(project)
        rows = rows.filter(project_id=found) if found else rows.none()
        calls = calls.filter(project_id=found) if found else calls.none()
    if sources := listed(request, "source") + listed(request, "generationSource"):
        ours = Q(api_call__source__in=sources)
        rows = rows.filter(ours | Q(api_call=None) if "studio" in sources else ours)
        calls = calls.filter(source__in=sources)
    if kind := request.GET.get("type", ""):
        if kind not in ("playground", "api"):
            raise invalid("type", f"There is no type “{kind[:40]}”. There are: playground, api.")
        rows = rows.filter(api_call__isnull=kind == "playground")
        calls = calls if kind == "api" else calls.none()
    return rows, calls


def _has_status(statuses: list[str]) -> Q:
    """A cancelled generation is a failed one to the clients, and also answers to its own name."""
    found = Q(status__in=statuses)
    if "FAILED" in statuses or "CANCELED" in statuses:
        found |= Q(status=Status.CANCELLED)
    return found


def page_of(workspace: Workspace, rows: QuerySet[Generation], calls: QuerySet[Call], page: Page) -> list[Row]:
    """The newest of both kinds of rows together, after the row whose id is the cursor."""
    if page.cursor:
        place = _place(workspace, page.cursor)
        older = Q(created_at__lt=place.created_at) | Q(created_at=place.created_at, pk__lt=place.pk)
        rows, calls = rows.filter(older), calls.filter(older)
    count = page.limit or UNPAGED
    newest = with_sounds(list(rows.order_by("-created_at", "-pk")[:count]))
    both: list[Row] = [*newest, *calls.order_by("-created_at", "-pk")[:count]]
    return sorted(both, key=lambda row: (row.created_at, str(row.pk)), reverse=True)[:count]


def _place(workspace: Workspace, cursor: str) -> Row:
    """The row of a cursor, whether it still fits the filters or not: its status may have changed since, or it may be
    deleted.
    """
    row_id = uuid_or_none(cursor)
    tables: tuple[type[Generation] | type[Call], ...] = (Generation, Call)
    for table in tables:
        if row_id and (place := table.objects.filter(workspace=workspace, pk=row_id).only("created_at").first()):
            return place
    raise invalid("cursor", "The cursor is no id of this list.")


def assets(request: HttpRequest, membership: Membership) -> QuerySet[Asset]:
    """The library as a member sees it, after the filters and in the order of the request."""
    rows: QuerySet[Asset] = Asset.objects.in_library(membership.workspace).filter(visible_to(membership))
    kinds = [kind.lower() for kind in listed(request, "types")]
    if unknown := [kind for kind in kinds if kind not in ("audio", "video", "image")]:
        raise invalid("types", f"There is no type “{unknown[0][:40]}”. There are: AUDIO, VIDEO, IMAGE.")
    if kinds:
        rows = rows.filter(kind__in=kinds)
    if search := request.GET.get("searchQuery", "").replace("\x00", ""):
        rows = rows.filter(name__icontains=search)
    if project := request.GET.get("projectId", ""):
        rows = _of_project(rows, membership, uuid_or_none(project))
    # A photo and a file that is being checked have no length; databases differ in where they put none.
    rows = rows.annotate(length_s=Coalesce("duration_s", 0.0))
    return rows.order_by(*_order(request.GET.get("sortBy", "") or "dateDesc"))


def _of_project(rows: QuerySet[Asset], membership: Membership, project: UUID | None) -> QuerySet[Asset]:
    """Those put to a project, or used or made by its takes; none of a project that this member does not see."""
    seen = Project.objects.listed(membership.workspace).filter(visible_to(membership))
    if project is None or not seen.filter(pk=project).exists():
        return rows.none()
    takes = Generation.objects.filter(project_id=project, deleted_at=None)
    used: Any = Q(pk__in=takes.values("video")) | Q(pk__in=takes.values("audio")) | Q(pk__in=takes.values("result"))
    used |= Q(pk__in=SegmentSound.objects.filter(generation__in=takes).values("asset"))
    return rows.filter(used | Q(pk__in=Project.files.through.objects.filter(project=project).values("asset")))


def _order(name: str) -> tuple[str, ...]:
    field, down = name.removesuffix("Asc").removesuffix("Desc"), name.endswith("Desc")
    if field not in SORTS or field == name:
        known = ", ".join(f"{sort}Asc, {sort}Desc" for sort in SORTS)
        raise invalid("sortBy", f"There is no order “{name[:40]}”. There are: {known}.")
    return tuple(f"{'-' if down else ''}{column}" for column in (*SORTS[field], "pk"))
