"""A real headless Chromium on a real server, and a page that fails the test on any script error."""

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from apps.accounts.models import User
from apps.billing.plans import load_plans

# As long as the actions' own limit: a busy machine is no failure.
expect.set_options(timeout=15_000)

CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
    "--use-fake-device-for-media-stream",  # a camera with a clock and a microphone that beeps
]


def chromium_path() -> str | None:
    """The system's Chromium; Playwright's own download is not used."""
    return os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict) -> dict:
    path = chromium_path()
    if path is None:
        pytest.fail("No Chromium on this machine. Install the package chromium, or set CHROMIUM to its path.")
    return browser_type_launch_args | {"executable_path": path, "args": CHROMIUM_ARGUMENTS}


@pytest.fixture
def complaints(context: BrowserContext) -> list[str]:
    """Everything the browser complained of: script errors, console errors, answers of 500 and above."""
    found: list[str] = []
    context.on("weberror", lambda error: found.append(f"script error: {error.error}"))
    context.on("console", lambda message: found.append(f"console: {message.text}") if message.type == "error" else None)
    context.on(
        "response", lambda answer: found.append(f"{answer.status} {answer.url}") if answer.status >= 500 else None
    )
    return found


@pytest.fixture
def studio(page: Page, live_server, complaints: list[str]) -> Iterator[Page]:
    """A page on the live server; at the end the browser must have had nothing to complain of."""
    page.set_default_timeout(15_000)
    page.goto(live_server.url)
    yield page
    assert complaints == []


@pytest.fixture
def signed_in(studio: Page, owner: User, workspace, live_server) -> Page:
    """The owner, signed in through the sign-in page."""
    from tests.conftest import PASSWORD

    studio.goto(f"{live_server.url}/account/login/")
    studio.get_by_label("E-mail").fill(owner.email)
    studio.get_by_label("Password").fill(PASSWORD)
    studio.get_by_role("button", name="Sign in", exact=True).click()
    studio.wait_for_url("**/w/**")
    return studio


@pytest.fixture
def billed_without_workers(monkeypatch, settings) -> None:
    """Takes have a price, and nothing is sent to a worker."""
    settings.BILLING = True
    load_plans()  # a test with real transactions begins with an empty database
    monkeypatch.setattr("apps.assets.services.celery_app.send_task", lambda name, args: None)
    monkeypatch.setattr("apps.generations.services.dispatch", lambda: None)
