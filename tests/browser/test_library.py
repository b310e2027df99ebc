"""The library in a real browser: files come in by every way and survive a lost network and a closed tab."""

import hashlib
import re
from pathlib import Path
from uuid import UUID

import pytest
from django.core.files import File
from playwright.sync_api import Browser, Page, Route, expect

from apps.assets.checking import check_asset
from apps.assets.models import Asset, Status
from apps.assets.uploads import part_file
from apps.billing.plans import load_plans
from tests.conftest import PASSWORD
from tests.factories import AssetFactory, write_audio, write_video

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PIECE = 16 * 1024 * 1024
DROP = """([kind, name, text]) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([text], name, {type: "audio/wav"}));
    const about = kind === "paste" ? {clipboardData: transfer} : {dataTransfer: transfer};
    const type = kind === "paste" ? ClipboardEvent : DragEvent;
    document.body.dispatchEvent(new type(kind, {...about, bubbles: true, cancelable: true}));
}"""


class Checks:
    """Stands in for the worker: notes which files are to be checked and checks them when the test says so."""

    def __init__(self) -> None:
        self.waiting: list[str] = []

    def note(self, name: str, args: list[str]) -> None:
        assert name == "assets.probe"
        self.waiting.append(args[0])

    def run(self) -> None:
        while self.waiting:
            check_asset(UUID(self.waiting.pop()))


@pytest.fixture
def checks(monkeypatch) -> Checks:
    load_plans()  # a test with real transactions begins with an empty database
    stand_in = Checks()
    monkeypatch.setattr("apps.assets.services.celery_app.send_task", stand_in.note)
    return stand_in


def open_library(page: Page, live_server, owner, workspace, as_person) -> Page:
    """The owner's library, with a mark that a reload would wipe away. The session is made on the server: signing in
    by the form takes a second and has tests of its own."""
    cookie = as_person(owner).cookies["sessionid"].value
    page.context.add_cookies([{"name": "sessionid", "value": cookie, "url": live_server.url}])
    page.goto(f"{live_server.url}/w/{workspace.slug}/library/")
    page.evaluate("window.sameDocument = true")
    return page


@pytest.fixture
def library(studio: Page, live_server, owner, workspace, as_person, checks) -> Page:
    """The empty library."""
    return open_library(studio, live_server, owner, workspace, as_person)


def card(page: Page, name: str):
    return page.locator("li.asset", has_text=name)


def arrived(workspace, count: int = 1) -> list[Asset]:
    assets = list(Asset.objects.in_library(workspace))
    assert len(assets) == count
    return assets


# --- Files come in -----------------------------------------------------------------------------------------------


def test_picked_files_arrive_are_checked_and_become_ready_without_a_reload(library, checks, workspace, tmp_path):
    film, voice = write_video(tmp_path / "film.mp4", sound=True), write_audio(tmp_path / "voice.wav", seconds=1.4)
    expect(library.get_by_role("heading", name="Start with a video and a new soundtrack")).to_be_visible()
    library.locator("#files").set_input_files([film, voice])
    for name in ("film.mp4", "voice.wav"):
        expect(card(library, name).get_by_text("Checking")).to_be_visible()
    expect(library.locator(".upload")).to_have_count(0)
    checks.run()
    expect(card(library, "film.mp4").locator("img")).to_be_visible()
    expect(card(library, "film.mp4")).to_contain_text("160×120, 25 fps")
    expect(card(library, "voice.wav").locator(".wave")).to_be_visible()
    expect(card(library, "voice.wav")).to_contain_text("0:01")
    expect(library.locator("#count")).to_contain_text("2 files")
    assert {asset.status for asset in arrived(workspace, 2)} == {Status.READY}
    assert library.evaluate("window.sameDocument") is True


@pytest.mark.parametrize("way", ["drop", "paste"])
def test_files_come_in_by_drop_and_by_paste(library, workspace, way):
    library.evaluate(DROP, [way, "voice.wav", "RIFF-not-really"])
    expect(card(library, "voice.wav")).to_be_visible()
    assert arrived(workspace)[0].size == len("RIFF-not-really")


def test_the_same_file_again_is_not_kept_twice(library, checks, workspace, tmp_path):
    voice = write_audio(tmp_path / "voice.wav")
    library.locator("#files").set_input_files(voice)
    expect(card(library, "voice.wav")).to_be_visible()
    checks.run()
    library.locator("#files").set_input_files(voice)
    expect(library.get_by_text("You already have this file: voice.wav. Using it.")).to_be_visible()
    arrived(workspace, 1)


def test_a_file_that_is_no_media_says_why_and_can_be_replaced(library, checks, workspace, tmp_path):
    fake = tmp_path / "film.mp4"
    fake.write_text("This is text.")
    library.locator("#files").set_input_files(fake)
    expect(card(library, "film.mp4").get_by_text("Checking")).to_be_visible()
    checks.run()
    refused = card(library, "film.mp4")
    expect(refused.get_by_text("Not usable")).to_be_visible()
    expect(refused).to_contain_text("film.mp4")
    refused.locator("input[type=file]").set_input_files(write_video(tmp_path / "mended.mp4"))
    expect(card(library, "mended.mp4")).to_be_visible()
    expect(refused).to_have_count(0)
    arrived(workspace, 1)


def test_an_empty_file_is_refused_in_its_tile_and_nothing_is_sent(library, workspace, tmp_path):
    (tmp_path / "nothing.wav").touch()
    library.locator("#files").set_input_files(tmp_path / "nothing.wav")
    tile = library.locator(".upload")
    expect(tile).to_contain_text("nothing.wav is empty. Choose the file again.")
    tile.get_by_role("button", name="Dismiss").click()
    expect(tile).to_have_count(0)
    arrived(workspace, 0)


