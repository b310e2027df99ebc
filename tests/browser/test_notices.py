"""Who goes elsewhere while a take runs hears of its end: in the page, from the browser, by mail where it is wanted."""

from pathlib import Path

import pytest
from django.core import mail
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from apps.billing.plans import load_plans
from apps.generations.models import Generation, Stage, Status
from apps.generations.notices import mail_outcome
from apps.workspaces.models import Membership
from tests.browser.stage import enter, film, make_project, same_document, tone, until
from tests.factories import GenerationFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

# A window that can be put behind others, and a browser that writes down what it would show.
BROWSER = """
    window.notices = [];
    window.Notification = class extends EventTarget {
        static permission = "granted";
        static requestPermission() { return Promise.resolve("granted"); }
        constructor(words) { super(); window.notices.push(words); }
        close() {}
    };
    let behind = false;
    window.goBehind = () => { behind = true; };
    Object.defineProperty(document, "hidden", {get: () => behind});
    Object.defineProperty(document, "visibilityState", {get: () => (behind ? "hidden" : "visible")});
"""


@pytest.fixture(autouse=True)
def no_worker(monkeypatch):
    load_plans()
    monkeypatch.setattr("apps.assets.services.celery_app.send_task", lambda name, args: None)
    monkeypatch.setattr("apps.generations.queue.hand_to_workers", lambda generation_id: None)


@pytest.fixture
def running(membership: Membership, tmp_path: Path) -> Generation:
    video, audio = film(membership, tmp_path, "cam.mp4", 1.0), tone(membership, tmp_path, "maren.wav", 1.0)
    return GenerationFactory(
        workspace=membership.workspace, project=make_project(membership, video=video, audio=audio), number=1,
        video=video, audio=audio, status=Status.PROCESSING, stage=Stage.READ, started_at=timezone.now(),
        created_by=membership.user,
    )  # fmt: skip


@pytest.fixture
def page(studio: Page, live_server, as_person, owner, running) -> Page:
    """The page of the running take."""
    studio.add_init_script(BROWSER)
    path = reverse("generations:take", args=["harbour", running.project_id, 1])
    return enter(studio, live_server.url, path, as_person(owner).cookies["sessionid"].value)


def end(take: Generation, status: str = Status.FAILED) -> None:
    Generation.objects.filter(pk=take.pk).update(
        status=status, finished_at=timezone.now(), error_code="generation_failed", error_message="It failed."
    )


def test_on_another_page_a_toast_tells_of_the_end_and_leads_back(page, running, live_server):
    page.locator("#progress").wait_for()
    page.goto(f"{live_server.url}/w/harbour/projects/")
    page.evaluate("window.sameDocument = true")
    page.wait_for_timeout(1500)
    expect(page.locator(".toast")).to_have_count(0)
    end(running)
    expect(page.locator(".toast")).to_contain_text("Harbour interview, take 1 failed")
    assert same_document(page)
    assert page.evaluate("window.notices") == [], "a window in front needs no notice"
    page.locator(".toast").get_by_role("link", name="Open").click()
    page.wait_for_url("**/takes/1/")
    assert page.evaluate("localStorage.getItem('studio:following')") == "[]", "it is told once"


def test_a_window_behind_others_gets_the_browsers_notice_where_it_is_wanted(page, running):
    page.get_by_label("Notify me in this browser").check()
    page.evaluate("window.goBehind()")
    end(running)
    until(page, "window.notices.length")
    assert page.evaluate("window.notices") == ["Harbour interview, take 1 failed"]


def test_without_the_wish_nothing_is_shown_outside_the_page(page, running):
    page.evaluate("window.goBehind()")
    end(running)
    expect(page.get_by_role("heading", name="It failed.")).to_be_visible()
    assert page.evaluate("window.notices") == []


def test_a_mail_comes_to_whoever_wants_one_and_has_closed_the_page(page, running, owner):
    page.get_by_label("Mail me when my takes end").check()
    expect(page.locator(".toast")).to_contain_text("You get a mail when takes end")
    owner.refresh_from_db()
    assert owner.mail_when_done
    page.goto("about:blank")
    end(running)
    until(page, "true")
    for _ in range(40):  # a look at the page counts for a few seconds
        if mail_outcome(running.pk):
            break
        page.wait_for_timeout(250)
    [sent] = mail.outbox
    assert (sent.to, sent.subject) == ([owner.email], "Harbour interview, take 1 failed")
    assert reverse("generations:take", args=["harbour", running.project_id, 1]) in sent.body


def test_a_take_is_followed_on_while_the_studio_is_away(page, running, live_server, complaints):
    page.locator("#progress").wait_for()
    away: list[str] = []
    page.context.route("**/takes/1/**", lambda route: (away.append(route.request.url), route.fulfill(status=503)))
    page.goto(f"{live_server.url}/w/harbour/projects/")
    for _ in range(100):
        if away:
            break
        page.wait_for_timeout(50)
    page.context.unroute_all()
    end(running)
    expect(page.locator(".toast")).to_contain_text("Harbour interview, take 1 failed")
    complaints.clear()  # the browser notes the answer itself


def test_a_browser_that_lets_no_page_notify_still_has_its_toast(page, running, live_server):
    page.locator("#progress").wait_for()
    page.evaluate("localStorage.setItem('studio:notify', 'on')")
    page.goto(f"{live_server.url}/w/harbour/projects/")
    page.evaluate(
        "() => { window.Notification = class {"
        " static permission = 'granted'; constructor() { throw new TypeError('Illegal constructor'); } } }"
    )  # as Chrome on Android
    page.evaluate("window.goBehind()")
    end(running)
    expect(page.locator(".toast")).to_contain_text("Harbour interview, take 1 failed")
