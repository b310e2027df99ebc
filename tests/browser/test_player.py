"""The page of a take in a real browser: it is followed without a reload, and the player keeps two films in step."""

from pathlib import Path

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, Route, expect

from apps.assets.models import Origin
from apps.billing.plans import load_plans
from apps.generations import signals
from apps.generations.models import Generation, Stage, Status
from apps.projects.models import Project
from apps.workspaces.models import Membership
from tests.browser.stage import enter, film, make_project, same_document, tone, until
from tests.factories import GenerationFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

expect.set_options(timeout=15_000)  # two slow cores, shared with a browser
CLOCK = "document.querySelector('[data-transport]').transport"
A, B = "document.getElementById('video-a')", "document.getElementById('video-b')"
FPS = 25
REPORT = {
    "fps": FPS,
    "frames": 75,
    "width": 320,
    "height": 180,
    "duration_s": 3.0,
    "lipsynced_s": 3.0,
    "per_second": [
        {"second": 0, "driven": 1.0, "agreement": 0.9, "offset_ms": 0},
        {"second": 1, "driven": 1.0, "agreement": 0.5, "offset_ms": 80},
        {"second": 2, "driven": 1.0, "agreement": 0.6, "offset_ms": -60},
    ],
    "median_offset_ms": 0,
}
# Which picture each video last handed to the screen, noted side by side whenever the result shows a new one.
WATCH = f"""() => {{
    window.pairs = [];
    let original = null;
    const a = {A}, b = {B};
    const seeA = (now, {{mediaTime}}) => {{ original = mediaTime; a.requestVideoFrameCallback(seeA); }};
    const seeB = (now, {{mediaTime}}) => {{
        if (original !== null) window.pairs.push([original, mediaTime]);
        b.requestVideoFrameCallback(seeB);
    }};
    a.requestVideoFrameCallback(seeA);
    b.requestVideoFrameCallback(seeB);
    // Whether the last pictures lay within `most` of each other for most of the time, and nine tenths within `nearly`.
    window.inStep = (count, most, nearly) => {{
        const apart = window.pairs.slice(-count).map(([one, other]) => Math.abs(one - other)).sort((x, y) => x - y);
        return apart.length === count && apart[count >> 1] <= most && apart[Math.floor(count * 0.9)] <= nearly;
    }};
}}"""


@pytest.fixture(autouse=True)
def no_worker(monkeypatch):
    load_plans()  # a test with real transactions begins with an empty database
    monkeypatch.setattr("apps.assets.services.celery_app.send_task", lambda name, args: None)
    monkeypatch.setattr("apps.generations.queue.hand_to_workers", lambda generation_id: None)


@pytest.fixture
def take(membership: Membership, tmp_path: Path):
    """``take(status=…)``: a take of a 4 s film with 3 s of sound; a finished one has a result of 3 s."""

    def make(status: str = Status.COMPLETED, **facts) -> Generation:
        video = film(membership, tmp_path, "cam-a.mp4", 4.0)
        audio = tone(membership, tmp_path, "maren.wav", 3.0)
        project = make_project(membership, video=video, audio=audio)
        if status == Status.COMPLETED:
            facts = {"result": film(membership, tmp_path, "take.mp4", 3.0, Origin.RESULT), "report": REPORT} | facts
        return GenerationFactory(
            workspace=membership.workspace, project=project, number=1, video=video, audio=audio, status=status, **facts
        )

    return make


@pytest.fixture
def watch(studio: Page, live_server, as_person, owner):
    """``watch(take)`` opens its page as the owner, with both films loaded where it is finished."""

    def visit(one: Generation, query: str = "") -> Page:
        path = reverse("generations:take", args=["harbour", one.project_id, one.number]) + query
        page = enter(studio, live_server.url, path, as_person(owner).cookies["sessionid"].value)
        if one.result_id:
            until(page, f"{A}.readyState >= 3 && {B}.readyState >= 3")
        return page

    return visit


