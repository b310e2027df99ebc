"""Every page and state of the studio under axe, light and dark, wide and narrow: nothing serious or critical."""

from pathlib import Path

import pytest
from django.urls import reverse
from playwright.sync_api import Page

from apps.assets.models import CheckStatus, FootageCheck, Origin
from apps.billing.plans import load_plans
from apps.desk import services as desk
from apps.generations.models import Stage, Status
from apps.reviews import services as reviews
from apps.reviews.access import token_of
from apps.workspaces.models import Membership
from tests.browser.axe import serious
from tests.browser.stage import enter, film, make_project, tone, until
from tests.browser.test_segments import FOUND
from tests.factories import AssetFactory, GenerationFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

REPORT = {
    "fps": 25, "frames": 25, "duration_s": 1.0, "lipsynced_s": 0.8, "width": 320, "height": 180,
    "per_second": [{"second": 0, "driven": 1.0, "agreement": 0.5, "offset_ms": 80}],
    "passed": [{"start_s": 0.8, "end_s": 1.0, "reason": "no_face"}],
    "mouth": {"rate": 5.0, "at": [[0.5, 0.5, 0.2]] * 5},
}  # fmt: skip
CLOCK = "document.querySelector('[data-transport]').transport"


@pytest.fixture(autouse=True)
def no_worker(monkeypatch):
    load_plans()
    monkeypatch.setattr("studio.celery.app.send_task", lambda name, args=None, **_: None)
    monkeypatch.setattr("apps.generations.services.dispatch", lambda: None)


@pytest.fixture
def world(membership: Membership, tmp_path: Path) -> dict[str, str]:
    """A workspace in which every page has something to show; page names to addresses."""
    video, audio = film(membership, tmp_path, "cam.mp4", 3.0), tone(membership, tmp_path, "maren.wav", 1.0)
    for asset, result in ((video, FOUND | {"people": []}), (audio, {"duration_s": 1.0, "findings": []})):
        FootageCheck.objects.update_or_create(asset=asset, defaults={"status": CheckStatus.READY, "result": result})
    AssetFactory(workspace=membership.workspace, status="rejected", error_message="This is text.", error_code="x")
    AssetFactory(workspace=membership.workspace, status="checking")
    project = make_project(membership, video=video, audio=audio)
    project.segments = [
        {"start_s": 0.2, "end_s": 0.5, "lipsync": False, "audio": None, "audio_start_s": 0, "audio_end_s": None,
         "face": None, "options": {}},
    ]  # fmt: skip
    project.save()
    facts = {"workspace": membership.workspace, "project": project, "video": video, "audio": audio}
    result = film(membership, tmp_path, "take.mp4", 1.1, Origin.RESULT)
    done = GenerationFactory(number=1, status=Status.COMPLETED, result=result, report=REPORT, **facts)
    GenerationFactory(number=2, status=Status.PROCESSING, stage=Stage.LIPSYNC, **facts)
    GenerationFactory(number=3, status=Status.REJECTED, error_message="No face.", error_code="no_face", **facts)
    reviews.add_comment(membership=membership, generation=done, at_s=0.4, text="Soft here.")
    link = reviews.make_link(membership=membership, generation=done, lives="week")
    locked = reviews.make_link(membership=membership, generation=done, lives="week", password="barcos-7")
    pairs = [(video, audio)]
    batch = desk.make_batch(
        membership=membership, name="Languages", pairs=pairs, model="lipsync-2", sync_mode="cut_off"
    )
    take = reverse("generations:take", args=["harbour", project.pk, 1])
    return {
        "library": reverse("assets:library", args=["harbour"]),
        "list": reverse("assets:library", args=["harbour"]) + "?view=list",
        "file": reverse("assets:detail", args=["harbour", video.pk]),
        "projects": reverse("projects:list", args=["harbour"]),
        "workbench": reverse("projects:workbench", args=["harbour", project.pk]),
        "player": take + "?mode=wipe",
        "mouth": take + "?mode=mouth",
        "running": reverse("generations:take", args=["harbour", project.pk, 2]),
        "ended": reverse("generations:take", args=["harbour", project.pk, 3]),
        "code": reverse("generations:code", args=["harbour", project.pk, 1]),
        "links": reverse("reviews:share", args=["harbour", project.pk, 1]),
        "shared": f"/s/{token_of(link)}/",
        "locked": f"/s/{token_of(locked)}/",
        "batches": reverse("desk:batches", args=["harbour"]),
        "new batch": reverse("desk:new", args=["harbour"]),
        "batch": reverse("desk:batch", args=["harbour", batch.pk]),
    }


@pytest.mark.parametrize(("scheme", "width"), [("dark", 1440), ("light", 375)])
def test_axe_finds_nothing_serious_on_any_page(studio: Page, live_server, as_person, owner, world, scheme, width):
    page = studio
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page.set_viewport_size({"width": width, "height": 900})
    cookie = as_person(owner).cookies["sessionid"].value
    found, wide = {}, []
    for name, address in world.items():
        enter(page, live_server.url, address, cookie)
        page.wait_for_load_state("networkidle")
        if problems := serious(page):
            found[name] = problems
        if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
            wide.append(name)
    assert found == {}
    assert wide == [], "pages that scroll sideways"


def test_dialogs_and_menus_are_as_clean(studio: Page, live_server, as_person, owner, world):
    cookie = as_person(owner).cookies["sessionid"].value
    page = enter(studio, live_server.url, world["player"], cookie)
    until(page, CLOCK)
    for opener in ("#open-share", "#open-code"):
        page.locator(opener).click()
        page.locator("dialog[open]").wait_for()
        assert serious(page) == []
        page.keyboard.press("Escape")
    page.keyboard.press("?")
    assert serious(page) == []
    enter(page, live_server.url, world["library"], cookie)
    page.locator("[data-choose]").nth(1).check(force=True)
    page.locator("#selection").wait_for()
    page.get_by_role("button", name="Bring files otherwise").click()
    assert serious(page) == []
    page.get_by_role("link", name="Import from a link").click()
    assert serious(page) == []
