"""The billing page: plans with all their figures, and forms that say what they want."""

import pytest

from apps.billing.limits import file_refusal, seat_refusal, too_large
from apps.billing.models import BillingProfile
from apps.billing.plans import current_plan, load_plans, subscribe

pytestmark = pytest.mark.django_db
PAGE = "/w/harbour/billing/"


def test_each_plan_stands_with_all_its_figures(as_person, owner, workspace):
    load_plans()
    page = as_person(owner).get(PAGE).content.decode()
    for words in ("Longest video", "At once", "Seats", "Off list prices", "Watermark", "Batches", "Cloned voices"):
        assert page.count(f"<dt>{words}</dt>") == 5, words
    for figure in ("$249.00", "30\N{NO-BREAK SPACE}min", "15 takes", "20 %", "5.4\N{NO-BREAK SPACE}GB"):
        assert figure in page, figure


@pytest.mark.parametrize("cap", ["-3", "many", "1.234", "9999999999999"])
def test_a_cap_that_makes_no_sense_is_refused_in_words_and_kept_in_its_field(as_person, owner, workspace, cap):
    answer = as_person(owner).post(f"{PAGE}cap/", {"cap": cap})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "Dollars and cents from 0 to 1,000,000, or empty for no cap." in page and f'value="{cap}"' in page
    assert not BillingProfile.objects.exists()


@pytest.mark.parametrize("amount", ["4", "10001", "", "a"])
def test_credit_outside_its_bounds_is_refused_in_words(as_person, owner, workspace, amount, settings):
    settings.PAYMENTS = "stripe"
    answer = as_person(owner).post(f"{PAGE}credit/", {"amount": amount})
    assert answer.status_code == 422
    assert "Whole dollars from 5 to 10,000." in answer.content.decode()


@pytest.mark.parametrize(
    ("plan", "size", "words"),
    [
        (
            "free",
            600 * 10**6,
            "film.mp4 has 600 MB. The Free plan takes files up to 537 MB. The Hobbyist plan",
        ),
        ("hobbyist", 3 * 10**9, "The Hobbyist plan takes files up to 1.07 GB. The Growth plan allows it."),
        ("scale", 6 * 10**9, "has 6 GB. The Scale plan takes files up to 5.37 GB. Export it smaller"),
    ],
)
def test_a_large_file_is_told_its_size_the_limit_and_the_plan_that_takes_it(plan, size, words):
    assert words in str(file_refusal(current_plan(plan), "film.mp4", size))
    assert file_refusal(current_plan(plan), "film.mp4", 500 * 10**6) is None


@pytest.mark.parametrize(
    ("size", "words"),
    [(999_600_000, "1,000 MB"), (10**14, "100,000 GB"), (2**63, "9,223,372,037 GB")],
)
def test_what_a_program_claims_is_told_without_powers_of_ten(size, words):
    told = str(too_large(current_plan("scale"), "film.mp4", size))
    assert words in told and "e+" not in told


def test_a_full_workspace_is_told_which_plan_has_more_seats(workspace):
    assert str(seat_refusal(workspace, 1)) == (
        "The Free plan has 1 seat, and 1 is taken. The Growth plan allows it. "
        "Or remove a member, or revoke an invitation."
    )
    subscribe(workspace=workspace, plan=current_plan("growth"))
    assert seat_refusal(workspace, 2) is None
    assert str(seat_refusal(workspace, 3)).endswith("Growth sells more seats on the billing page.")