def stand_on(page: Page, original: int, result: int) -> None:
    """Both films come to stand on these frames, by their own clocks."""
    frames = f"[{A}.currentTime, {B}.currentTime].map((second) => Math.floor(second * {FPS} + 1e-3)).join()"
    until(page, f"!{A}.seeking && !{B}.seeking && {frames} === '{original},{result}'")


def test_paused_both_films_stand_on_the_same_frame_wherever_one_goes(watch, take):
    page = watch(take(), "?mode=side")
    expect(page.get_by_role("button", name="Side by side")).to_have_attribute("aria-pressed", "true")
    for keys, frame in ((["."] * 3, 3), ([">"], 13), ([","], 12), (["End"], 74), (["Home"], 0)):
        for key in keys:
            page.keyboard.press(key)
        stand_on(page, frame, frame)


def test_the_film_is_shown_before_its_script_is_there(watch, take, studio):
    studio.route("**/js/take.js", lambda route: route.fulfill(body="", content_type="text/javascript"))
    page = watch(take())
    expect(page.locator("#video-b")).to_be_visible()
    box = page.locator(".pane.b").bounding_box()
    assert box["width"] / box["height"] == pytest.approx(16 / 9, abs=0.01)


def test_playing_both_films_stay_within_a_frame(watch, take):
    page = watch(take(), "?mode=side")
    page.evaluate(WATCH)
    page.evaluate(f"{CLOCK}.loop = true")  # a machine busy with other tests may need more than one round to get in step
    page.keyboard.press(" ")
    # The original's callback may come after the result's of the same refresh, which reads as one frame more.
    until(page, f"window.inStep(12, {1.02 / FPS}, {2.02 / FPS})", seconds=60)
    page.keyboard.press(" ")
    frame = page.evaluate(f"{CLOCK}.frame")
    stand_on(page, frame, frame)


def test_a_film_that_runs_away_is_brought_back(watch, take):
    page = watch(take(), "?mode=side")
    page.keyboard.press(" ")
    until(page, f"{CLOCK}.time > 0.4")
    page.evaluate(f"{A}.currentTime = {A}.currentTime + 0.2")
    until(page, f"Math.abs({A}.currentTime - {CLOCK}.time) <= 1 / {FPS}")
    assert page.evaluate(f"{CLOCK}.playing") is True


def test_a_place_asked_for_while_the_films_look_for_another_is_gone_to(watch, take):
    """As by dragging the playhead to the left while the film plays: the pictures must not wait there for the clock."""
    page = watch(take(), "?mode=side")
    page.keyboard.press(" ")
    until(page, f"{CLOCK}.time > 0.2")
    page.evaluate(f"(clock => {{ clock.seek(2.8); clock.seek(0.3); }})({CLOCK})")
    near = f"[{A}, {B}].every((film) => Math.abs(film.currentTime - {CLOCK}.time) < 0.2)"
    until(page, f"{CLOCK}.playing && {CLOCK}.time < 2 && {near}")


def test_the_original_of_a_loop_begins_again_with_the_result(watch, take, membership, tmp_path):
    one = take(sync_mode="loop")
    one.video = film(membership, tmp_path, "short.mp4", 1.0)
    one.save()
    page = watch(one, "?mode=side")
    page.evaluate(f"{CLOCK}.seek(2.5)")
    stand_on(page, 12, 62)


def test_each_view_shows_what_it_says(watch, take):
    page = watch(take())
    pane = {letter: page.locator(f'[data-pane="{letter}"]') for letter in "ab"}
    expect(pane["a"]).to_be_hidden()
    expect(pane["b"]).to_be_visible()
    page.keyboard.press("6")
    expect(pane["a"]).to_be_visible()
    expect(pane["b"]).to_be_hidden()
    page.keyboard.press("1")
    left, right = pane["a"].bounding_box(), pane["b"].bounding_box()
    assert left["x"] + left["width"] < right["x"]
    assert left["y"] == right["y"]
    assert "mode=side" in page.url
    page.keyboard.press("3")
    seen = set()
    for _ in range(60):
        seen.add(pane["b"].is_visible())
        page.wait_for_timeout(50)
        if len(seen) == 2:
            break
    assert seen == {True, False}, "blink shows one, then the other"


