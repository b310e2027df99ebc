"""What one page of the library shows: search, kind, order and the part of the list, all read from the address."""

from dataclasses import dataclass
from datetime import date, timedelta, tzinfo
from functools import cached_property
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Count, F, Q, QuerySet, Sum
from django.db.models.expressions import Combinable
from django.http import QueryDict
from django.utils import timezone

from apps.assets.models import Asset, Kind, Origin, Status
from apps.workspaces.access import visible_to
from apps.workspaces.models import Membership

PAGE = 48
PROJECTS = 100
# How files are a project's: used or made by its takes, or put to it.
WAYS_TO_PROJECTS = (
    "takes_as_video__project",
    "takes_as_audio__project",
    "takes_as_segment_sound__generation__project",
    "made_by__project",
    "projects",
)

SHELVES: dict[str, str] = {
    "": "All",
    Kind.VIDEO: "Video",
    Kind.AUDIO: "Sound",
    Kind.IMAGE: "Photos",
    "result": "Results",
}
ORDERS: dict[str, tuple[str, str | Combinable]] = {
    "newest": ("Newest", "-created_at"),
    "oldest": ("Oldest", "created_at"),
    "name": ("Name", "name"),
    "length": ("Longest", F("duration_s").desc(nulls_last=True)),
    "size": ("Largest", "-size"),
    "kind": ("Kind", "kind"),
}


@dataclass(frozen=True)
class Query:
    """The filters of one request; anything unknown in the address falls back to the plain library."""

    text: str = ""
    shelf: str = ""
    order: str = "newest"
    start: int = 0
    view: str = ""
    project: str = ""

    @classmethod
    def read(cls, params: QueryDict) -> "Query":
        shelf, order, start = params.get("kind", ""), params.get("sort", ""), params.get("from", "")
        return cls(
            project=_uuid_text(params.get("project", "")),
            text=params.get("q", "").replace("\x00", "").strip()[:200],
            shelf=shelf if shelf in SHELVES else "",
            order=order if order in ORDERS else "newest",
            view="list" if params.get("view") == "list" else "",
            start=int(start) if start.isascii() and start.isdigit() and len(start) < 8 else 0,
        )

    @property
    def filtered(self) -> bool:
        """Whether something is left out, so that an empty page is no empty library."""
        return bool(self.text or self.shelf or self.project)

    def address(self, changes: dict[str, str | int] | None = None) -> str:
        """The query string of these filters with some of them changed, ``?`` alone for the plain library."""
        values: dict[str, str | int] = {"q": self.text, "kind": self.shelf, "project": self.project}
        values |= {"sort": self.order, "view": self.view, "from": self.start}
        values |= changes or {}
        if values["sort"] == "newest":
            values["sort"] = ""
        kept = {name: value for name, value in values.items() if value}
        return f"?{urlencode(kept)}" if kept else "?"

    def rows(self, membership: Membership) -> QuerySet[Asset]:
        """Matching assets that this member sees, in order; ties are broken by age, so that pages never overlap."""
        assets = Asset.objects.in_library(membership.workspace).filter(visible_to(membership))
        if self.text:
            assets = assets.filter(name__icontains=self.text)
        if self.shelf == "result":
            assets = assets.filter(origin=Origin.RESULT)
        elif self.shelf:
            assets = assets.filter(kind=self.shelf)
        if self.project:
            assets = assets.filter(_of_project(membership, self.project))
        return assets.order_by(ORDERS[self.order][1], "-created_at", "pk")


