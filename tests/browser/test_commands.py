"""Ctrl K in a real browser: opened, searched and followed without a mouse, on list pages, tools and phones."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.factories import ProjectFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def project(workspace):
    ProjectFactory(workspace=workspace, name="Lighthouse")
    return ProjectFactory(workspace=workspace, name="Harbour titles")


def focused(page: Page) -> str:
    return page.evaluate("document.activeElement.innerText.trim()")


def test_a_project_is_opened_by_typing_its_name(signed_in: Page, project):
    page = signed_in
    page.keyboard.press("Control+k")
    dialog = page.get_by_role("dialog", name="Go to")
    expect(dialog.get_by_role("link", name="Usage")).to_be_visible()
    page.keyboard.type("harbour ti")
    page.keyboard.press("Enter")  # at once: the answer to the last letters is still on its way
    page.wait_for_url(f"**/p/{project.pk}/")
    page.keyboard.press("Control+k")  # from the workbench, too
    expect(dialog.get_by_role("link", name="Lighthouse")).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


def test_arrows_walk_and_letters_go_back_to_the_field(signed_in: Page, project):
    page = signed_in
    page.keyboard.press("Control+k")
    dialog = page.get_by_role("dialog", name="Go to")
    expect(dialog.get_by_role("button", name="New project")).to_be_visible()
    page.keyboard.press("ArrowDown")
    assert focused(page) == "New project"
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    assert focused(page) == "API reference"
    page.keyboard.type("light")
    expect(page.get_by_label("Page, project, file or action")).to_have_value("light")
    expect(dialog.get_by_role("link", name="Lighthouse")).to_be_visible()
    expect(dialog.get_by_role("link", name="Usage")).to_have_count(0)


def test_a_new_project_is_begun(signed_in: Page, workspace):
    page = signed_in
    page.keyboard.press("Control+k")
    page.get_by_role("dialog", name="Go to").get_by_role("button", name="New project").click()
    page.wait_for_url("**/p/**")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone_and_axe_finds_nothing(signed_in: Page, project, scheme: str):
    page = signed_in
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": 375, "height": 740})
    page.get_by_role("button", name="More").click()
    page.get_by_role("link", name="Go to").click()
    dialog = page.get_by_role("dialog", name="Go to")
    expect(dialog.get_by_role("link", name="Lighthouse")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    serious = [found for found in Axe().run(page).response["violations"] if found["impact"] in ("serious", "critical")]
    assert serious == []