def test_a_file_over_the_limit_is_refused_in_the_servers_words(library, complaints, settings, tmp_path):
    settings.UPLOAD_LIMIT = 1000
    voice = write_audio(tmp_path / "long.wav")
    library.locator("#files").set_input_files(voice)
    expect(library.locator(".upload")).to_contain_text("takes files up to 1 kB. Export it smaller")
    assert all("413" in line for line in complaints), "the browser notes the refusal itself and nothing else"
    complaints.clear()


# --- Lost network, closed tab, cancelled ---------------------------------------------------------------------------


def big_file(folder: Path) -> Path:
    """Two pieces: one that arrives and one that is lost on its way."""
    path = folder / "long_film.mp4"
    block = hashlib.sha256(b"long film").digest() * 32768
    path.write_bytes((block * 20)[: PIECE + 1_000_000])
    return path


def lose_second_piece(route: Route) -> None:
    if route.request.method == "PATCH" and route.request.headers["upload-offset"] != "0":
        route.abort()
    else:
        route.continue_()


def test_an_upload_waits_for_the_network_and_goes_on_where_it_stopped(library, complaints, workspace, tmp_path):
    film = big_file(tmp_path)
    offsets: list[str] = []
    library.on("request", lambda r: offsets.append(r.headers["upload-offset"]) if r.method == "PATCH" else None)
    library.route("**/uploads/**", lose_second_piece)
    library.locator("#files").set_input_files(film)
    tile = library.locator(".upload")
    expect(tile).to_contain_text(re.compile(r"Waiting for the network\. 17.MB of 18.MB is safe\."))
    library.unroute("**/uploads/**")
    library.evaluate("dispatchEvent(new Event('online'))")
    expect(card(library, "long_film.mp4")).to_be_visible()
    assert arrived(workspace)[0].sha256 == hashlib.sha256(film.read_bytes()).hexdigest()
    assert offsets.count("0") == 1, "the first piece travelled once"
    complaints.clear()  # the browser notes each lost request


def test_an_upload_survives_a_closed_tab(library, complaints, workspace, tmp_path):
    film = big_file(tmp_path)
    context = library.context
    context.route("**/uploads/**", lose_second_piece)  # for the context: it must hold while the tab closes
    library.locator("#files").set_input_files(film)
    expect(library.locator(".upload")).to_contain_text("Waiting for the network")
    again, address = context.new_page(), library.url
    library.close()
    context.unroute("**/uploads/**")
    complaints.clear()
    offsets: list[str] = []
    again.on("request", lambda r: offsets.append(r.headers["upload-offset"]) if r.method == "PATCH" else None)
    again.goto(address)
    tile = again.locator(".upload")
    expect(tile).to_contain_text(re.compile(r"Stopped\. 17.MB of 18.MB is safe\. Choose the file again to go on\."))
    tile.locator("input[type=file]").set_input_files(film)
    expect(card(again, "long_film.mp4")).to_be_visible()
    assert offsets == [str(PIECE)], "only the missing piece was sent"
    assert arrived(workspace)[0].sha256 == hashlib.sha256(film.read_bytes()).hexdigest()
    again.reload()
    expect(again.locator(".upload")).to_have_count(0)


def test_a_cancelled_upload_leaves_no_bytes_and_can_be_taken_back(library, complaints, owner, workspace, tmp_path):
    film = big_file(tmp_path)
    library.route("**/uploads/**", lose_second_piece)
    library.locator("#files").set_input_files(film)
    expect(library.locator(".upload")).to_contain_text("Waiting for the network")
    upload = owner.uploads.get()
    bytes_so_far = part_file(upload)
    assert bytes_so_far.exists()
    with library.expect_response(lambda answer: answer.request.method == "DELETE"):
        library.get_by_role("button", name="Cancel the upload of long_film.mp4").click()
    assert not bytes_so_far.exists()
    library.unroute("**/uploads/**")
    library.get_by_role("button", name="Undo").click()
    expect(card(library, "long_film.mp4")).to_be_visible()
    arrived(workspace)
    complaints.clear()


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


def test_more_cards_come_as_one_scrolls(library, workspace):
    AssetFactory.create_batch(60, workspace=workspace, audio=True)
    library.reload()
    expect(library.locator(".asset")).to_have_count(48)
    library.mouse.wheel(0, 20_000)
    expect(library.locator(".asset")).to_have_count(60)
    expect(library.get_by_role("link", name="More")).to_have_count(0)


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


def test_the_first_tab_stop_skips_to_the_content(shelf):
    shelf.keyboard.press("Tab")
    expect(shelf.get_by_role("link", name="Skip to content")).to_be_focused()
    shelf.keyboard.press("Enter")
    assert shelf.evaluate("document.activeElement.id") == "main"


def test_everything_works_without_scripts(browser: Browser, live_server, owner, workspace, checks, tmp_path):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{live_server.url}/account/login/")
    page.get_by_label("E-mail").fill(owner.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_label("Drop files or folders here").set_input_files(write_audio(tmp_path / "voice.wav"))
    page.get_by_role("button", name="Upload", exact=True).click()
    checks.run()
    page.get_by_role("link", name="Look again").click()
    page.get_by_role("link", name="voice.wav").click()
    expect(page.get_by_role("heading", name="voice.wav", level=1)).to_be_visible()
    page.get_by_label("Name").fill("other.wav")
    page.get_by_role("button", name="Rename").click()
    page.get_by_role("button", name="Delete").click()
    expect(card(page, "other.wav")).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(card(page, "other.wav")).to_be_visible()
    page.get_by_role("searchbox").fill("nothing")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_text("No file is called “nothing”")).to_be_visible()
    context.close()
