"""The project and the takes that are drawn: the sample, really lipsynced once, and a take in each other state."""

from datetime import timedelta
from pathlib import Path
from uuid import UUID

import av
import numpy as np
from django.conf import settings
from django.utils import timezone

PROJECT = UUID("5a3e7f10-0000-4000-8000-000000000001")
VACANT = UUID("5a3e7f10-0000-4000-8000-000000000002")
PAIR = UUID("5a3e7f10-0000-4000-8000-000000000003")
BENCH = f"/w/harbour/p/{PROJECT}/"
FINISHED, RUNNING, FAILED = 3, 4, 2


def fill_takes(membership, scratch: Path) -> None:
    """A project on the sample with takes 1 to 4, and one that is still empty."""
    from apps.assets.captions import keep_captions
    from apps.assets.checking import check_asset
    from apps.assets.models import Origin
    from apps.assets.services import import_file
    from apps.generations import signals
    from apps.generations.models import Event, Generation, Stage, Status
    from apps.inference.engine import EngineSettings, lipsync
    from apps.projects.models import Project
    from apps.projects.sample import add_sample_project, sample_files

    sample = add_sample_project(membership=membership)
    for asset in (sample.video, sample.audio):
        check_asset(asset.pk)
    video, sound = sample_files()
    report = lipsync(video, sound, scratch / "take_3.mp4", EngineSettings(), models=settings.MODELS_DIR).to_dict()
    result = import_file(
        workspace=membership.workspace,
        user=membership.user,
        path=scratch / "take_3.mp4",
        name="take_3.mp4",
        origin=Origin.RESULT,
    )
    check_asset(result.pk)
    result.refresh_from_db()
    keep_captions(asset=result, raw=b"1\n00:00:00,200 --> 00:00:03,000\nEvery word stands where the mouth is.\n")
    Project.objects.create(
        pk=PROJECT, workspace=membership.workspace, name="A new line", video=sample.video, audio=sample.audio
    )
    Project.objects.create(pk=VACANT, workspace=membership.workspace, name="Next film")
    fill_pair(membership, scratch, video, sample.audio)
    now = timezone.now()

    def take(number: int, status: str, minutes: float, **facts) -> Generation:
        return Generation.objects.create(
            workspace=membership.workspace,
            project_id=PROJECT,
            number=number,
            status=status,
            created_at=now - timedelta(minutes=minutes),
            started_at=now - timedelta(minutes=minutes) + timedelta(seconds=3),
            **{"video": sample.video, "audio": sample.audio, "model": "lipsync-2", "sync_mode": "cut_off"} | facts,
        )

    take(1, Status.CANCELLED, 90, model="lipsync-1.9.0-beta")
    take(
        FAILED,
        Status.REJECTED,
        60,
        error_code="generation_input_video_no_face",
        error_message="No face was found in the video.",
        error_advice="Use footage in which the speaker's face can be seen from the front.",
    )
    take(FINISHED, Status.COMPLETED, 20, result=result, report=report, charged_seconds=report["lipsynced_s"])
    running = take(RUNNING, Status.PROCESSING, 0.5, stage=Stage.LIPSYNC, model="lipsync-2-pro", quoted_seconds=5.0)
    for stage, seconds in ((Stage.READ, 27), (Stage.SPEECH, 16), (Stage.PLAN, 14), (Stage.LIPSYNC, 11)):
        Event.objects.create(
            generation=running, what="stage", detail={"stage": stage}, at=now - timedelta(seconds=seconds)
        )
    signals.set_pieces(running.pk, [0], 125)
    signals.set_piece(running.pk, 0, 80)


def fill_pair(membership, scratch: Path, film: Path, sound) -> None:
    """A project on a film in which two people stand side by side, really looked through."""
    from apps.assets.checking import check_asset
    from apps.assets.services import import_file
    from apps.inference.footage_checks import run_check
    from apps.projects.models import Project

    path = side_by_side(film, scratch / "two_at_a_table.mp4")
    pair = import_file(workspace=membership.workspace, user=membership.user, path=path, name=path.name)
    check_asset(pair.pk)
    run_check(pair.pk)
    pair.refresh_from_db()
    Project.objects.create(pk=PAIR, workspace=membership.workspace, name="Two at a table", video=pair, audio=sound)


def side_by_side(film: Path, path: Path) -> Path:
    """The film beside its mirror image, which is half a second late."""
    with av.open(str(film)) as source:
        frames = [frame.to_ndarray(format="rgb24") for frame in source.decode(video=0)]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        height, width = frames[0].shape[:2]
        stream.width, stream.height, stream.pix_fmt = 2 * width, height, "yuv420p"
        for left, right in zip(frames[12:], frames, strict=False):
            both = np.hstack([left, right[:, ::-1]])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(both), format="rgb24")))
        container.mux(stream.encode(None))
    return path


# --- States -------------------------------------------------------------------------------------------------


def settled(page) -> None:
    """Films decoded, lanes drawn."""
    page.wait_for_timeout(2500)


def on_tab(page, name: str) -> None:
    """Where the workbench has tabs, on a phone, the one of this name."""
    settled(page)
    tab = page.locator(f'[data-tab="{name}"]')
    if tab.is_visible():
        tab.click()


def compare_open(page) -> None:
    on_tab(page, "model")
    page.locator("#open-compare").click()
    page.locator("#compare").wait_for()


def face_chosen(page) -> None:
    settled(page)
    face = page.locator("[data-face]").nth(1)
    if face.get_attribute("aria-pressed") == "false":
        face.click()
    page.wait_for_timeout(900)


def picker_open(page) -> None:
    on_tab(page, "files")
    page.locator("#replace-video").click()
    page.locator("#picker .pick-file").first.wait_for()


def keys_open(page) -> None:
    settled(page)
    page.keyboard.press("?")


def in_the_middle(page) -> None:
    """A second and a half on, where the mouth is open."""
    settled(page)
    page.evaluate("document.querySelector('[data-transport]').transport.seek(1.6)")
    page.wait_for_timeout(600)
