"""A studio after a busy half-year: workspaces, takes and a ledger of a million entries, to measure pages with."""

import random
from argparse import ArgumentParser
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import Any
from uuid import uuid4

from django.core.management.base import BaseCommand, CommandError
from django.db import connection, models
from django.utils import timezone

from apps.accounts.models import User
from apps.assets.models import Asset
from apps.assets.models import Status as AssetStatus
from apps.billing.models import Account, Entry, Plan, Subscription, Transaction, TransactionKind
from apps.billing.plans import current_plan
from apps.billing.prices import billed_frames
from apps.catalog.registry import MODELS
from apps.generations.models import Event, Generation, Status
from apps.projects.models import Project
from apps.workspaces.models import Membership, Role, Workspace

BATCH = 2000
DAYS = 180
# A take that succeeds brings 5 entries; the rest up to a million are charges of 2, like spoken text.
ENTRIES_OF_A_CHARGE = 2
FAILED_SHARE = 0.03
FAILURES = (
    "generation_infra_service_unavailable",
    "generation_input_video_inaccessible",
    "generation_input_video_no_face",
    "generation_infra_storage_error",
    "generation_timeout",
)
PLANS = ("free", "hobbyist", "creator", "growth", "scale")


class Command(BaseCommand):
    help = "Fill an empty studio with made-up workspaces, takes and ledger entries. For measuring, never for real ones."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--takes", type=int, default=100_000)
        parser.add_argument("--entries", type=int, default=1_000_000)
        parser.add_argument("--workspaces", type=int, default=400)

    def handle(self, *args: Any, **options: Any) -> None:
        if Generation.objects.exists():
            raise CommandError("There are takes in this studio already. This command fills an empty one only.")
        chance = random.Random(7)  # noqa: S311  made-up figures, the same each time
        houses = [_house(number, chance) for number in range(options["workspaces"])]
        # A few workspaces do most of the work, as in life.
        weights = [1 / (rank + 3) for rank in range(len(houses))]
        takes = (_take(chance.choices(houses, weights)[0], chance) for _ in range(options["takes"]))
        for batch in _batches(takes):
            _write(batch)
        left = options["entries"] - Entry.objects.count()
        charges = (_charge(chance.choices(houses, weights)[0], chance) for _ in range(-(-left // ENTRIES_OF_A_CHARGE)))
        for batch in _batches(charges):
            _write(batch)
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("VACUUM ANALYZE")
        counts = f"{Generation.objects.count():,} takes, {Entry.objects.count():,} entries"
        self.stdout.write(f"{counts} in {len(houses)} workspaces")


class House:
    """A workspace with what its takes need."""

    def __init__(self, workspace: Workspace, plan: Plan, user: User, files: dict[str, Asset], projects: list[Project]):
        self.workspace, self.plan, self.user, self.files, self.projects = workspace, plan, user, files, projects
        self.number = 0


def _house(number: int, chance: random.Random) -> House:
    user = User.objects.create_user(f"seed{number}@load.example", None, name=f"Person {number}")
    workspace = Workspace.objects.create(slug=f"load-{number}", name=f"Load workspace {number}", created_by=user)
    Membership.objects.create(workspace=workspace, user=user, role=Role.OWNER)
    plan = current_plan(chance.choice(PLANS))
    start = timezone.now() - timedelta(days=3)
    period = {"period_start": start, "period_end": start + timedelta(days=30)} if plan.monthly_cents else {}
    Subscription.objects.create(workspace=workspace, plan=plan, **period)
    facts = {"workspace": workspace, "created_by": user, "status": AssetStatus.READY, "duration_s": 30.0}
    files = {
        "video": Asset.objects.create(
            **facts, name="video.mp4", kind="video", size=chance.randrange(10**6, 10**9), width=1920, height=1080
        ),
        "audio": Asset.objects.create(**facts, name="sound.wav", kind="audio", size=10**7, audio_codec="pcm_s16le"),
    }
    projects = [Project.objects.create(workspace=workspace, name=f"Film {index}") for index in range(3)]
    return House(workspace, plan, user, files, projects)


def _moment(chance: random.Random) -> datetime:
    return timezone.now() - timedelta(seconds=chance.random() * DAYS * 86_400)


def _take(house: House, chance: random.Random) -> list[models.Model]:
    """A take that has ended, two events, its hold, and its capture or release."""
    model = chance.choice(list(MODELS))
    seconds, asked = round(chance.uniform(3, 60), 2), _moment(chance)
    price = MODELS[model].micros_per_frame * (1000 - house.plan.discount_permille) // 1000
    micros, failed = billed_frames(seconds) * price, chance.random() < FAILED_SHARE
    done = asked + timedelta(seconds=seconds * chance.uniform(1.5, 6))
    house.number += 1
    outcome: dict[str, Any] = (
        {"status": Status.FAILED, "error_code": chance.choice(FAILURES)}
        if failed
        else {"status": Status.COMPLETED, "charged_seconds": seconds, "charged_micros": micros}
    )
    take = Generation(
        workspace=house.workspace,
        project=chance.choice(house.projects),
        number=house.number,
        created_by=house.user,
        video=house.files["video"],
        audio=house.files["audio"],
        model=model,
        sync_mode="cut_off",
        price_micros_per_frame=price,
        quoted_seconds=seconds,
        quoted_micros=micros,
        created_at=asked,
        started_at=asked + timedelta(seconds=2),
        finished_at=done,
        attempts=1,
        **outcome,
    )
    events = [Event(generation=take, what="PENDING", at=asked), Event(generation=take, what=take.status, at=done)]
    detail = {"model": model, "project": take.project.name if take.project else "", "frames": billed_frames(seconds)}
    hold = {Account.BALANCE: -micros, Account.HELD: micros}
    if failed:
        end = _booked(house, "release", done, take.pk, {Account.HELD: -micros, Account.BALANCE: micros}, {})
    else:
        earned = {Account.HELD: -micros, Account.REVENUE: micros, Account.BALANCE: 0}
        end = _booked(house, "capture", done, take.pk, earned, detail)
    return [take, *events, *_booked(house, "hold", asked, take.pk, hold, {}), *end]


def _charge(house: House, chance: random.Random) -> list[models.Model]:
    micros = chance.randrange(1_000, 50_000)
    return _booked(house, "charge", _moment(chance), uuid4(), {Account.BALANCE: -micros, Account.REVENUE: micros}, {})


def _booked(
    house: House, kind: str, at: datetime, subject: Any, entries: dict[Account, int], detail: dict[str, Any]
) -> list[models.Model]:
    key = f"settle:{subject}" if kind in ("capture", "release") else f"{kind}:{subject}"
    row = Transaction(
        workspace=house.workspace,
        kind=TransactionKind(kind),
        subject=subject,
        idempotency_key=key,
        memo="Spoken text" if kind == "charge" else "",
        detail=detail,
        created_at=at,
    )
    return [
        row,
        *(
            Entry(transaction=row, workspace=house.workspace, account=account, amount_micros=amount, created_at=at)
            for account, amount in entries.items()
        ),
    ]


def _batches(things: Iterator[list[models.Model]]) -> Iterator[list[models.Model]]:
    while group := list(islice(things, BATCH)):
        yield [row for rows in group for row in rows]


def _write(rows: list[models.Model]) -> None:
    """Each table at once, those first that others point to."""
    for table in (Generation, Event, Transaction, Entry):
        of_table: list[Any] = [row for row in rows if isinstance(row, table)]
        table._default_manager.bulk_create(of_table, batch_size=BATCH)
