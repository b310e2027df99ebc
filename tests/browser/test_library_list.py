"""The library's list, drawer and shell in a real browser: quick, by keyboard, at every width, without a reload."""

import re

import pytest
from django.core.files import File
from playwright.sync_api import Page, expect

from apps.assets.models import Asset
from tests.browser.library_page import card, open_library
from tests.factories import AssetFactory, write_audio, write_video

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


# --- The list -------------------------------------------------------------------------------------------------------


@pytest.fixture
def shelf(studio: Page, live_server, owner, workspace, as_person, tmp_path) -> Page:
    """A library with a video and a recording."""
    film, voice = write_video(tmp_path / "film.mp4"), write_audio(tmp_path / "voice.wav")
    AssetFactory(workspace=workspace, name="harbour_interview.mp4", video=True).file.save(
        "a.mp4", File(film.open("rb"))
    )
    AssetFactory(workspace=workspace, name="harbour_es.wav", audio=True).file.save("a.wav", File(voice.open("rb")))
    return open_library(studio, live_server, owner, workspace, as_person)


def test_search_narrows_the_list_while_the_caret_stays(shelf):
    shelf.keyboard.press("/")
    search = shelf.get_by_role("searchbox", name="Search by name")
    expect(search).to_be_focused()
    search.press_sequentially("_es")
    expect(shelf.locator(".asset")).to_have_count(1)
    expect(shelf).to_have_url(re.compile(r"\?q=_es$"))
    expect(search).to_be_focused()
    search.press_sequentially("zz")
    expect(shelf.get_by_text("No file is called “_eszz”")).to_be_visible()
    assert shelf.evaluate("window.sameDocument") is True


def test_kinds_and_order_live_in_the_address_and_back_restores_them(shelf):
    shelf.get_by_role("link", name="Video").click()
    expect(shelf.locator(".asset")).to_have_count(1)
    expect(shelf).to_have_url(re.compile(r"\?kind=video$"))
    expect(shelf.get_by_role("link", name="Video")).to_have_attribute("aria-current", "true")
    shelf.get_by_label("Sort by").select_option("Name")
    expect(shelf).to_have_url(re.compile(r"\?kind=video&sort=name$"))
    shelf.reload()
    expect(shelf.locator(".asset")).to_have_count(1)
    shelf.go_back()
    expect(shelf).to_have_url(re.compile(r"\?kind=video$"))
    expect(shelf.get_by_label("Sort by")).to_have_value("newest")
    expect(shelf.locator(".asset")).to_have_count(1)
    shelf.get_by_role("link", name="All").click()
    expect(shelf.locator(".asset")).to_have_count(2)
    expect(shelf).to_have_url(re.compile(r"/library/$"))


def test_back_from_another_page_brings_the_whole_page_of_a_filter(shelf):
    """The list alone came from the same address; the browser must not take it for the page."""
    shelf.get_by_role("link", name="Video").click()
    expect(shelf.locator(".asset")).to_have_count(1)
    shelf.get_by_role("link", name="Projects").click()
    shelf.wait_for_url("**/projects/")
    shelf.go_back()
    expect(shelf.locator(".asset")).to_have_count(1)
    expect(shelf.get_by_role("link", name="Video")).to_have_attribute("aria-current", "true")
    expect(shelf).to_have_title(re.compile("Library"))


def test_details_open_over_the_list_and_give_the_focus_back(shelf):
    shelf.get_by_role("link", name="harbour_interview.mp4").press("Enter")
    drawer = shelf.get_by_role("dialog", name="File")
    expect(drawer.get_by_role("heading", name="harbour_interview.mp4")).to_be_focused()
    expect(drawer).to_contain_text("250 at 25 fps")
    shelf.keyboard.press("Escape")
    expect(drawer).to_be_hidden()
    expect(shelf.get_by_role("link", name="harbour_interview.mp4")).to_be_focused()


def test_a_file_is_renamed_in_place(shelf, workspace):
    shelf.get_by_role("link", name="harbour_es.wav").click()
    drawer = shelf.get_by_role("dialog", name="File")
    drawer.get_by_label("Name").fill("harbour_spanish.wav")
    drawer.get_by_role("button", name="Rename").click()
    expect(drawer.get_by_role("heading", name="harbour_spanish.wav")).to_be_visible()
    shelf.keyboard.press("Escape")
    expect(card(shelf, "harbour_spanish.wav")).to_be_visible()
    assert shelf.evaluate("window.sameDocument") is True


