"""The sweeper: what was lost is taken up, what is left behind is removed, what lives is left alone."""

import os
import shutil
import subprocess
import time
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch
from uuid import uuid4

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import TestCase
from django.utils import timezone

from apps.assets import checking, files, services
from apps.assets.models import Asset, Status
from apps.generations import signals
from apps.generations.models import Generation
from apps.generations.models import Status as TakeStatus
from apps.generations.services import begin, end_without_result
from apps.inference import drawn, keeping, sweeping, taking_up, work
from apps.inference.backends import Piece
from studio.celery import app as celery_app
from tests.factories import AssetFactory, GenerationFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_folders(settings, tmp_path):
    settings.DATA_DIR = tmp_path
    settings.STORAGES = settings.STORAGES | {
        "default": settings.STORAGES["default"] | {"OPTIONS": {"location": tmp_path / "media", "allow_overwrite": True}}
    }


@pytest.fixture
def sent(django_capture_on_commit_callbacks):
    """``sent(step)`` runs a part of the sweep and gives the first tasks it sent."""

    def run(part) -> list[tuple[str, str]]:
        with (
            patch.object(services.celery_app, "send_task") as send,
            django_capture_on_commit_callbacks(execute=True),
        ):
            part()
        return [(call.args[0], call.kwargs["args"][0]) for call in send.call_args_list]

    return run


@pytest.fixture
def lost():
    """A running take whose worker has been silent for ten minutes."""
    take = GenerationFactory(quoted_micros=1000)
    begin(take.pk)
    Generation.objects.filter(pk=take.pk).update(heartbeat_at=timezone.now() - timedelta(minutes=10))
    return take


def test_a_running_take_without_its_worker_is_taken_up(sent, lost):
    assert sent(sweeping.take_up_silent) == [("inference.prepare", str(lost.pk))]
    lost.refresh_from_db()
    assert (lost.attempts, lost.status) == (2, "PROCESSING")
    assert sent(sweeping.take_up_silent) == []  # it has just been handed over


def test_a_take_whose_worker_signs_is_left_alone(sent, lost):
    signals.sign_of_life(lost.pk)
    assert sent(sweeping.take_up_silent) == []


@pytest.mark.parametrize("away", [False, True])
def test_nothing_is_sent_again_while_its_message_waits_or_redis_is_away(sent, lost, away):
    queued = GenerationFactory(sent_at=timezone.now() - timedelta(minutes=5))
    waiting = None if away else {str(lost.pk), str(queued.pk)}
    with patch.object(sweeping, "queued_takes", return_value=waiting):
        assert sent(sweeping.take_up_silent) == []
        assert sent(sweeping.send_queued_again) == []


def test_messages_of_others_hold_nothing_up(sent, lost):
    with patch.object(sweeping, "queued_takes", return_value={str(uuid4())}):
        assert sent(sweeping.take_up_silent) == [("inference.prepare", str(lost.pk))]


def purge(*queues):
    with celery_app.connection_for_write() as connection:
        for queue in queues:
            connection.default_channel.queue_purge(queue)


def test_the_takes_of_waiting_messages_are_read_from_the_queue():
    purge("cpu", "gpu")  # tests that commit leave messages behind
    take, other = uuid4(), uuid4()
    try:
        celery_app.send_task("inference.plan", args=[str(take), 1], queue="cpu")
        celery_app.send_task("inference.render_chunk", args=[str(other), 1, 0, 200], queue="gpu")
        assert sweeping.queued_takes() == {str(take), str(other)}
    finally:
        purge("cpu", "gpu")


def test_a_step_that_waits_on_purpose_is_not_lost(sent, lost):
    signals.sign_of_life(lost.pk, ahead_s=40)
    Generation.objects.filter(pk=lost.pk).update(heartbeat_at=timezone.now() - timedelta(minutes=10))
    with patch.object(time, "time", return_value=time.time() + 60):
        assert sent(sweeping.take_up_silent) == []


