"""The workbench in a real browser: files are chosen and dropped, the draft saves itself, keys drive the preview."""

import re
from pathlib import Path

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Browser, Page, Route, expect

from apps.assets.checking import check_asset
from apps.assets.models import Asset
from apps.billing.plans import current_plan, load_plans, subscribe
from apps.generations.models import Generation, Status
from apps.projects.models import Project
from apps.projects.services import DraftChanges, save_draft
from apps.workspaces.models import Membership
from tests.browser.stage import enter, film, forgive, make_project, same_document, shelve, tone, until
from tests.factories import GenerationFactory, write_audio, write_video

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

DROP = """([name, bytes]) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([new Uint8Array(bytes)], name, {type: "audio/wav"}));
    for (const kind of ["dragenter", "dragover", "drop"]) {
        document.body.dispatchEvent(new DragEvent(kind, {dataTransfer: transfer, bubbles: true, cancelable: true}));
    }
}"""
expect.set_options(timeout=15_000)  # two slow cores, shared with a browser
CLOCK = "document.querySelector('[data-transport]').transport"


@pytest.fixture(autouse=True)
def no_worker(monkeypatch, settings):
    """Nothing is sent to a worker; films are checked on the spot."""
    settings.BILLING = True
    load_plans()  # a test with real transactions begins with an empty database
    monkeypatch.setattr("apps.assets.services.celery_app.send_task", lambda name, args: None)
    monkeypatch.setattr("apps.generations.queue.hand_to_workers", lambda generation_id: None)


@pytest.fixture(autouse=True)
def charged(no_worker, membership: Membership) -> None:
    """On a plan where every take has its price."""
    subscribe(workspace=membership.workspace, plan=current_plan("creator"))


@pytest.fixture
def project(membership: Membership, tmp_path: Path) -> Project:
    video = film(membership, tmp_path, "cam-a.mp4", 3.0)
    return make_project(membership, video=video, audio=tone(membership, tmp_path, "maren.wav", 2.0))


@pytest.fixture
def bench(studio: Page, live_server, as_person, owner):
    """``bench(project)`` opens its workbench as the owner."""

    def visit(project: Project) -> Page:
        path = reverse("projects:workbench", args=["harbour", project.pk])
        return enter(studio, live_server.url, path, as_person(owner).cookies["sessionid"].value)

    return visit


def saved(page: Page) -> None:
    expect(page.locator("#saved")).to_have_text(re.compile("Draft saved"))


def choose(page: Page, model: str) -> None:
    page.locator(f'[name="model"][value="{model}"]').check()


def test_both_files_are_chosen_from_the_library_without_a_reload(bench, membership, tmp_path):
    film(membership, tmp_path, "cam-a.mp4", 3.0)
    tone(membership, tmp_path, "maren.wav", 2.0)
    project = make_project(membership)
    page = bench(project)
    expect(page.get_by_text("Start with a video and a new soundtrack")).to_be_visible()
    expect(page.locator("#generate")).to_have_attribute("aria-disabled", "true")
    page.locator("#choose-video").click()
    page.locator("#picker").get_by_role("button", name="cam-a.mp4").click()
    expect(page.locator("#stage-video")).to_be_visible()
    page.locator("#choose-audio").click()
    page.get_by_role("button", name="maren.wav").click()
    expect(page.locator("#mode-sentence")).to_have_text("Ends with the shorter one, the soundtrack: 0:02.0.")
    expect(page.locator("#price")).to_have_text("$0.10")
    expect(page.locator("#generate")).not_to_have_attribute("aria-disabled", "true")
    expect(page.locator("#picker")).not_to_be_visible()
    expect(page.locator('[data-hear="voice"]')).to_have_attribute("aria-pressed", "true")
    page.keyboard.press(".")
    until(page, "document.getElementById('stage-audio').currentTime > 0.04")
    until(page, "document.getElementById('stage-video').currentTime > 0.04")
    assert same_document(page)


