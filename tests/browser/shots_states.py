"""States that come and go, for ``tests.browser.shots``: segments, findings, queues, stopped takes, guests, batches."""

from datetime import timedelta
from uuid import UUID

from tests.browser.shots_takes import BENCH, FINISHED, PAIR, PROJECT, RUNNING, in_the_middle, on_tab, settled

FOUND = UUID("5a3e7f10-0000-4000-8000-000000000004")
UNCHECKED = UUID("5a3e7f10-0000-4000-8000-000000000005")
QUEUED, STOPPED, AGAIN = 5, 6, 7
TAKE = f"{BENCH}takes/{FINISHED}/"
PATIENT = f"{BENCH}takes/{RUNNING}/"


def fill_states(membership) -> list[tuple]:
    """Takes, links, comments, a batch and a film full of findings; returns the shots whose addresses came of it."""
    from django.utils import timezone

    from apps.generations.models import Generation
    from apps.reviews.access import token_of
    from apps.reviews.models import ShareLink
    from apps.reviews.services import add_comment, add_guest_comment, make_link

    take = Generation.objects.get(project_id=PROJECT, number=FINISHED)
    Generation.objects.filter(pk=take.pk).update(note="The one to show")
    fill_segments(membership)
    fill_findings(membership)
    fill_stopped(take)
    add_comment(membership=membership, generation=take, at_s=1.4, text="The lips open a little late here, I think.")
    links = {
        what: make_link(membership=membership, generation=take, lives="week", **more)
        for what, more in {
            "open": {"downloads_on": True},
            "locked": {"password": "barcos-7"},
            "closed": {},
        }.items()
    }
    add_guest_comment(link=links["open"], name="Noor", at_s=5.2, text="Lovely. Can we have it a touch louder?")
    ShareLink.objects.filter(pk=links["closed"].pk).update(expires_at=timezone.now() - timedelta(days=1))
    address = {what: f"/s/{token_of(link)}/" for what, link in links.items()}
    batch = fill_batch(membership, take)
    return [
        ("shared", address["open"], in_the_middle, False),
        ("shared-comment", address["open"], guest_comment, False),
        ("shared-locked", address["locked"], wrong_word, False),
        ("shared-closed", address["closed"], None, False),
        ("batches", "/w/harbour/batch/"),
        ("batches-empty", "/w/empty/batch/"),
        ("batch", f"/w/harbour/batch/{batch.pk}/"),
        *STATES,
    ]


def fill_segments(membership) -> None:
    """Two people at a table, each with a sound of their own, and a range that stays as it is."""
    from apps.assets.models import Asset
    from apps.projects.models import Project

    sounds = Asset.objects.filter(workspace=membership.workspace, kind="audio").order_by("-duration_s")

    def segment(start: float, end: float, person: int | None = None, **more) -> dict:
        face = None if person is None else {"kind": "person", "id": person}
        audio = None if person is None else str(sounds[person].pk)
        return {"start_s": start, "end_s": end, "lipsync": person is not None, "audio": audio, "audio_start_s": start,
                "audio_end_s": end if audio else None, "face": face, "options": {}} | more  # fmt: skip

    rows = [segment(0.4, 2.6, 0), segment(2.9, 5.0, 1), segment(5.0, 6.0), segment(6.3, 8.4, 0)]
    Project.objects.filter(pk=PAIR).update(segments=rows)


def fill_findings(membership) -> None:
    """A film with much to look at, really looked through, and one whose check did not get through."""
    from apps.assets.models import Asset, CheckStatus, FootageCheck
    from apps.inference.footage_checks import run_check
    from apps.projects.models import Project

    workspace = membership.workspace
    films = Asset.objects.filter(workspace=workspace, kind="video", status="ready", origin="upload")
    film = films.filter(name__contains="jumpcut").first() or films.order_by("-duration_s").first()
    project = Project.objects.get(pk=PROJECT)
    sound = Asset.objects.filter(workspace=workspace, kind="audio", duration_s__gte=15).first() or project.audio
    for asset in (film, sound, project.video, project.audio):
        run_check(asset.pk)
    Project.objects.create(pk=FOUND, workspace=workspace, name="Porch interview", video=film, audio=sound)
    other = films.exclude(pk=film.pk).order_by("duration_s").first()
    FootageCheck.objects.update_or_create(
        asset=other,
        defaults={
            "status": CheckStatus.FAILED,
            "error_message": "The file takes too long to look through. It can be used all the same.",
        },
    )
    Project.objects.create(pk=UNCHECKED, workspace=workspace, name="Unchecked", video=other, audio=project.audio)


