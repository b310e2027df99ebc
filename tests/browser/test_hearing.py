"""The timeline sounds as its result will: sounds of segments where they stand, the original where nothing is driven."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from apps.assets.models import Asset
from apps.projects.models import Project
from apps.workspaces.models import Membership
from tests.browser.stage import enter, film, make_project, tone, until

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("billed_without_workers"),
]

CLOCK = "document.querySelector('[data-transport]').transport"
HEARD = f"[{CLOCK}.heard?.id || {CLOCK}.heard?.src.split('/').at(-3) || '']"


@pytest.fixture
def line(membership: Membership, tmp_path: Path) -> Asset:
    return tone(membership, tmp_path, "line.wav", 2.0)


@pytest.fixture
def project(membership: Membership, tmp_path: Path, line: Asset) -> Project:
    video = film(membership, tmp_path, "cam.mp4", 4.0)
    made = make_project(membership, video=video, audio=tone(membership, tmp_path, "maren.wav", 4.0))
    made.segments = [
        segment(1.0, 2.0, audio=str(line.pk), audio_start_s=0.5),
        segment(2.5, 3.0),
    ]
    made.save()
    return made


def segment(start: float, end: float, **more) -> dict:
    row = {"start_s": start, "end_s": end, "lipsync": True, "audio": None, "audio_start_s": 0.0, "audio_end_s": None}
    return row | {"face": None, "options": {}} | more


@pytest.fixture
def bench(studio: Page, live_server, as_person, owner, project) -> Page:
    page = enter(studio, live_server.url, f"/w/harbour/p/{project.pk}/", as_person(owner).cookies["sessionid"].value)
    until(page, f"{CLOCK} && {CLOCK}.duration > 3")
    return page


def test_the_parts_are_laid_to_the_sample_on_one_clock(bench):
    page = bench
    page.evaluate(f"{CLOCK}.loop = true")
    page.keyboard.press(" ")
    until(page, f"{CLOCK}.sounds.running")
    page.evaluate(f"{CLOCK}.seek(1.25)")
    until(page, f"{CLOCK}.sounds.running && {CLOCK}.sounds.laid[0].second > 1.2")
    laid = page.evaluate(f"{CLOCK}.sounds.laid")
    begun = laid[0]["second"]
    assert laid[0]["from"] == pytest.approx(0.5 + begun - 1.0, abs=1e-6), "the own sound, where it stands by now"
    assert [(round(one["second"], 3), round(one["from"], 3)) for one in laid[1:]] == [(2, 2), (2.5, 2.5), (3, 3)]
    assert all(one["from"] + one["seconds"] <= 4.0001 for one in laid)
    # What is seen keeps to what is heard, and the elements are silent meanwhile.
    until(page, f"{CLOCK}.time > 1.6 && {CLOCK}.time < 1.9")
    drift = page.evaluate(f"document.getElementById('stage-video').currentTime - {CLOCK}.sounds.time")
    assert abs(drift) < 0.12
    assert page.evaluate("document.getElementById('stage-video').muted && document.getElementById('stage-audio').muted")
    page.keyboard.press("a")
    until(page, f"!{CLOCK}.sounds.running && !document.getElementById('stage-video').muted")
    page.keyboard.press("b")
    until(page, f"{CLOCK}.sounds.running && document.getElementById('stage-video').muted")


def test_space_plays_after_a_click_and_presses_what_one_has_gone_to_by_keyboard(bench):
    page = bench
    page.locator('[data-zoom="1"]').click()
    page.keyboard.press(" ")
    until(page, f"{CLOCK}.playing")
    page.keyboard.press(" ")
    assert page.evaluate(f"{CLOCK}.playing") is False
    snap = page.locator('[data-edit="snap"]')
    page.locator("#test-render").focus()
    page.keyboard.press("Tab")
    expect(snap).to_be_focused()
    page.keyboard.press(" ")
    expect(snap).to_have_attribute("aria-pressed", "false")
    assert page.evaluate(f"{CLOCK}.playing") is False


def test_at_another_speed_each_part_is_played_by_its_element(bench, line):
    page = bench
    for second, wanted in ((0.5, "stage-video"), (1.5, str(line.pk)), (2.7, "stage-audio"), (3.5, "stage-video")):
        page.evaluate(f"{CLOCK}.seek({second})")
        assert page.evaluate(HEARD) == [wanted]
    page.locator("[data-speed]").select_option("0.5")
    page.evaluate(f"{CLOCK}.seek(0.8)")
    page.keyboard.press(" ")
    until(page, f"{CLOCK}.time > 1.15")
    assert page.evaluate(HEARD) == [str(line.pk)]
    assert page.evaluate(f"{CLOCK}.sounds.running") is False
    off = page.evaluate(f"{CLOCK}.heard.currentTime - 0.5 - ({CLOCK}.time - 1)")
    assert abs(off) < 0.1, "it began with its segment, half a second into its file"
    until(page, f"{CLOCK}.time > 2.05")
    assert page.evaluate(HEARD) == ["stage-video"]


def test_a_segment_made_now_is_heard_once_it_is_saved_and_its_wave_is_drawn(bench, project):
    page = bench
    page.evaluate(f"{CLOCK}.seek(3.2)")
    page.keyboard.press("i")
    page.evaluate(f"{CLOCK}.seek(3.8)")
    page.keyboard.press("o")
    page.keyboard.press("e")
    until(page, f"{CLOCK}.sounds.parts.length === 7", seconds=5)
    page.keyboard.press("Control+z")
    page.evaluate(f"{CLOCK}.seek(3.2)")
    page.locator(".clip").first.click()
    page.locator("#segment-panel").get_by_label("Its sound begins at, s").fill("0")
    page.locator("#segment-panel").get_by_label("Its sound begins at, s").press("Tab")
    until(page, f"{CLOCK}.sounds.parts[1].from === 0", seconds=5)
    drawn = """[...document.querySelectorAll('.clip canvas')].map((canvas) => canvas.getContext('2d')
        .getImageData(0, 0, canvas.width, canvas.height).data.some((value) => value > 0))"""
    until(page, f"({drawn}).length === 2 && ({drawn}).every(Boolean)")
    expect(page.locator(".clip").first).to_contain_text("line.wav")


def test_without_segments_the_soundtrack_is_heard_throughout(bench, project):
    project.segments = []
    project.save()
    bench.reload()
    until(bench, f"{CLOCK} && {CLOCK}.duration > 3")
    assert bench.evaluate(f"{CLOCK}.sounds") is None
    assert bench.evaluate(HEARD) == ["stage-audio"]
