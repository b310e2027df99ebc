"""The footage check of an asset: asked for by itself, run once, stored, and never in the way of the file."""

from datetime import timedelta
from unittest.mock import MagicMock, patch

import numpy as np
import pytest
from botocore.exceptions import EndpointConnectionError
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.urls import reverse
from django.utils import timezone

from apps.assets import checking, footage, services
from apps.assets.models import CheckStatus, FootageCheck, Origin, Status
from apps.inference import footage_checks, tasks, work
from apps.inference.engine.errors import EngineError
from apps.inference.engine.footage.findings import FootageCheck as Checked
from apps.inference.engine.versions import ENGINE_VERSION
from tests.engine.tiny_media import write_wav
from tests.factories import AssetFactory, write_video

pytestmark = pytest.mark.django_db


@pytest.fixture
def sent(monkeypatch):
    """Names of the tasks that were sent."""
    names = []
    monkeypatch.setattr(footage.celery_app, "send_task", lambda name, args: names.append(name))
    return names


def brought(workspace, owner, path, origin=Origin.UPLOAD):
    asset = services.import_file(workspace=workspace, user=owner, path=path, name=path.name, origin=origin)
    checking.check_asset(asset.pk)
    asset.refresh_from_db()
    return asset


def test_a_ready_file_is_looked_through_by_itself_and_a_result_is_not(
    workspace, owner, tmp_path, sent, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        asset = brought(workspace, owner, write_video(tmp_path / "talk.mp4", seconds=0.4))
        brought(workspace, owner, write_video(tmp_path / "made.mp4", seconds=0.6), Origin.RESULT)
    assert sent.count("inference.check_footage") == 1
    assert FootageCheck.objects.get().asset == asset


def test_what_was_found_is_stored_and_the_analysis_kept(workspace, owner, tmp_path, sent):
    asset = brought(workspace, owner, write_video(tmp_path / "street.mp4", seconds=0.6, sound=True))
    footage_checks.run_check(asset.pk)
    check = footage.check_of(asset)
    assert check.is_ready, check.error_message
    kinds = {finding["kind"]: finding["severity"] for finding in check.result["findings"]}
    assert kinds["no_face"] == "blocking"
    assert check.result["people"] == []
    assert check.result["version"] == check.engine_version
    engine = footage_checks._engine()
    assert work.has_folder(work.analysis_name("footage", asset.sha256, engine)), "the next take need not look again"
    assert asset.status == Status.READY


@pytest.mark.parametrize(("people", "anew"), [([{"id": 0}, {"id": 1}], True), ([{"id": 0}], False)])
def test_people_are_counted_anew_where_takes_count_them_by_another_version(workspace, sent, people, anew):
    """Who is chosen is told by number; the last result stays until the new one is there."""
    asset = AssetFactory(workspace=workspace, video=True)
    result = {"people": people}
    FootageCheck.objects.create(asset=asset, status=CheckStatus.READY, result=result, engine_version="1.0")
    check = footage.check_of(asset)
    assert (check.status == CheckStatus.WAITING, check.result) == (anew, result)
    FootageCheck.objects.update(status=CheckStatus.READY, engine_version=ENGINE_VERSION)
    assert footage.check_of(asset).is_ready


def test_a_soundtrack_is_listened_to(workspace, owner, tmp_path, sent):
    asset = brought(workspace, owner, write_wav(tmp_path / "quiet.wav", np.zeros(16000)))
    footage_checks.run_check(asset.pk)
    result = footage.check_of(asset).result
    assert {finding["kind"] for finding in result["findings"]} == {"silent_sound"}
    assert (result["people"], result["cuts_s"]) == ([], [])


def test_a_check_that_fails_leaves_the_file_usable_and_says_why(workspace, owner, tmp_path, sent):
    asset = brought(workspace, owner, write_video(tmp_path / "talk.mp4", seconds=0.4))
    with patch.object(footage_checks, "_look", side_effect=ZeroDivisionError):
        footage_checks.run_check(asset.pk)
    check = footage.check_of(asset)
    assert (check.status, check.error_code) == (CheckStatus.FAILED, "generation_unknown_error")
    assert "can be used" in check.error_message
    asset.refresh_from_db()
    assert asset.status == Status.READY
    footage.request_check(asset)
    with patch.object(footage_checks, "_look", side_effect=EngineError("some_code", "It is so.", "Do that.")):
        footage_checks.run_check(asset.pk)
    check.refresh_from_db()
    assert (check.error_code, check.error_message) == ("some_code", "It is so. Do that.")


def test_a_fault_of_the_surroundings_is_tried_again(workspace, owner, tmp_path, sent):
    asset = brought(workspace, owner, write_video(tmp_path / "talk.mp4", seconds=0.4))
    with patch.object(footage_checks, "_look", side_effect=OSError("disk away")), pytest.raises(OSError, match="disk"):
        footage_checks.run_check(asset.pk)
    assert footage.check_of(asset).status == CheckStatus.WAITING
    footage_checks.run_check(asset.pk)
    assert footage.check_of(asset).is_ready


@pytest.mark.parametrize("task", [tasks.check_footage, tasks.check_long_footage])
@pytest.mark.parametrize("fault", [OSError("disk away"), EndpointConnectionError(endpoint_url="https://s3.example")])
def test_a_check_whose_storage_was_away_is_done_without_anybody_looking(workspace, owner, tmp_path, sent, task, fault):
    asset = brought(workspace, owner, write_video(tmp_path / "talk.mp4", seconds=0.4))
    look = MagicMock(side_effect=[fault, Checked("1", 0.4, 25.0, 640, 360, [], [], [], "lipsync-2")])
    with patch.object(footage_checks, "_look", look):
        task.apply(args=[str(asset.pk)])
    assert footage.check_of(asset).is_ready


def test_two_messages_are_one_check_unless_the_first_worker_died(workspace, sent):
    asset = AssetFactory(workspace=workspace, video=True)
    footage.request_check(asset)
    found = Checked("1", 10.0, 25.0, 640, 360, [], [], [], "lipsync-2")
    with patch.object(
        footage_checks, "_look", side_effect=lambda _: footage_checks.run_check(asset.pk) or found
    ) as look:
        footage_checks.run_check(asset.pk)
    assert look.call_count == 1, "the second found the first at work"
    FootageCheck.objects.update(status=CheckStatus.RUNNING, started_at=timezone.now())
    with patch.object(footage_checks, "_look", side_effect=EngineError("seen", "Seen.")) as look:
        footage_checks.run_check(asset.pk, redelivered=True)
    assert look.call_count == 1


def test_old_and_lost_files_are_asked_for_when_somebody_looks(workspace, sent, django_capture_on_commit_callbacks):
    asset = AssetFactory(workspace=workspace, video=True, duration_s=footage.LONG_S + 1)
    with django_capture_on_commit_callbacks(execute=True):
        assert footage.check_of(asset).status == CheckStatus.WAITING
        assert footage.check_of(asset).status == CheckStatus.WAITING
    assert sent == ["inference.check_long_footage"]
    FootageCheck.objects.update(requested_at=timezone.now() - footage.LOST_AFTER - timedelta(seconds=1))
    with django_capture_on_commit_callbacks(execute=True):
        footage.check_of(asset)
    assert len(sent) == 2
    assert footage.check_of(AssetFactory(workspace=workspace, status=Status.CHECKING)) is None


def test_heads_are_shown_to_the_workspace_only(workspace, viewer, outsider, as_person):
    asset = AssetFactory(workspace=workspace, video=True)
    default_storage.save(footage.head_name(asset, 0), ContentFile(b"webp"))
    address = reverse("assets:person", args=[workspace.slug, asset.pk, 0])
    answer = as_person(viewer).get(address)
    assert (answer.status_code, answer["Content-Type"]) == (200, "image/webp")
    assert as_person(viewer).get(reverse("assets:person", args=[workspace.slug, asset.pk, 3])).status_code == 404
    assert as_person(outsider).get(address).status_code == 404
