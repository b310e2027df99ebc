"""Uploads: what arrives stays, what is damaged goes, the same bytes are kept once."""

import hashlib
import tracemalloc
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from apps.assets import files, services, uploads
from apps.assets.models import Asset, Status, Upload
from apps.assets.services import (
    Checksum,
    append_bytes,
    cancel_upload,
    delete_asset,
    finish_upload,
    import_file,
    remove_deleted,
    remove_for_good,
    rename_asset,
    restore_asset,
    start_upload,
    upload_whole,
)
from apps.billing.plans import current_plan, subscribe
from studio.errors import StudioError
from tests.factories import AssetFactory, GenerationFactory, write_audio

pytestmark = pytest.mark.django_db
BYTES = bytes(range(256)) * 40


@pytest.fixture(autouse=True)
def own_folder(settings, tmp_path):
    """Uploads of this test alone."""
    settings.DATA_DIR = tmp_path


@pytest.fixture
def upload(workspace, owner) -> Upload:
    return start_upload(workspace=workspace, user=owner, name="talk.mp4", size=len(BYTES))


def test_it_keeps_what_arrived_before_the_connection_broke(upload):
    def broken():
        yield BYTES[:300]
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        append_bytes(upload=upload, offset=0, chunk_iter=broken())
    upload.refresh_from_db()
    assert (upload.offset, uploads.arrived(upload)) == (300, 300)
    assert append_bytes(upload=upload, offset=300, chunk_iter=[BYTES[300:]]) == len(BYTES)
    assert uploads.part_file(upload).read_bytes() == BYTES


def test_it_refuses_a_piece_for_another_offset(upload):
    append_bytes(upload=upload, offset=0, chunk_iter=[BYTES[:100]])
    for offset in (0, 99, 101):
        with pytest.raises(StudioError) as refused:
            append_bytes(upload=upload, offset=offset, chunk_iter=[b"x"])
        assert (refused.value.code, refused.value.status) == ("upload_offset_conflict", 409)
    assert uploads.arrived(upload) == 100


def test_it_drops_a_damaged_piece_and_keeps_a_whole_one(upload):
    good = Checksum("sha256", hashlib.sha256(BYTES[:500]).digest())
    with pytest.raises(StudioError) as refused:
        append_bytes(upload=upload, offset=0, chunk_iter=[BYTES[:499], b"?"], checksum=good)
    assert (refused.value.status, uploads.arrived(upload)) == (460, 0)
    assert append_bytes(upload=upload, offset=0, chunk_iter=[BYTES[:499], BYTES[499:500]], checksum=good) == 500


def test_it_drops_an_unfinished_piece_that_was_to_be_checked(upload):
    def broken():
        yield BYTES[:300]
        raise ConnectionResetError

    checksum = Checksum("sha1", hashlib.sha1(BYTES).digest())
    with pytest.raises(ConnectionResetError):
        append_bytes(upload=upload, offset=0, chunk_iter=broken(), checksum=checksum)
    assert uploads.arrived(upload) == 0


def test_it_refuses_more_bytes_than_announced(upload):
    with pytest.raises(StudioError) as refused:
        append_bytes(upload=upload, offset=0, chunk_iter=[BYTES, b"!"])
    assert (refused.value.status, uploads.arrived(upload)) == (413, 0)


def test_it_lets_one_request_write_at_a_time(upload):
    def second_request_meanwhile():
        yield BYTES[:10]
        with pytest.raises(StudioError) as refused:
            append_bytes(upload=upload, offset=10, chunk_iter=[b"x"])
        assert refused.value.status == 423
        yield BYTES[10:20]

    assert append_bytes(upload=upload, offset=0, chunk_iter=second_request_meanwhile()) == 20


def test_a_start_afresh_waits_its_turn_and_spares_what_is_being_written(upload):
    def second_request_meanwhile():
        yield BYTES[:10]
        with pytest.raises(StudioError) as refused:
            append_bytes(upload=upload, offset=0, chunk_iter=[BYTES], afresh=True)
        assert refused.value.status == 423
        with pytest.raises(StudioError) as early:
            finish_upload(upload=upload)
        assert early.value.status == 423
        yield BYTES[10:]

    assert append_bytes(upload=upload, offset=0, chunk_iter=second_request_meanwhile()) == len(BYTES)
    with finish_upload(upload=upload).file.open() as stored:
        assert stored.read() == BYTES


