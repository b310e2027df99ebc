"""Background work for people's accounts."""

from uuid import UUID

from celery import shared_task

from apps.workspaces import export


@shared_task(name="accounts.export")
def make_export(export_id: str) -> None:
    export.make_export(UUID(export_id))


@shared_task(name="accounts.remove_old_exports")
def remove_old_exports() -> int:
    return export.remove_old_exports()
