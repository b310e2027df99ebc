"""What the browser tests of the workbench and the player stand on: real small films, and a page without sign-in."""

import json
from pathlib import Path

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from playwright.sync_api import Page

from apps.assets.checking import check_asset
from apps.assets.footage import faces_name
from apps.assets.models import Asset, CheckStatus, FootageCheck, Origin
from apps.assets.services import import_file
from apps.projects.models import Project
from apps.projects.services import create_project
from apps.workspaces.models import Membership
from tests.factories import write_audio, write_video


def shelve(membership: Membership, path: Path, origin: Origin = Origin.UPLOAD) -> Asset:
    """A file of the library, checked at once instead of by a worker."""
    asset = import_file(workspace=membership.workspace, user=membership.user, path=path, name=path.name, origin=origin)
    check_asset(asset.pk)
    asset.refresh_from_db()
    assert asset.is_ready, asset.error_message
    return asset


def film(membership: Membership, folder: Path, name: str, seconds: float, origin: Origin = Origin.UPLOAD) -> Asset:
    """A film of 320 × 180 at 25 fps with a tone; each frame is a little brighter than the one before."""
    return shelve(membership, write_video(folder / name, seconds=seconds, size=(320, 180), sound=True), origin)


def tone(membership: Membership, folder: Path, name: str, seconds: float) -> Asset:
    return shelve(membership, write_audio(folder / name, seconds=seconds))


LEFT, RIGHT = [0.1, 0.2, 0.2, 0.5], [0.6, 0.2, 0.2, 0.5]
# The second one leaves after two seconds.
PLACES = {"rate": 5, "people": [{"id": 0, "boxes": [LEFT] * 20}, {"id": 1, "boxes": [RIGHT] * 10 + [None] * 10}]}


def person(number: int, seconds: float) -> dict:
    """One of the people of a footage check."""
    return {"id": number, "first_s": 0.0, "last_s": seconds, "seconds": seconds, "share": seconds / 4,
            "thumbnail_time_s": 0.5, "box": [0, 0, 0.1, 0.1], "fixed": False}  # fmt: skip


def found(*people: dict) -> dict:
    """A footage check of four seconds that has nothing to say but who is there."""
    return {"duration_s": 4.0, "findings": [], "people": list(people)}


def two_people(membership: Membership, folder: Path) -> Project:
    """A project of four seconds whose film shows two people, checked."""
    video = film(membership, folder, "cam.mp4", 4.0)
    audio = tone(membership, folder, "scene.wav", 4.0)
    for asset, result in ((video, found(person(0, 4.0), person(1, 2.0))), (audio, found())):
        FootageCheck.objects.update_or_create(asset=asset, defaults={"status": CheckStatus.READY, "result": result})
    default_storage.save(faces_name(video), ContentFile(json.dumps(PLACES)))
    for number in (0, 1):
        default_storage.save(f"{Path(faces_name(video)).parent}/person-{number}.webp", ContentFile(b"webp"))
    return make_project(membership, video=video, audio=audio)


def make_project(membership: Membership, *, video: Asset | None = None, audio: Asset | None = None) -> Project:
    project = create_project(membership=membership, name="Harbour interview")
    project.video, project.audio = video, audio
    project.save()
    return project


def enter(page: Page, origin: str, path: str, cookie: str) -> Page:
    """Open a page as the person of this session cookie, with a mark that a reload would wipe away."""
    page.context.add_cookies([{"name": "sessionid", "value": cookie, "url": origin}])
    page.goto(origin + path)
    page.evaluate("window.sameDocument = true")
    return page


def same_document(page: Page) -> bool:
    return page.evaluate("window.sameDocument === true")


def until(page: Page, expression: str, *, seconds: float = 15.0) -> None:
    """Wait until an expression is true. Playwright's own waiting needs eval, which the page's policy forbids."""
    for _ in range(round(seconds / 0.05)):
        if page.evaluate(f"Boolean({expression})"):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"never came true: {expression}")


def forgive(complaints: list[str], status: int) -> None:
    """Drop what the browser says about an answer that the test has asked for."""
    wanted = f"status of {status}"
    assert any(wanted in line for line in complaints)
    complaints[:] = [line for line in complaints if wanted not in line]
