"""The plans a workspace can be on, and which one it is on.

The table is loaded by ``manage.py load_plans``. Rows that bills refer to are never changed: a new price is a new row
with a new date in ``PLANS``.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from apps.billing.models import Plan, Subscription
from apps.workspaces.models import Workspace

GIB = 1024**3
FIRST_TABLE = date(2026, 1, 1)
UNLIMITED, FREE = "unlimited", "free"


def _plan(code: str, name: str, monthly: int, longest: int | None, at_once: int | None, **more: Any) -> dict[str, Any]:
    """One row: dollars a month, longest video in seconds, generations at once."""
    return {
        "code": code,
        "name": name,
        "valid_from": FIRST_TABLE,
        "monthly_cents": monthly * 100,
        "max_duration_s": longest,
        "max_concurrent": at_once,
        "seats": 1,
        "extra_seat_cents": None,
        "max_file_bytes": None,
        "voice_clones": 0,
        "speech_micros": 0,
        "storage_micros": 0,
        "api_creates": None,
        "api_requests": None,
        "included_takes": 0,
        "prepaid": False,
        "auto_invoice_cents": None,
    } | more


PLANS: tuple[dict[str, Any], ...] = (
    _plan("unlimited", "Self-hosted", 0, None, None, seats=None, voice_clones=None, batch=True, order=0),
    _plan(
        "free", "Free", 0, 20, 1, watermark=True, max_file_bytes=GIB // 2, included_takes=3, prepaid=True, order=1,
    ),
    _plan(
        "hobbyist", "Hobbyist", 5, 60, 1, watermark=True, voice_clones=3, max_file_bytes=GIB, auto_invoice_cents=600,
        order=2,
    ),
    _plan(
        "creator", "Creator", 19, 300, 3, voice_clones=5, max_file_bytes=2 * GIB, auto_invoice_cents=2000, order=3,
    ),
    _plan(
        "growth", "Growth", 49, 600, 6, seats=3, extra_seat_cents=2500, voice_clones=15, discount_permille=50,
        max_file_bytes=5 * GIB, auto_invoice_cents=5000, order=4,
    ),
    _plan(
        "scale", "Scale", 249, 1800, 15, seats=5, extra_seat_cents=2500, voice_clones=50, discount_permille=200,
        batch=True, api_creates=300, api_requests=1800, max_file_bytes=5 * GIB, auto_invoice_cents=25_000, order=5,
    ),
    _plan(
        "enterprise", "Enterprise", 0, None, None, seats=None, voice_clones=None, discount_permille=200, batch=True,
        api_creates=300, api_requests=1800, order=6,
    ),
)  # fmt: skip


@transaction.atomic
def load_plans() -> int:
    """Write the plans of the table that are not there yet; returns how many were new. A second run changes nothing."""
    new = 0
    for row in PLANS:
        rest = {name: value for name, value in row.items() if name not in ("code", "valid_from")}
        _, created = Plan.objects.get_or_create(code=row["code"], valid_from=row["valid_from"], defaults=rest)
        new += created
    return new


def current_plan(code: str) -> Plan:
    """The row of a plan that is valid today; loads the table into an empty database first.

    Raises ``Plan.DoesNotExist`` for a code that the table does not have.
    """
    valid = Plan.objects.filter(code=code, valid_from__lte=timezone.localdate()).order_by("-valid_from")
    plan = valid.first()
    if plan is None:
        load_plans()  # new rows or not: another process may have loaded them a moment ago
        plan = valid.first()
    if plan is None:
        raise Plan.DoesNotExist(f"There is no plan {code!r}.")
    return plan


def plan_of(workspace: Workspace) -> Plan:
    """The plan a workspace is on; without a subscription free where billing is on, unlimited where it is off.

    One query for both cases: nearly every page and every request of the API asks this.
    """
    open_one = Subscription.objects.filter(plan=OuterRef("pk"), workspace=workspace, ended_at=None)
    default = Q(code=_default_code(), valid_from__lte=timezone.localdate())
    plans = Plan.objects.annotate(chosen=Exists(open_one)).filter(Q(chosen=True) | default)
    return plans.order_by("-chosen", "-valid_from").first() or default_plan()


def open_subscription(workspace: Workspace) -> Subscription | None:
    """The subscription that runs now, with its plan at hand."""
    return Subscription.objects.select_related("plan", "next_plan").filter(workspace=workspace, ended_at=None).first()


@dataclass(frozen=True)
class Standing:
    """Where a workspace stands: its plan, the subscription that gives it (if any), seats (None: no limit)."""

    plan: Plan
    subscription: Subscription | None
    seats: int | None


def standing_of(workspace: Workspace) -> Standing:
    """Plan, subscription and seats by one query, for pages that show all of it."""
    subscription = open_subscription(workspace)
    plan = subscription.plan if subscription else default_plan()
    more = subscription.extra_seats if subscription else 0
    return Standing(plan, subscription, None if plan.seats is None else plan.seats + more)


def default_plan() -> Plan:
    """What a workspace without a subscription is on."""
    return current_plan(_default_code())


def _default_code() -> str:
    return FREE if settings.BILLING else UNLIMITED


def seats_of(workspace: Workspace) -> int | None:
    """How many members the plan of a workspace and the seats it bought beside allow; None for no limit."""
    return standing_of(workspace).seats


@transaction.atomic
def subscribe(*, workspace: Workspace, plan: Plan) -> Subscription:
    """Put a workspace on a plan from now on; the plan it was on ends at the same moment."""
    Workspace.objects.select_for_update().get(pk=workspace.pk)
    now = timezone.now()
    Subscription.objects.filter(workspace=workspace, ended_at=None).update(ended_at=now)
    return Subscription.objects.create(workspace=workspace, plan=plan, started_at=now)