def test_a_file_has_a_page_of_its_own_that_ends_with_it(shelf, workspace):
    asset = Asset.objects.get(name="harbour_es.wav")
    shelf.goto(f"{shelf.url}{asset.pk}/")
    shelf.get_by_label("Name").fill("harbour_spanish.wav")
    shelf.get_by_role("button", name="Rename").click()
    expect(shelf.get_by_role("heading", name="harbour_spanish.wav", level=1)).to_be_visible()
    shelf.get_by_role("button", name="Delete").click()
    expect(shelf).to_have_url(re.compile(r"/library/$"))
    expect(card(shelf, "harbour_spanish.wav")).to_have_count(0)
    expect(shelf.get_by_role("button", name="Undo")).to_be_visible()


def test_a_deleted_file_comes_back_with_undo(shelf, workspace):
    shelf.get_by_role("link", name="harbour_es.wav").click()
    shelf.get_by_role("button", name="Delete").click()
    expect(card(shelf, "harbour_es.wav")).to_have_count(0)
    expect(shelf.get_by_role("dialog", name="File")).to_be_hidden()
    expect(shelf.get_by_role("status")).to_contain_text("harbour_es.wav deleted")
    expect(shelf.locator("#count")).to_contain_text("1 file,")
    assert Asset.objects.in_library(workspace).count() == 1
    shelf.get_by_role("button", name="Undo").click()
    expect(card(shelf, "harbour_es.wav")).to_be_visible()
    expect(shelf.get_by_text("harbour_es.wav deleted")).to_have_count(0)


def test_more_cards_come_as_one_scrolls(shelf, workspace):
    AssetFactory.create_batch(60, workspace=workspace, audio=True)
    shelf.reload()
    expect(shelf.locator(".asset")).to_have_count(48)
    shelf.mouse.wheel(0, 20_000)
    expect(shelf.locator(".asset")).to_have_count(62)
    expect(shelf.get_by_role("link", name="More")).to_have_count(0)


# --- The shell ------------------------------------------------------------------------------------------------------


def test_the_theme_changes_without_a_reload_and_stays(shelf):
    ground = "getComputedStyle(document.body).backgroundColor"
    before = shelf.evaluate(ground)
    shelf.get_by_role("button", name="Workspaces and account").click()
    with shelf.expect_response("**/theme/"):
        shelf.get_by_role("button", name="Dark").click()
    assert shelf.evaluate(ground) != before
    assert shelf.evaluate("window.sameDocument") is True
    dark = shelf.evaluate(ground)
    shelf.reload()
    assert shelf.evaluate(ground) == dark


@pytest.mark.parametrize("width", [375, 768, 1440])
def test_nothing_sticks_out_sideways(shelf, live_server, width):
    shelf.set_viewport_size({"width": width, "height": 812})
    here = shelf.url
    for address in (here, here + "?q=nothing", live_server.url + "/w/new/"):
        shelf.goto(address)
        assert shelf.evaluate("document.scrollingElement.scrollWidth") <= width, address
        first = shelf.evaluate("document.querySelector('h1').getBoundingClientRect().left")
        assert 0 <= first < width
    shelf.goto(here)
    expect(shelf.get_by_role("navigation", name="Main, at the foot")).to_be_visible(visible=width < 900)


def test_a_question_mark_shows_the_keys_of_the_page(shelf):
    shelf.keyboard.press("?")
    sheet = shelf.get_by_role("dialog", name="Keyboard")
    expect(sheet).to_contain_text("From file to file")
    sheet.get_by_role("button", name="Close").click()
    expect(sheet).to_be_hidden()
    shelf.get_by_label("Search by name").press("?")
    expect(sheet).to_be_hidden()


def test_the_first_tab_stop_skips_to_the_content(shelf):
    shelf.keyboard.press("Tab")
    expect(shelf.get_by_role("link", name="Skip to content")).to_be_focused()
    shelf.keyboard.press("Enter")
    assert shelf.evaluate("document.activeElement.id") == "main"
