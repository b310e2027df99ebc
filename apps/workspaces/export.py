"""What the studio holds about a person, as a ZIP of JSON files and a list of the media they brought.

The table names what goes in, field by field: what is not named stays out, so no secret leaves by accident. Rooms above
this one are asked by the names of their models.
"""

import json
import tempfile
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.apps import apps
from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import default_storage
from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone
from kombu.exceptions import OperationalError

from apps.accounts.models import DataExport, User
from apps.workspaces.activity import record
from studio.celery import app as celery_app
from studio.errors import StudioError

KEPT = timedelta(days=7)
ROWS_AT_ONCE = 500
# File in the ZIP: model, the field that leads to the person, and what is told of each row.
TABLES: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "addresses": ("account.EmailAddress", "user", ("email", "verified", "primary")),
    "memberships": ("workspaces.Membership", "user", ("workspace__name", "workspace__slug", "role", "joined_at")),
    "devices": ("usersessions.UserSession", "user", ("created_at", "ip", "user_agent", "last_seen_at")),
    "activity": (
        "workspaces.Activity",
        "actor",
        ("at", "workspace__name", "action", "subject", "detail", "address", "agent"),
    ),
    "projects": ("projects.Project", "created_by", ("id", "workspace__name", "name", "created_at", "deleted_at")),
    "takes": (
        "generations.Generation",
        "created_by",
        ("id", "workspace__name", "project__name", "number", "model", "sync_mode", "options", "status", "created_at"),
    ),
    "api_keys": (
        "api.ApiKey",
        "user",
        ("workspace__name", "name", "prefix", "scope", "created_at", "last_used_at", "expires_at", "revoked_at"),
    ),
    "comments": ("reviews.Comment", "author", ("generation", "at_s", "text", "created_at", "deleted_at")),
}
MEDIA = ("id", "workspace__slug", "workspace__name", "name", "kind", "size", "sha256", "created_at", "deleted_at")


def ask_for_export(*, user: User) -> DataExport:
    """Have an export made in the background. One at a time: asking again while it is made gives the same one."""
    waiting = user.exports.filter(ready_at=None, failed_at=None, created_at__gt=timezone.now() - timedelta(hours=1))
    pending = waiting.first()
    if pending is not None:
        return pending
    day_ago = timezone.now() - timedelta(days=1)
    if user.exports.filter(created_at__gt=day_ago).count() >= 5:
        raise StudioError("too_many_exports", "Five exports were made today.", "Use one of them.", status=429)
    export = DataExport.objects.create(user=user)
    try:
        celery_app.send_task("accounts.export", args=[str(export.pk)])
    except OperationalError:
        export.delete()  # or it would stand in the way of the next for an hour
        raise
    record("account.exported", actor=user)
    return export


def make_export(export_id: UUID) -> None:
    """Write the ZIP of an export; a second run of a finished one changes nothing."""
    export = DataExport.objects.select_related("user").filter(pk=export_id, ready_at=None).first()
    if export is None:
        return
    try:
        with tempfile.TemporaryFile(dir=settings.FILE_UPLOAD_TEMP_DIR) as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
                for name, rows in _parts(export.user):
                    archive.writestr(name, json.dumps(rows, cls=DjangoJSONEncoder, indent=1, ensure_ascii=False))
            size = file.tell()
            file.seek(0)
            stored = default_storage.save(f"exports/{export.pk}.zip", File(file))
    except Exception:
        DataExport.objects.filter(pk=export_id).update(failed_at=timezone.now())
        raise
    ready = DataExport.objects.filter(pk=export_id)
    if not ready.update(file=stored, size=size, ready_at=timezone.now()):
        default_storage.delete(stored)  # the account was deleted meanwhile: nothing of it stays


def remove_old_exports() -> int:
    """Delete exports whose days are over; returns how many went."""
    old = list(DataExport.objects.filter(created_at__lt=timezone.now() - KEPT))
    for export in old:
        export.file.delete(save=False)
        export.delete()
    return len(old)


def _parts(user: User) -> Iterator[tuple[str, Any]]:
    fields = ("email", "name", "date_joined", "last_login")
    yield "account.json", {field: getattr(user, field) for field in fields}
    for name, (model, owner, wanted) in TABLES.items():
        rows = apps.get_model(model).objects.filter(**{owner: user}).values(*wanted)
        yield f"{name}.json", list(rows.iterator(chunk_size=ROWS_AT_ONCE))
    brought = apps.get_model("assets.Asset").objects.filter(created_by=user).values(*MEDIA)
    yield (
        "media.json",
        [
            row | {"address": f"{settings.PUBLIC_URL}/w/{row['workspace__slug']}/library/{row['id']}/download/"}
            for row in brought.iterator(chunk_size=ROWS_AT_ONCE)
        ],
    )