def test_a_dropped_sound_is_uploaded_checked_and_put_in_place(bench, membership, tmp_path):
    project = make_project(membership, video=film(membership, tmp_path, "cam-a.mp4", 3.0))
    page = bench(project)
    wave = write_audio(tmp_path / "dropped.wav", seconds=1.0)
    page.evaluate(DROP, ["dropped.wav", list(wave.read_bytes())])
    place = page.locator('.source[data-place="audio"]')
    expect(place).to_contain_text("Checking")
    check_asset(Asset.objects.get(name="dropped.wav").pk)
    expect(place).to_contain_text("0:01.0")
    expect(page.locator("#mode-sentence")).to_contain_text("0:01.0")
    assert same_document(page)


def test_of_two_uploads_for_one_place_the_later_choice_stands(bench, project, tmp_path):
    page = bench(project)
    held: list[Route] = []

    def hold_the_first(route: Route) -> None:
        if route.request.method == "PATCH" and not held:
            held.append(route)
        else:
            route.continue_()

    page.route("**/uploads/**", hold_the_first)
    for name, seconds in (("first.wav", 1.0), ("second.wav", 1.5)):
        wave = write_audio(tmp_path / name, seconds=seconds)
        with page.expect_request(lambda request: request.method == "PATCH"):
            page.evaluate(DROP, [name, list(wave.read_bytes())])
    place = page.locator('.source[data-place="audio"]')
    expect(place).to_contain_text("second.wav")
    with page.expect_response(lambda answer: answer.request.method == "PATCH"):
        held[0].continue_()
    page.wait_for_timeout(600)
    expect(place).to_contain_text("second.wav")
    assert Asset.objects.filter(name="first.wav").exists()


def test_an_edit_saves_itself_and_reopens_as_it_was(bench, project):
    page = bench(project)
    expect(page.locator("#price")).to_have_text("$0.10")
    choose(page, "lipsync-2-pro")
    expect(page.locator("#price")).to_have_text("$0.17")
    page.locator(".mode-tile", has_text="Silence").click()
    expect(page.locator("#mode-sentence")).to_have_text("Quiet after the soundtrack, 0:03.0 in all.")
    page.locator("#option-occlusion_detection_enabled").check()
    page.get_by_label("Expressiveness, value").fill("0.8")
    page.get_by_label("Expressiveness, value").press("Tab")
    saved(page)
    page.evaluate("localStorage.clear(); sessionStorage.clear()")  # as on another machine
    page.reload()
    expect(page.locator('[name="model"]:checked')).to_have_value("lipsync-2-pro")
    expect(page.locator('[name="sync_mode"]:checked')).to_have_value("silence")
    expect(page.locator("#option-occlusion_detection_enabled")).to_be_checked()
    expect(page.locator("#option-temperature")).to_have_value("0.8")


def becomes(page, project, model):
    """The last edit may arrive after the page is gone."""
    for _ in range(100):
        project.refresh_from_db()
        if project.model == model:
            break
        page.wait_for_timeout(50)
    assert project.model == model


def test_an_edit_just_before_leaving_is_saved(bench, project):
    page = bench(project)
    choose(page, "sync-3")
    page.goto("about:blank")
    becomes(page, project, "sync-3")


@pytest.mark.parametrize("then", ["online", "leave"])
def test_an_edit_that_the_network_took_is_sent_again(bench, project, complaints, then):
    page = bench(project)
    page.context.set_offline(True)
    choose(page, "sync-3")
    expect(page.locator("#saved")).to_have_text("Draft not saved")
    if then == "leave":
        page.evaluate("addEventListener('online', (event) => event.stopImmediatePropagation(), {capture: true})")
    page.context.set_offline(False)
    complaints.clear()
    if then == "leave":
        page.goto("about:blank")
    else:
        saved(page)
    becomes(page, project, "sync-3")


def test_a_model_without_an_option_says_so_in_the_same_place(bench, project):
    page = bench(project)
    row = page.locator("#row-temperature")
    before = row.bounding_box()
    expect(row.locator("input.slider")).to_be_visible()
    choose(page, "sync-3")
    expect(row).to_contain_text("Automatic")
    choose(page, "lipsync-1.9.0-beta")
    expect(row).to_contain_text("Not available")
    assert row.bounding_box()["y"] == before["y"]