def test_a_take_lost_again_and_again_fails_and_costs_nothing(sent, lost):
    Generation.objects.filter(pk=lost.pk).update(attempts=taking_up.MAX_ATTEMPTS)
    assert sent(sweeping.take_up_silent) == []
    lost.refresh_from_db()
    assert (lost.status, lost.error_code) == ("FAILED", "generation_infra_service_unavailable")


def test_a_queued_take_is_sent_again_once_in_a_while(sent):
    fresh = GenerationFactory(sent_at=timezone.now())
    old = GenerationFactory(sent_at=timezone.now() - timedelta(minutes=5))
    GenerationFactory(created_at=timezone.now() - timedelta(minutes=5))  # waits for its turn
    assert sent(sweeping.send_queued_again) == [("inference.prepare", str(old.pk))]
    assert sent(sweeping.send_queued_again) == []
    assert Generation.objects.get(pk=fresh.pk).status == TakeStatus.PENDING


def test_a_probe_that_was_lost_is_sent_again(sent):
    lost = AssetFactory(status=Status.CHECKING, file="assets/talk.mp4")
    fetched = AssetFactory(status=Status.CHECKING)  # its bytes are still on their way
    Asset.objects.filter(pk__in=[lost.pk, fetched.pk]).update(updated_at=timezone.now() - timedelta(minutes=10))
    AssetFactory(status=Status.CHECKING)
    assert sent(checking.recheck_lost) == [("assets.probe", str(lost.pk))]
    assert sent(checking.recheck_lost) == []


def ended_ago(key: str, size: int = 1, status=TakeStatus.FAILED, **ago: float) -> Generation:
    """A take that ended so long ago, with a folder of so many bytes."""
    take = GenerationFactory(work_key=key)
    Generation.objects.filter(pk=take.pk).update(status=status, finished_at=timezone.now() - timedelta(**ago))
    default_storage.save(f"work/takes/{key}/pieces/0-9/film.mp4", ContentFile(b"x" * size))
    return take


def test_folders_of_unfinished_takes_are_kept_for_a_day():
    ended_ago("failed", hours=1)
    ended_ago("cancelled", hours=23, status=TakeStatus.CANCELLED)
    ended_ago("old", hours=25)
    ended_ago("finished", hours=1, status=TakeStatus.COMPLETED)
    ended_ago("just now", seconds=30, status=TakeStatus.COMPLETED)  # its last step may still be writing
    default_storage.save("work/takes/nobodys/plan/plan.json", ContentFile(b"x"))
    ended_ago("running again", hours=48)
    GenerationFactory(work_key="running again")
    assert keeping.clean() == 3
    assert work.left_behind() == ["cancelled", "failed", "just now", "running again"]


def test_folders_beyond_the_bound_go_the_oldest_first(settings):
    settings.RESUME_BYTES = 2500
    for hours in (1, 2, 3):
        ended_ago(f"{hours} hours", size=1000, hours=hours)
    assert keeping.clean() == 1
    assert work.left_behind() == ["1 hours", "2 hours"]


def test_a_full_disk_keeps_nothing():
    ended_ago("failed", size=1000, hours=1)
    with patch.object(keeping.shutil, "disk_usage", return_value=SimpleNamespace(free=500)):
        assert keeping.clean() == 1


def drawn_for(made_from: str, status=TakeStatus.COMPLETED, size=1000, hours=1.0, **fields) -> str:
    """A piece of a take that ended so long ago, or is active; gives the name of its folder."""
    ended = {} if status in (TakeStatus.PENDING, TakeStatus.PROCESSING) else {
        "finished_at": timezone.now() - timedelta(hours=hours)
    }  # fmt: skip
    if status == TakeStatus.COMPLETED:
        fields.setdefault("result", AssetFactory(size=size))
    fields.setdefault("video", AssetFactory(sha256="a" * 64))
    rows = {"engine": "native-1", "pieces": [[0, 9, made_from]]}
    take = GenerationFactory(pieces=rows, status=status, **ended, **fields)
    name = drawn.folder_of(take, Piece(0, 9, made_from))
    if not default_storage.exists(f"{name}/film.mp4"):
        default_storage.save(f"{name}/film.mp4", ContentFile(b"x" * size))
    return name