def test_the_wipe_moves_by_hand_and_by_keys(watch, take):
    page = watch(take(), "?mode=wipe")
    line = page.get_by_role("slider", name="Wipe between original and result")
    line.press("Shift+ArrowRight")
    expect(line).to_have_attribute("aria-valuenow", "60")
    box = page.locator("[data-compare]").bounding_box()
    line.hover()
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 4, box["y"] + 20, steps=3)
    page.mouse.up()
    expect(line).to_have_attribute("aria-valuenow", "25")
    clip = page.locator('[data-pane="b"]').evaluate("(pane) => getComputedStyle(pane).clipPath")
    assert "25" in clip
    assert page.evaluate(f"{CLOCK}.playing") is False


def test_one_sound_is_heard_and_a_key_changes_it(watch, take):
    page = watch(take())
    assert page.evaluate(f"[{A}.muted, {B}.muted]") == [True, False]
    page.keyboard.press("a")
    assert page.evaluate(f"[{A}.muted, {B}.muted]") == [False, True]
    page.locator('[data-hear="voice"]').click()
    assert page.evaluate(f"[{A}.muted, {B}.muted]") == [True, False]


def test_loop_and_speed(watch, take):
    page = watch(take())
    page.locator("[data-speed]").select_option("2")
    page.get_by_role("button", name="Loop").click()
    page.evaluate(f"{CLOCK}.seek(2.6)")
    page.keyboard.press("l")
    until(page, f"{CLOCK}.time < 1")
    assert page.evaluate(f"{CLOCK}.playing") is True
    assert page.evaluate(f"{CLOCK}.rate") == 2


def test_the_weakest_second_is_a_key_away_and_the_next_after_it(watch, take):
    page = watch(take())
    page.keyboard.press("w")
    assert page.evaluate(f"Math.floor({CLOCK}.time)") == 1
    page.keyboard.press("w")
    assert page.evaluate(f"Math.floor({CLOCK}.time)") == 2
    page.locator(".worst-link").click()
    assert page.evaluate(f"Math.floor({CLOCK}.time)") == 1


def test_the_film_is_downloaded(watch, take):
    one = take()
    page = watch(one)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert Path(download.value.path()).read_bytes() == one.result.file.read()


def test_a_running_take_turns_into_the_player_without_a_reload(watch, take, membership, tmp_path):
    one = take(Status.PROCESSING, stage=Stage.LIPSYNC, started_at=timezone.now())
    signals.set_pieces(one.pk, [0], 75)
    page = watch(one)
    expect(page.get_by_text("0 of 75 frames")).to_be_visible()
    signals.set_piece(one.pk, 0, 60)
    expect(page.get_by_text("60 of 75 frames")).to_be_visible()
    assert page.title().startswith("75 % · Take 1")
    result = film(membership, tmp_path, "take.mp4", 3.0, Origin.RESULT)
    Generation.objects.filter(pk=one.pk).update(status=Status.COMPLETED, result=result, report=REPORT)
    expect(page.locator("#video-b")).to_be_visible()
    expect(page.locator("#take-state")).to_have_text("Finished")
    expect(page.locator("#download")).to_be_visible()
    until(page, f"{B}.readyState >= 3 && {CLOCK}.duration > 2.9")
    page.keyboard.press(".")
    assert page.evaluate(f"{CLOCK}.frame") == 1
    assert page.title().startswith("Take 1")
    assert same_document(page)


