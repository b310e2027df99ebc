"""The main job as a stranger does it: sign up, bring two files, press Generate, watch, compare, download.

Nothing stands in for anything: a real Chromium, a real worker on a real Redis, and the engine on the project's sample.
"""

import re
from pathlib import Path

import av
import numpy as np
import pytest
from django.conf import settings as django_settings
from playwright.sync_api import Page, expect

from apps.assets.models import Asset, Status
from apps.billing.ledger import balance
from apps.billing.models import Account
from apps.billing.plans import current_plan, load_plans, subscribe
from apps.billing.proof import unbalanced
from apps.generations.models import Generation
from apps.inference.engine.sample import SHORT, Sample, make_sample
from apps.workspaces.models import Workspace
from tests.factories import write_audio, write_video

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PATIENCE_MS = 180_000


@pytest.fixture(scope="module")
def sample(tmp_path_factory) -> Sample:
    return make_sample(tmp_path_factory.mktemp("sample"), django_settings.MODELS_DIR, SHORT)


@pytest.fixture
def stranger(studio: Page, live_server, live_worker, settings) -> Page:
    """Somebody who has just signed up."""
    settings.BILLING = True
    load_plans()
    studio.goto(f"{live_server.url}/account/signup/")
    studio.get_by_label("Your name").fill("Mira Holm")
    studio.get_by_label("E-mail").fill("mira@films.example")
    studio.get_by_label("Password", exact=True).fill("a-quiet-harbour-7")
    studio.get_by_role("button", name="Create account").click()
    studio.wait_for_url("**/library/")
    subscribe(workspace=Workspace.objects.get(), plan=current_plan("creator"))  # Free would give the first takes away
    return studio


def bring(page: Page, place: str, path: Path) -> None:
    """Put a file into a place of the workbench by its own file field."""
    page.locator(f'input[data-upload="{place}"]').set_input_files(path)


def start_project(page: Page) -> None:
    page.get_by_role("link", name="Projects").first.click()
    page.locator("#new-project").click()
    page.wait_for_url("**/p/*/")


def frames_of(path: Path) -> list[np.ndarray]:
    with av.open(path) as film:
        return [frame.to_ndarray(format="gray") for frame in film.decode(video=0)]


def test_from_two_files_to_a_finished_take(stranger: Page, sample: Sample, tmp_path: Path):
    page = stranger
    start_project(page)
    bring(page, "video", sample.video)
    bring(page, "audio", sample.new_line)  # both on their way at once
    expect(page.locator('.source[data-place="video"]')).to_contain_text("320×320, 25 fps", timeout=60_000)
    expect(page.locator('.source[data-place="audio"]')).to_contain_text("24 kHz", timeout=60_000)
    expect(page.locator("#generate")).not_to_have_attribute("aria-disabled", "true")
    page.locator("#generate").click()
    page.wait_for_url("**/takes/1/")
    page.evaluate("window.sameDocument = true")
    expect(page.locator("main")).to_contain_text("You can close this page. The work goes on.")
    expect(page.get_by_role("heading", name="Report")).to_be_visible(timeout=PATIENCE_MS)
    assert page.evaluate("window.sameDocument") is True

    take = Generation.objects.get()
    assert (take.status, take.error_message) == ("COMPLETED", "")
    assert take.charged_micros and take.charged_micros <= take.quoted_micros
    assert balance(take.workspace) == -take.charged_micros
    assert balance(take.workspace, Account.HELD) == 0
    assert unbalanced() == []
    assert take.report["agreement"] > 0.8

    with page.expect_download() as download:
        page.get_by_role("link", name="Download").first.click()
    result = tmp_path / "result.mp4"
    download.value.save_as(result)
    shown, original = frames_of(result), frames_of(sample.video)
    assert len(shown) == min(len(original), round(take.quoted_seconds * 25))
    hair, mouth = np.s_[0:60, :], np.s_[175:220, 120:200]
    moved = [np.abs(new[mouth].astype(int) - old[mouth]).mean() for new, old in zip(shown, original, strict=False)]
    kept = [np.abs(new[hair].astype(int) - old[hair]).mean() for new, old in zip(shown, original, strict=False)]
    assert np.mean(moved) > 3 * np.mean(kept)


def test_what_is_no_media_ends_in_a_sentence(stranger: Page, tmp_path: Path):
    for name, words, sentence in (
        ("text.mp4", "These are only words.", "is not a readable media file"),
        ("empty.mp4", "", "is empty"),
    ):
        path = tmp_path / name
        path.write_text(words)
        start_project(stranger)
        bring(stranger, "video", path)
        expect(stranger.locator("body")).to_contain_text(sentence, timeout=60_000)


def test_a_video_without_a_face_and_a_silent_sound_are_refused_and_cost_nothing(
    stranger: Page, sample: Sample, tmp_path: Path
):
    faceless = write_video(tmp_path / "street.mp4", seconds=1.0, size=(320, 180), sound=False)
    silent = write_audio(tmp_path / "silent.wav", seconds=1.0, loud=0.0)
    for video, audio, sentence in (
        (faceless, sample.new_line, re.compile("no face", re.IGNORECASE)),
        (sample.video, silent, re.compile("silen", re.IGNORECASE)),
    ):
        start_project(stranger)
        bring(stranger, "video", video)
        expect(stranger.locator('.source[data-place="video"]')).to_contain_text("25 fps", timeout=60_000)
        bring(stranger, "audio", audio)
        expect(stranger.locator('.source[data-place="audio"]')).to_contain_text("kHz", timeout=60_000)
        stranger.locator("#generate").click()
        # The workbench's footage check says it too, and maybe sooner than the take is there.
        stranger.wait_for_url("**/takes/1/")
        expect(stranger.locator(".ended")).to_contain_text(sentence, timeout=PATIENCE_MS)
    assert not Generation.objects.filter(charged_micros__gt=0).exists()
    assert unbalanced() == []


def test_a_sound_longer_than_the_plan_allows_is_refused_before_anything_is_spent(stranger: Page, tmp_path: Path):
    subscribe(workspace=Workspace.objects.get(), plan=current_plan("free"))
    long = write_audio(tmp_path / "long.wav", seconds=25.0)
    video = write_video(tmp_path / "long.mp4", seconds=1.0, size=(320, 180), sound=False)
    start_project(stranger)
    bring(stranger, "video", video)
    expect(stranger.locator('.source[data-place="video"]')).to_contain_text("25 fps", timeout=60_000)
    bring(stranger, "audio", long)
    stranger.locator(".mode-tile", has_text="Loop").click()
    expect(stranger.locator("body")).to_contain_text("The Free plan allows 20 s", timeout=60_000)
    assert set(Asset.objects.values_list("name", "status")) == {
        ("long.mp4", Status.READY),
        ("long.wav", Status.REJECTED),
    }
    expect(stranger.locator("#generate")).to_have_attribute("aria-disabled", "true")
    expect(stranger.locator('[name="sync_mode"]:checked')).to_have_value("loop")
    assert not Generation.objects.exists()