def test_edits_while_an_answer_is_on_its_way_are_not_lost(bench, project):
    page = bench(project)
    held: list[Route] = []

    def hold_the_first(route: Route) -> None:
        if held:
            route.continue_()
        else:
            held.append(route)

    page.route("**/draft/", hold_the_first)
    page.locator("#mode-loop").check()
    until(page, "document.getElementById('draft').classList.contains('repricing')")
    choose(page, "sync-3")
    held[0].continue_()
    expect(page.locator("#price")).to_have_text("$0.27")
    saved(page)
    expect(page.locator('[name="model"]:checked')).to_have_value("sync-3")
    project.refresh_from_db()
    assert (project.model, project.sync_mode, project.revision) == ("sync-3", "loop", 3)


def test_a_change_in_another_window_is_seen_and_nothing_is_written_over(bench, project, membership, complaints):
    page = bench(project)
    save_draft(membership=membership, project=project, revision=1, changes=DraftChanges(model="sync-3"))
    choose(page, "lipsync-2-pro")
    expect(page.get_by_text("This draft was changed in another window.")).to_be_visible()
    expect(page.get_by_text("Saved now: sync-3, cut off, cam-a.mp4, maren.wav.")).to_be_visible()
    project.refresh_from_db()
    assert project.model == "sync-3"
    expect(page.locator('[name="model"]:checked')).to_have_value("lipsync-2-pro")
    forgive(complaints, 409)
    page.get_by_role("button", name="Keep mine").click()
    expect(page.get_by_text("This draft was changed in another window.")).not_to_be_visible()
    saved(page)
    assert same_document(page)
    project.refresh_from_db()
    assert project.model == "lipsync-2-pro"


def test_ctrl_enter_generates_and_opens_the_take(bench, project):
    page = bench(project)
    choose(page, "sync-3")
    saved(page)
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/takes/1/")
    expect(page.get_by_text("You can close this page. The work goes on.")).to_be_visible()
    assert Generation.objects.get().model == "sync-3"


def test_back_from_a_take_shows_the_draft_as_it_is_by_now(bench, project):
    page = bench(project)
    choose(page, "sync-3")
    saved(page)
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/takes/1/")
    page.go_back()
    expect(page.locator('[name="model"][value="sync-3"]')).to_be_checked()
    expect(page.locator(".take-row")).to_have_count(1)
    choose(page, "lipsync-2-pro")
    saved(page)
    project.refresh_from_db()
    assert project.model == "lipsync-2-pro"


def test_a_page_that_the_browser_had_put_aside_is_asked_for_anew(bench, project):
    page = bench(project)
    with page.expect_navigation():
        page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")
    assert not same_document(page)


def test_what_is_missing_is_said_beside_the_button_and_generate_starts_nothing(bench, membership, tmp_path, complaints):
    page = bench(make_project(membership, video=film(membership, tmp_path, "cam-a.mp4", 3.0)))
    expect(page.locator("#hints")).to_contain_text("There is no soundtrack yet.")
    page.locator("#generate").click(force=True)
    expect(page.locator("#refusal")).to_contain_text("There is no soundtrack yet.")
    assert not Generation.objects.exists()
    assert same_document(page)
    forgive(complaints, 422)


def test_the_preview_plays_and_steps_by_keys(bench, project):
    page = bench(project)
    until(page, "document.getElementById('stage-video').readyState >= 3")
    for _ in range(3):
        page.keyboard.press(".")
    page.keyboard.press(",")
    assert page.evaluate(f"{CLOCK}.frame") == 2
    until(page, "Math.floor(document.getElementById('stage-video').currentTime * 25) === 2")
    page.keyboard.press("l")
    until(page, f"{CLOCK}.time > 0.6")
    page.keyboard.press("k")
    assert page.evaluate(f"{CLOCK}.playing") is False
    page.keyboard.press("j")
    until(page, f"{CLOCK}.time === 0")
    page.keyboard.press(" ")
    until(page, f"{CLOCK}.time > 0.2")
    page.keyboard.press("End")
    # The result is as long as the soundtrack: 2 s of the 3 s of picture.
    until(page, f"!{CLOCK}.playing && {CLOCK}.frame === 49")


def test_letters_belong_to_the_field_that_has_the_focus(bench, project):
    page = bench(project)
    name = page.locator("#project-name")
    name.fill("jkl,. Harbour")
    name.press("Enter")
    expect(page.locator("h1")).to_have_text("jkl,. Harbour")
    assert page.evaluate(f"{CLOCK}.playing") is False
    project.refresh_from_db()
    assert project.name == "jkl,. Harbour"


