"""Other ways into the library: a folder, a link, a recording, a film's own sound; and a film that runs on its card."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from apps.assets.checking import check_asset
from apps.assets.models import Asset, Origin, Status
from apps.billing.plans import load_plans
from apps.desk.tasks import fetch_file
from tests.browser.library_page import card, open_library
from tests.browser.stage import film, forgive, tone, until
from tests.factories import write_audio

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def sent(monkeypatch) -> list[tuple[str, list[str]]]:
    """What was handed to workers; the test does their part."""
    load_plans()
    calls: list[tuple[str, list[str]]] = []
    monkeypatch.setattr("studio.celery.app.send_task", lambda name, args=None, **_: calls.append((name, args or [])))
    return calls


@pytest.fixture
def library(studio: Page, live_server, owner, workspace, as_person, sent) -> Page:
    return open_library(studio, live_server, owner, workspace, as_person)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a folder inside, and what a system leaves lying about."""
    top = tmp_path / "voices"
    (top / "spanish").mkdir(parents=True)
    write_audio(top / "one.wav")
    write_audio(top / "spanish" / "two.wav", seconds=1.5)
    (top / ".DS_Store").write_bytes(b"nothing")
    return top


def names(workspace) -> set[str]:
    return set(Asset.objects.in_library(workspace).values_list("name", flat=True))


def bring(page: Page, what: str) -> None:
    page.get_by_role("button", name="Bring files otherwise").click()
    page.locator("#bring").get_by_text(what, exact=True).click()


def test_a_dropped_folder_is_opened_up(library, workspace, folder):
    about = {"x": 600, "y": 400, "data": {"items": [], "files": [str(folder)], "dragOperationsMask": 1}}
    session = library.context.new_cdp_session(library)
    for kind in ("dragEnter", "dragOver", "drop"):
        session.send("Input.dispatchDragEvent", {"type": kind, **about})
    for name in ("one.wav", "two.wav"):
        expect(card(library, name)).to_be_visible()
    assert names(workspace) == {"one.wav", "two.wav"}


def test_a_folder_is_chosen_by_keyboard(library, workspace, folder):
    library.get_by_role("button", name="Bring files otherwise").click()
    choice = library.get_by_role("button", name="Choose a folder")
    expect(choice).to_be_visible()
    with library.expect_file_chooser() as chooser:
        choice.press("Enter")
    chooser.value.set_files(folder)
    for name in ("one.wav", "two.wav"):
        expect(card(library, name)).to_be_visible()
    assert names(workspace) == {"one.wav", "two.wav"}


def test_a_link_stands_in_the_library_at_once_and_becomes_its_file(library, sent, monkeypatch, complaints):
    bring(library, "Import from a link")
    dialog = library.get_by_role("dialog", name="Import from a link")
    dialog.get_by_label("Address of the file").fill("https://")
    dialog.locator("form").evaluate("form => { form.noValidate = true }")
    dialog.get_by_role("button", name="Import", exact=True).click()
    expect(dialog.get_by_role("alert")).to_contain_text("That is no web address.")
    forgive(complaints, 422)
    dialog.get_by_label("Address of the file").fill("https://media.example/clips/maren.wav")
    dialog.get_by_role("button", name="Import", exact=True).click()
    expect(dialog).to_be_hidden()
    expect(card(library, "maren.wav").get_by_text("Checking")).to_be_visible()
    [(name, [pk, url])] = sent
    assert (name, url) == ("desk.fetch_file", "https://media.example/clips/maren.wav")
    monkeypatch.setattr(
        "apps.desk.tasks.fetch", lambda url, path, **_: write_audio(path.with_suffix(".wav"), seconds=2).rename(path)
    )
    fetch_file(pk, url)
    check_asset(pk)
    expect(card(library, "maren.wav")).to_contain_text("0:02")
    expect(card(library, "maren.wav").locator(".wave")).to_be_visible()


@pytest.mark.parametrize(("what", "kind"), [("Record a voice", "audio"), ("Record with the camera", "video")])
def test_what_is_recorded_becomes_a_file(library, workspace, what, kind):
    library.context.grant_permissions(["microphone", "camera"])
    bring(library, what)
    dialog = library.get_by_role("dialog", name=what)
    dialog.get_by_role("button", name="Start").click()
    expect(dialog.get_by_role("status")).to_have_text("Recording.")
    library.wait_for_timeout(1500)
    dialog.get_by_role("button", name="Stop").click()
    dialog.get_by_role("button", name="Keep it").click()
    expect(dialog).to_be_hidden()
    expect(card(library, "recording ")).to_be_visible()
    asset = Asset.objects.in_library(workspace).get()
    check_asset(asset.pk)
    asset.refresh_from_db()
    assert (asset.status, asset.kind) == (Status.READY, kind)
    assert 0.8 < asset.duration_s < 4


def test_without_a_microphone_the_dialog_says_what_to_do(library):
    library.context.clear_permissions()
    bring(library, "Record a voice")
    dialog = library.get_by_role("dialog", name="Record a voice")
    expect(dialog.get_by_role("status")).to_contain_text("does not let the page record")
    expect(dialog.get_by_role("button", name="Start")).to_be_disabled()


def test_the_sound_of_a_film_becomes_a_file_of_its_own(library, membership, workspace, tmp_path):
    film(membership, tmp_path, "cam.mp4", 2.0)
    library.reload()
    card(library, "cam.mp4").locator("a.thumb").click()
    library.get_by_role("dialog", name="File").get_by_role("button", name="Extract sound").click()
    expect(card(library, "cam, sound.m4a")).to_be_visible()
    sound = Asset.objects.in_library(workspace).exclude(name="cam.mp4").get()
    check_asset(sound.pk)
    sound.refresh_from_db()
    assert (sound.kind, sound.status, round(sound.duration_s)) == ("audio", Status.READY, 2)
    assert sound.origin != Origin.UPLOAD


def test_a_film_runs_under_the_pointer_and_leaves_nothing_behind(library, membership, tmp_path):
    film(membership, tmp_path, "cam.mp4", 4.0)
    library.reload()
    box = card(library, "cam.mp4").locator(".thumb").bounding_box()
    second = "document.querySelector('video.scrub')?.currentTime"
    for share in (0.25, 0.75):
        library.mouse.move(box["x"] + share * box["width"], box["y"] + box["height"] / 2)
        until(library, f"Math.abs({second} - {4 * share}) < 0.1 && document.querySelector('.scrub.shown')")
    library.mouse.move(5, 5)
    expect(library.locator(".scrub, .scrub-line")).to_have_count(0)


def test_a_chosen_film_and_sounds_go_to_a_batch(library, membership, tmp_path):
    film(membership, tmp_path, "cam.mp4", 1.0)
    tone(membership, tmp_path, "maren.wav", 1.0)
    library.reload()
    for name in ("cam.mp4", "maren.wav"):
        card(library, name).hover()
        library.get_by_label(f"Choose {name}").check()
    library.get_by_role("button", name="Batch").click()
    library.wait_for_url("**/batch/new/**")
    expect(library.get_by_role("button", name="Start 1 take")).to_be_visible()
