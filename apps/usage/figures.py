"""What a workspace used in a month, by day and by one thing more: model, project, member or API key.

Figures come from the takes themselves, which say what was charged and for what; the ledger has the same sums.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Case, Count, F, Q, QuerySet, Sum, Value, When
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Floor, TruncDate
from django.utils import timezone

from apps.billing.models import Account, Entry, TransactionKind
from apps.billing.prices import BILLED_FPS, FRAME_SLACK
from apps.billing.spending import month_start
from apps.billing.subscriptions import month_later
from apps.generations.models import Generation, Status
from apps.workspaces.access import visible_to
from apps.workspaces.models import Membership, Workspace

# Days before today whose mean says what the days to come will cost; four whole weeks.
FORECAST_DAYS = 28
GROUPS: dict[str, tuple[str, tuple[str, ...]]] = {
    "model": ("Model", ("model",)),
    "project": ("Project", ("project_shown",)),
    "member": ("Member", ("created_by__name", "created_by__email")),
    "key": ("API key", ("api_call__key__name",)),
}
# Stands for all projects that a member does not see: their takes count, their names are not told.
PRIVATE = "Private projects"
NAMELESS = {"model": "No model", "project": "No project", "member": "Former member", "key": "Without a key"}
FRAMES = Floor(F("charged_seconds") * BILLED_FPS + FRAME_SLACK)


@dataclass
class Row:
    """One model, project, member or key over the month."""

    name: str
    takes: int = 0
    seconds: float = 0.0
    frames: int = 0
    micros: int = 0
    by_day: dict[date, int] = field(default_factory=lambda: defaultdict(int))


@dataclass(frozen=True)
class Month:
    """A calendar month (UTC)."""

    start: datetime

    @classmethod
    def read(cls, text: str) -> "Month":
        """``2026-11``; this month for anything else."""
        try:
            year, month = (int(part) for part in text.split("-"))
            return cls(month_start().replace(year=year, month=month)) if 2020 <= year <= 2100 else cls(month_start())
        except ValueError:
            return cls(month_start())

    @property
    def end(self) -> datetime:
        return month_later(self.start, 1)

    @property
    def before(self) -> "Month":
        return Month(month_start(self.start - timedelta(days=1)))

    @property
    def is_now(self) -> bool:
        return self.start == month_start()

    @property
    def days(self) -> list[date]:
        count = (self.end - self.start).days
        return [(self.start + timedelta(days=index)).date() for index in range(count)]

    @property
    def token(self) -> str:
        return f"{self.start:%Y-%m}"

    @property
    def name(self) -> str:
        return f"{self.start:%B %Y}"


def charged(since: datetime, until: datetime, workspace: Workspace | None = None) -> QuerySet[Generation]:
    """Finished takes of a span, of one workspace or of all."""
    takes = Generation.objects.filter(status=Status.COMPLETED, finished_at__gte=since, finished_at__lt=until)
    return takes if workspace is None else takes.filter(workspace=workspace)


def charged_for(membership: Membership, month: Month) -> QuerySet[Generation]:
    """Finished takes of a month with the name of their project as this member may know it, as ``project_shown``."""
    seen = visible_to(membership, "project__")
    name = (
        Case(When(seen | Q(project=None), then=F("project__name")), default=Value(PRIVATE))
        if seen
        else F("project__name")
    )
    return charged(month.start, month.end, membership.workspace).annotate(project_shown=name)


def rows_of(takes: QuerySet[Generation], group: str) -> list[Row]:
    """The takes of :func:`charged_for` by one thing and by day, dearest first."""
    fields = GROUPS[group][1]
    found: dict[str, Row] = {}
    sums = takes.annotate(day=TruncDate("finished_at")).values("day", *fields).order_by()
    for line in sums.annotate(
        takes=Count("pk"), seconds=Sum("charged_seconds"), frames=Sum(FRAMES), micros=Sum("charged_micros")
    ):
        name = next((line[name] for name in fields if line[name]), NAMELESS[group])
        row = found.setdefault(name, Row(name))
        row.takes += line["takes"]
        row.seconds += line["seconds"] or 0.0
        row.frames += int(line["frames"] or 0)
        row.micros += line["micros"] or 0
        row.by_day[line["day"]] += line["micros"] or 0
    return sorted(found.values(), key=lambda row: (-row.micros, -row.seconds, row.name))


def total_of(rows: Iterable[Row]) -> Row:
    """All rows in one."""
    total = Row("Total")
    for row in rows:
        total.takes += row.takes
        total.seconds += row.seconds
        total.frames += row.frames
        total.micros += row.micros
        for day, micros in row.by_day.items():
            total.by_day[day] += micros
    return total


@dataclass(frozen=True)
class NotCharged:
    """Seconds that cost nothing: left as they were in finished takes, and in takes that failed."""

    passed_s: float
    failed_s: float
    failed: int

    @property
    def total_s(self) -> float:
        return self.passed_s + self.failed_s


def not_charged(workspace: Workspace, month: Month) -> NotCharged:
    takes = Generation.objects.filter(workspace=workspace, finished_at__gte=month.start, finished_at__lt=month.end)
    done, failed = Q(status=Status.COMPLETED), Q(status=Status.FAILED)
    sums = takes.aggregate(
        quoted=Sum("quoted_seconds", filter=done),
        charged=Sum("charged_seconds", filter=done),
        failed_s=Sum("quoted_seconds", filter=failed),
        failed=Count("pk", filter=failed),
    )
    passed = max(0.0, (sums["quoted"] or 0.0) - (sums["charged"] or 0.0))
    return NotCharged(passed, sums["failed_s"] or 0.0, sums["failed"])


def forecast(workspace: Workspace, month: Month, today: date | None = None) -> dict[date, int]:
    """Micro-dollars expected for each day still to come: the mean of such days (weekday or weekend) of four weeks.

    Empty for another month than this one. Days before the first take of the span do not count into the mean.
    """
    if not month.is_now:
        return {}
    now = timezone.now()
    today = today or now.date()
    since = now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=FORECAST_DAYS)
    sums = charged(since, now, workspace).annotate(day=TruncDate("finished_at")).values("day").order_by()
    by_day = {row["day"]: row["micros"] or 0 for row in sums.annotate(micros=Sum("charged_micros"))}
    if not by_day:
        return {}
    first = min(by_day)
    spans: dict[bool, list[int]] = {False: [], True: []}
    for index in range((today - first).days):
        day = first + timedelta(days=index)
        spans[day.weekday() >= 5].append(by_day.get(day, 0))
    everything = spans[False] + spans[True] or [by_day.get(today, 0)]
    mean = {kind: _mean(values or everything) for kind, values in spans.items()}
    return {day: mean[day.weekday() >= 5] for day in month.days if day > today}


def _mean(values: Sequence[int]) -> int:
    return round(sum(values) / len(values))


NOT_TAKES = {TransactionKind.REFUND: "Refunds", TransactionKind.CHARGE: "Other charges"}


def besides_takes(workspace: Workspace, month: Month) -> dict[str, int]:
    """Micro-dollars of the month that are no take's: spoken text, storage, refunds (below zero), largest first."""
    entries = Entry.objects.filter(
        workspace=workspace, account=Account.REVENUE, created_at__gte=month.start, created_at__lt=month.end
    ).exclude(transaction__kind=TransactionKind.CAPTURE, transaction__detail__what__isnull=True)
    rows = entries.values_list("transaction__kind", KeyTextTransform("what", "transaction__detail")).order_by()
    found: dict[str, int] = defaultdict(int)
    for kind, what, micros in rows.annotate(total=Sum("amount_micros")):
        found[what or NOT_TAKES.get(kind, "Lipsync")] += micros
    return dict(sorted(found.items(), key=lambda item: -item[1]))


EXPORT_FIELDS = ("day", "model", "project_shown", "created_by__email", "api_call__key__name")
EXPORT_HEAD = ("day", "model", "project", "member", "api_key", "takes", "seconds", "frames", "amount_usd")


def export_rows(membership: Membership, month: Month) -> Iterable[tuple[Any, ...]]:
    """Lines of the CSV: one per day, model, project, member and key; then what is no take's, under the last day."""
    takes = charged_for(membership, month).annotate(day=TruncDate("finished_at"))
    sums = takes.values(*EXPORT_FIELDS).order_by(*EXPORT_FIELDS)
    for row in sums.annotate(
        takes=Count("pk"), seconds=Sum("charged_seconds"), frames=Sum(FRAMES), micros=Sum("charged_micros")
    ):
        names = tuple(row[name] or "" for name in EXPORT_FIELDS)
        yield (*names, row["takes"], round(row["seconds"] or 0.0, 3), int(row["frames"] or 0), _usd(row["micros"]))
    for what, micros in besides_takes(membership.workspace, month).items():
        yield (month.days[-1], what, "", "", "", 0, 0.0, 0, _usd(micros))


def _usd(micros: int | None) -> str:
    return f"{(micros or 0) / 1_000_000:.6f}"
