"""Pages on a screen of 3840×2160: the picture gets the room, words are larger, nothing is torn apart."""

import pytest
from playwright.sync_api import Page

from tests.browser.stage import enter
from tests.browser.test_accessible import no_worker, world  # noqa: F401

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

WIDE, HIGH = 3840, 2160
MONEY = 1320  # pixels: figures that belong together stay near each other


def box(page: Page, selector: str) -> dict[str, float]:
    found = page.locator(selector).first.bounding_box()
    assert found is not None, selector
    return found


@pytest.fixture
def wide(studio: Page, live_server, as_person, owner):
    cookie = as_person(owner).cookies["sessionid"].value
    studio.set_viewport_size({"width": WIDE, "height": HIGH})

    def open_page(address: str) -> Page:
        page = enter(studio, live_server.url, address, cookie)
        page.wait_for_load_state("networkidle")
        return page

    return open_page


def test_words_grow_and_nothing_scrolls_sideways(wide, world):  # noqa: F811
    for name, address in world.items():
        page = wide(address)
        size = page.evaluate("parseFloat(getComputedStyle(document.body).fontSize)")
        assert size == pytest.approx(14, abs=0.05), name
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), name


def test_the_stage_takes_the_room_and_panels_do_not_grow(wide, world):  # noqa: F811
    page = wide(world["workbench"])
    assert (box(page, ".material-side")["width"], box(page, ".inspector")["width"]) == (264, 336)
    assert box(page, ".stage")["width"] > WIDE - 52 - 264 - 336 - 20
    assert box(page, ".lane.picture")["height"] == 72
    page = wide(world["player"])
    assert box(page, ".player-side")["width"] < 400


def test_figures_stay_together(wide, world):  # noqa: F811
    assert box(wide("/w/harbour/usage/"), ".money")["width"] == MONEY
