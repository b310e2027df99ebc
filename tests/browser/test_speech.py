"""Typing the words in a real browser: in the workbench, in the library, without scripts; and the page of keys."""

import re
import threading
import time
from pathlib import Path

import pytest
from django.db import connection
from django.urls import reverse
from playwright.sync_api import Browser, Page, expect

from apps.assets.models import Asset
from apps.billing.plans import load_plans
from apps.projects.models import Project
from apps.voices import previews, speaking
from apps.voices.models import ProviderKey, SpeechJob, SpeechState
from apps.workspaces.models import Membership
from studio.errors import StudioError
from tests.browser.stage import enter, film, forgive, make_project, same_document, until
from tests.voices.conftest import KEY, beeper, service  # noqa: F401  (fixtures)

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
WORDS = "Good morning. The harbour opens at seven."


class Worker:
    """Stands in for the worker: does at once what it is handed, texts only while it is ``awake``."""

    def __init__(self) -> None:
        self.awake = True

    def send(self, name: str, args: list[str], **rest: object) -> None:
        if name == "voices.speak" and self.awake:
            self.aside(lambda: speaking.speak(args[0]))
        if name == "voices.preview":
            self.aside(lambda: previews.make(*args))

    def aside(self, work) -> None:
        def run() -> None:
            try:
                work()
            finally:
                connection.close()

        threading.Thread(target=run).start()

    def wake(self) -> None:
        self.awake = True
        for job in SpeechJob.objects.filter(state=SpeechState.PENDING):
            speaking.speak(job.pk)


@pytest.fixture
def worker(monkeypatch) -> Worker:
    load_plans()
    found = Worker()
    monkeypatch.setattr("apps.voices.services.celery_app.send_task", found.send)
    return found


@pytest.fixture
def project(membership: Membership, tmp_path: Path, worker) -> Project:
    return make_project(membership, video=film(membership, tmp_path, "cam-a.mp4", 2.0))


@pytest.fixture
def visit(studio: Page, live_server, as_person, owner):
    def go(name: str, *args: object) -> Page:
        address = reverse(name, args=["harbour", *args])
        return enter(studio, live_server.url, address, as_person(owner).cookies["sessionid"].value)

    return go


def test_typed_words_become_the_soundtrack_without_a_reload(visit, project, beeper, worker):  # noqa: F811
    page = visit("projects:workbench", project.pk)
    page.get_by_role("link", name="Type the words").click()
    dialog = page.get_by_role("dialog", name="Type the words")
    words = dialog.get_by_label("Words")
    expect(words).to_be_focused()
    words.fill(WORDS)
    expect(dialog.get_by_text(f"{len(WORDS)} of 5,000 characters")).to_be_visible()
    dialog.get_by_label("High").check()
    dialog.get_by_label("Speed").fill("1.25")
    expect(dialog.locator("output")).to_have_text("1.25")
    worker.awake = False
    words.press("Control+Enter")
    expect(dialog.get_by_text("Waiting for a worker")).to_be_visible()
    worker.wake()
    expect(dialog).to_be_hidden()
    sound = page.locator('.source[data-place="audio"]')
    expect(sound).to_contain_text("(High).wav")
    expect(page.get_by_text("The words are the new soundtrack.")).to_be_visible()
    project.refresh_from_db()
    assert project.audio.spoken["script"] == WORDS and project.audio.spoken["settings"] == {"speed": 1.25}
    assert same_document(page)


def test_a_closed_dialog_loses_nothing(visit, project, beeper, worker):  # noqa: F811
    page = visit("projects:workbench", project.pk)
    page.get_by_role("link", name="Type the words").click()
    dialog = page.get_by_role("dialog", name="Type the words")
    dialog.get_by_label("Words").fill(WORDS)
    worker.awake = False
    dialog.get_by_role("button", name="Speak").click()
    expect(dialog.get_by_text("Waiting for a worker")).to_be_visible()
    page.keyboard.press("Escape")
    worker.wake()
    expect(page.locator('.source[data-place="audio"]')).to_contain_text("(Low).wav")


def test_a_refusal_keeps_what_was_typed(visit, project, beeper, worker):  # noqa: F811
    beeper.trouble = [StudioError("elevenlabs_quota_exceeded", "The account has no characters left.", "Wait a day.")]
    page = visit("projects:workbench", project.pk)
    page.get_by_role("link", name="Type the words").click()
    dialog = page.get_by_role("dialog", name="Type the words")
    dialog.get_by_label("Words").fill(WORDS)
    dialog.get_by_label("High").check()
    dialog.get_by_role("button", name="Speak").click()
    expect(dialog.get_by_role("alert")).to_contain_text("The account has no characters left.")
    expect(dialog.get_by_label("Words")).to_have_value(WORDS)
    expect(dialog.get_by_label("High")).to_be_checked()
    dialog.get_by_label("Words").fill("a" * 5001)
    expect(dialog.get_by_role("button", name="Speak")).to_be_disabled()
    dialog.get_by_label("Words").fill("Shorter.")
    dialog.get_by_role("button", name="Speak").click()
    expect(page.locator('.source[data-place="audio"]')).to_contain_text("Shorter. (High).wav")


