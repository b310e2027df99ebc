"""The sweeper: what was lost is taken up, what is left behind is removed, what lives is left alone."""

import os
import time
from datetime import timedelta
from unittest.mock import patch
from uuid import uuid4

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone

from apps.assets import checking, services
from apps.assets.models import Asset, Status
from apps.generations import signals
from apps.generations.models import Generation
from apps.generations.models import Status as TakeStatus
from apps.generations.services import begin, end_without_result
from apps.inference import sweeping, work
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


def test_nothing_is_taken_up_while_work_waits_or_redis_is_away(sent, lost):
    for length in (3, None):
        with patch.object(sweeping, "queue_length", return_value=length):
            assert sent(sweeping.take_up_silent) == []
            assert sent(sweeping.send_queued_again) == []


def test_a_take_lost_again_and_again_fails_and_costs_nothing(sent, lost):
    Generation.objects.filter(pk=lost.pk).update(attempts=sweeping.MAX_ATTEMPTS)
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
    lost = AssetFactory(status=Status.CHECKING)
    Asset.objects.filter(pk=lost.pk).update(updated_at=timezone.now() - timedelta(minutes=10))
    AssetFactory(status=Status.CHECKING)
    assert sent(checking.recheck_lost) == [("assets.probe", str(lost.pk))]
    assert sent(checking.recheck_lost) == []


def test_folders_of_ended_and_unknown_takes_go(settings):
    ended, running, just_ended = GenerationFactory.create_batch(3)
    for take in (ended, just_ended):
        end_without_result(take.pk, TakeStatus.FAILED)
    Generation.objects.filter(pk=ended.pk).update(finished_at=timezone.now() - timedelta(hours=1))
    for name in (ended.pk, running.pk, just_ended.pk, uuid4()):
        default_storage.save(f"work/{name}/pieces/a.mp4", ContentFile(b"x"))
    assert sweeping.clean_work() == 2
    assert set(work.left_behind()) == {running.pk, just_ended.pk}


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


def test_scratch_of_killed_steps_goes_after_some_hours(settings):
    old, new = settings.DATA_DIR / "tmp" / "scratch-old", settings.DATA_DIR / "tmp" / "scratch-new"
    for folder in (old, new):
        folder.mkdir(parents=True)
    long_ago = time.time() - sweeping.SCRATCH_AFTER_S - 60
    os.utime(old, (long_ago, long_ago))
    assert sweeping.clean_scratch() == 1
    assert (old.exists(), new.exists()) == (False, True)


def test_the_whole_sweep_runs_on_an_empty_studio():
    sweeping.sweep()
    assert sweeping.queue_length() is not None