def test_the_new_soundtrack_is_heard_and_the_original_at_a_key(bench, project):
    page = bench(project)
    muted = "[document.getElementById('stage-video').muted, document.getElementById('stage-audio').muted]"
    assert page.evaluate(muted) == [True, False]
    page.keyboard.press("a")
    assert page.evaluate(muted) == [False, True]
    expect(page.locator('[data-hear="original"]')).to_have_attribute("aria-pressed", "true")


def test_the_timeline_is_drawn_and_moves_the_playhead(bench, project):
    page = bench(project)
    drawn = """name => {
        const canvas = document.querySelector(`[data-lane="${name}"]`);
        const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
        return data.some((value) => value > 0);
    }"""
    for lane in ("ruler", "picture", "original", "voice"):
        until(page, f"({drawn})('{lane}')")
    widths = "[...document.querySelectorAll('canvas[data-lane]')].map((lane) => lane.getBoundingClientRect().width)"
    assert len(set(page.evaluate(widths))) == 1, "a second is equally wide in every lane"
    expect(page.locator(".mark-range.left-out")).to_be_visible()
    box = page.locator("[data-track]").bounding_box()
    page.mouse.click(box["x"] + box["width"] / 3, box["y"] + 10)
    # The axis is all 3 s of the picture, so a third of it is one second.
    assert page.evaluate(f"{CLOCK}.time") == pytest.approx(1.0, abs=0.02)
    page.keyboard.press("ArrowRight")
    assert page.evaluate(f"{CLOCK}.frame") == 26
    expect(page.locator("[data-track]")).to_have_attribute("aria-valuetext", "0:01.1 of 0:03.0")


@pytest.mark.parametrize(("codec", "told"), [("mpeg4", True), ("libx264", False)])
def test_a_film_of_which_the_browser_plays_the_sound_alone_is_said(bench, membership, tmp_path, codec, told):
    path = write_video(tmp_path / "phone.mp4", seconds=1.0, size=(320, 180), sound=True, codec=codec)
    page = bench(make_project(membership, video=shelve(membership, path), audio=tone(membership, tmp_path, "m.wav", 1)))
    until(page, "document.getElementById('stage-video').readyState >= 2")
    expect(page.locator("[data-unplayable]")).to_be_visible(visible=told)