def test_a_queued_take_is_said_to_run_once_it_does_at_the_top_and_among_the_takes(watch, take):
    one = take(Status.PENDING)
    GenerationFactory(workspace=one.workspace, project=one.project, number=2, status=Status.CANCELLED)
    page = watch(one)
    row = page.locator('.take-row[aria-current="page"]')
    for place in (page.locator("#take-state"), row):
        expect(place).to_contain_text("Queued")
    Generation.objects.filter(pk=one.pk).update(status=Status.PROCESSING, stage=Stage.LIPSYNC)
    for place in (page.locator("#take-state"), row):
        expect(place).to_contain_text("Running")
    expect(row.locator("time")).to_contain_text("Today")
    assert same_document(page)


def test_a_long_name_stays_within_the_card_of_a_running_take_on_a_phone(watch, take):
    one = take(Status.PROCESSING, stage=Stage.READ)
    Project.objects.update(name="interview_with_the_harbour_master_take_three_final")
    page = watch(one)
    page.set_viewport_size({"width": 375, "height": 812})
    card, words = page.locator(".following").bounding_box(), page.locator(".progress-words").bounding_box()
    assert words["x"] + words["width"] <= card["x"] + card["width"] - 16


def test_a_short_page_of_a_take_does_not_scroll(watch, take):
    page = watch(take(Status.PROCESSING, stage=Stage.READ))
    page.set_viewport_size({"width": 1440, "height": 900})
    assert page.evaluate("document.documentElement.scrollHeight") == 900


def test_a_take_that_fails_under_ones_eyes_says_why(watch, take):
    one = take(Status.PROCESSING, stage=Stage.READ)
    page = watch(one)
    expect(page.get_by_text("You can close this page.")).to_be_visible()
    Generation.objects.filter(pk=one.pk).update(
        status=Status.REJECTED,
        error_code="generation_input_video_no_face",
        error_message="There is no face in cam-a.mp4.",
        error_advice="Use a video in which a face can be seen.",
    )
    expect(page.get_by_role("heading", name="There is no face in cam-a.mp4.")).to_be_visible()
    assert same_document(page)
    page.get_by_role("button", name="Retry").click()
    page.wait_for_url("**/takes/2/")
    expect(page.get_by_text("No worker for this model is running")).to_be_visible()


def test_a_second_press_of_retry_makes_no_second_take(watch, take):
    page = watch(take(Status.FAILED))
    asked: list[str] = []

    def answer(route: Route) -> None:
        asked.append(route.request.method)
        route.fulfill(status=204)  # the page stays, as while the answer is on its way

    page.route("**/retry/", answer)
    for _ in range(2):
        page.locator("#retry").click()
        page.wait_for_timeout(300)
    assert asked == ["POST"]


def test_cancel_ends_a_queued_take(watch, take):
    page = watch(take(Status.PENDING))
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("heading", name="This take was cancelled")).to_be_visible()


def test_captions_are_added_from_a_file_shown_over_the_picture_and_hidden_by_a_key(watch, take, tmp_path):
    page = watch(take())
    words = tmp_path / "words.srt"
    words.write_text("1\n00:00:00,500 --> 00:00:01,500\n<b>Good</b> evening.\n")
    page.get_by_text("Captions", exact=True).click()
    page.get_by_label("A .srt or .vtt file").set_input_files(words)
    page.get_by_role("button", name="Add captions").click()
    expect(page.get_by_text("1 caption added")).to_be_visible()
    until(page, f"{A}.readyState >= 3 && {B}.readyState >= 3")
    line = page.locator("[data-caption]")
    expect(line).to_be_hidden()
    page.evaluate(f"{CLOCK}.seek(1)")
    expect(line).to_have_text("Good evening.")
    expect(line).to_be_visible()
    page.keyboard.press("t")
    expect(line).to_be_hidden()
    expect(page.get_by_role("button", name="Captions")).to_have_attribute("aria-pressed", "false")
