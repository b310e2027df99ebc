"""A batch in the browser: files or a CSV, prices before the start, a table that fills by itself."""

import re
from pathlib import Path

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from apps.assets.models import Asset, CheckStatus, FootageCheck, Origin
from apps.billing.plans import current_plan, load_plans, subscribe
from apps.desk import services
from apps.desk.models import Batch
from apps.generations.models import Generation, Status
from apps.workspaces.models import Membership
from tests.browser.stage import enter, film, forgive, found, person, same_document, tone

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

VOICES = ("german.wav", "italian.wav", "spanish.wav")


@pytest.fixture(autouse=True)
def no_worker(monkeypatch, settings):
    settings.BILLING = True
    load_plans()
    monkeypatch.setattr("studio.celery.app.send_task", lambda name, args=None, **_: None)
    monkeypatch.setattr("apps.generations.services.dispatch", lambda: None)


@pytest.fixture
def page(studio: Page, live_server, as_person, owner, membership: Membership, tmp_path: Path) -> Page:
    """The page of a new batch, in a workspace that may make some, with a film and three voices."""
    subscribe(workspace=membership.workspace, plan=current_plan("scale"))
    film(membership, tmp_path, "cam.mp4", 2.0)
    for seconds, name in enumerate(VOICES, start=1):
        tone(membership, tmp_path, name, float(seconds))
    return enter(
        studio, live_server.url, reverse("desk:new", args=["harbour"]), as_person(owner).cookies["sessionid"].value
    )


def test_one_film_and_three_voices_become_three_takes(page, membership, tmp_path):
    for name in ("cam.mp4", *VOICES):
        page.get_by_label(re.compile(re.escape(name))).check()
    page.get_by_role("button", name="Pair them").click()
    expect(page.get_by_role("row")).to_have_count(4)
    expect(page.get_by_role("row", name="spanish.wav")).to_contain_text("0:02.0")
    before = page.locator(".batch-go .figure").inner_text()
    page.get_by_label("Model").select_option("sync-3")
    page.get_by_role("button", name="Price again").click()
    expect(page.locator(".batch-go .figure")).not_to_have_text(before)
    page.get_by_label("Name").fill("Three languages")
    page.get_by_role("button", name="Start 3 takes").click()
    page.wait_for_url(re.compile(r"/batch/[0-9a-f-]+/$"))
    page.evaluate("window.sameDocument = true")
    expect(page.get_by_role("heading", name="Three languages")).to_be_visible()
    services.go_on()
    expect(page.get_by_role("row", name="german.wav").get_by_text("Queued")).to_be_visible()
    first = Generation.objects.order_by("number").first()
    result = film(membership, tmp_path, "take.mp4", 1.0, Origin.RESULT)
    Generation.objects.filter(pk=first.pk).update(status=Status.COMPLETED, result=result)
    expect(page.get_by_text("1 of 3 finished")).to_be_visible()
    with page.expect_download():
        page.get_by_role("link", name="Download take 1").click()
    assert same_document(page)
    page.get_by_role("button", name="Cancel the rest").click()
    expect(page.get_by_text("Cancelled").first).to_be_visible()
    assert first.model == "sync-3"


def test_files_are_found_by_name_and_what_is_chosen_stays(page):
    page.get_by_label(re.compile("cam.mp4")).check()
    page.get_by_label(re.compile("german.wav")).check()
    expect(page.get_by_text("1 video × 1 soundtrack: 1 take")).to_be_visible()
    assert page.locator(".batch-offer.video img").first.evaluate("image => image.complete && image.naturalWidth > 0")
    page.get_by_label("Search soundtracks by name").press_sequentially("SPAN")
    expect(page.locator(".batch-offer.audio .batch-file")).to_have_count(2)
    expect(page.get_by_label(re.compile("german.wav"))).to_be_checked()
    page.get_by_label(re.compile("spanish.wav")).check()
    page.get_by_label("Search soundtracks by name").fill("klingon")
    expect(page.locator(".batch-offer.audio .batch-file")).to_have_count(2)
    page.get_by_label("Search soundtracks by name").press("Enter")
    expect(page.locator(".batch-offer.audio .batch-file")).to_have_count(2)
    assert same_document(page)
    expect(page.get_by_text("1 video × 2 soundtracks: 2 takes")).to_be_visible()
    page.get_by_role("button", name="Pair them").click()
    expect(page.get_by_role("button", name="Start 2 takes")).to_be_visible()


def test_where_several_people_are_seen_one_says_who_gets_the_new_lips(page, membership):
    video = Asset.objects.get(name="cam.mp4")
    result = found(person(0, 1.0), person(1, 2.0))
    facts = {"status": CheckStatus.READY, "result": result, "names": {"1": "Maren"}}
    FootageCheck.objects.update_or_create(asset=video, defaults=facts)
    for name in ("cam.mp4", "german.wav"):
        page.get_by_label(re.compile(re.escape(name))).check()
    page.get_by_role("button", name="Pair them").click()
    page.get_by_label("New lips for").select_option("Maren")
    page.get_by_role("button", name="Price again").click()
    expect(page.get_by_label("New lips for").locator("option:checked")).to_have_text("Maren")
    page.get_by_role("button", name="Start 1 take").click()
    page.wait_for_url(re.compile(r"/batch/[0-9a-f-]+/$"))
    services.go_on()
    assert Generation.objects.get().options["active_speaker_detection"] == {"kind": "person", "id": 1}


def test_nothing_chosen_is_said(page, complaints):
    page.get_by_label(re.compile("cam.mp4")).check()
    page.get_by_role("button", name="Pair them").click()
    expect(page.get_by_role("alert")).to_contain_text("Choose a video and a soundtrack.")
    expect(page.get_by_label(re.compile("cam.mp4"))).to_be_checked()
    forgive(complaints, 422)


def test_a_csv_that_names_nothing_says_its_line_and_a_good_one_gives_pairs(page, complaints):
    def read(text: str) -> None:
        page.get_by_label("CSV file").set_input_files(
            {"name": "pairs.csv", "mimeType": "text/csv", "buffer": text.encode()}
        )
        page.get_by_role("button", name="Read it").click()

    read("video,audio\ncam.mp4,nobody.wav\n")
    expect(page.get_by_role("alert")).to_contain_text("Line 2: “nobody.wav” is not in the library.")
    forgive(complaints, 422)
    read("video,audio\ncam.mp4,german.wav\ncam.mp4,spanish.wav\n")
    expect(page.get_by_role("button", name="Start 2 takes")).to_be_visible()
    assert not Batch.objects.exists()


def test_on_a_phone_nothing_sticks_out(page):
    page.set_viewport_size({"width": 375, "height": 800})
    for name in ("cam.mp4", *VOICES):
        page.get_by_label(re.compile(re.escape(name))).check()
    page.get_by_role("button", name="Pair them").click()
    page.get_by_role("button", name="Start 3 takes").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