def test_no_style_is_carried_over_to_the_form_that_comes_back(visit, project, beeper, worker, complaints):  # noqa: F811
    """A slider's filled part is a style of its own; the policy refuses to have it written into the answer's slider."""
    page = visit("projects:workbench", project.pk)
    page.get_by_role("link", name="Type the words").click()
    dialog = page.get_by_role("dialog", name="Type the words")
    until(page, "document.querySelector('#speech input.slider')?.style.length")
    dialog.locator("form").evaluate("form => { form.noValidate = true }")
    dialog.get_by_role("button", name="Speak").click()
    expect(dialog.get_by_role("alert")).to_contain_text("There is no text.")
    forgive(complaints, 422)
    assert complaints == []


def test_a_sample_is_heard_before_choosing(visit, project, beeper, worker):  # noqa: F811
    page = visit("projects:workbench", project.pk)
    page.get_by_role("link", name="Type the words").click()
    hear = page.get_by_role("button", name="Hear the voice")
    hear.click()
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    expect(hear).to_be_visible()  # when it is over
    assert not Asset.objects.filter(origin="tts").exists()


def test_the_library_takes_words_too(visit, membership, beeper, worker):  # noqa: F811
    page = visit("assets:library")
    page.get_by_role("button", name="Bring files otherwise").click()
    page.get_by_role("link", name="Type the words").click()
    dialog = page.get_by_role("dialog", name="Type the words")
    dialog.get_by_label("Words").fill(WORDS)
    dialog.get_by_role("button", name="Speak").click()
    expect(dialog.get_by_text("Low has spoken")).to_be_visible()
    expect(dialog.locator("audio")).to_be_visible()
    dialog.get_by_role("button", name="Done").click()
    page.locator(".asset a.thumb").first.click()
    expect(page.get_by_role("dialog", name="File")).to_contain_text("Spoken by Low")
    expect(page.get_by_role("dialog", name="File")).to_contain_text(WORDS)
    assert same_document(page)


def test_a_workspace_without_voices_is_told_what_to_do(visit, project, settings):
    settings.VOICE_PROVIDERS = ["elevenlabs"]
    page = visit("projects:workbench", project.pk)
    page.get_by_role("link", name="Type the words").click()
    dialog = page.get_by_role("dialog", name="Type the words")
    expect(dialog).to_contain_text("No voice is set up yet")
    dialog.get_by_role("link", name="Set up voices").click()
    expect(page.get_by_role("heading", name="ElevenLabs")).to_be_visible()


def test_a_key_is_entered_tested_and_used(visit, service, project, complaints):  # noqa: F811
    page = visit("speech:voices")
    page.get_by_label("Key of your account there").fill("short")
    page.get_by_role("button", name="Keep").click()
    expect(page.get_by_role("alert")).to_contain_text("That is no key.")
    forgive(complaints, 422)
    page.get_by_label("Key of your account there").fill(KEY)
    page.get_by_role("button", name="Keep").click()
    expect(page.get_by_text("A key that ends in 1234")).to_be_visible()
    assert KEY not in page.content()
    page.get_by_role("button", name="Test the key").click()
    expect(page.get_by_text("100 of 1,000 characters are used")).to_be_visible()
    visit("projects:workbench", project.pk)
    page.get_by_role("link", name="Type the words").click()
    dialog = page.get_by_role("dialog", name="Type the words")
    expect(dialog.get_by_label("Mine")).to_be_checked()
    expect(dialog.get_by_label("Stability")).to_be_visible()
    dialog.get_by_label("Words").fill(WORDS)
    dialog.get_by_role("button", name="Speak").click()
    expect(page.locator('.source[data-place="audio"]')).to_contain_text("(Mine)")
    visit("speech:voices")
    page.get_by_role("button", name="Remove it").click()
    expect(page.get_by_text("no key")).to_be_visible()
    assert not ProviderKey.objects.exists()


def test_the_whole_way_works_without_scripts(browser: Browser, live_server, as_person, owner, project, beeper, worker):  # noqa: F811
    context = browser.new_context(java_script_enabled=False)
    context.add_cookies(
        [{"name": "sessionid", "value": as_person(owner).cookies["sessionid"].value, "url": live_server.url}]
    )
    page = context.new_page()
    page.goto(live_server.url + reverse("projects:workbench", args=["harbour", project.pk]))
    page.get_by_role("link", name="Type the words").click()
    page.get_by_label("Words").fill(WORDS)
    page.get_by_role("button", name="Speak").click()
    ends = time.monotonic() + 20
    while page.get_by_role("link", name="Look again").is_visible() and time.monotonic() < ends:
        page.get_by_role("link", name="Look again").click()
    page.get_by_role("button", name="Use as the soundtrack").click()
    page.wait_for_url(re.compile("/p/"))
    expect(page.locator('.source[data-place="audio"]')).to_contain_text("(Low).wav")
    context.close()
