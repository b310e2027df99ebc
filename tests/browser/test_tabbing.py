"""Every page by Tab alone: each control is reached, in order, its focus is seen, and nothing holds it."""

import pytest
from playwright.sync_api import Page

from tests.browser.stage import enter
from tests.browser.test_accessible import no_worker, world  # noqa: F401

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PAGES = ("library", "list", "projects", "workbench", "player", "links", "shared", "new batch", "batch", "running")
MOST = 160

# What Tab should reach: of radios of one name the chosen one, or the first.
REACHED = """
    () => {
        const asked = "a[href], button, input, select, textarea, summary, [tabindex]";
        window.named = (one) => {
            const words = (one.ariaLabel ?? one.textContent ?? "").trim().replace(/\\s+/g, " ").slice(0, 30);
            const at = [...document.querySelectorAll(asked)].indexOf(one);
            return `${at} ${one.tagName.toLowerCase()}#${one.id || "-"} ${words}`;
        };
        const seen = new Set();
        return [...document.querySelectorAll(asked)].filter((one) => {
            if (one.tabIndex < 0 || one.disabled || one.type === "hidden" || !one.getClientRects().length) return false;
            if (!one.checkVisibility({visibilityProperty: true})) return false;
            if (one.type !== "radio") return true;
            const group = [...document.querySelectorAll(`input[type=radio][name="${one.name}"]`)];
            const stop = group.find((radio) => radio.checked) ?? group[0];
            if (one !== stop || seen.has(one.name)) return false;
            return seen.add(one.name);
        }).map(window.named);
    }
"""
# What has the focus now, and what is wrong with how it is shown: no ring, out of the window, under something else.
NOW = """
    () => {
        const one = document.activeElement;
        if (!one || one === document.body) return null;
        const ringed = (part) => part && getComputedStyle(part).outlineStyle !== "none"
            && parseFloat(getComputedStyle(part).outlineWidth) > 0;
        const holders = [one, one.closest("label"), one.closest(".input-box"), one.closest(".drop")];
        const box = (one.closest("label, .drop") ?? one).getBoundingClientRect();
        const x = Math.min(Math.max(box.left + box.width / 2, 0), innerWidth - 1);
        const y = Math.min(Math.max(box.top + Math.min(box.height, 40) / 2, 0), innerHeight - 1);
        const inside = box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
        const at = document.elementFromPoint(x, y);
        const own = at && (one.contains(at) || at.contains(one) || at.closest("label")?.contains(one)
            || [...(one.labels ?? [])].some((label) => label.contains(at)));
        const hidden = !inside ? "out of the window" : own ? "" : `under ${window.named(at)}`;
        return {name: window.named(one), wrong: holders.some(ringed) ? hidden : "no ring"};
    }
"""


def walked(page: Page) -> tuple[list[str], list[str]]:
    """The controls in the order in which Tab comes to them, and what is wrong with how they show it."""
    order: list[str] = []
    wrong: list[str] = []
    for _ in range(MOST):
        page.keyboard.press("Tab")
        now = page.evaluate(NOW)
        if now is None or (len(order) > 1 and now["name"] == order[0]):
            return order, wrong
        if order and now["name"] == order[-1]:
            continue  # a date or a film with controls of its own has several stops
        order.append(now["name"])
        if now["wrong"]:
            wrong.append(f"{now['name']}: {now['wrong']}")
    return order, [*wrong, f"Tab does not come to an end after {MOST} steps"]


@pytest.mark.parametrize("width", [1440, 375])
def test_tab_reaches_every_control_in_order_and_each_shows_it(
    studio: Page,
    live_server,
    as_person,
    owner,
    world,  # noqa: F811
    width,
):
    page = studio
    page.set_viewport_size({"width": width, "height": 900})
    cookie = as_person(owner).cookies["sessionid"].value
    found: dict[str, list[str]] = {}
    for name in PAGES:
        enter(page, live_server.url, world[name], cookie)
        page.wait_for_load_state("networkidle")
        expected = page.evaluate(REACHED)
        order, wrong = walked(page)
        missed = [one for one in expected if one not in order]
        sequence = [one for one in order if one in expected]
        if sequence != [one for one in expected if one in sequence]:
            wrong.append("not in the order of the page")
        if found_here := wrong + [f"not reached: {one}" for one in missed]:
            found[name] = found_here
    assert found == {}


def test_signing_up_needs_no_mouse(studio: Page, live_server):
    page = studio
    page.goto(f"{live_server.url}/account/signup/")
    expected = page.evaluate(REACHED)
    page.evaluate("document.activeElement.blur()")
    order, wrong = walked(page)
    assert wrong == []
    assert order == expected