def test_a_request_that_read_its_row_before_the_finish_changes_nothing(upload):
    late = Upload.objects.get(pk=upload.pk)
    append_bytes(upload=upload, offset=0, chunk_iter=[BYTES])
    asset = finish_upload(upload=upload)
    with pytest.raises(StudioError) as refused:
        append_bytes(upload=late, offset=0, chunk_iter=[b"other"], afresh=True)
    assert refused.value.status == 409
    assert finish_upload(upload=late) == asset
    assert not uploads.part_file(upload).exists()


def test_a_piece_for_an_upload_that_was_given_up_leaves_nothing(upload):
    late = Upload.objects.get(pk=upload.pk)
    uploads.cancel_upload(upload=upload)
    with pytest.raises(StudioError) as refused:
        append_bytes(upload=late, offset=0, chunk_iter=[BYTES])
    assert (refused.value.status, uploads.part_file(late).exists()) == (404, False)


def test_it_needs_every_byte_before_it_makes_an_asset(upload):
    append_bytes(upload=upload, offset=0, chunk_iter=[BYTES[:-1]])
    with pytest.raises(StudioError, match="1 bytes"):
        finish_upload(upload=upload)
    assert not Asset.objects.exists()


def test_finishing_twice_gives_the_same_asset_and_stores_the_bytes(upload, owner, django_capture_on_commit_callbacks):
    append_bytes(upload=upload, offset=0, chunk_iter=[BYTES])
    asset = finish_upload(upload=upload)
    assert finish_upload(upload=Upload.objects.get(pk=upload.pk)) == asset
    assert (asset.status, asset.size, asset.name, asset.created_by) == (Status.CHECKING, len(BYTES), "talk.mp4", owner)
    with asset.file.open() as stored:
        assert stored.read() == BYTES
    assert not uploads.part_file(upload).exists()


def test_the_same_bytes_are_kept_once_in_a_workspace(workspace, owner, outsider):
    mine = [
        upload_whole(workspace=workspace, user=owner, name=name, size=len(BYTES), chunks=[BYTES])
        for name in ("one.mp4", "two.mp4")
    ]
    assert mine[0] == mine[1]
    elsewhere = outsider.workspaces.get()
    theirs = upload_whole(workspace=elsewhere, user=outsider, name="one.mp4", size=len(BYTES), chunks=[BYTES])
    assert theirs != mine[0]
    assert theirs.file.name != mine[0].file.name
    assert not Upload.objects.exists()


def test_a_refused_or_deleted_file_is_checked_afresh_when_it_comes_again(workspace, owner):
    first = upload_whole(workspace=workspace, user=owner, name="a.mp4", size=len(BYTES), chunks=[BYTES])
    Asset.objects.filter(pk=first.pk).update(status=Status.REJECTED)
    second = upload_whole(workspace=workspace, user=owner, name="a.mp4", size=len(BYTES), chunks=[BYTES])
    assert second != first
    delete_asset(asset=second)
    third = upload_whole(workspace=workspace, user=owner, name="a.mp4", size=len(BYTES), chunks=[BYTES])
    assert third not in (first, second)


@pytest.mark.parametrize(
    ("size", "code"), [(0, "asset_empty"), (-1, "asset_empty"), (600_000_000, "file_size_exceeds_plan_limit")]
)
def test_it_refuses_a_size_before_the_first_byte(workspace, owner, size, code):
    subscribe(workspace=workspace, plan=current_plan("free"))
    with pytest.raises(StudioError) as refused:
        start_upload(workspace=workspace, user=owner, name="../../etc/film.mp4", size=size)
    assert refused.value.code == code
    assert refused.value.message.startswith("film.mp4")
    assert not Upload.objects.exists()


def test_it_refuses_a_file_the_disk_has_no_room_for(workspace, owner, full_disk):
    with pytest.raises(StudioError) as refused:
        start_upload(workspace=workspace, user=owner, name="film.mp4", size=10)
    assert (refused.value.code, refused.value.status) == ("generation_infra_storage_error", 507)


def test_a_disk_that_fills_up_meanwhile_takes_no_more_and_keeps_what_is_there(upload, full_disk):
    part = uploads.part_file(upload)
    part.write_bytes(BYTES[:10])
    with pytest.raises(StudioError) as refused:
        append_bytes(upload=upload, offset=10, chunk_iter=[BYTES[10:]])
    assert (refused.value.status, part.read_bytes()) == (507, BYTES[:10])


@pytest.fixture
def full_disk(monkeypatch):
    monkeypatch.setattr(files, "DISK_RESERVE", 10**18)