def test_the_keyboard_sheet_opens_and_closes(bench, project):
    page = bench(project)
    page.keyboard.press("?")
    expect(page.locator("#sheet")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#sheet")).not_to_be_visible()


def test_single_keys_can_be_switched_off(bench, project):
    page = bench(project)
    page.keyboard.press("?")
    page.get_by_role("switch", name="Single keys").uncheck()
    page.keyboard.press("Escape")
    for key in ("e", "?", "."):
        page.keyboard.press(key)
    expect(page.locator(".clip")).to_have_count(0)
    expect(page.locator("#sheet")).not_to_be_visible()
    assert page.evaluate(f"{CLOCK}.time") == 0
    page.reload()
    page.get_by_role("button", name="Keyboard", exact=True).click()
    page.get_by_role("switch", name="Single keys").check()
    page.keyboard.press("Escape")
    page.keyboard.press("e")
    expect(page.locator(".clip")).to_have_count(1)


def test_without_scripts_the_whole_way_works_by_forms(
    browser: Browser, live_server, as_person, owner, membership, tmp_path
):
    film(membership, tmp_path, "cam-a.mp4", 3.0)
    tone(membership, tmp_path, "maren.wav", 2.0)
    project = make_project(membership)
    context = browser.new_context(java_script_enabled=False)
    context.add_cookies(
        [{"name": "sessionid", "value": as_person(owner).cookies["sessionid"].value, "url": live_server.url}]
    )
    page = context.new_page()
    page.goto(live_server.url + reverse("projects:workbench", args=["harbour", project.pk]))
    page.locator("#choose-video").click()
    page.get_by_role("button", name="cam-a.mp4").click()
    page.locator("#choose-audio").click()
    page.get_by_role("button", name="maren.wav").click()
    choose(page, "lipsync-2-pro")
    page.get_by_role("button", name="Save and price").click()
    expect(page.locator("#price")).to_have_text("$0.17")
    page.get_by_role("button", name="Generate").click()
    expect(page.get_by_text("Scripts are off:")).to_be_visible()
    assert Generation.objects.get().model == "lipsync-2-pro"
    context.close()


def test_undo_brings_back_the_files_that_were_replaced(bench, project, membership, tmp_path):
    tone(membership, tmp_path, "ilias.wav", 1.0)
    film(membership, tmp_path, "cam-b.mp4", 2.5)
    page = bench(project)
    for place, name in (("audio", "ilias.wav"), ("video", "cam-b.mp4")):
        page.locator(f"#replace-{place}").click()
        page.locator("#picker").get_by_role("button", name=name).click()
        expect(page.locator(f'.source[data-place="{place}"]')).to_contain_text(name)
    until(page, f"{CLOCK}.duration === 1")
    page.keyboard.press("Control+z")
    expect(page.locator('.source[data-place="video"]')).to_contain_text("cam-a.mp4")
    expect(page.locator("#stage-video")).to_have_attribute("aria-label", "cam-a.mp4")
    page.keyboard.press("Control+z")
    expect(page.locator('.source[data-place="audio"]')).to_contain_text("maren.wav")
    expect(page.locator('[data-history="undo"]')).to_be_disabled()
    until(page, f"{CLOCK}.duration === 2")
    page.keyboard.press("Control+Shift+Z")
    page.keyboard.press("Control+Shift+Z")
    expect(page.locator('.source[data-place="video"]')).to_contain_text("cam-b.mp4")
    expect(page.locator('.source[data-place="audio"]')).to_contain_text("ilias.wav")
    expect(page.locator('[data-history="redo"]')).to_be_disabled()
    assert same_document(page)
    page.reload()
    expect(page.locator('.source[data-place="video"]')).to_contain_text("cam-b.mp4")


def test_undo_of_the_first_file_leaves_its_place_vacant(bench, membership, tmp_path):
    tone(membership, tmp_path, "maren.wav", 2.0)
    project = make_project(membership)
    page = bench(project)
    page.locator("#choose-audio").click()
    page.get_by_role("button", name="maren.wav").click()
    expect(page.locator('.source[data-place="audio"]')).to_contain_text("maren.wav")
    page.keyboard.press("Control+z")
    expect(page.locator("#choose-audio")).to_be_visible()
    project.refresh_from_db()
    assert project.audio is None
    page.keyboard.press("Control+Shift+Z")
    expect(page.locator('.source[data-place="audio"]')).to_contain_text("maren.wav")


def test_a_file_that_is_gone_by_now_is_not_gone_back_to(bench, project, membership, tmp_path, complaints):
    tone(membership, tmp_path, "ilias.wav", 1.0)
    page = bench(project)
    page.locator("#replace-audio").click()
    page.locator("#picker").get_by_role("button", name="ilias.wav").click()
    expect(page.locator('.source[data-place="audio"]')).to_contain_text("ilias.wav")
    Asset.objects.filter(name="maren.wav").update(deleted_at=timezone.now())
    page.keyboard.press("Control+z")
    until(page, "document.querySelector('.toast')")
    assert complaints
    complaints[:] = [line for line in complaints if "404" not in line]
    expect(page.locator('.source[data-place="audio"]')).to_contain_text("ilias.wav")
    choose(page, "sync-3")
    expect(page.locator("#price")).to_have_text("$0.13")
    page.keyboard.press("Control+z")
    expect(page.locator('[name="model"]:checked')).to_have_value("lipsync-2")


def test_the_list_of_projects_names_the_latest_take_in_full_on_a_phone(studio, live_server, as_person, owner, project):
    GenerationFactory(workspace=project.workspace, project=project, number=2, model="sync-3", status=Status.COMPLETED)
    studio.set_viewport_size({"width": 375, "height": 812})
    cookie = as_person(owner).cookies["sessionid"].value
    page = enter(studio, live_server.url, reverse("projects:list", args=["harbour"]), cookie)
    words = page.locator(".project-foot > .ellipsis")
    expect(words).to_have_text("Take 2, sync-3")
    assert words.evaluate("(words) => words.scrollWidth <= words.clientWidth")
