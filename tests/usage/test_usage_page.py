"""The usage page and its export, and the shapes of its charts."""

import csv
import io
from datetime import date
from unittest.mock import patch
from uuid import uuid4

import pytest
from django.urls import reverse

from apps.billing import ledger
from apps.billing.models import Account, BillingProfile
from apps.billing.speech import paid_speech
from apps.generations.models import Generation, Status
from apps.generations.services import begin, complete, end_without_result
from apps.projects.models import Project
from apps.usage import charts
from apps.usage.figures import Month, besides_takes, charged, forecast, rows_of, total_of
from apps.workspaces.models import Visibility
from tests.factories import AssetFactory, GenerationFactory, ProjectFactory

pytestmark = pytest.mark.django_db
PAGE = reverse("usage:usage", args=["harbour"])


@pytest.fixture(autouse=True)
def billing_on(settings):
    settings.BILLING = True


@pytest.fixture
def used(workspace, owner):
    """Two finished takes of different models and projects, 10 s quoted each, one with 4 s left as they were."""
    for model, project, seconds, price in (("sync-3", "=Harbour", 10.0, 5340), ("lipsync-2", "Pier", 6.0, 2000)):
        take = GenerationFactory(
            workspace=workspace,
            project=ProjectFactory(workspace=workspace, name=project),
            model=model,
            created_by=owner,
            price_micros_per_frame=price,
            quoted_micros=250 * price,
        )
        begin(take.pk)
        complete(generation_id=take.pk, result=AssetFactory(workspace=workspace), lipsynced_s=seconds, report={})
    failed = GenerationFactory(workspace=workspace, quoted_seconds=7.0)
    end_without_result(failed.pk, Status.FAILED)
    return workspace


@pytest.mark.parametrize(
    ("by", "words"),
    [
        ("model", ["sync-3", "lipsync-2", "$1.34", "$0.30"]),
        ("project", ["=Harbour", "Pier"]),
        ("member", ["Ada Lind"]),
        ("key", ["Without a key"]),
        ("nonsense", ["sync-3"]),
    ],
)
def test_a_month_by_each_thing(as_person, viewer, used, by, words):
    page = as_person(viewer).get(PAGE, {"by": by}).content.decode()
    for word in [*words, "16 s", "400 frames", "11 s", "4 s left as it was, 7 s in 1 failed take", "$1.64"]:
        assert word in page, word


def test_parts_of_seconds_that_were_not_charged_are_added_up(as_person, viewer, used):
    broken = GenerationFactory(workspace=used, quoted_seconds=2.7)
    end_without_result(broken.pk, Status.FAILED)
    page = as_person(viewer).get(PAGE).content.decode()
    assert '<dd class="figure">13.7 s</dd>' in page
    assert "4 s left as it was, 9.7 s in 2 failed takes" in page


def test_money_is_for_those_who_look_after_it(as_person, viewer, owner, used):
    assert "Invoices" not in as_person(viewer).get(PAGE).content.decode()
    assert "All invoices" in as_person(owner).get(PAGE).content.decode()


def test_a_cap_is_shown_with_its_share(as_person, owner, used):
    BillingProfile.objects.create(workspace=used, cap_micros=2_000_000)
    page = as_person(owner).get(PAGE).content.decode()
    assert "81 % of the $2.00 cap" in page
    assert "81 % of the monthly cap is reached" in page


def test_an_empty_month_and_billing_switched_off_say_so(as_person, owner, workspace, settings):
    assert "Nothing finished in" in as_person(owner).get(PAGE).content.decode()
    assert "January 2024" in as_person(owner).get(PAGE, {"month": "2024-01"}).content.decode()
    settings.BILLING = False
    assert "Billing is off in this studio. Nothing is charged." in as_person(owner).get(PAGE).content.decode()
    billing = as_person(owner).get(reverse("billing:billing", args=["harbour"])).content.decode()
    assert "Every take costs nothing" in billing


@pytest.mark.parametrize("month", ["", "2026-13", "nonsense", "99999-1", "-1--1", "0001-01"])
def test_a_month_that_makes_no_sense_is_this_one(month):
    assert Month.read(month).is_now