def test_stale_uploads_and_orphan_bytes_are_forgotten_and_live_ones_stay(upload, workspace, owner):
    append_bytes(upload=upload, offset=0, chunk_iter=[BYTES[:10]])
    orphan = uploads.folder() / "00000000-0000-4000-8000-000000000000.part"
    orphan.write_bytes(b"x")
    assert uploads.forget_stale_uploads() == 0
    assert uploads.forget_stale_uploads(now=timezone.now() + timedelta(days=3)) == 2
    assert not Upload.objects.exists()
    assert not list(uploads.folder().glob("*.part"))


def test_a_cancelled_upload_frees_its_bytes(upload):
    path = uploads.part_file(upload)
    assert path.exists()
    cancel_upload(upload=upload)
    assert not path.exists()


def test_an_imported_file_with_its_own_id_is_replaced_not_added(workspace, owner, tmp_path: Path):
    identity = "11111111-1111-4111-8111-111111111111"
    for seconds in (0.2, 0.3):
        path = write_audio(tmp_path / "voice.wav", seconds=seconds)
        asset = import_file(workspace=workspace, user=owner, path=path, name="voice.wav", asset_id=identity)
    assert Asset.objects.count() == 1
    assert asset.size == path.stat().st_size
    assert path.exists()


def test_what_was_deleted_a_month_ago_goes_and_nothing_else(workspace, owner, django_capture_on_commit_callbacks):
    kept, gone, live = (
        upload_whole(workspace=workspace, user=owner, name="a.mp4", size=3, chunks=[text])
        for text in (b"one", b"two", b"six")
    )
    for asset in (kept, gone):
        delete_asset(asset=asset)
    month = timezone.now() + timedelta(days=31)
    Asset.objects.filter(pk=kept.pk).update(deleted_at=month - timedelta(days=1))
    with django_capture_on_commit_callbacks(execute=True):
        assert remove_deleted(now=month) == 1
    assert set(Asset.objects.all()) == {kept, live}
    assert not Path(gone.file.path).exists()
    assert Path(kept.file.path).exists()


def test_what_is_brought_back_while_others_are_removed_stays(
    workspace, owner, monkeypatch, django_capture_on_commit_callbacks
):
    first, second = (
        upload_whole(workspace=workspace, user=owner, name="a.mp4", size=3, chunks=[text]) for text in (b"one", b"two")
    )
    for asset in (first, second):
        delete_asset(asset=asset)
    removing = services.remove_for_good

    def slow(*, asset):
        for other in Asset.objects.exclude(pk=asset.pk):
            restore_asset(asset=other)
        return removing(asset=asset)

    monkeypatch.setattr(services, "remove_for_good", slow)
    with django_capture_on_commit_callbacks(execute=True):
        assert remove_deleted(now=timezone.now() + timedelta(days=31)) == 1
    assert Path(Asset.objects.get(deleted_at=None).file.path).exists()


def test_memory_does_not_grow_with_the_piece(workspace, owner):
    block = b"x" * 256 * 1024
    upload = start_upload(workspace=workspace, user=owner, name="film.mp4", size=len(block) * 200)
    checksum = Checksum("sha256", hashlib.sha256(block * 200).digest())
    tracemalloc.start()
    append_bytes(upload=upload, offset=0, chunk_iter=(bytes(block) for _ in range(200)), checksum=checksum)
    finish_upload(upload=upload)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * 1024**2  # of 50 MB


def test_rename_delete_restore(workspace):
    asset = AssetFactory(workspace=workspace, name="old")
    assert rename_asset(asset=asset, name="  new\tname ").name == "new name"
    with pytest.raises(StudioError, match="needs a name"):
        rename_asset(asset=asset, name=" ")
    assert delete_asset(asset=asset).deleted_at is not None
    assert not Asset.objects.in_library(workspace).exists()
    assert restore_asset(asset=asset).deleted_at is None


def test_bytes_go_for_good_only_where_no_take_needs_them(workspace, owner, django_capture_on_commit_callbacks):
    asset = upload_whole(workspace=workspace, user=owner, name="a.mp4", size=len(BYTES), chunks=[BYTES])
    path = Path(asset.file.path)
    take = GenerationFactory(workspace=workspace, video=asset)
    assert remove_for_good(asset=asset) is False
    assert path.exists()
    take.delete()
    with django_capture_on_commit_callbacks(execute=True):
        assert remove_for_good(asset=asset) is True
    assert not path.exists()
