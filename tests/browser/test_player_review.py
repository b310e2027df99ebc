"""Judging a take with others: the mouth close up, a range that loops, another take beside it, comments, share links."""

import re
from pathlib import Path

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from apps.assets.models import Origin
from apps.billing.plans import load_plans
from apps.generations.models import Generation, Status
from apps.reviews import services
from apps.reviews.access import token_of
from apps.reviews.models import Comment, ShareLink
from apps.workspaces.models import Membership
from tests.browser.stage import enter, film, make_project, same_document, tone, until
from tests.factories import GenerationFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

CLOCK = "document.querySelector('[data-transport]').transport"
A, B = "document.getElementById('video-a')", "document.getElementById('video-b')"
REPORT = {
    "fps": 25,
    "frames": 50,
    "duration_s": 2.0,
    "lipsynced_s": 2.0,
    "per_second": [],
    "mouth": {"rate": 5.0, "at": [[0.2 + 0.05 * n, 0.6, 0.2] for n in range(10)]},
}


@pytest.fixture(autouse=True)
def no_worker(monkeypatch):
    load_plans()
    monkeypatch.setattr("apps.assets.services.celery_app.send_task", lambda name, args: None)


@pytest.fixture
def takes(membership: Membership, tmp_path: Path) -> list[Generation]:
    """Two finished takes of one project."""
    video, audio = film(membership, tmp_path, "cam.mp4", 2.0), tone(membership, tmp_path, "maren.wav", 2.0)
    project = make_project(membership, video=video, audio=audio)
    return [
        GenerationFactory(
            workspace=membership.workspace, project=project, number=number, video=video, audio=audio,
            status=Status.COMPLETED, result=film(membership, tmp_path, f"take{number}.mp4", 2.0 + number / 100,
            Origin.RESULT), report=REPORT,
        )
        for number in (1, 2)
    ]  # fmt: skip


@pytest.fixture
def watch(studio: Page, live_server, as_person, owner, takes):
    def visit(query: str = "") -> Page:
        path = reverse("generations:take", args=["harbour", takes[1].project_id, 2]) + query
        page = enter(studio, live_server.url, path, as_person(owner).cookies["sessionid"].value)
        until(page, f"{A}.readyState >= 3 && {B}.readyState >= 3")
        return page

    return visit


def test_the_close_up_shows_the_mouth_where_the_report_says_it_is(watch):
    page = watch()
    page.keyboard.press("4")
    expect(page.locator('canvas[data-mouth="a"]')).to_be_visible()
    drawn = """(letter) => {
        const canvas = document.querySelector(`canvas[data-mouth="${letter}"]`);
        return [...canvas.getContext("2d").getImageData(canvas.width / 2, canvas.height / 2, 1, 1).data];
    }"""
    page.evaluate(f"{CLOCK}.seek(0)")
    dark = page.evaluate(drawn, "b")
    page.evaluate(f"{CLOCK}.seek(1.9)")
    until(page, f"!{B}.seeking")
    page.wait_for_timeout(150)
    bright = page.evaluate(drawn, "b")
    assert dark[3] == bright[3] == 255, "a picture was drawn"
    assert bright[0] > dark[0] + 30, "the film brightens, and the close-up with it"


def test_a_range_loops_between_its_ends_and_is_taken_away(watch):
    page = watch()
    page.evaluate(f"{CLOCK}.seek(0.5)")
    page.keyboard.press("i")
    page.evaluate(f"{CLOCK}.seek(1.0)")
    page.keyboard.press("o")
    expect(page.locator("[data-range]")).to_contain_text("0:00.5–0:01.0")
    expect(page.locator("[data-range-band]")).to_be_visible()
    page.evaluate(
        f"window.least = 9; window.most = 0; {CLOCK}.addEventListener('time', (event) => {{"
        "window.least = Math.min(window.least, event.detail); window.most = Math.max(window.most, event.detail)})"
    )
    page.keyboard.press(" ")
    until(page, "window.least < 0.6 && window.most > 0.9")
    page.wait_for_timeout(900)
    page.keyboard.press("k")
    least, most = page.evaluate("[window.least, window.most]")
    assert least > 0.45
    assert most < 1.1
    page.keyboard.press("x")
    expect(page.locator("[data-range-band]")).to_be_hidden()
    assert page.evaluate(f"{CLOCK}.range") is None


def test_another_take_stands_beside_this_one(watch):
    page = watch("?mode=side")
    page.evaluate(f"{CLOCK}.seek(0.8)")
    page.locator("#compare-with").select_option("1")
    page.wait_for_url(re.compile(r"with=1"))
    until(page, f"{A}.readyState >= 3 && {B}.readyState >= 3")
    assert "mode=side" in page.url
    assert page.evaluate(f"{CLOCK}.frame") == 20
    expect(page.locator('[data-pane="a"] figcaption')).to_have_text("ATake 1")
    expect(page.locator('[data-hear="original"]')).to_have_text("ATake 1")
    expect(page.locator('[data-hear="voice"]')).to_have_text("BTake 2")
    line = page.locator("[data-wipe]")
    line.press("ArrowLeft")
    expect(line).to_have_attribute("aria-valuetext", re.compile(r"^\d+ % take 1$"))
    assert page.evaluate(f"{A}.src !== {B}.src && Math.abs({A}.duration - 2.01) < 0.05")


