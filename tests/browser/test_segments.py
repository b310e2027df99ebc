"""Segments on the timeline: made by keys and by hand, saved with the draft, undone; what the check offers."""

import re
from pathlib import Path

import pytest
from django.urls import reverse
from playwright.sync_api import Page, Route, expect

from apps.assets.models import CheckStatus, FootageCheck
from apps.generations.models import Generation
from apps.projects.models import Project
from apps.workspaces.models import Membership
from tests.browser.stage import enter, film, make_project, same_document, tone, until

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("billed_without_workers"),
]

CLOCK = "document.querySelector('[data-transport]').transport"
FOUND = {
    "duration_s": 4.0,
    "suggested_model": "sync-3",
    "people": [],
    "findings": [
        {"kind": "scene_cut", "start_s": 2.0, "end_s": 2.0, "severity": "info", "reason": "A cut.", "fixes": []},
        {"kind": "no_face", "start_s": 2.4, "end_s": 3.2, "severity": "warning", "reason": "No usable face.",
         "advice": {"lipsync-2": "lipsync-2 leaves it as it is."},
         "fixes": [{"action": "exclude_range", "start_s": 2.4, "end_s": 3.2}]},
    ],
}  # fmt: skip


@pytest.fixture
def project(membership: Membership, tmp_path: Path) -> Project:
    video = film(membership, tmp_path, "cam.mp4", 4.0)
    audio = tone(membership, tmp_path, "maren.wav", 4.0)
    for asset, result in ((video, FOUND), (audio, {"duration_s": 4.0, "findings": []})):
        FootageCheck.objects.update_or_create(asset=asset, defaults={"status": CheckStatus.READY, "result": result})
    tone(membership, tmp_path, "ilias.wav", 1.0)
    return make_project(membership, video=video, audio=audio)


@pytest.fixture
def bench(studio: Page, live_server, as_person, owner, project) -> Page:
    path = reverse("projects:workbench", args=["harbour", project.pk])
    page = enter(studio, live_server.url, path, as_person(owner).cookies["sessionid"].value)
    until(page, f"{CLOCK} && {CLOCK}.duration > 3")
    return page


def mark(page: Page, start: float, end: float, key: str) -> None:
    """Set a range by I and O and make a segment of it."""
    page.evaluate(f"{CLOCK}.seek({start})")
    page.keyboard.press("i")
    page.evaluate(f"{CLOCK}.seek({end})")
    page.keyboard.press("o")
    page.keyboard.press(key)


def rows(project: Project) -> list[tuple[float, float, bool]]:
    project.refresh_from_db()
    return [(row["start_s"], row["end_s"], row["lipsync"]) for row in project.segments]


def saved(page: Page) -> None:
    expect(page.locator("#saved")).to_have_text(re.compile("Draft saved"))


def test_ranges_are_made_by_keys_priced_and_reopen_as_they_were(bench, project):
    page = bench
    expect(page.locator("#estimate")).to_contain_text("0:04.0 of 0:04.0")
    mark(page, 1.0, 2.0, "E")
    expect(page.locator(".clip.leaves")).to_have_count(1)
    expect(page.locator("#estimate")).to_contain_text("0:03.0 of 0:04.0")
    saved(page)
    assert rows(project) == [(1.0, 2.0, False)]
    assert same_document(page)
    page.reload()
    expect(page.locator(".clip.leaves")).to_have_attribute("aria-label", re.compile("No lipsync, 0:01.0 to 0:02.0"))


