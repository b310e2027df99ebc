"""Work of the library that runs on a worker. Tasks carry ids only and may run twice."""

from uuid import UUID

from celery import shared_task

from apps.assets import services
from apps.assets.checking import check_asset, refuse_poison
from apps.assets.models import Asset
from apps.assets.uploads import forget_stale_uploads
from studio.tries import Poison, counted


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


@shared_task(name="assets.forget_stale_uploads", ignore_result=True)
def forget_stale() -> None:
    """Unfinished uploads that nobody continued."""
    forget_stale_uploads()
