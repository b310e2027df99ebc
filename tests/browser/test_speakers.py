"""Several people in one film: a sound for each of them, and what a segment does otherwise than the rest."""

import re
import wave
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from apps.projects.models import Project
from apps.workspaces.models import Membership
from tests.browser.stage import enter, same_document, shelve, two_people, until

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("billed_without_workers"),
]

CLOCK = "document.querySelector('[data-transport]').transport"


def turns(path: Path, *spoken: tuple[float, float], seconds: float = 4.0) -> Path:
    """A sound that is heard in these stretches and silent between them, as one speaker's track of a scene is."""
    rate = 16_000
    times = np.arange(round(seconds * rate)) / rate
    heard = np.any([(times >= start) & (times < end) for start, end in spoken], axis=0) if spoken else times < 0
    samples = np.where(heard, 0.4 * np.sin(2 * np.pi * 220 * times), 0)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1), file.setsampwidth(2), file.setframerate(rate)
        file.writeframes((samples * 32767).astype("<i2").tobytes())
    return path


@pytest.fixture
def project(membership: Membership, tmp_path: Path) -> Project:
    made = two_people(membership, tmp_path)
    shelve(membership, turns(tmp_path / "maren.wav", (0.5, 1.5), (3.0, 3.8)))
    shelve(membership, turns(tmp_path / "ilias.wav", (1.7, 2.6)))
    shelve(membership, turns(tmp_path / "nobody.wav"))
    return made


@pytest.fixture
def bench(studio: Page, live_server, as_person, owner, project) -> Page:
    page = enter(studio, live_server.url, f"/w/harbour/p/{project.pk}/", as_person(owner).cookies["sessionid"].value)
    until(page, f"{CLOCK} && {CLOCK}.duration > 3")
    return page


def give(page: Page, person: int, name: str) -> None:
    page.locator(f"#sound-of-{person}").click()
    page.locator("#picker").get_by_role("button", name=re.compile(re.escape(name))).click()


def spoken(project: Project) -> list[tuple[float, float, int, bool]]:
    """Where each segment lies, whose it is, and whether its sound stands where it stands in its file."""
    project.refresh_from_db()
    return [
        (round(row["start_s"], 1), round(row["end_s"], 1), row["face"]["id"], row["audio_start_s"] == row["start_s"])
        for row in project.segments
    ]


def saved_as(page: Page, project: Project, expected: list) -> None:
    for _ in range(100):
        if spoken(project) == expected:
            return
        page.wait_for_timeout(50)
    assert spoken(project) == expected


MAREN = [(0.4, 1.6, 0, True), (2.9, 3.9, 0, True)]
ILIAS = [(1.6, 2.7, 1, True)]


def test_each_speaker_gets_a_sound_and_speaks_where_it_does(bench, project):
    page = bench
    expect(page.locator("#sound-of-0")).to_contain_text("Add their own sound")
    give(page, 0, "maren.wav")
    expect(page.locator("#sound-of-0")).to_contain_text("maren.wav")
    expect(page.get_by_text("Each sound moves its own speaker")).to_be_visible()
    saved_as(page, project, MAREN)
    give(page, 1, "ilias.wav")
    expect(page.locator(".clip")).to_have_text(["maren.wav", "ilias.wav", "maren.wav"])
    saved_as(page, project, sorted(MAREN + ILIAS))
    assert same_document(page)
    page.reload()
    expect(page.locator("#sound-of-1")).to_contain_text("ilias.wav")


