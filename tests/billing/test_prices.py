"""Prices and plans agree with the published table."""

import pytest
from django.core.management import call_command

from apps.billing.limits import length_refusal
from apps.billing.models import Plan, Subscription
from apps.billing.plans import PLANS, current_plan, load_plans, plan_of, subscribe
from apps.billing.prices import billed_frames, frame_price, priced, quote
from apps.billing.templatetags.money import dollars, exact_dollars

pytestmark = pytest.mark.django_db

# Micro-dollars for a frame: list, Growth (5 % off, rounded down), Scale (20 % off).
TABLE = {
    "sync-3": (5340, 5073, 4272),
    "lipsync-2-pro": (3330, 3163, 2664),
    "lipsync-2": (2000, 1900, 1600),
    "lipsync-1.9.0-beta": (1000, 950, 800),
}


@pytest.fixture(autouse=True)
def billing_on(settings):
    settings.BILLING = True


@pytest.mark.parametrize("model", TABLE)
def test_frame_prices(model):
    prices = tuple(frame_price(model, current_plan(code)) for code in ("creator", "growth", "scale"))
    assert prices == TABLE[model]


@pytest.mark.parametrize(
    ("seconds", "frames"),
    [(0, 0), (0.039, 0), (0.04, 1), (1, 25), (42.4, 1060), (6.9999999, 175), (6.98, 174), (7.007007, 175), (-1, 0)],
)
def test_only_whole_frames_at_25_a_second_are_billed(seconds, frames):
    assert billed_frames(seconds) == frames


@pytest.mark.parametrize("fps", [24, 25, 29.97, 30, 60])
def test_the_footages_own_rate_does_not_change_the_price(fps):
    seconds = round(10 * fps) / fps  # ten seconds of whole frames
    assert priced(2000, seconds).micros == pytest.approx(500_000, abs=2000)


def test_a_quote_of_the_design():
    found = quote(model="sync-3", plan=current_plan("growth"), seconds=42.4)
    assert (found.frames, found.micros_per_frame, found.micros) == (1060, 5073, 5_377_380)
    assert dollars(found.micros) == "$5.38"
    assert exact_dollars(found.micros) == "$5.37738"


def test_billing_switched_off_costs_nothing(settings, workspace):
    settings.BILLING = False
    assert plan_of(workspace).code == "unlimited"
    assert quote(model="sync-3", plan=plan_of(workspace), seconds=60).micros == 0


@pytest.mark.parametrize(
    ("micros", "text"),
    [(0, "$0.00"), (2000, "less than $0.01"), (4_999, "less than $0.01"), (5_000, "$0.01"), (53_400, "$0.05"),
     (999_999, "$1.00"), (1_234_567_890, "$1,234.57"), (-2000, "less than −$0.01"), (-5_377_380, "−$5.38"), (None, "")],
)  # fmt: skip
def test_dollars(micros, text):
    assert dollars(micros) == text


def test_plans_of_the_published_table():
    load_plans()
    rows = {plan.code: (plan.monthly_cents, plan.max_duration_s, plan.max_concurrent) for plan in Plan.objects.all()}
    assert rows == {
        "unlimited": (0, None, None),
        "free": (0, 20, 1),
        "hobbyist": (500, 60, 1),
        "creator": (1900, 300, 3),
        "growth": (4900, 600, 6),
        "scale": (24_900, 1800, 15),
        "enterprise": (0, None, None),
    }


def test_loading_plans_again_changes_nothing(capsys):
    call_command("load_plans")
    Plan.objects.filter(code="free").update(monthly_cents=1)
    call_command("load_plans")
    assert f"0 new, {len(PLANS)} in the table" in capsys.readouterr().out
    assert Plan.objects.get(code="free").monthly_cents == 1


def test_a_workspace_is_on_one_plan_at_a_time(workspace):
    assert plan_of(workspace).code == "free"
    subscribe(workspace=workspace, plan=current_plan("creator"))
    subscribe(workspace=workspace, plan=current_plan("scale"))
    assert plan_of(workspace).code == "scale"
    first, second = Subscription.objects.order_by("pk")
    assert first.ended_at == second.started_at
    assert second.ended_at is None


@pytest.mark.parametrize(("seconds", "name"), [(21, "Hobbyist"), (61, "Creator"), (760, "Scale"), (5000, "Enterprise")])
def test_a_refusal_names_what_was_asked_the_limit_and_the_smallest_plan_that_allows_it(seconds, name):
    refusal = length_refusal(current_plan("free"), seconds)
    assert "The Free plan allows 20 s." in refusal.message
    assert refusal.advice.startswith(f"The {name} plan allows it.")
    assert length_refusal(current_plan(name.lower()), seconds) is None
