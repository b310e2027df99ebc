"""Storage by the gigabyte (10⁹ bytes) and month: looked at each day, charged when the month is over.

A month costs the sum over its days of bytes × price of the day's plan, divided by the days of the month, rounded down
to a whole micro-dollar. Files in the library count, deleted ones do not. The charge counts to the month in which it is
booked; no cap stops it, since nothing is ever thrown away for money.
"""

from calendar import monthrange
from datetime import date

from django.conf import settings
from django.db.models import F, Sum
from django.utils import timezone

from apps.assets.models import Asset
from apps.billing import ledger
from apps.billing.plans import plan_of
from apps.billing.spending import usage_happened
from apps.usage.models import StoredDay
from apps.workspaces.models import Workspace

GIGABYTE = 10**9
STORED = "Storage"
BATCH = 500


def look() -> int:
    """Note what each workspace keeps today; returns how many were new. A second look on a day changes nothing."""
    if not settings.BILLING:
        return 0
    today = timezone.now().date()
    sums = dict(
        Asset.objects.filter(deleted_at=None, workspace__closed_at=None)
        .exclude(workspace__stored_days__day=today)
        .values_list("workspace")
        .order_by()
        .annotate(Sum("size"))
    )
    kept = Workspace.objects.filter(pk__in=[pk for pk, size in sums.items() if size])
    rows = [
        StoredDay(workspace=one, day=today, bytes=sums[one.pk], price_micros=plan_of(one).storage_micros)
        for one in kept.iterator(chunk_size=BATCH)
    ]
    StoredDay.objects.bulk_create(rows, batch_size=BATCH, ignore_conflicts=True)  # another process may be at it
    return len(rows)


def charge(month: date) -> int:
    """Charge a month that is over, named by its first day, once; returns how many workspaces pay."""
    days = monthrange(month.year, month.month)[1]
    looked = StoredDay.objects.filter(day__gte=month, day__lte=month.replace(day=days), price_micros__gt=0)
    sums = looked.values("workspace").order_by().annotate(due=Sum(F("bytes") * F("price_micros")), kept=Sum("bytes"))
    charged = 0
    for row in sums:
        micros = row["due"] // (days * GIGABYTE)
        if not micros:
            continue
        workspace = Workspace.objects.get(pk=row["workspace"])
        mean = row["kept"] / days / GIGABYTE
        ledger.charge(
            workspace=workspace,
            micros=micros,
            key=f"storage:{workspace.pk}:{month:%Y-%m}",
            memo=f"Storage, {month:%B %Y}, {mean:,.1f} GB on average",
            detail={"what": STORED, "gigabytes": round(mean, 3)},
        )
        usage_happened(workspace)
        charged += 1
    return charged
