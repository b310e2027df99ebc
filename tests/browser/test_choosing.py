"""Choosing in the workbench: a face in the picture, a model in the comparison."""

import re
from pathlib import Path

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from apps.projects.models import Project
from apps.workspaces.models import Membership
from tests.browser.stage import enter, same_document, two_people, until

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("billed_without_workers"),
]

CLOCK = "document.querySelector('[data-transport]').transport"
FACE = "active_speaker_detection"


@pytest.fixture
def project(membership: Membership, tmp_path: Path) -> Project:
    return two_people(membership, tmp_path)


@pytest.fixture
def bench(studio: Page, live_server, as_person, owner, project) -> Page:
    path = reverse("projects:workbench", args=["harbour", project.pk])
    page = enter(studio, live_server.url, path, as_person(owner).cookies["sessionid"].value)
    until(page, f"{CLOCK} && {CLOCK}.duration > 3")
    return page


def saved_face(page: Page, project: Project):
    expect(page.locator("#saved")).to_have_text(re.compile("Draft saved"))
    project.refresh_from_db()
    return project.options.get(FACE)


def test_a_click_on_a_face_in_the_picture_chooses_it_and_a_second_one_leaves_it_open(bench, project):
    page = bench
    faces = page.locator("[data-face]")
    expect(faces).to_have_count(2)
    frame, box = page.locator("#stage-video").bounding_box(), faces.nth(1).bounding_box()
    assert box["x"] - frame["x"] == pytest.approx(0.6 * frame["width"], abs=2)
    faces.nth(1).click()
    expect(faces.nth(1)).to_have_attribute("aria-pressed", "true")
    assert saved_face(page, project) == {"kind": "person", "id": 1}
    expect(page.locator("#choose-person-1")).to_have_attribute("aria-pressed", "true")
    expect(page.locator(f"#effect-{FACE}")).to_contain_text("Person 2 gets the new lips.")
    page.keyboard.press("Control+z")
    expect(faces.nth(1)).to_have_attribute("aria-pressed", "false")
    assert page.evaluate(f"{CLOCK}.playing") is False, "a face is no place to start the film"
    assert same_document(page)


def test_arrow_keys_go_from_face_to_face_and_a_face_that_leaves_has_no_box(bench, project):
    page = bench
    page.locator('[data-face="0"]').focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator('[data-face="1"]')).to_be_focused()
    page.keyboard.press("Enter")
    assert saved_face(page, project) == {"kind": "person", "id": 1}
    page.evaluate(f"{CLOCK}.seek(3)")
    expect(page.locator("[data-face]")).to_have_count(1)


def test_the_card_chooses_too_and_the_switch_goes_before_it(bench, project):
    page = bench
    page.locator("#choose-person-1").click()
    expect(page.locator("#choose-person-1")).to_have_text("Chosen")
    page.locator(f"#option-{FACE}").check()
    expect(page.locator("#choose-person-1")).to_have_text("Choose")
    assert saved_face(page, project) is True


def test_in_a_chosen_segment_a_face_is_for_that_segment(bench, project):
    page = bench
    page.keyboard.press("i")
    page.evaluate(f"{CLOCK}.seek(1.5)")
    page.keyboard.press("o")
    page.keyboard.press("e")
    page.locator('[data-face="0"]').click()
    expect(page.locator("#segment-face")).to_have_value("0")
    saved_face(page, project)
    assert project.segments[0]["face"] == {"kind": "person", "id": 0}
    assert FACE not in project.options or project.options[FACE] is False


def test_models_are_compared_and_chosen_in_a_dialog(bench, project):
    page = bench
    page.locator("#open-compare").click()
    dialog = page.locator("#compare")
    expect(dialog.get_by_role("row")).to_have_count(5)
    expect(dialog.get_by_role("row", name="sync-3")).to_contain_text("$0.53")
    dialog.get_by_role("button", name="Use sync-3").click()
    expect(dialog).not_to_be_visible()
    expect(page.locator('[name="model"]:checked')).to_have_value("sync-3")
    expect(page.locator("#open-compare")).to_be_focused()
    saved_face(page, project)
    assert project.model == "sync-3"
    assert same_document(page)


def test_the_comparison_is_a_page_of_its_own_and_cards_on_a_phone(bench, project):
    page = bench
    page.set_viewport_size({"width": 375, "height": 800})
    page.goto(page.url + "models/")
    expect(page.get_by_role("cell").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    page.get_by_role("button", name="Use lipsync-2-pro").click()
    page.wait_for_url(re.compile(r"/p/[0-9a-f-]+/$"))
    project.refresh_from_db()
    assert project.model == "lipsync-2-pro"
