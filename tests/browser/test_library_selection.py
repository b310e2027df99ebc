"""The library by keyboard and by project: choosing, deleting with undo, narrowing; who sees a file, where it is."""

import re

import pytest
from django.core.files import File
from playwright.sync_api import Page, expect

from apps.assets.models import Asset
from apps.projects.models import Project
from tests.browser.library_page import card, open_library
from tests.factories import AssetFactory, ProjectFactory, write_video

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
NAMES = ("e.wav", "d.wav", "c.wav", "b.mp4", "a.mp4")  # as they are listed: newest first


@pytest.fixture
def project(workspace, tmp_path) -> Project:
    films = [AssetFactory(workspace=workspace, name=name, video=True) for name in ("a.mp4", "b.mp4")]
    films[0].file.save("a.mp4", File(write_video(tmp_path / "a.mp4").open("rb")))
    sounds = [AssetFactory(workspace=workspace, name=name, audio=True) for name in ("c.wav", "d.wav", "e.wav")]
    return ProjectFactory(workspace=workspace, name="Harbour interview", video=films[0], audio=sounds[2])


@pytest.fixture
def shelf(project, studio: Page, live_server, owner, workspace, as_person) -> Page:
    return open_library(studio, live_server, owner, workspace, as_person)


def chosen(page: Page) -> list[str]:
    return page.locator(".asset.chosen").evaluate_all("cards => cards.map((one) => one.dataset.name)")


def test_files_are_chosen_deleted_and_brought_back_by_keyboard(shelf: Page, workspace):
    card(shelf, "e.wav").locator("a.thumb").focus()
    shelf.keyboard.press("Space")
    assert chosen(shelf) == ["e.wav"]
    shelf.keyboard.press("ArrowRight")
    shelf.keyboard.press("ArrowRight")
    expect(card(shelf, "c.wav").locator("a.thumb")).to_be_focused()
    shelf.keyboard.press("Shift+Space")
    assert chosen(shelf) == ["e.wav", "d.wav", "c.wav"]
    expect(shelf.get_by_role("status").filter(has_text="3 chosen")).to_be_visible()
    shelf.keyboard.press("ArrowLeft")
    shelf.keyboard.press("Space")
    assert chosen(shelf) == ["e.wav", "c.wav"]
    shelf.keyboard.press("Delete")
    expect(shelf.locator(".asset")).to_have_count(3)
    assert Asset.objects.in_library(workspace).count() == 3
    shelf.get_by_role("button", name="Undo").click()
    expect(shelf.locator(".asset")).to_have_count(5)
    shelf.keyboard.press("Control+a")
    assert len(chosen(shelf)) == 5
    shelf.keyboard.press("Escape")
    assert chosen(shelf) == []
    assert shelf.evaluate("window.sameDocument") is True


def test_arrows_go_from_row_to_row(shelf: Page):
    shelf.set_viewport_size({"width": 375, "height": 800})  # two in a row
    card(shelf, "e.wav").locator("a.thumb").focus()
    shelf.keyboard.press("ArrowDown")
    expect(card(shelf, "c.wav").locator("a.thumb")).to_be_focused()
    shelf.keyboard.press("ArrowUp")
    expect(card(shelf, "e.wav").locator("a.thumb")).to_be_focused()


def test_a_project_narrows_the_list_and_stays_in_the_address(shelf: Page, project: Project):
    shelf.locator("#project").select_option("Harbour interview")
    expect(shelf.locator(".asset")).to_have_count(2)
    expect(card(shelf, "a.mp4")).to_be_visible()
    expect(card(shelf, "e.wav")).to_be_visible()
    expect(shelf).to_have_url(re.compile(f"project={project.pk}"))
    shelf.get_by_role("link", name="Sound").click()
    expect(shelf.locator(".asset")).to_have_count(1)
    shelf.reload()
    expect(shelf.locator("#project")).to_have_value(str(project.pk))
    expect(shelf.locator(".asset")).to_have_count(1)
    shelf.get_by_role("link", name="Photos").click()
    expect(shelf.get_by_text("Nothing of this kind is in this project")).to_be_visible()


def test_kinds_come_together(shelf: Page):
    shelf.get_by_label("Sort by").select_option("Kind")
    expect(shelf.locator(".asset").first).to_contain_text("e.wav")
    names = shelf.locator(".asset").evaluate_all("cards => cards.map((one) => one.dataset.name)")
    assert names == list(NAMES)


def test_a_file_says_where_it_is_used_and_who_sees_it(shelf: Page, workspace):
    card(shelf, "a.mp4").locator("a.thumb").click()
    drawer = shelf.get_by_role("dialog", name="File")
    expect(drawer.get_by_role("link", name="Harbour interview")).to_be_visible()
    with shelf.expect_response(lambda answer: answer.url.endswith("/visibility/")):
        drawer.get_by_label("Seen by").select_option("Me and administrators")
    assert Asset.objects.get(name="a.mp4").visibility == "private"


def test_what_was_deleted_by_itself_is_chosen_no_more(shelf: Page, workspace):
    for name in ("c.wav", "d.wav"):
        card(shelf, name).hover()
        shelf.get_by_label(f"Choose {name}").check()
    card(shelf, "c.wav").locator("a.thumb").click()
    shelf.get_by_role("dialog", name="File").get_by_role("button", name="Delete").click()
    expect(card(shelf, "c.wav")).to_have_count(0)
    expect(shelf.get_by_role("status").filter(has_text="1 chosen")).to_be_visible()
    shelf.locator("#delete-many button").click()
    expect(card(shelf, "d.wav")).to_have_count(0)