def fill_stopped(take) -> None:
    """A take that waits in line, one that failed with most of it drawn, and one that goes on from there."""
    from django.utils import timezone

    from apps.generations import signals
    from apps.generations.models import Event, Generation, Stage, Status
    from apps.generations.progress import PIECES_EVENT

    now = timezone.now()
    made = {"workspace": take.workspace, "project_id": PROJECT, "video": take.video, "audio": take.audio,
            "sync_mode": "cut_off", "model": "lipsync-2", "quoted_seconds": 8.6, "quoted_micros": 430_000}  # fmt: skip
    Generation.objects.create(number=QUEUED, status=Status.PENDING, created_at=now, **made)
    stopped = Generation.objects.create(
        number=STOPPED,
        status=Status.FAILED,
        stage=Stage.LIPSYNC,
        created_at=now - timedelta(minutes=9),
        started_at=now - timedelta(minutes=8),
        finished_at=now - timedelta(minutes=4),
        error_code="generation_infra_service_unavailable",
        error_message="The workers stopped three times while they were at this take.",
        error_advice="Resume it; if it stops again, quote the code below.",
        **made,
    )
    keep_pieces(stopped, finished=4, of=5)
    again = Generation.objects.create(
        number=AGAIN,
        status=Status.PROCESSING,
        stage=Stage.LIPSYNC,
        created_at=now - timedelta(seconds=24),
        started_at=now - timedelta(seconds=20),
        attempts=2,
        **made,
    )
    for stage, seconds in ((Stage.READ, 20), (Stage.SPEECH, 17), (Stage.PLAN, 15), (Stage.LIPSYNC, 11)):
        Event.objects.create(
            generation=again, what="stage", detail={"stage": stage}, at=now - timedelta(seconds=seconds)
        )
    Event.objects.create(generation=again, what=PIECES_EVENT, detail={"count": 5, "kept": 4})
    signals.set_pieces(again.pk, [0], 43)
    signals.set_piece(again.pk, 0, 20)


def keep_pieces(take, *, finished: int, of: int) -> None:
    """As though a worker had drawn some pieces of it."""
    from apps.generations import views
    from apps.projects.rerun import Kept

    real = views.kept_of
    views.kept_of = lambda one: Kept(finished, of) if one.pk == take.pk else real(one)


def fill_batch(membership, take):
    """A batch of three soundtracks: one is finished, one waits, one could not start."""
    from apps.assets.models import Asset
    from apps.desk.models import Batch, Line

    batch = Batch.objects.create(
        workspace=membership.workspace, created_by=membership.user, project_id=PROJECT, name="Harbour, three languages",
        model="lipsync-2", sync_mode="cut_off",
    )  # fmt: skip
    sounds = list(Asset.objects.filter(workspace=membership.workspace, kind="audio").order_by("name")[:3])
    more = [
        {"generation": take},
        {},
        {"error_code": "too_long", "error_message": "Scale allows 30 min. This soundtrack is 31:10."},
    ]
    for number, (sound, rest) in enumerate(zip(sounds, more, strict=True), start=1):
        Line.objects.create(batch=batch, number=number, video=take.video, audio=sound, **rest)
    return batch


# --- States -------------------------------------------------------------------------------------------------


def clip_open(page) -> None:
    on_tab(page, "timeline")
    page.locator("[data-clip]").nth(1).click()
    page.locator("#segment-panel").wait_for()
    page.wait_for_timeout(600)


def findings_shown(page) -> None:
    on_tab(page, "check")
    page.wait_for_timeout(3000)  # tall films need longer for their row of pictures


def voice_picker(page) -> None:
    on_tab(page, "check")
    page.locator(".speaker-sound").first.click()
    page.locator("#picker .pick-file").first.wait_for()


def range_set(page) -> None:
    on_tab(page, "timeline")
    page.evaluate("document.querySelector('[data-transport]').transport.seek(1.2)")
    page.locator('[data-edit="in"]').click()
    page.evaluate("document.querySelector('[data-transport]').transport.seek(3.4)")
    page.locator('[data-edit="out"]').click()


def changed_elsewhere(page) -> None:
    """Another window saves the draft while this one is open."""
    on_tab(page, "model")
    page.evaluate("(form => fetch(form.action, {method: 'POST', body: new FormData(form)}))(draft)")
    page.wait_for_timeout(400)
    page.locator("label.model-card").first.click()
    page.locator("#refusal > *").first.wait_for()


def mail_wanted(page) -> None:
    page.locator("#mail-when-done").check()
    page.wait_for_timeout(600)


def captions_open(page) -> None:
    settled(page)
    page.locator(".captions-part summary").click()
    page.locator(".captions-part").scroll_into_view_if_needed()


def share_open(page) -> None:
    settled(page)
    page.locator("#open-share").click()
    page.locator("#share .share-form").wait_for()


def code_open(page) -> None:
    settled(page)
    page.locator("#open-code").click()
    page.locator("#code pre").first.wait_for()


