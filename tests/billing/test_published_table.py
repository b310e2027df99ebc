"""The tables of the user guide agree with what is charged and allowed."""

from fractions import Fraction

import pytest
from django.conf import settings

from apps.billing.plans import current_plan
from apps.billing.prices import quote
from apps.billing.templatetags.money import exact_dollars, plan_length
from apps.catalog.registry import MODELS

pytestmark = pytest.mark.django_db
GUIDE = (settings.BASE_DIR / "docs" / "user-guide.md").read_text()
RATES = {"24": Fraction(24), "25": Fraction(25), "29.97": Fraction(30000, 1001), "30": Fraction(30), "60": Fraction(60)}


def row_of(first: str) -> list[str]:
    """Cells of the one row of the guide's section on costs that begins with this cell."""
    section = GUIDE[GUIDE.index("## What it costs") :]
    rows = [line for line in section.splitlines() if line.startswith(f"| {first} |")]
    assert len(rows) == 1, first
    return [cell.strip() for cell in rows[0].strip("|").split("|")]


@pytest.mark.parametrize("model", MODELS)
def test_prices_a_second(model):
    plans = [current_plan(code) for code in ("creator", "growth", "scale")]
    assert row_of(model)[1:] == [exact_dollars(quote(model=model, plan=plan, seconds=1).micros) for plan in plans]


@pytest.mark.parametrize("fps", RATES)
def test_ten_seconds_cost_the_same_at_every_rate(fps):
    frames = round(10 * RATES[fps])
    found = quote(model="lipsync-2", plan=current_plan("creator"), seconds=float(frames / RATES[fps]))
    cells = row_of(f"{fps} fps")
    assert int(cells[1].split()[0]) == frames
    assert (cells[2], cells[3]) == (str(found.frames), exact_dollars(found.micros))


@pytest.mark.parametrize("code", ["free", "hobbyist", "creator", "growth", "scale"])
def test_plans(code):
    plan = current_plan(code)
    cells = row_of(plan.name)
    assert cells[1] == f"${plan.monthly_cents // 100}"
    assert cells[2] == plan_length(plan.max_duration_s).replace("\N{NO-BREAK SPACE}", " ")
    assert cells[3] == str(plan.max_concurrent)
    assert cells[4].split(",")[0] == str(plan.seats)
    assert cells[5] == (f"{plan.discount_percent} %" if plan.discount_permille else "–")
    assert cells[7] == ("yes" if plan.watermark else "none")
    assert cells[6] == (f"${plan.auto_invoice_cents // 100}" if plan.auto_invoice_cents else "paid before")
