"""Work of the library that runs on a worker. Tasks carry ids only and may run twice."""

from datetime import timedelta
from uuid import UUID

from botocore.exceptions import BotoCoreError, ClientError
from celery import shared_task
from django.utils import timezone

from apps.assets import direct, services
from apps.assets.checking import check_asset, refuse_poison
from apps.assets.models import Asset, Upload
from apps.assets.uploads import forget_stale_uploads
from studio.tries import Poison, counted

# Reading 5 GB back from the bucket takes minutes.
SETTLE_LOST_AFTER = timedelta(minutes=20)


@shared_task(
    name="assets.probe",
    ignore_result=True,
    autoretry_for=(OSError,),
    retry_backoff=2,
    retry_jitter=True,
    max_retries=4,
    soft_time_limit=600,
    time_limit=660,
)
def probe(asset_id: str) -> None:
    """Facts, thumbnail and peaks of one asset, or the reason why it is refused."""
    try:
        with counted(f"probe:{asset_id}"):
            check_asset(UUID(asset_id))
    except Poison:
        refuse_poison(UUID(asset_id))
    except Asset.DoesNotExist:
        return


@shared_task(name="assets.remove_deleted", ignore_result=True)
def remove_deleted() -> None:
    """Files deleted so long ago that nobody brings them back."""
    services.remove_deleted()


@shared_task(name="assets.remove_closed", ignore_result=True)
def remove_closed() -> None:
    """Bytes of workspaces that were closed a month ago."""
    services.remove_closed()


@shared_task(
    name="assets.settle",
    ignore_result=True,
    autoretry_for=(OSError, BotoCoreError, ClientError),
    retry_backoff=2,
    max_retries=4,
)
def settle(upload_id: str) -> None:
    """An object that was uploaded straight to the bucket becomes an asset."""
    upload = Upload.objects.select_related("workspace", "created_by", "asset").filter(pk=upload_id).first()
    if upload is not None:  # else given up meanwhile
        direct.settle(upload)


@shared_task(name="assets.settle_lost", ignore_result=True)
def settle_lost() -> None:
    """Objects in the bucket whose settling was lost with its worker."""
    before = timezone.now() - SETTLE_LOST_AFTER
    for upload in Upload.objects.filter(completed_at__lt=before, updated_at__lt=before, asset=None)[:20]:
        Upload.objects.filter(pk=upload.pk).update(updated_at=timezone.now())
        settle.delay(str(upload.pk))


@shared_task(name="assets.forget_stale_uploads", ignore_result=True)
def forget_stale() -> None:
    """Unfinished uploads that nobody continued."""
    forget_stale_uploads()
