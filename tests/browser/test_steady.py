"""Pages that stand still: nothing moves after it was drawn, and nothing moves at all for who asks for that."""

import pytest
from playwright.sync_api import Page

from tests.browser.faults import MOST_SHIFT, SHIFTS
from tests.browser.stage import enter
from tests.browser.test_accessible import no_worker, world  # noqa: F401

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

MOVING = "document.getAnimations().filter((one) => one.effect.getTiming().iterations > 1).length"
PAGES = ("library", "list", "projects", "workbench", "player", "running", "ended", "shared", "batch", "new batch")
VIEWS = ("side", "wipe", "blink", "mouth", "original")


@pytest.mark.parametrize("width", [1440, 375])
def test_nothing_moves_after_it_was_drawn(studio: Page, live_server, as_person, owner, world, width):  # noqa: F811
    """Sum of layout shifts, as browsers score it: .1 counts as good, .02 is the studio's own bar."""
    page = studio
    page.add_init_script(SHIFTS)
    page.set_viewport_size({"width": width, "height": 900})
    cookie = as_person(owner).cookies["sessionid"].value
    moved = {}
    addresses = {name: world[name] for name in PAGES} | {
        f"player, {view}": world["player"].replace("wipe", view) for view in VIEWS
    }
    for name, address in addresses.items():
        enter(page, live_server.url, address, cookie)
        page.wait_for_load_state("networkidle")
        page.wait_for_timeout(300)
        if (shift := page.evaluate("window.shift")) > MOST_SHIFT:
            moved[name] = round(shift, 3)
    assert moved == {}


def test_who_asks_for_less_motion_sees_none(studio: Page, live_server, as_person, owner, world):  # noqa: F811
    page = studio
    cookie = as_person(owner).cookies["sessionid"].value
    enter(page, live_server.url, world["library"], cookie)
    page.locator(".asset.checking").first.wait_for()
    assert page.evaluate(MOVING) > 0, "the sign of a check turns"
    page.emulate_media(reduced_motion="reduce")
    page.reload()
    page.locator(".asset.checking").first.wait_for()
    assert page.evaluate(MOVING) == 0
