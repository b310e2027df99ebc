"""Uploads to the bucket where two do the same at once, and where a process dies between the bucket and the row."""

# ruff: noqa: F811  (the bucket is an imported fixture)

from datetime import timedelta
from urllib.request import Request, urlopen

import pytest
from botocore.exceptions import EndpointConnectionError
from django.core.files.storage import default_storage
from django.utils import timezone

from apps.assets import bucket, direct, tasks, uploads
from apps.assets.models import Asset, Upload
from apps.assets.services import delete_asset, remove_deleted
from tests.assets.bucket import Bucket, bucket_server  # noqa: F401  (a fixture)

pytestmark = [pytest.mark.django_db, pytest.mark.database]


@pytest.fixture
def arrived(bucket_server, workspace, owner) -> Upload:
    """An upload all of whose parts are in the bucket."""
    upload = direct.begin(workspace=workspace, user=owner, name="film.mp4", size=10)
    headers = {"Content-Type": "application/octet-stream"}
    urlopen(Request(direct.address(upload, 1), data=b"ten bytes!", method="PUT", headers=headers)).close()
    return upload


def while_read(monkeypatch, deed) -> None:
    """Have something happen while a worker reads the object for its hash."""
    read = bucket.sha256_of

    def slow(key: str) -> str:
        monkeypatch.setattr(bucket, "sha256_of", read)
        digest = read(key)
        deed()
        return digest

    monkeypatch.setattr(bucket, "sha256_of", slow)


def test_of_two_workers_that_settle_at_once_none_removes_the_film_of_the_other(arrived, bucket_server, monkeypatch):
    direct.finish(arrived)
    while_read(monkeypatch, lambda: tasks.settle(str(arrived.pk)))
    tasks.settle(str(arrived.pk))
    assert bucket_server.names() == [Asset.objects.get().file.name]


def test_an_object_joined_by_a_request_that_died_is_taken(arrived, bucket_server):
    bucket.complete(arrived.key, arrived.multipart, direct.arrived(arrived))
    direct.finish(Upload.objects.get())
    tasks.settle(str(arrived.pk))
    assert bucket_server.names() == [Asset.objects.get().file.name]


def test_of_two_that_finish_at_once_one_has_it_settled(
    arrived, bucket_server, monkeypatch, django_capture_on_commit_callbacks
):
    sent: list[list[str]] = []
    monkeypatch.setattr(direct.celery_app, "send_task", lambda name, args, **rest: sent.append(args))
    other = Upload.objects.get()
    parts = direct.arrived(arrived)
    with django_capture_on_commit_callbacks(execute=True):
        direct.finish(arrived)
        # The other had listed the parts before they were joined; some buckets then know the upload no more.
        monkeypatch.setattr(direct, "arrived", lambda upload: parts)
        direct.finish(other)
    assert sent == [[str(arrived.pk)]] and other.completed_at is not None


def test_what_is_given_up_while_it_is_settled_becomes_no_asset_without_bytes(arrived, bucket_server, monkeypatch):
    direct.finish(arrived)
    while_read(monkeypatch, lambda: uploads.cancel_upload(upload=Upload.objects.get()))
    tasks.settle(str(arrived.pk))
    assert not Asset.objects.exists() and bucket_server.names() == []


def test_what_is_given_up_when_it_has_just_been_settled_keeps_its_film(arrived, bucket_server):
    direct.finish(arrived)
    before = Upload.objects.get()
    tasks.settle(str(arrived.pk))
    uploads.cancel_upload(upload=before)
    assert bucket_server.names() == [Asset.objects.get().file.name] and not Upload.objects.exists()


def test_what_was_joined_without_the_row_knowing_leaves_nothing_when_given_up(arrived, bucket_server):
    bucket.complete(arrived.key, arrived.multipart, direct.arrived(arrived))
    uploads.cancel_upload(upload=Upload.objects.get())
    assert bucket_server.names() == []


def test_a_file_that_the_bucket_does_not_remove_keeps_its_row_and_is_removed_later(
    arrived, bucket_server, monkeypatch, django_capture_on_commit_callbacks
):
    direct.finish(arrived)
    tasks.settle(str(arrived.pk))
    delete_asset(asset=Asset.objects.get())
    month = timezone.now() + timedelta(days=31)
    removing = default_storage.delete

    def away(name: str) -> None:
        monkeypatch.setattr(default_storage._wrapped, "delete", removing)
        raise EndpointConnectionError(endpoint_url=bucket_server.address)

    monkeypatch.setattr(default_storage._wrapped, "delete", away)
    with pytest.raises(EndpointConnectionError), django_capture_on_commit_callbacks(execute=True):
        remove_deleted(now=month)
    with django_capture_on_commit_callbacks(execute=True):
        assert remove_deleted(now=month) == 1
    assert bucket_server.names() == []
