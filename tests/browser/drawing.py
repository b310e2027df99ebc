"""What ``tests.browser.shots`` and its siblings draw with: a studio of its own, a browser, and a look for faults."""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Page

from tests.browser.faults import SHIFTS, Complaints, faults, shifted

ROOT = Path(__file__).resolve().parent.parent.parent
OUT = ROOT / "screenshots"
SIZES = {"1440": (1440, 900), "375": (375, 812)}
EMAIL, PASSWORD = "ada@studio.example", "open-the-studio-1"
# Mails are shown in a page that has no address, and keeps nothing.
FORGET = "location.protocol === 'about:' || (localStorage.clear(), sessionStorage.clear())"


@dataclass(frozen=True)
class Shot:
    """A page, and what is done to it before its picture is taken."""

    name: str
    address: str
    prepare: Callable | None = None
    signed_in: bool = True
    keyboard: bool = False  # a state that a phone, which has no keys, does not get into
    whole: bool = False  # the page to its end, not what fits the window
    who: str = EMAIL


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class Quiet(WSGIRequestHandler):
    def log_message(self, *arguments) -> None:
        """The list of pictures is the only output."""


@contextmanager
def studio(fill: Callable[[], None]) -> Iterator[str]:
    """A studio with what ``fill`` puts into it; yields its address."""
    from django.core.management import call_command

    from studio.wsgi import application

    call_command("migrate", verbosity=0)
    fill()
    server = make_server("localhost", 0, application, server_class=Server, handler_class=Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://localhost:{server.server_port}"
    server.shutdown()


# --- The pictures -------------------------------------------------------------------------------------------


def session_of(email: str) -> str:
    """Session key of a person, as a browser's cookie would hold it."""
    from django.conf import settings
    from django.test import Client

    from apps.accounts.models import User

    client = Client()
    client.force_login(User.objects.get(email=email), backend=settings.AUTHENTICATION_BACKENDS[0])
    return client.cookies["sessionid"].value


def draw_all(fill: Callable[[], None], shots: Callable[[], list[Shot]], words: list[str]) -> None:
    """Draw what the words of the command line name, in a studio that ``fill`` makes; ends with the faults, if any."""
    from playwright.sync_api import sync_playwright

    from tests.browser.conftest import CHROMIUM_ARGUMENTS, chromium_path

    OUT.mkdir(exist_ok=True)
    names = [word for word in words if word != "--axe"]
    with studio(fill) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=CHROMIUM_ARGUMENTS)
        found = draw(browser, address, shots(), names, with_axe="--axe" in words)
        browser.close()
    if found:
        sys.exit("\n".join([f"{len(found)} faults:", *found]))


def draw(browser, address: str, shots: list[Shot], names: list[str], *, with_axe: bool) -> list[str]:
    """Every shot at every size in both themes; a state that a shot leaves behind does not reach the next one.

    Returns a line for each that could not be drawn or has faults; one that fails does not stop the others.
    """
    sessions = {who: session_of(who) for who in {shot.who for shot in shots if shot.signed_in}}
    found: list[str] = []
    for (width, (wide, high)), theme in product(SIZES.items(), ("dark", "light")):
        wanted = {f"{shot.name}-{width}-{theme}.png": shot for shot in shots if wide > 900 or not shot.keyboard}
        # One context for all of them: what the browser has fetched once stays fetched.
        context = browser.new_context(
            viewport={"width": wide, "height": high}, color_scheme=theme, has_touch=wide < 900
        )
        context.add_init_script(SHIFTS)
        for name, shot in wanted.items():
            if names and not any(word in name for word in names):
                continue
            context.clear_cookies()
            if shot.signed_in:
                context.add_cookies([{"name": "sessionid", "value": sessions[shot.who], "url": address}])
            page = context.new_page()
            complaints = Complaints(page)
            here: list[str] = []
            try:
                here += take(page, address, shot, OUT / name, complaints)
                here += faults(page) if with_axe else []
                page.evaluate(FORGET)
                page.goto("about:blank")  # what hangs on its way is dropped, not sent after all
            except PlaywrightError as error:
                here.append(f"not drawn: {error}")
            here += complaints
            page.close()
            print(name, *(f"\n  {fault}" for fault in here), flush=True)
            found += [f"{name}: {fault}" for fault in here]
        context.close()
    return found


def take(page: Page, address: str, shot: Shot, path: Path, complaints: Complaints) -> list[str]:
    """Draw one picture; returns what was wrong while the page was loaded."""
    page.set_default_timeout(15_000)
    page.goto(address + shot.address)
    page.wait_for_load_state("networkidle")
    found = shifted(page)
    if shot.prepare:
        shot.prepare(page)
    page.wait_for_timeout(250)
    if shot.whole:  # a window as high as the page: what sticks to its edges stays there
        high = page.evaluate("document.documentElement.scrollHeight")
        page.set_viewport_size({"width": page.viewport_size["width"], "height": high})
        page.wait_for_timeout(100)
    complaints.pictured = True
    page.screenshot(path=path)
    return found