def test_a_segment_speaks_with_a_sound_of_its_own(bench, project):
    page = bench
    mark(page, 0.5, 1.5, "e")
    panel = page.locator("#segment-panel")
    expect(panel).to_be_visible()
    panel.get_by_label("Sound", exact=True).select_option(label="ilias.wav, 0:01.0")
    expect(page.locator(".clip")).to_have_text("ilias.wav")
    expect(page.locator("#mode-sentence")).to_have_text("With segments the result is as long as the video: 0:04.0.")
    panel.get_by_label("To, s").fill("1.3")
    panel.get_by_label("To, s").press("Tab")
    saved(page)
    for _ in range(100):
        if rows(project) == [(0.5, 1.3, True)]:
            break
        page.wait_for_timeout(50)
    [row] = project.segments
    assert (row["start_s"], row["end_s"], row["lipsync"]) == (0.5, 1.3, True)
    assert row["audio"] is not None


def test_undo_and_redo_walk_through_models_and_segments(bench, project):
    page = bench
    mark(page, 1.0, 2.0, "E")
    saved(page)
    page.locator('[name="model"][value="sync-3"]').check()
    until(page, "document.getElementById('revision').value == 3")
    page.keyboard.press("Control+z")
    expect(page.locator('[name="model"]:checked')).to_have_value("lipsync-2")
    expect(page.locator(".clip")).to_have_count(1)
    page.keyboard.press("Control+z")
    expect(page.locator(".clip")).to_have_count(0)
    expect(page.locator('[data-history="undo"]')).to_be_disabled()
    page.keyboard.press("Control+Shift+Z")
    expect(page.locator(".clip")).to_have_count(1)
    until(page, "document.getElementById('revision').value == 6")
    assert rows(project) == [(1.0, 2.0, False)]


def test_a_segment_is_dragged_and_joins_a_cut(bench, project):
    page = bench
    mark(page, 1.0, 1.6, "e")
    saved(page)
    clip = page.locator(".clip")
    box, lane = clip.bounding_box(), page.locator("[data-inner]").bounding_box()
    second = lane["width"] / 4
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 10)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2 + second * 0.98, box["y"] + 10, steps=4)
    page.mouse.up()
    until(page, "document.getElementById('revision').value == 3")
    assert rows(project) == [(2.0, 2.6, True)]
    clip.focus()
    page.keyboard.press("ArrowRight")
    until(page, "document.getElementById('revision').value == 4")
    assert rows(project)[0][0] == pytest.approx(2.04)
    page.keyboard.press("Delete")
    expect(clip).to_have_count(0)


def test_a_later_segment_cuts_the_earlier_one(bench, project):
    page = bench
    mark(page, 0.5, 3.5, "e")
    mark(page, 1.5, 2.5, "E")
    expect(page.locator(".clip")).to_have_count(3)
    until(page, "document.getElementById('revision').value >= 2")
    saved(page)
    page.wait_for_timeout(600)
    assert rows(project) == [(0.5, 1.5, True), (1.5, 2.5, False), (2.5, 3.5, True)]


def test_the_check_is_shown_and_mends_with_one_click(bench, project):
    page = bench
    expect(page.locator(".finding.warn")).to_contain_text("lipsync-2 leaves it as it is.")
    page.locator(".check-mark.warn").click()
    assert page.evaluate(f"{CLOCK}.time") == pytest.approx(2.4, abs=0.01)
    page.get_by_role("button", name="Leave as it is").click()
    expect(page.locator(".clip.leaves")).to_have_count(1)
    page.get_by_role("button", name="Use sync-3").click()
    expect(page.locator('[name="model"]:checked')).to_have_value("sync-3")
    expect(page.get_by_text("This footage suits")).to_have_count(0)
    project.refresh_from_db()
    assert rows(project) == [(2.4, 3.2, False)]
    page.keyboard.press("ArrowUp")
    assert page.evaluate(f"{CLOCK}.time") == pytest.approx(2.0, abs=0.01)


def test_a_check_that_runs_is_shown_when_it_is_through(bench, project):
    page = bench
    FootageCheck.objects.filter(asset=project.video).update(status=CheckStatus.RUNNING)
    page.reload()
    expect(page.get_by_text("Looking through the files")).to_be_visible()
    FootageCheck.objects.filter(asset=project.video).update(status=CheckStatus.READY)
    expect(page.locator(".check-mark.warn")).to_be_visible()


