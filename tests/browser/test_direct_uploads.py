"""Uploads straight to a bucket in a real browser: past the studio, through a lost network, after a closed tab."""

# ruff: noqa: F811  (the bucket is an imported fixture)

import hashlib
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from apps.assets import bucket, tasks
from apps.assets.checking import check_asset
from apps.assets.models import Asset, Upload
from apps.billing.plans import load_plans
from tests.assets.bucket import Bucket, bucket_server  # noqa: F401  (a fixture)
from tests.browser.library_page import card, open_library
from tests.factories import write_video

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PART = 5 * 1024**2


@pytest.fixture(autouse=True)
def worker(monkeypatch):
    """Settles and checks at once."""
    load_plans()
    monkeypatch.setattr(bucket, "PART_BYTES", PART)

    def send(name: str, args: list[str], **rest: object) -> None:
        if name == "assets.settle":
            tasks.settle(args[0])
        if name == "assets.probe":
            check_asset(args[0])

    monkeypatch.setattr("apps.assets.direct.celery_app.send_task", send)


@pytest.fixture
def library(studio: Page, live_server, owner, workspace, as_person, bucket_server) -> Page:
    return open_library(studio, live_server, owner, workspace, as_person)


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """A film of four parts: what is behind its end is skipped by players."""
    path = write_video(tmp_path / "film.mp4", seconds=1, sound=True)
    size = 3 * PART + 1000 - path.stat().st_size
    path.write_bytes(path.read_bytes() + size.to_bytes(4, "big") + b"free" + bytes(size - 8))
    return path


def arrived(film: Path) -> Asset:
    asset = Asset.objects.get()
    assert asset.sha256 == hashlib.sha256(film.read_bytes()).hexdigest() and asset.status == "ready"
    return asset


def test_a_film_goes_past_the_studio_and_through_a_lost_network(
    library: Page, film: Path, bucket_server: Bucket, complaints
):
    sent: list[str] = []
    lost = {"left": 2}

    def network(route: Route) -> None:
        if route.request.method == "PUT" and lost["left"]:
            lost["left"] -= 1
            route.abort()
            return
        sent.append(f"{route.request.method} {route.request.url}")
        route.continue_()

    library.route(f"{bucket_server.address}/**", network)
    library.locator("#files").set_input_files(film)
    expect(card(library, "film.mp4")).to_be_visible(timeout=60_000)
    asset = arrived(film)
    assert [name for name in bucket_server.names() if name.endswith("original.mp4")] == [asset.file.name]
    assert len([one for one in sent if one.startswith("PUT")]) == 4 and lost["left"] == 0
    assert library.evaluate("localStorage.length") == 0
    complaints[:] = [line for line in complaints if "net::ERR_FAILED" not in line]


def test_after_a_closed_tab_only_what_is_missing_is_sent(library: Page, film: Path, bucket_server: Bucket, complaints):
    parts: list[str] = []

    def only_two(route: Route) -> None:
        parts.append(route.request.url)
        route.continue_() if len(parts) <= 2 else route.abort()

    library.route(f"{bucket_server.address}/**", only_two)
    library.locator("#files").set_input_files(film)
    expect(library.get_by_text("Waiting for the network")).to_be_visible()
    library_address = library.url
    again = library.context.new_page()
    library.close()
    sent: list[str] = []
    again.on("request", lambda request: sent.append(request.url) if request.method == "PUT" else None)
    again.goto(library_address)
    expect(again.get_by_text("Stopped. 10 MB of 16 MB is safe.")).to_be_visible()
    again.get_by_text("Choose it again").locator("input").set_input_files(film)
    expect(card(again, "film.mp4")).to_be_visible(timeout=60_000)
    arrived(film)
    assert len(sent) == 2
    complaints[:] = [line for line in complaints if "net::ERR_FAILED" not in line]


def test_cancelling_leaves_nothing_behind(library: Page, film: Path, bucket_server: Bucket, complaints):
    library.route(f"{bucket_server.address}/**", lambda route: route.abort())
    library.locator("#files").set_input_files(film)
    expect(library.get_by_text("Waiting for the network")).to_be_visible()
    assert bucket_server.unfinished() == 1
    library.get_by_role("button", name="Cancel the upload of film.mp4").click()
    expect(library.get_by_text("Upload of film.mp4 cancelled")).to_be_visible()
    assert bucket_server.unfinished() == 0 and not Upload.objects.exists()
    complaints[:] = [line for line in complaints if "net::ERR_FAILED" not in line]
