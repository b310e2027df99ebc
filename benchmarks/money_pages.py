"""Pages of usage, billing and staff over a million ledger entries and 100,000 takes.

    python -m tests.postgres python -m benchmarks.money_pages [--takes 100000] [--entries 1000000]

fills an empty PostgreSQL with ``manage.py seed_load`` and prints, for each page, its queries and the median, fastest
and slowest of seven requests in milliseconds on the server's side: from the request handed to Django to the drawn page.
"""

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path

from studio.redis_server import RedisServer

FOLDER = tempfile.TemporaryDirectory(prefix="studio-money-")
REDIS = RedisServer(Path(FOLDER.name) / "redis")
REDIS.start()
os.environ |= {"STUDIO_DATA": FOLDER.name, "STUDIO_BILLING": "1", "REDIS_URL": REDIS.url}
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "studio.settings")

import django  # noqa: E402

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.db.models import Count  # noqa: E402
from django.test import Client  # noqa: E402
from django.urls import reverse  # noqa: E402

from benchmarks.page_requests import measure  # noqa: E402

MOST_QUERIES, MOST_MS = 20, 300


def addresses() -> dict[str, str]:
    """Each page by a name; usage, billing and story are those of the workspace with the most takes."""
    from apps.generations.models import Generation
    from apps.usage.figures import Month
    from apps.workspaces.models import Workspace

    busiest = Workspace.objects.annotate(takes=Count("generations")).order_by("-takes").first()
    take = Generation.objects.filter(workspace=busiest, status="COMPLETED").latest("created_at")
    before = Month.read("").before.token
    found = {
        "dashboard": reverse("staff:dashboard"),
        "dashboard, a month before": f"{reverse('staff:dashboard')}?month={before}",
        "search": f"{reverse('staff:search')}?q=house",
        f"workspace of {busiest.takes:,} takes": reverse("staff:workspace", args=[busiest.slug]),
        "take": reverse("staff:take", args=[take.pk]),
        "billing": reverse("billing:billing", args=[busiest.slug]),
    }
    for group in ("model", "project", "member", "key"):
        found[f"usage by {group}"] = f"{reverse('usage:usage', args=[busiest.slug])}?by={group}&month={before}"
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--takes", type=int, default=100_000)
    parser.add_argument("--entries", type=int, default=1_000_000)
    wanted = parser.parse_args()
    call_command("collectstatic", interactive=False, verbosity=0)
    call_command("migrate", verbosity=0)
    call_command("load_plans", verbosity=0)
    begun = time.perf_counter()
    call_command("seed_load", takes=wanted.takes, entries=wanted.entries)
    print(f"{connection.vendor}, filled in {time.perf_counter() - begun:.0f} s")
    from apps.accounts.models import User
    from apps.workspaces.models import Membership, Role, Workspace

    staff = User.objects.create_superuser("bench@studio.example", "open-the-studio-1")
    Membership.objects.bulk_create(
        Membership(workspace=one, user=staff, role=Role.ADMIN) for one in Workspace.objects.all()
    )
    client = Client(headers={"host": "localhost"})
    client.force_login(staff)
    print(f"{'page':32} queries  median  fastest  slowest  web process  ms")
    for name, address in addresses().items():
        queries, took, worked = measure(client, address)
        median = statistics.median(took)
        late = " over" if queries > MOST_QUERIES or median > MOST_MS else ""
        print(f"{name:32} {queries:7} {median:7.0f} {min(took):8.0f} {max(took):8.0f} {worked:12.0f}{late}", flush=True)


if __name__ == "__main__":
    try:
        main()
    finally:
        REDIS.stop()
        FOLDER.cleanup()