def test_a_speaker_has_a_name_wherever_they_are_spoken_of(bench, project):
    page = bench
    give(page, 1, "ilias.wav")
    name = page.get_by_label("Name of person 2")
    name.fill("Ilias")
    # The answer to the sound comes while the name is being typed, and leaves it alone.
    saved_as(page, project, ILIAS)
    expect(page.locator("#sound-of-1")).to_contain_text("ilias.wav")
    expect(name).to_have_value("Ilias")
    sent = []
    page.on("request", lambda request: sent.append(request.url) if request.url.endswith("/name/") else None)
    name.press("Enter")
    expect(page.locator('[data-face="1"]')).to_have_text("Ilias")
    assert len(sent) == 1, "Enter sends the name once"
    expect(page.locator(".clip")).to_have_text("Ilias, ilias.wav")
    page.locator(".clip").click()
    expect(page.locator("#segment-face option:checked")).to_have_text("Ilias, 2.0 s on screen")
    page.keyboard.press("Escape")
    page.locator("#segment-panel").get_by_role("button", name="Close").click()
    page.get_by_role("button", name="Give Ilias the new lips").first.click()
    expect(page.locator("#effect-active_speaker_detection")).to_contain_text("Ilias gets the new lips.")
    assert same_document(page)
    page.reload()
    expect(page.get_by_label("Name of person 2")).to_have_value("Ilias")


def test_another_sound_takes_the_place_of_the_first_and_undo_brings_it_back(bench, project):
    page = bench
    give(page, 0, "maren.wav")
    saved_as(page, project, MAREN)
    give(page, 0, "ilias.wav")
    saved_as(page, project, [(1.6, 2.7, 0, True)])
    page.keyboard.press("Control+z")
    saved_as(page, project, MAREN)
    page.locator("#sound-of-0").click()
    page.get_by_role("button", name="Take their sound away").click()
    expect(page.locator(".clip")).to_have_count(0)
    expect(page.locator("#sound-of-0")).to_contain_text("Add their own sound")
    assert spoken(project) == []


def test_a_sound_in_which_nothing_is_heard_is_said_and_changes_nothing(bench, project):
    page = bench
    give(page, 0, "nobody.wav")
    expect(page.locator(".toast")).to_contain_text("Nothing is heard in nobody.wav")
    assert spoken(project) == []


def test_a_segment_sets_its_own_options_and_says_what_its_model_does_by_itself(bench, project):
    page = bench
    page.keyboard.press("e")
    panel = page.locator("#segment-panel")
    panel.get_by_label("Expressiveness").fill("0.8")
    panel.get_by_label("Expressiveness").press("Tab")
    panel.get_by_label("Obstruction detection").select_option("on")
    panel.get_by_label("Sound", exact=True).select_option(label="ilias.wav, 0:04.0")
    panel.get_by_label("When its sound ends early").select_option("silence")
    wanted = {"temperature": 0.8, "occlusion_detection_enabled": True, "sync_mode": "silence"}
    for _ in range(100):
        project.refresh_from_db()
        if project.segments and project.segments[0]["options"] == wanted:
            break
        page.wait_for_timeout(50)
    assert project.segments[0]["options"] == wanted
    page.locator('[name="model"][value="sync-3"]').check()
    line = panel.locator('[data-option-line="temperature"]')
    expect(line.get_by_text("Automatic")).to_be_visible()
    expect(line.get_by_role("spinbutton")).to_be_hidden()
    page.locator('[name="model"][value="lipsync-1.9.0-beta"]').check()
    expect(line).to_contain_text("moves the lips by a fixed range")


def test_a_segment_is_split_at_the_playhead(bench, project):
    page = bench
    give(page, 1, "ilias.wav")
    saved_as(page, project, ILIAS)
    page.evaluate(f"{CLOCK}.seek(2.2)")
    page.keyboard.press("s")
    saved_as(page, project, [(1.6, 2.2, 1, True), (2.2, 2.7, 1, True)])
    page.keyboard.press("Delete")
    saved_as(page, project, [(1.6, 2.2, 1, True)])


def test_a_test_begins_at_in_and_says_what_it_costs(bench, project):
    page = bench
    expect(page.locator("#test-render")).to_have_text("Test 5 s$0.25")
    page.locator('[name="model"][value="sync-3"]').check()
    expect(page.locator("#test-render")).to_have_text("Test 5 s$0.67")
    page.evaluate(f"{CLOCK}.seek(3)")
    page.keyboard.press("i")
    page.evaluate(f"{CLOCK}.seek(1)")
    assert page.locator("#at").input_value() == "3.000"
    page.keyboard.press("x")
    assert page.locator("#at").input_value() == "0.500"