def _uuid_text(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        return ""


def _of_project(membership: Membership, project_id: str) -> Q:
    """Condition on files: in the draft of a project, used or made by its takes, or put to it. None of one not seen."""
    project = membership.workspace.projects.filter(visible_to(membership), pk=project_id, deleted_at=None).first()
    if project is None:
        return Q(pk=None)
    found = Q(pk__in=[pk for pk in (project.video_id, project.audio_id) if pk])
    for way in WAYS_TO_PROJECTS:
        found |= Q(pk__in=Asset.objects.filter(**{way: project}).values("pk"))
    return found


@dataclass(frozen=True)
class Chip:
    label: str
    address: str
    current: bool


@dataclass(frozen=True)
class Entry:
    """One card; ``day`` is the heading above it where a new day begins."""

    asset: Asset
    day: str = ""
    today: bool = False


class Page:
    """48 cards of the library and what stands around them. Costs one query for the cards, whatever their number."""

    def __init__(self, membership: Membership, query: Query, zone: tzinfo) -> None:
        self.query = query
        self.membership = membership
        self.zone = zone  # of whoever looks: their days, not those of UTC

    @cached_property
    def _window(self) -> list[Asset]:
        """The row before the page (for the day heading), the page, and one row more (to know whether there is one)."""
        first = max(0, self.query.start - 1)
        return list(self.query.rows(self.membership)[first : self.query.start + PAGE + 1])

    @cached_property
    def entries(self) -> list[Entry]:
        rows = self._window[1:] if self.query.start else self._window
        shown = rows[:PAGE]
        if self.query.order not in ("newest", "oldest"):
            return [Entry(asset) for asset in shown]
        before = self._window[0] if self.query.start and self._window else None
        today = timezone.localdate(timezone=self.zone)
        last = timezone.localdate(before.created_at, self.zone) if before else None
        entries = []
        for asset in shown:
            day = timezone.localdate(asset.created_at, self.zone)
            entries.append(Entry(asset, day_name(day, today) if day != last else "", day == today))
            last = day
        return entries

    @property
    def checking(self) -> bool:
        """Whether a file of this page is still being checked."""
        return any(entry.asset.status == Status.CHECKING for entry in self.entries)

    @property
    def more(self) -> str:
        """Address of the next cards; empty at the end."""
        beyond = len(self._window) > PAGE + (1 if self.query.start else 0)
        return self.query.address({"from": self.query.start + PAGE}) if beyond else ""

    @property
    def grid_address(self) -> str:
        return self.query.address({"view": "", "from": 0})

    @property
    def list_address(self) -> str:
        return self.query.address({"view": "list", "from": 0})

    @property
    def chips(self) -> list[Chip]:
        return [
            Chip(label, self.query.address({"kind": shelf, "from": 0}), shelf == self.query.shelf)
            for shelf, label in SHELVES.items()
        ]

    @property
    def projects(self) -> list[tuple[str, str, bool]]:
        """Id, name and whether it is the current one, last touched first; one query."""
        found = self.membership.workspace.projects.filter(visible_to(self.membership), deleted_at=None)
        rows = found.order_by("-updated_at").values_list("pk", "name")[:PROJECTS]
        return [(str(pk), name, str(pk) == self.query.project) for pk, name in rows]

    @property
    def orders(self) -> list[tuple[str, str, bool]]:
        """Value, label and whether it is the current one."""
        return [(value, label, value == self.query.order) for value, (label, _) in ORDERS.items()]


def totals(membership: Membership) -> tuple[int, int]:
    """Number of files that a member sees in the library, and their bytes."""
    seen = Asset.objects.filter(visible_to(membership), workspace=membership.workspace, deleted_at=None)
    found = seen.aggregate(count=Count("pk"), size=Sum("size"))
    return found["count"], found["size"] or 0


def takes_of(membership: Membership, asset: Asset) -> list[Any]:
    """Takes that use a file or made it, as this member sees them, newest first: where it would be missed."""
    listed = membership.workspace.generations.filter(visible_to(membership, "project__"), deleted_at=None)
    takes = listed.exclude(project=None)
    used = takes.filter(Q(video=asset) | Q(audio=asset) | Q(result=asset) | Q(segment_sounds__asset=asset)).distinct()
    return list(used.select_related("project").defer("report").order_by("-created_at"))


def drafts_of(membership: Membership, asset: Asset) -> list[Any]:
    """Projects whose draft has the file, or to which it was put, last touched first."""
    listed = membership.workspace.projects.filter(visible_to(membership), deleted_at=None)
    return list(listed.filter(Q(video=asset) | Q(audio=asset) | Q(files=asset)).distinct().order_by("-updated_at")[:12])


def day_name(day: date, today: date) -> str:
    """``Today``, ``Yesterday``, ``Thursday``, ``12 November``, and with the year where it is another one."""
    age = today - day
    if age == timedelta(0):
        return "Today"
    if age == timedelta(days=1):
        return "Yesterday"
    if timedelta(0) < age < timedelta(days=7):
        return day.strftime("%A")
    text = f"{day.day} {day.strftime('%B')}"
    return text if day.year == today.year else f"{text} {day.year}"