def test_a_comment_is_made_at_the_playhead_and_leads_back_there(watch):
    page = watch()
    page.evaluate(f"{CLOCK}.seek(1.2)")
    page.keyboard.press("c")
    text = page.locator("#comment-text")
    expect(text).to_be_focused()
    text.fill("Soft here.")
    page.get_by_role("button", name="Comment", exact=True).click()
    expect(page.locator(".comment")).to_contain_text("Soft here.")
    expect(page.locator(".comment-pin")).to_have_count(1)
    assert same_document(page)
    assert Comment.objects.get().at_s == pytest.approx(1.2, abs=0.03)
    page.get_by_role("link", name="Projects").first.click()
    page.wait_for_url("**/projects/")
    page.go_back()
    expect(page.locator(".comment")).to_contain_text("Soft here.")
    until(page, f"{B}.readyState >= 3")
    page.evaluate(f"{CLOCK}.seek(0)")
    page.get_by_role("button", name="Go to 0:01.2").click()
    assert page.evaluate(f"{CLOCK}.frame") == 30
    page.locator(".comment").hover()
    page.get_by_role("button", name=re.compile("Delete the comment")).click()
    expect(page.locator("#toasts [data-toast]")).to_have_count(1)
    expect(page.locator(".comment")).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".comment")).to_contain_text("Soft here.")


def test_a_note_is_kept_and_shown_in_the_list(watch, takes):
    page = watch()
    page.locator("#note").fill("Teeth are good")
    page.locator("#note").press("Tab")
    expect(page.locator(".take-row[aria-current]")).to_contain_text("Teeth are good")
    takes[1].refresh_from_db()
    assert takes[1].note == "Teeth are good"
    assert same_document(page)


def test_a_link_is_made_and_taken_back(watch):
    page = watch()
    page.locator("#open-share").click()
    page.get_by_label("Open for").select_option("day")
    page.get_by_role("button", name="Make a link").click()
    expect(page.locator(".share-link")).to_have_count(1)
    address = page.get_by_label("Address of the link").input_value()
    assert token_of(ShareLink.objects.get()) in address
    page.get_by_role("button", name="Take back").click()
    expect(page.locator(".share-link")).to_have_count(0)
    assert same_document(page)


def test_the_address_of_this_second_is_copied_and_opens_there(watch):
    page = watch("?mode=wipe")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.evaluate(f"{CLOCK}.seek(1.2)")
    page.get_by_role("button", name="More downloads").click()
    page.get_by_role("button", name="Copy link to this second").click()
    expect(page.get_by_text("Link copied")).to_be_visible()
    page.goto(page.evaluate("navigator.clipboard.readText()"))
    until(page, f"{CLOCK}?.time > 1.1")
    assert page.evaluate(f"{CLOCK}.time") == pytest.approx(1.2, abs=0.05)
    expect(page.locator("[data-compare]")).to_have_attribute("data-mode", "wipe")


def test_the_same_take_as_code(watch):
    page = watch()
    page.locator("#open-code").click()
    expect(page.locator("#code pre").first).to_contain_text("/v2/generate")
    page.get_by_text("TypeScript", exact=True).click()
    expect(page.locator("#code pre").nth(2)).to_be_visible()
    expect(page.locator("#code pre").first).to_be_hidden()


def test_a_guest_gives_the_password_watches_and_comments(studio, live_server, membership, takes):
    link = services.make_link(membership=membership, generation=takes[1], lives="day", password="barcos-7")
    page = studio
    page.goto(f"{live_server.url}/s/{token_of(link)}/")
    page.get_by_label("Password").fill("barcos-7")
    page.get_by_role("button", name="Open").click()
    page.locator("[data-transport]").wait_for()  # the player's page is there
    until(page, f"{CLOCK} && {A}.readyState >= 3 && {B}.readyState >= 3")
    page.keyboard.press("1")
    expect(page.locator('[data-pane="a"]')).to_be_visible()
    page.evaluate(f"{CLOCK}.seek(0.4)")
    page.get_by_label("Your name").fill("Kit Moor")
    page.get_by_label(re.compile("^Comment at")).fill("Approved.")
    page.get_by_role("button", name="Comment", exact=True).click()
    expect(page.locator(".comment")).to_contain_text("Approved.")
    expect(page.get_by_label("Your name")).to_have_value("Kit Moor")
    assert Comment.objects.get().guest_name == "Kit Moor"
