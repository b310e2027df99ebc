"""Work of the desk that runs on a worker. Tasks may run twice."""

import logging
from uuid import UUID

from celery import Task, shared_task

from apps.api.fetching import FetchFailed, TooLarge, TooSlow, fetch
from apps.api.intake import FETCH_BY_WORKER_S
from apps.assets import files
from apps.assets.models import Asset, Origin, Status
from apps.assets.services import import_file
from apps.billing.limits import file_limit, too_large
from apps.billing.plans import plan_of
from apps.desk import services
from apps.inference.running import TRANSIENT
from studio.errors import StudioError

log = logging.getLogger(__name__)
MAX_RETRIES, RETRY_AFTER_S = 4, 10


@shared_task(
    bind=True,
    name="desk.fetch_file",
    ignore_result=True,
    max_retries=MAX_RETRIES,
    soft_time_limit=1200,
    time_limit=1260,
)
def fetch_file(self: Task, asset_id: str, url: str) -> None:
    """Bring the bytes of a file that was asked for by its address, or note why they do not come."""
    try:
        _fetch(asset_id, url)
    except Exception as error:
        if isinstance(error, TRANSIENT) and self.request.retries < MAX_RETRIES:
            raise self.retry(exc=error, countdown=RETRY_AFTER_S * 2**self.request.retries) from error
        log.exception("the link of asset %s could not be fetched", asset_id)
        services.give_up(UUID(asset_id))


def _fetch(asset_id: str, url: str) -> None:
    asset = Asset.objects.select_related("workspace", "created_by").filter(pk=asset_id, deleted_at=None).first()
    if asset is None or asset.file or asset.status != Status.CHECKING:
        return
    plan = plan_of(asset.workspace)
    with files.scratch_folder() as folder:
        path = folder / "fetched"
        try:
            fetch(url, path, limit=file_limit(plan), seconds=FETCH_BY_WORKER_S)
            import_file(
                workspace=asset.workspace,
                user=asset.created_by,
                path=path,
                name=asset.name,
                origin=Origin.URL,
                asset_id=UUID(asset_id),
            )
        except FetchFailed as error:
            advice = "Upload the file, or use a link that opens without signing in."
            services.reject(asset.pk, "asset_link_unreachable", f"{error} {advice}")
        except TooLarge:
            refusal = too_large(plan, asset.name)
            services.reject(asset.pk, refusal.code, str(refusal))
        except TooSlow:
            services.reject(asset.pk, "asset_link_slow", "The file did not come within 15 minutes. Upload it instead.")
        except StudioError as error:
            services.reject(asset.pk, error.code, str(error))


@shared_task(name="desk.go_on", ignore_result=True)
def go_on() -> None:
    """Start what has room."""
    services.refuse_lost_links()
    services.go_on()