def test_pieces_are_kept_for_a_day_whatever_became_of_their_take():
    kept = [
        drawn_for("finished"),
        drawn_for("failed", TakeStatus.FAILED),
        drawn_for("cancelled", TakeStatus.CANCELLED, hours=23),
        drawn_for("running", TakeStatus.PROCESSING),
        drawn_for("shared", hours=30),
    ]
    assert drawn_for("shared") == kept[-1]  # a younger take was made of it too
    drawn_for("refused", TakeStatus.REJECTED)
    drawn_for("old", hours=25)
    drawn_for("of a deleted take", deleted_at=timezone.now())
    drawn_for("of a deleted result", result=AssetFactory(deleted_at=timezone.now()))
    drawn_for("of a deleted video", video=AssetFactory(sha256="d" * 64, deleted_at=timezone.now()))
    default_storage.save("work/pieces/nobodys/film.mp4", ContentFile(b"x"))
    assert keeping.clean() == 6
    assert sorted(work.pieces()) == sorted(kept)
    assert keeping.clean() == 0


def test_pieces_beyond_the_bound_go_the_oldest_first(settings):
    settings.RESUME_BYTES = 2500
    running = drawn_for("running", TakeStatus.PROCESSING)
    young, _, older = (drawn_for(f"{hours}", hours=hours) for hours in (1, 3, 2))
    assert keeping.clean() == 1
    assert sorted(work.pieces()) == sorted([running, young, older])


def test_half_written_pieces_go_with_the_process_that_wrote_them(settings):
    with subprocess.Popen(["true"]) as process:  # a process that is gone in a moment
        pass
    names = [f".abc.scratch-{files.this_machine()}-{number}-x" for number in (process.pid, os.getpid())]
    for name in names:
        files.local_path(f"{work.PIECES}/{name}").mkdir(parents=True)
    keeping.clean()
    assert [path.name for path in files.local_path(work.PIECES).iterdir()] == names[1:]


def test_parts_of_an_analysis_go_with_the_last_take_that_may_go_on():
    take = GenerationFactory()
    folder = f"work/analysis/footage/{take.video.sha256}/native-1.parts"
    default_storage.save(f"{folder}/0-9/x", ContentFile(b"x"))
    assert sweeping.clean_analyses() == 0
    end_without_result(take.pk, TakeStatus.FAILED)
    assert sweeping.clean_analyses() == 0
    Generation.objects.filter(pk=take.pk).update(finished_at=timezone.now() - timedelta(hours=25))
    assert sweeping.clean_analyses() == 1
    assert not default_storage.exists(f"{folder}/0-9/x")


@pytest.mark.parametrize("with_row", [True, False])
def test_a_result_whose_take_ended_without_one_goes(with_row):
    failed = ended_ago("failed", minutes=10)
    finished = ended_ago("finished", minutes=10, status=TakeStatus.COMPLETED)
    names = []
    for take in (failed, finished):
        identity = keeping.result_id(take.pk)
        names.append(f"assets/{take.workspace_id}/{identity}/original.mp4")
        default_storage.save(names[-1], ContentFile(b"x"))
        if with_row:
            AssetFactory(pk=identity, workspace=take.workspace, origin="result", file=names[-1])
    with TestCase.captureOnCommitCallbacks(execute=True):
        assert keeping.remove_orphaned_results() == 1
    assert [default_storage.exists(name) for name in names] == [False, True]
    assert Asset.objects.filter(origin="result").count() == with_row


def test_analyses_go_with_the_last_file_they_are_of():
    kept, deleted = AssetFactory(sha256="a" * 64), AssetFactory(sha256="b" * 64)
    for asset in (kept, deleted):
        default_storage.save(f"work/analysis/footage/{asset.sha256}/native-1/x", ContentFile(b"x"))
    services.delete_asset(asset=deleted)
    assert sweeping.clean_analyses() == 1
    assert default_storage.listdir("work/analysis/footage")[0] == [kept.sha256]


