"""Uploads in a real browser: files come in by every way and survive a lost network and a closed tab."""

import hashlib
import re
from pathlib import Path
from uuid import UUID

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from apps.assets.checking import check_asset
from apps.assets.models import Asset, Status
from apps.assets.uploads import part_file
from apps.billing.plans import load_plans
from tests.browser.library_page import card, open_library
from tests.conftest import PASSWORD
from tests.factories import write_audio, write_video

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


@pytest.fixture
def library(studio: Page, live_server, owner, workspace, as_person, checks) -> Page:
    """The empty library."""
    return open_library(studio, live_server, owner, workspace, as_person)


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
    assert offsets
    assert all(int(offset) >= PIECE for offset in offsets), "what had arrived was not sent again"
    assert arrived(workspace)[0].sha256 == hashlib.sha256(film.read_bytes()).hexdigest()
    again.reload()
    expect(again.locator(".upload")).to_have_count(0)


def test_what_another_tab_is_sending_is_not_called_stopped(library, complaints, tmp_path):
    context = library.context
    context.route("**/uploads/**", lose_second_piece)
    library.locator("#files").set_input_files(big_file(tmp_path))
    expect(library.locator(".upload")).to_contain_text("Waiting for the network")
    other = context.new_page()
    other.goto(library.url)
    other.wait_for_timeout(1000)
    expect(other.locator(".upload")).to_have_count(0)
    library.goto("about:blank")
    other.reload()
    expect(other.locator(".upload")).to_contain_text("Stopped.")
    complaints.clear()


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


# --- Without scripts --------------------------------------------------------------------------------


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