def test_five_seconds_are_tried_from_the_playhead(bench):
    page = bench
    page.evaluate(f"{CLOCK}.seek(1)")
    page.locator("#test-render").click()
    page.wait_for_url("**/takes/1/")
    assert Generation.objects.get().note.startswith("Test 0:00.0")


def test_zoom_widens_the_lanes_and_a_phone_has_panels(bench):
    page = bench
    before = page.locator("[data-inner]").bounding_box()["width"]
    page.keyboard.press("+")
    assert page.locator("[data-inner]").bounding_box()["width"] == pytest.approx(2 * before, rel=0.02)
    page.keyboard.press("0")
    page.set_viewport_size({"width": 375, "height": 800})
    expect(page.locator("#findings")).to_be_hidden()
    page.get_by_role("button", name="Check", exact=True).click()
    expect(page.locator("#findings")).to_be_visible()
    expect(page.locator("#timeline")).to_be_hidden()
    page.get_by_role("button", name="Model", exact=True).click()
    expect(page.locator("#choices")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 375


def test_a_segment_in_the_hand_stays_there_while_an_answer_comes(bench, project):
    page = bench
    mark(page, 1.0, 1.6, "e")
    saved(page)
    page.keyboard.press("n")
    held: list[Route] = []
    page.route("**/draft/", lambda route: held.append(route))
    box, second = page.locator(".clip").bounding_box(), page.locator("[data-inner]").bounding_box()["width"] / 4
    x, y = box["x"] + box["width"] / 2, box["y"] + 10
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + second * 0.4, y, steps=4)
    page.mouse.up()
    until(page, "document.getElementById('draft').classList.contains('repricing')")
    page.mouse.down()
    page.mouse.move(x + second * 0.7, y, steps=3)
    held[0].continue_()
    until(page, "document.getElementById('revision').value == 3")
    page.unroute("**/draft/")
    page.mouse.move(x + second * 1.2, y, steps=4)
    page.mouse.up()
    until(page, "document.getElementById('revision').value == 4")
    assert rows(project)[0][:2] == pytest.approx((2.2, 2.8), abs=0.02)


def test_an_edge_is_drawn_as_near_to_the_other_as_may_be(bench, project):
    page = bench
    page.keyboard.press("n")
    mark(page, 2.5, 3.3, "e")  # 3.3 - 3.1 is less than 0.2 to a computer
    saved(page)
    box = page.locator(".clip").bounding_box()
    page.mouse.move(box["x"] + 3, box["y"] + 10)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"], box["y"] + 10, steps=4)
    page.mouse.up()
    until(page, "document.getElementById('revision').value == 3")
    assert rows(project) == [(3.1, 3.3, True)]


def test_an_edit_that_is_undone_at_once_stays_undone(bench, project):
    page = bench
    page.locator("#option-occlusion_detection_enabled").check()
    page.locator('[name="model"][value="sync-3"]').check()
    page.keyboard.press("Control+z")
    expect(page.locator('[name="model"]:checked')).to_have_value("lipsync-2")
    until(page, "document.getElementById('revision').value == 3")  # of the undoing and of the edits before it
    saved(page)
    project.refresh_from_db()
    assert (project.model, project.options["occlusion_detection_enabled"]) == ("lipsync-2", True)


def test_nothing_is_called_saved_after_the_end_of_the_session(bench, project, complaints):
    page = bench
    page.context.clear_cookies(name="sessionid")
    page.locator('[name="model"][value="sync-3"]').check()
    expect(page.locator("#saved")).to_have_text("Draft not saved")
    expect(page.locator(".toast")).to_contain_text("You are signed out.")
    page.locator("#open-compare").click()
    page.wait_for_url(re.compile(r"/account/login/\?next=%2Fw%2Fharbour%2Fp%2F"))
    assert complaints
    complaints[:] = [line for line in complaints if "401" not in line]
