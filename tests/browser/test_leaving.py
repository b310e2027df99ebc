"""Going away from the workbench while it still waits for an answer: the person's last word holds."""

import re
import time
from pathlib import Path

import pytest
from django.urls import reverse
from playwright.sync_api import Page, Route, expect

from apps.assets.models import Asset
from apps.billing.plans import load_plans
from apps.generations.models import Generation
from apps.projects.models import Project
from apps.workspaces.models import Membership
from tests.browser.stage import enter, film, make_project, tone

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def bench(studio: Page, live_server, as_person, owner, membership: Membership, tmp_path: Path, monkeypatch) -> Page:
    load_plans()
    monkeypatch.setattr("apps.assets.services.celery_app.send_task", lambda name, args: None)
    monkeypatch.setattr("apps.generations.queue.hand_to_workers", lambda generation_id: None)
    video = film(membership, tmp_path, "cam-a.mp4", 1.0)
    project = make_project(membership, video=video, audio=tone(membership, tmp_path, "maren.wav", 1.0))
    path = reverse("projects:workbench", args=["harbour", project.pk])
    return enter(studio, live_server.url, path, as_person(owner).cookies["sessionid"].value)


def slowly(page: Page, pattern: str, seconds: float) -> None:
    """Answers of these addresses arrive late."""

    def later(route: Route) -> None:
        answer = route.fetch(max_redirects=0)
        time.sleep(seconds)
        route.fulfill(response=answer)

    page.route(pattern, later)


def test_a_click_elsewhere_holds_against_the_answer_to_generate(bench: Page):
    page = bench
    slowly(page, "**/projects/", 1.5)
    page.evaluate(
        """() => document.body.addEventListener("htmx:beforeRequest", () =>
            setTimeout(() => document.querySelector('.rail-item[aria-label="Projects"]').click(), 0))"""
    )
    page.locator("#generate").click()
    page.wait_for_url("**/projects/")
    page.wait_for_timeout(2500)
    assert page.url.endswith("/projects/")
    expect(page.locator("#new-project")).to_be_visible()
    assert Generation.objects.count() == 1


def test_a_file_chosen_on_a_page_of_its_own_leads_back_to_the_workbench(bench: Page):
    page = bench
    page.goto(page.url + "pick/video/")
    page.locator(".pick-file").first.click()
    page.wait_for_url(re.compile(r"/p/[0-9a-f-]+/$"))
    expect(page.locator("#stage-video")).to_be_visible()
    assert Project.objects.get().revision == 2


def test_a_late_answer_of_a_replaced_region_finds_its_place(bench: Page):
    """The files' region asks each second while one is checked; a choice made meanwhile draws the region anew."""
    page = bench
    Asset.objects.filter(name="maren.wav").update(status="checking")
    late: list[Route] = []
    page.route("**/material/", lambda route: late.append(route))
    page.reload()
    for _ in range(100):
        page.wait_for_timeout(100)
        if late:
            break
    Asset.objects.filter(name="maren.wav").update(status="ready")
    page.locator("#replace-audio").click()
    page.locator("#picker .pick-file").first.click()
    expect(page.locator("#picker")).not_to_be_visible()
    answer = late[0].fetch()
    assert answer.status == 200
    late[0].fulfill(response=answer)
    page.wait_for_timeout(500)  # what the browser complains of now fails the test
    expect(page.locator('.source[data-place="audio"]')).to_contain_text("0:01.0")
