"""Pictures of every page and state, at two widths in light and dark, into the ignored folder ``screenshots``.

``python -m tests.browser.shots [--axe] [WORD …]`` draws the pictures whose names (``player-side-375-light``) hold one
of the words, or all of them. It needs no running studio: it makes one in a folder of its own, with the real clips where
they are on the machine. With
``--axe`` each state is also looked at for what keeps people out: by axe, by sticking out sideways, by jumping while it
loads, by being too small for a finger. What the browser complains of is a fault in any case.
"""

import sys
from pathlib import Path

import tests.environment  # a data folder of its own, before Django reads its settings

import django  # isort: skip

from tests.browser.drawing import EMAIL, PASSWORD, Shot, draw_all
from tests.browser.shots_doors import fill_doors
from tests.browser.shots_people import PEOPLE, fill_people
from tests.browser.shots_speech import SPEECH, fill_speech
from tests.browser.shots_states import fill_states
from tests.browser.shots_takes import (
    BENCH,
    FAILED,
    FINISHED,
    PAIR,
    RUNNING,
    VACANT,
    compare_open,
    face_chosen,
    fill_takes,
    in_the_middle,
    keys_open,
    picker_open,
    settled,
)

# --- States -------------------------------------------------------------------------------------------------


def wrong_password(page) -> None:
    page.get_by_label("E-mail").fill(EMAIL)
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_text("do not match").wait_for()


def uploads_on_their_way(page) -> None:
    """One sending, one without network, one refused."""
    seen: list[str] = []

    def slow(route) -> None:
        if route.request.method != "PATCH" or route.request.headers["upload-offset"] == "0":
            route.continue_()
            return
        if route.request.url not in seen:
            seen.append(route.request.url)
        if seen.index(route.request.url):
            route.abort()  # the first one hangs in the middle of its second piece, the next one has no network

    page.route("**/uploads/**", slow)
    page.evaluate(
        """async () => {
            const block = crypto.getRandomValues(new Uint8Array(65536));
            const send = (name, parts) => {
                const transfer = new DataTransfer();
                transfer.items.add(new File(parts, name));
                const about = {dataTransfer: transfer, bubbles: true, cancelable: true};
                document.body.dispatchEvent(new DragEvent("drop", about));
            };
            send("drone_pass_4k.mov", Array(300).fill(block));
            send("lecture_04_cam-b.mp4", Array(420).fill(block));
            send("notes.wav", []);
        }"""
    )
    page.get_by_text("Waiting for the network").first.wait_for()


def first_file_open(page) -> None:
    page.locator(".asset.ready a.thumb", has=page.locator("img")).first.click()
    page.get_by_role("dialog", name="File").wait_for()
    page.wait_for_timeout(700)


def sound_open(page) -> None:
    page.locator(".asset.ready a.thumb.sound").first.click()
    page.locator("canvas.peaks[data-drawn]").wait_for()
    page.wait_for_timeout(500)


def menu_open(page) -> None:
    small = page.get_by_role("button", name="More")
    (small if small.is_visible() else page.get_by_role("button", name="Workspaces and account")).click()


def refused_name(page) -> None:
    page.get_by_role("button", name="Make workspace").click()
    page.get_by_text("needs a name").wait_for()


