"""How quickly pages are there on a slow phone: ``python -m tests.browser.slow_phone [WORD …]``.

The studio of ``tests.browser.shots`` is served by the web server that ``make run`` starts, with its compressed files.
Chromium opens each page as for the first time, nothing kept from another, at 375 by 812, its processor four times
slower, behind a network of 1.6 Mbit/s with 150 ms there and back. Printed are the medians of five: when the largest
part of the page was drawn (LCP, ms), how far it jumped (CLS), the longest that a tap or key took until the next picture
(ms), and the kB that went over the network. The bars are 2,000 ms, 0.02 and 150 ms.
"""

import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import tests.environment  # noqa: F401 - a data folder of its own, before Django reads its settings

import django  # isort: skip

from tests.browser.drawing import EMAIL, session_of, studio
from tests.browser.shots import BENCH, fill
from tests.browser.shots_takes import FINISHED

TIMES = 5
SLOWER = 4
NETWORK = {"offline": False, "latency": 150, "downloadThroughput": 1.6e6 / 8, "uploadThroughput": 0.75e6 / 8}
SETTLED_MS = 1500  # what is drawn later than this after the network is quiet was not waited for
WATCH = """
    window.seen = {lcp: 0, cls: 0, slowest: 0};
    const watch = (type, note, more) => new PerformanceObserver((list) => list.getEntries().forEach(note))
        .observe({type, buffered: true, ...more});
    watch("largest-contentful-paint", (entry) => { seen.lcp = entry.startTime; });
    watch("layout-shift", (entry) => { seen.cls += entry.hadRecentInput ? 0 : entry.value; });
    watch("event", (entry) => { if (entry.interactionId) seen.slowest = Math.max(seen.slowest, entry.duration); },
        {durationThreshold: 16});
"""


@dataclass(frozen=True)
class Visit:
    """A page, and what somebody does there first."""

    address: str
    act: Callable
    signed_in: bool = True


def key(name: str) -> Callable:
    return lambda page: page.keyboard.press(name)


def tap(selector: str) -> Callable:
    return lambda page: page.locator(selector).first.tap()


def menu(page) -> None:
    page.get_by_role("button", name="More", exact=True).tap()


VISITS = {
    "sign in": Visit("/account/login/", tap("input[name=login]"), signed_in=False),
    "library": Visit("/w/harbour/library/", tap(".asset [data-choose]")),
    "projects": Visit("/w/harbour/projects/", menu),
    "workbench": Visit(BENCH, tap("[data-tab=model]")),
    "player": Visit(f"{BENCH}takes/{FINISHED}/", key("2")),
    "usage": Visit("/w/harbour/usage/", menu),
}


@contextmanager
def served(place: str) -> Iterator[str]:
    """The studio of this process' data folder behind the real web server."""
    from studio.processes import web_command

    around = {name: value for name, value in os.environ.items() if name != "STUDIO_TEST_RUN"}
    manage = [sys.executable, "manage.py", "collectstatic", "--noinput", "--verbosity", "0"]
    subprocess.run(manage, env=around, check=True)
    web = subprocess.Popen(web_command(bind=place), env=around, stdout=subprocess.DEVNULL)
    try:
        yield f"http://{place}"
    finally:
        web.terminate()
        web.wait(timeout=30)


def open_once(browser, address: str, visit: Visit, session: str) -> dict[str, float]:
    """One first visit; what was measured."""
    context = browser.new_context(viewport={"width": 375, "height": 812}, has_touch=True, is_mobile=True)
    if visit.signed_in:
        context.add_cookies([{"name": "sessionid", "value": session, "url": address}])
    context.add_init_script(WATCH)
    page = context.new_page()
    page.set_default_timeout(60_000)
    phone = context.new_cdp_session(page)
    received = [0.0]
    phone.on("Network.loadingFinished", lambda event: received.append(event["encodedDataLength"]))
    phone.send("Network.enable")
    phone.send("Network.emulateNetworkConditions", NETWORK)
    phone.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    page.goto(address + visit.address, wait_until="load")
    page.wait_for_timeout(SETTLED_MS)
    found = page.evaluate("({...seen})")
    visit.act(page)
    page.wait_for_timeout(SETTLED_MS)
    found["slowest"] = page.evaluate("window.seen?.slowest ?? 0")
    found["kb"] = sum(received) / 1000
    context.close()
    return found


def main(words: list[str]) -> None:
    from playwright.sync_api import sync_playwright

    from tests.browser.conftest import CHROMIUM_ARGUMENTS, chromium_path

    with studio(fill), served("localhost:8917") as address, sync_playwright() as playwright:
        session = session_of(EMAIL)
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=CHROMIUM_ARGUMENTS)
        print(f"{'page':12}  LCP ms    CLS  slowest ms     kB")
        for name, visit in VISITS.items():
            if words and name not in words:
                continue
            runs = [open_once(browser, address, visit, session) for _ in range(TIMES)]
            middle = {what: statistics.median(run[what] for run in runs) for what in runs[0]}
            print("{name:12} {lcp:7.0f} {cls:6.3f} {slowest:11.0f} {kb:6.0f}".format(name=name, **middle), flush=True)
        browser.close()


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "studio.settings")
    django.setup()
    main(sys.argv[1:])
