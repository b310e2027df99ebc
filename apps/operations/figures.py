"""The studio in figures for a month: money, takes, machines. Each function asks the database once or twice."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, F, Min, Sum
from django.db.models.functions import TruncDate
from django.utils import timezone

from apps.assets.models import Asset
from apps.billing.models import Account, Entry, Invoice, Subscription, TransactionKind
from apps.generations import workers
from apps.generations.models import Generation, Status
from apps.generations.workers import Worker
from apps.inference.overview import Running, queue_lengths, running
from apps.operations import words
from apps.usage.figures import Month, charged
from apps.workspaces.models import Workspace

HOUR_S = 3600
TOP_WORKSPACES = 8
TOP_FAILURES = 6


@dataclass
class ModelRow:
    """A model over the month. ``work_s`` is time between start and end of its takes, ``cost`` what that costs."""

    name: str
    takes: int = 0
    seconds: float = 0.0
    micros: int = 0
    work_s: float = 0.0

    @property
    def cost_micros(self) -> int:
        return round(self.work_s / HOUR_S * settings.COMPUTE_HOUR_MICROS)

    @property
    def margin(self) -> float | None:
        """Share of the revenue that is left after compute, in percent; None without revenue."""
        return (self.micros - self.cost_micros) / self.micros * 100 if self.micros else None

    @property
    def real_time_factor(self) -> float | None:
        """Seconds of work for a second of result."""
        return self.work_s / self.seconds if self.seconds else None


@dataclass
class Work:
    """The finished takes of a month by model and by day."""

    models: list[ModelRow] = field(default_factory=list)
    cost_by_day: dict[date, int] = field(default_factory=lambda: defaultdict(int))

    @property
    def total(self) -> ModelRow:
        total = ModelRow("Total")
        for row in self.models:
            total.takes += row.takes
            total.seconds += row.seconds
            total.micros += row.micros
            total.work_s += row.work_s
        return total


def work_of(month: Month) -> Work:
    found: dict[str, ModelRow] = {}
    work = Work()
    sums = charged(month.start, month.end).annotate(day=TruncDate("finished_at")).values("day", "model").order_by()
    for line in sums.annotate(
        takes=Count("pk"),
        seconds=Sum("charged_seconds"),
        micros=Sum("charged_micros"),
        work=Sum(F("finished_at") - F("started_at")),
    ):
        row = found.setdefault(line["model"], ModelRow(line["model"]))
        spent = (line["work"] or timedelta()).total_seconds()
        row.takes += line["takes"]
        row.seconds += line["seconds"] or 0.0
        row.micros += line["micros"] or 0
        row.work_s += spent
        work.cost_by_day[line["day"]] += round(spent / HOUR_S * settings.COMPUTE_HOUR_MICROS)
    work.models = sorted(found.values(), key=lambda row: -row.micros)
    return work


@dataclass(frozen=True)
class Revenue:
    """Micro-dollars: usage by day of the month, fees of the month, usage of the month before up to the same day."""

    by_day: dict[date, int]
    fees: int
    before: int

    @property
    def usage(self) -> int:
        return sum(self.by_day.values())

    @property
    def change(self) -> float | None:
        """Percent against the same days of the month before; None where that had none."""
        return (self.usage - self.before) / self.before * 100 if self.before else None

    @property
    def change_size(self) -> float:
        return abs(self.change or 0.0)


def revenue_of(month: Month) -> Revenue:
    entries = Entry.objects.filter(created_at__gte=month.start, created_at__lt=month.end)
    sums = (
        entries.filter(account__in=[Account.REVENUE, Account.FEES])
        .annotate(day=TruncDate("created_at"))
        .values("day", "account")
        .order_by()
        .annotate(total=Sum("amount_micros"))
    )
    by_day: dict[date, int] = {}
    fees = 0
    for row in sums:
        if row["account"] == Account.REVENUE:
            by_day[row["day"]] = row["total"]
        else:
            fees += row["total"]
    start = month.before.start
    until = min(start + (min(timezone.now(), month.end) - month.start), month.start)
    before = Entry.objects.filter(account=Account.REVENUE, created_at__gte=start, created_at__lt=until)
    return Revenue(by_day, fees, before.aggregate(total=Sum("amount_micros"))["total"] or 0)


def recurring() -> dict[str, int]:
    """Cents a month of the plans that run now, how many they are, and extra seats."""
    paid = Subscription.objects.filter(ended_at=None, plan__monthly_cents__gt=0)
    sums = paid.aggregate(
        plans=Count("pk"),
        cents=Sum("plan__monthly_cents"),
        seats=Sum("extra_seats"),
        seat_cents=Sum(F("extra_seats") * F("plan__extra_seat_cents")),
    )
    return {
        "plans": sums["plans"],
        "cents": (sums["cents"] or 0) + (sums["seat_cents"] or 0),
        "seats": sums["seats"] or 0,
    }


@dataclass(frozen=True)
class Failures:
    """How the takes of a month ended; ``reasons`` as (code, words, count, percent of the largest)."""

    ended: int
    failed: int
    reasons: Sequence[tuple[str, str, int, int]]

    @property
    def percent(self) -> float:
        return self.failed / self.ended * 100 if self.ended else 0.0


def failures_of(month: Month) -> Failures:
    ended = Generation.objects.filter(finished_at__gte=month.start, finished_at__lt=month.end)
    rows = list(ended.values_list("status", "error_code").order_by().annotate(Count("pk")))
    codes = sorted(((code, count) for status, code, count in rows if status == Status.FAILED), key=_least)
    largest = codes[0][1] if codes else 1
    reasons = [(code, words.reason(code), count, count * 100 // largest) for code, count in codes[:TOP_FAILURES]]
    return Failures(sum(count for *_, count in rows), sum(count for _, count in codes), reasons)


def _least(row: tuple[str, int]) -> tuple[int, str]:
    return (-row[1], row[0])


def unpaid() -> dict[str, Any]:
    """Invoices that stop new work, oldest first, and the sum they ask for."""
    late = list(Invoice.objects.stopping_work().select_related("workspace").order_by("issued_at")[:50])
    return {
        "invoices": late,
        "cents": sum(one.due_cents for one in late),
        "workspaces": len({one.workspace_id for one in late}),
    }


def given_back(month: Month) -> dict[str, tuple[int, int]]:
    """Refunds, credits and adjustments of a month: how many, and what they moved on balances."""
    kinds = (TransactionKind.REFUND, TransactionKind.CREDIT, TransactionKind.ADJUSTMENT)
    rows = (
        Entry.objects.filter(
            transaction__kind__in=kinds,
            transaction__created_at__gte=month.start,
            transaction__created_at__lt=month.end,
            account=Account.BALANCE,
        )
        .values_list("transaction__kind")
        .order_by()
        .annotate(Count("pk"), Sum("amount_micros"))
    )
    found = {kind: (count, total) for kind, count, total in rows}
    return {str(kind.label): found.get(kind, (0, 0)) for kind in kinds}


def top_workspaces(month: Month) -> list[tuple[Workspace, int, float, int]]:
    """Those that spent most: workspace, takes, seconds, micro-dollars."""
    rows = (
        charged(month.start, month.end)
        .values("workspace")
        .order_by()
        .annotate(takes=Count("pk"), seconds=Sum("charged_seconds"), micros=Sum("charged_micros"))
        .order_by("-micros", "-seconds")[:TOP_WORKSPACES]
    )
    named = Workspace.objects.in_bulk([row["workspace"] for row in rows])
    return [(named[row["workspace"]], row["takes"], row["seconds"] or 0.0, row["micros"] or 0) for row in rows]


@dataclass(frozen=True)
class Machines:
    """Queues and workers (None while Redis is away), takes that run, takes that wait and for how long at most."""

    queues: Mapping[str, int] | None
    workers: list[Worker] | None
    running: list[Running]
    waiting: int
    oldest_waiting_s: float | None


def machines() -> Machines:
    """The part of the overview that a page can afford: it leaves out the count of all takes ever ended."""
    waiting = Generation.objects.waiting().aggregate(count=Count("pk"), oldest=Min("created_at"))
    oldest = (timezone.now() - waiting["oldest"]).total_seconds() if waiting["oldest"] else None
    at_work = [replace(take, stage=words.stage(take.stage)) for take in running()]
    return Machines(queue_lengths(), workers.present_or_none(), at_work, waiting["count"], oldest)


def storage() -> dict[str, int]:
    """Files and bytes of all libraries; deleted ones count until they are removed."""
    sums = Asset.objects.aggregate(files=Count("pk"), size=Sum("size"))
    return {"files": sums["files"], "size": sums["size"] or 0}