SHOTS = [
    Shot("sign-in", "/account/login/", signed_in=False),
    Shot("sign-in-refused", "/account/login/", wrong_password, signed_in=False),
    Shot("sign-up", "/account/signup/", signed_in=False),
    Shot("password-reset", "/account/password/reset/", signed_in=False),
    Shot("password-sent", "/account/password/reset/done/", signed_in=False),
    Shot("not-found", "/nowhere/", signed_in=False),
    Shot("new-workspace", "/w/new/", refused_name),
    Shot("library-empty", "/w/empty/library/"),
    Shot("library", "/w/harbour/library/"),
    Shot("library-uploads", "/w/harbour/library/", uploads_on_their_way),
    Shot("library-search", "/w/harbour/library/?q=nothing+like+this"),
    Shot("library-menu", "/w/harbour/library/", menu_open),
    Shot("file", "/w/harbour/library/", first_file_open),
    Shot("file-sound", "/w/harbour/library/", sound_open),
    Shot("projects", "/w/harbour/projects/"),
    Shot("workbench", BENCH, settled),
    Shot("workbench-empty", f"/w/harbour/p/{VACANT}/"),
    Shot("workbench-picker", BENCH, picker_open),
    Shot("workbench-keys", BENCH, keys_open, keyboard=True),
    Shot("workbench-compare", BENCH, compare_open),
    Shot("workbench-faces", f"/w/harbour/p/{PAIR}/", face_chosen),
    Shot("models", f"{BENCH}models/"),
    Shot("take-running", f"{BENCH}takes/{RUNNING}/"),
    Shot("take-refused", f"{BENCH}takes/{FAILED}/"),
    Shot("player", f"{BENCH}takes/{FINISHED}/", in_the_middle),
    Shot("player-side", f"{BENCH}takes/{FINISHED}/?mode=side", in_the_middle),
    Shot("player-wipe", f"{BENCH}takes/{FINISHED}/?mode=wipe", in_the_middle),
    Shot("player-mouth", f"{BENCH}takes/{FINISHED}/?mode=mouth", in_the_middle),
    Shot("player-code", f"{BENCH}takes/{FINISHED}/code/"),
    Shot("player-share", f"{BENCH}takes/{FINISHED}/share/"),
    Shot("library-list", "/w/harbour/library/?view=list"),
    Shot("batch-new", "/w/harbour/batch/new/"),
    *(Shot(*one) for one in SPEECH),
    *(Shot(*one) for one in PEOPLE),
]


# --- The studio that is drawn -------------------------------------------------------------------------------


def fill() -> None:
    """A person, a workspace with clips of every kind and state, and an empty one."""
    from django.conf import settings

    from apps.accounts.models import User
    from apps.assets.checking import check_asset
    from apps.assets.models import Asset, Origin
    from apps.assets.services import import_file
    from apps.billing.plans import current_plan, load_plans, subscribe
    from apps.projects.services import create_project
    from apps.workspaces.models import Membership
    from apps.workspaces.services import create_workspace
    from studio.celery import app

    settings.BILLING = True
    app.send_task = lambda name, args=(), **rest: None  # the files are checked below, in the order they shall have
    load_plans()
    ada = User.objects.create_user(EMAIL, PASSWORD, name="Ada Lind")
    harbour = create_workspace(name="Harbour films", owner=ada, slug="harbour")
    subscribe(workspace=harbour, plan=current_plan("scale"))
    create_workspace(name="Empty", owner=ada, slug="empty")
    scratch = Path(tests.environment.DATA) / "clips"
    scratch.mkdir()
    for path in clips(scratch):
        asset = import_file(workspace=harbour, user=ada, path=path, name=path.name)
        check_asset(asset.pk)
    waiting = scratch / "still_being_checked.mov"
    waiting.write_bytes(b"not yet")
    import_file(workspace=harbour, user=ada, path=waiting, name=waiting.name)
    finished = Asset.objects.filter(workspace=harbour, kind="video").order_by("created_at").first()
    Asset.objects.filter(pk=finished.pk).update(origin=Origin.RESULT)
    membership = Membership.objects.select_related("workspace", "user").get(workspace=harbour, user=ada)
    create_project(membership=membership, name="Harbour interview, Spanish")
    fill_takes(membership, scratch)
    fill_people(membership)
    fill_speech(membership)
    SHOTS.extend(Shot(*one) for one in (*fill_states(membership), *fill_doors(membership)))


def clips(scratch: Path) -> list[Path]:
    """Real clips where this machine has them, else made ones; a text file with a film's name among them."""
    from tests.conftest import ROOT as repository
    from tests.factories import write_audio, write_video

    fake = scratch / "lecture_04.mp4"
    fake.write_text("This is text.")
    media = repository.parent / "shared" / "media"
    if media.is_dir():
        films = sorted((media / "video").glob("*.mp4"))
        voices = sorted((media / "audio").iterdir())
        return [*films[:6], *voices[:3], fake]
    films = [write_video(scratch / f"film_{n}.mp4", seconds=n, size=(320, 180), sound=True) for n in (2, 3)]
    return [*films, write_audio(scratch / "voice.wav", seconds=3), fake]


if __name__ == "__main__":
    import os

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "studio.settings")
    django.setup()
    draw_all(fill, lambda: SHOTS, sys.argv[1:])