def test_the_export_has_a_line_per_day_and_thing_and_no_formula(as_person, viewer, used):
    answer = as_person(viewer).get(reverse("usage:export", args=["harbour"]))
    rows = list(csv.DictReader(io.StringIO(answer.getvalue().decode("utf-8-sig"))))
    assert [(row["project"], row["frames"], row["amount_usd"]) for row in rows] == [
        ("Pier", "150", "0.300000"),
        ("'=Harbour", "250", "1.335000"),
    ]


def test_an_outsider_finds_nothing(as_person, outsider, workspace):
    assert as_person(outsider).get(PAGE).status_code == 404
    assert as_person(outsider).get(reverse("usage:export", args=["harbour"])).status_code == 404


def test_the_forecast_covers_the_days_to_come_and_other_months_none(used):
    month = Month.read("")
    coming = forecast(used, month)
    assert len(coming) == sum(day > max(day for day in month.days if day not in coming) for day in month.days)
    assert all(micros >= 0 for micros in coming.values())
    assert forecast(used, month.before) == {}


def test_bars_stand_on_each_other_and_never_leave_the_drawing():
    drawn = charts.stacked(["1", "2"], {"a": [1.0, 0.0], "b": [2.0, 3.0]}, [0.0, 0.0])
    assert [(bar.series, round(bar.y + bar.height)) for bar in drawn.bars] == [("0", 189), ("1", 126), ("1", 189)]
    assert drawn.y_marks == ["$3", "$2", "$1", "$0"]
    assert all(0 <= bar.y <= charts.HEIGHT and 0 <= bar.x + bar.width <= charts.WIDTH for bar in drawn.bars)


@pytest.mark.parametrize(("value", "top"), [(0, 1), (2.9, 3), (3.1, 4.5), (22, 24), (100, 120), (0.004, 0.0045)])
def test_the_axis_ends_at_a_round_figure(value, top):
    assert charts.round_top(value) == pytest.approx(top)


def test_more_than_four_series_are_summed_up():
    shown = charts.largest({name: [weight] for name, weight in zip("abcdef", [1, 2, 3, 4, 5, 6], strict=True)})
    assert shown == {"f": [6], "e": [5], "d": [4], "Others": [6]}


def test_what_is_no_takes_is_shown_and_summed_up(as_person, owner, used):
    with paid_speech(workspace=used, subject=uuid4(), characters=100):
        pass  # costs nothing as yet
    ledger.charge(workspace=used, micros=2_000_000, key="s", memo="October", detail={"what": "Storage"})
    take = Generation.objects.filter(workspace=used, charged_micros__gt=0).first()
    ledger.refund(workspace=used, subject=take.pk, micros=100_000, key="r", memo="sorry")
    found = besides_takes(used, Month.read(""))
    assert found == {"Storage": 2_000_000, "Spoken text": 0, "Refunds": -100_000}
    total = total_of(rows_of(charged(Month.read("").start, Month.read("").end, used), "model")).micros
    assert total + sum(found.values()) == ledger.balance(used, Account.REVENUE), "the page says what the books say"
    page = as_person(owner).get(PAGE).content.decode()
    assert "Besides takes" in page and "$2.00" in page and "−$0.10" in page
    lines = as_person(owner).get(f"{PAGE}export.csv").getvalue().decode().splitlines()
    assert any(",Storage,,,,0,0.0,0,2.000000" in line for line in lines)


@pytest.mark.parametrize(("cap", "words"), [(100, "under the cap"), (2, "over the cap")])
def test_the_forecast_is_held_against_the_cap(as_person, owner, used, cap, words):
    BillingProfile.objects.create(workspace=used, cap_micros=cap * 1_000_000)
    with patch("apps.usage.views.forecast", lambda *_: {date.today(): 1_000_000}):
        assert words in as_person(owner).get(PAGE).content.decode()


def test_the_name_of_a_private_project_is_told_to_nobody_who_does_not_see_it(as_person, viewer, owner, used):
    Project.objects.filter(name="Pier").update(visibility=Visibility.PRIVATE, created_by=owner)
    for address in (f"{PAGE}?by=project", reverse("usage:export", args=["harbour"])):
        answer, seen = as_person(viewer).get(address), as_person(owner).get(address)
        told, all_told = (b"".join(one).decode() for one in (answer, seen))
        assert "Private projects" in told and "Pier" not in told, "its seconds and dollars count all the same"
        assert "Pier" in all_told and "Private projects" not in all_told
        assert "=Harbour" in told