def downloads_open(page) -> None:
    settled(page)
    page.get_by_role("button", name="More downloads").click()


def ranged(page) -> None:
    in_the_middle(page)
    for second, key in ((2.0, "i"), (5.0, "o")):
        page.evaluate(f"document.querySelector('[data-transport]').transport.seek({second})")
        page.keyboard.press(key)


def guest_comment(page) -> None:
    in_the_middle(page)
    page.get_by_label("Your name").fill("Noor")
    page.get_by_label("Comment at").fill(" ")
    page.evaluate("document.getElementById('comment-text').required = false")
    page.get_by_role("button", name="Comment", exact=True).click()
    page.locator("#comment-error").wait_for()
    page.locator("#comment-form").scroll_into_view_if_needed()


def wrong_word(page) -> None:
    page.get_by_label("Password").fill("guess")
    page.get_by_role("button", name="Open").click()
    page.get_by_role("alert").wait_for()


def some_chosen(page) -> None:
    for index in range(3):
        page.locator("[data-choose]").nth(index).check(force=True)
    page.locator("#selection").wait_for()


def bringing(page) -> None:
    page.get_by_role("button", name="Bring files otherwise").click()


def link_refused(page) -> None:
    bringing(page)
    page.get_by_role("link", name="Import from a link").click()
    page.get_by_label("Address of the file").fill("https://")
    page.locator("#link-form").evaluate("form => { form.noValidate = true; }")
    page.get_by_role("button", name="Import", exact=True).click()
    page.locator("#link-error").wait_for()


def recording(page) -> None:
    bringing(page)
    page.get_by_role("button", name="Record a voice").click()
    page.wait_for_timeout(800)


def deleted(page) -> None:
    """A file that is gone from the page; the next picture has it again."""
    from apps.assets.models import Asset

    page.locator(".asset.ready a.thumb", has=page.locator("img")).first.click()
    page.get_by_role("dialog", name="File").get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Undo").wait_for()
    Asset.objects.exclude(deleted_at=None).update(deleted_at=None)


def commands(page) -> None:
    page.keyboard.press("Control+k")
    page.locator("#commands-words").fill("a")
    page.locator("#commands [data-command]").first.wait_for()
    page.wait_for_timeout(400)


def paired(page) -> None:
    page.locator(".batch-offer.video input").first.check()
    for index in range(3):
        page.locator(".batch-offer.audio input").nth(index).check()
    page.get_by_role("button", name="Pair them").click()
    page.get_by_role("button", name="Start 3 takes").wait_for()


def csv_refused(page) -> None:
    page.locator("input[type=file]").set_input_files(
        {"name": "pairs.csv", "mimeType": "text/csv", "buffer": b"video,audio\nnowhere.mp4,nothing.wav\n"}
    )
    page.get_by_role("button", name="Read it").click()
    page.locator(".batch-error").wait_for()


LIBRARY = "/w/harbour/library/"
STATES = (
    ("workbench-checked", f"/w/harbour/p/{FOUND}/", findings_shown),
    ("workbench-unchecked", f"/w/harbour/p/{UNCHECKED}/", findings_shown),
    ("workbench-segments", f"/w/harbour/p/{PAIR}/", clip_open),
    ("workbench-speakers", f"/w/harbour/p/{PAIR}/", findings_shown),
    ("workbench-voice", f"/w/harbour/p/{PAIR}/", voice_picker),
    ("workbench-range", BENCH, range_set),
    ("workbench-stale", BENCH, changed_elsewhere),
    ("takes", f"{BENCH}takes/"),
    ("take-queued", f"{BENCH}takes/{QUEUED}/"),
    ("take-stopped", f"{BENCH}takes/{STOPPED}/"),
    ("take-again", f"{BENCH}takes/{AGAIN}/"),
    ("take-cancelled", f"{BENCH}takes/1/"),
    ("take-mail", PATIENT, mail_wanted),
    ("player-captions", TAKE, captions_open),
    ("player-range", TAKE, ranged, True, True),
    ("player-share-open", TAKE, share_open),
    ("player-code-open", TAKE, code_open),
    ("player-downloads", TAKE, downloads_open),
    ("library-chosen", LIBRARY, some_chosen),
    ("library-bring", LIBRARY, bringing),
    ("library-link", LIBRARY, link_refused),
    ("library-record", LIBRARY, recording),
    ("library-deleted", "/w/harbour/library/?kind=video", deleted),
    ("commands", "/w/harbour/projects/", commands, True, True),
    ("projects-empty", "/w/empty/projects/"),
    ("batch-pairs", "/w/harbour/batch/new/", paired),
    ("batch-refused", "/w/harbour/batch/new/", csv_refused),
)