def test_analyses_of_a_deleted_file_stay_while_a_take_of_it_runs():
    take = GenerationFactory()
    name = f"work/analysis/footage/{take.video.sha256}/native-1/x"
    default_storage.save(name, ContentFile(b"x"))
    services.delete_asset(asset=take.video)
    assert sweeping.clean_analyses() == 0 and default_storage.exists(name)
    end_without_result(take.pk, TakeStatus.FAILED)
    assert sweeping.clean_analyses() == 1


def test_scratch_of_killed_steps_goes(settings):
    with subprocess.Popen(["true"]) as process:  # a process that is gone in a moment
        pass
    here = files.this_machine()
    folders = {
        "dead": f"scratch-{here}-{process.pid}-a",
        "alive": f"scratch-{here}-{os.getpid()}-b",
        "elsewhere": f"scratch-elsewhere-{process.pid}-c",
        "old": f"scratch-elsewhere-{process.pid}-d",
    }
    for name in folders.values():
        (settings.DATA_DIR / "tmp" / name).mkdir(parents=True)
    long_ago = time.time() - sweeping.SCRATCH_AFTER_S - 60
    os.utime(settings.DATA_DIR / "tmp" / folders["old"], (long_ago, long_ago))
    assert sweeping.clean_scratch() == 2
    assert {path.name for path in (settings.DATA_DIR / "tmp").iterdir()} == {folders["alive"], folders["elsewhere"]}


def test_scratch_that_its_step_removes_meanwhile_is_left_to_it(settings):
    folder = settings.DATA_DIR / "tmp" / f"scratch-{files.this_machine()}-{os.getpid()}-a"
    folder.mkdir(parents=True)

    def ends_meanwhile(path):
        shutil.rmtree(path)
        return False

    with patch.object(files, "is_orphaned", side_effect=ends_meanwhile):
        assert sweeping.clean_scratch() == 0
    assert not folder.exists()


def test_an_analysis_that_somebody_removes_meanwhile_is_left_to_them():
    asset = AssetFactory(sha256="a" * 64)
    folder = f"work/analysis/footage/{asset.sha256}"
    default_storage.save(f"{folder}/native-1.parts/x", ContentFile(b"x"))

    def nobody_goes_on(hashes):
        shutil.rmtree(files.local_path(folder))
        return set()

    with patch.object(keeping, "videos_to_go_on_with", side_effect=nobody_goes_on):
        assert sweeping.clean_analyses() == 0


def test_two_who_remove_the_last_file_of_a_folder_at_once_both_succeed():
    default_storage.save("assets/a/b/film.mp4", ContentFile(b"x"))
    with patch.object(Path, "rmdir", side_effect=FileNotFoundError):  # the other was faster
        files.remove("assets/a/b/film.mp4")
    default_storage.save("assets/a/b/other.mp4", ContentFile(b"x"))
    files.remove("assets/a/b/film.mp4")
    assert default_storage.exists("assets/a/b/other.mp4")
    files.remove("assets/a/b/other.mp4")
    assert not files.local_path("assets/a/b").exists()


def test_a_sweep_asks_the_storage_no_more_often_for_a_thousand_files():
    """Each question is a request to a bucket, and the next sweep comes in a minute."""
    asked = []
    for number in (1, 20):
        for _ in range(number):
            asset = AssetFactory(sha256=uuid4().hex * 2)
            default_storage.save(f"work/analysis/footage/{asset.sha256}/native-1/x", ContentFile(b"x"))
        with patch.object(default_storage, "listdir", wraps=default_storage.listdir) as listdir:
            sweeping.sweep()
        asked.append(listdir.call_count)
    assert asked[0] == asked[1]


def test_the_whole_sweep_runs_on_an_empty_studio():
    sweeping.sweep()
    assert sweeping.queued_takes() is not None
