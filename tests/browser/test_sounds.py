"""Both soundtracks of the player on one clock: decoded, started together, switched by a gain."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from apps.assets.models import Origin
from apps.billing.plans import load_plans
from apps.generations.models import Generation, Status
from apps.workspaces.models import Membership
from tests.browser.stage import enter, make_project, shelve, tone, until
from tests.factories import GenerationFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

CLOCK = "document.querySelector('[data-transport]').transport"
RATE = 48_000
# Where the loudest sample of each decoded sound lies.
LOUDEST = f"""["a", "b"].map((letter) => {{
    const samples = {CLOCK}.sounds.buffers[letter].getChannelData(0);
    let best = 0;
    for (let index = 0; index < samples.length; index += 1) {{
        if (Math.abs(samples[index]) > Math.abs(samples[best])) best = index;
    }}
    return best / {CLOCK}.sounds.buffers[letter].sampleRate;
}})"""


def click_film(path: Path, seconds: float, click_s: float, height: int) -> Path:
    """A grey film with one click in its sound (a short swelling of 2 kHz that outlives AAC)."""
    times = np.arange(round(seconds * RATE)) / RATE - click_s
    wave = np.exp(-((times / 0.002) ** 2)) * np.cos(2 * np.pi * 2000 * times)
    with av.open(str(path), "w") as container:
        picture = container.add_stream("libx264", rate=25, options={"preset": "ultrafast"})
        picture.width, picture.height, picture.pix_fmt = 320, height, "yuv420p"
        sound = container.add_stream("aac", rate=RATE, layout="mono")
        for index in range(round(seconds * 25)):
            frame = av.VideoFrame.from_ndarray(np.full((height, 320, 3), 40 + index, np.uint8), format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, 25)
            container.mux(picture.encode(frame))
        container.mux(picture.encode(None))
        for start in range(0, len(wave), 1024):
            block = av.AudioFrame.from_ndarray(wave[None, start : start + 1024].astype(np.float32), "fltp", "mono")
            block.sample_rate, block.pts, block.time_base = RATE, start, Fraction(1, RATE)
            container.mux(sound.encode(block))
        container.mux(sound.encode(None))
    return path


@pytest.fixture
def take(membership: Membership, tmp_path: Path, monkeypatch) -> Generation:
    load_plans()
    monkeypatch.setattr("apps.assets.services.celery_app.send_task", lambda name, args: None)
    video = shelve(membership, click_film(tmp_path / "cam.mp4", 2.0, 0.5, 180))
    audio = tone(membership, tmp_path, "maren.wav", 2.0)
    result = shelve(membership, click_film(tmp_path / "take.mp4", 2.0, 0.5, 184), Origin.RESULT)
    project = make_project(membership, video=video, audio=audio)
    facts = {"workspace": membership.workspace, "project": project, "video": video, "audio": audio, "result": result}
    return GenerationFactory(number=1, status=Status.COMPLETED, report={}, **facts)


@pytest.fixture
def player(studio: Page, live_server, as_person, owner, take) -> Page:
    path = reverse("generations:take", args=["harbour", take.project_id, 1])
    page = enter(studio, live_server.url, path, as_person(owner).cookies["sessionid"].value)
    until(page, f"{CLOCK} && {CLOCK}.duration > 1")
    return page


def test_both_sounds_run_on_one_clock_and_lie_on_each_other_to_the_sample(player):
    page = player
    page.evaluate(f"{CLOCK}.loop = true")
    page.keyboard.press(" ")
    expect(page.locator("[data-switching]")).to_have_text("The sounds are held together to the sample.")
    until(page, f"{CLOCK}.sounds.running")
    original, result = page.evaluate(LOUDEST)
    assert abs(original - result) * RATE <= 1, "the same click, decoded from two films"
    assert abs(original - 0.5) < 0.001, "and where the film has it"
    muted = "['a', 'b'].map((one) => document.getElementById(`video-${one}`).muted)"
    until(page, f"{muted}.every(Boolean)")
    before = page.evaluate(f"{CLOCK}.sounds.time")
    page.keyboard.press("a")
    page.keyboard.press("b")
    assert page.evaluate(f"{CLOCK}.sounds.running"), "switching stops nothing"
    until(page, f"{CLOCK}.sounds.time !== {before}")
    page.evaluate(f"{CLOCK}.pause()")
    assert page.evaluate(f"{CLOCK}.sounds.running") is False


def test_at_another_speed_the_films_own_sound_keeps_its_pitch(player):
    page = player
    page.evaluate(f"{CLOCK}.loop = true")
    page.keyboard.press(" ")
    until(page, f"{CLOCK}.sounds.running")
    page.locator("[data-speed]").select_option("0.5")
    until(page, f"!{CLOCK}.sounds.running && !document.getElementById('video-b').muted")


def test_long_films_keep_their_own_sound_and_say_so(player, take):
    take.result.duration_s = 900.0
    take.result.save()
    player.reload()
    expect(player.locator("[data-switching]")).to_have_text(
        "Long films: the sounds are held together within half a frame."
    )
    assert player.evaluate(f"{CLOCK}.sounds") is None
