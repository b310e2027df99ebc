"""What changes the library."""

import hashlib
import shutil
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import ProtectedError, Q
from django.utils import timezone

from apps.accounts.models import User
from apps.assets import files, uploads
from apps.assets.models import Asset, Origin, Status, Upload
from apps.assets.naming import asset_folder, clean_name, suffix_of
from apps.assets.sound import sound_of
from apps.assets.uploads import Checksum, append_bytes, cancel_upload, start_upload
from apps.workspaces.access import require, require_maker_or_admin
from apps.workspaces.activity import record
from apps.workspaces.models import Membership, Role, Visibility, Workspace
from studio.celery import app as celery_app
from studio.errors import StudioError

__all__ = [
    "Checksum",
    "append_bytes",
    "cancel_upload",
    "delete_asset",
    "extract_sound",
    "finish_upload",
    "import_file",
    "recheck",
    "rename_asset",
    "restore_asset",
    "start_upload",
    "upload_whole",
]

HASH_BYTES = 1024**2
# How long a deleted file can be brought back.
KEEP_DELETED = timedelta(days=30)
OUR_OWN = (Origin.RESULT, Origin.SAMPLE)


def finish_upload(*, upload: Upload) -> Asset:
    """Turn a complete upload into an asset and send it to the probe.

    Finishing twice gives the same asset. A file whose bytes the library already has gives that asset, unless it was
    refused: then it is checked afresh. Raises ``StudioError`` (409) while bytes are missing.
    """
    with uploads.locked(upload):
        if upload.asset is not None:
            return upload.asset
        missing = upload.size - uploads.arrived(upload)
        if missing:
            raise StudioError(
                "upload_incomplete",
                f"{missing} bytes of {upload.name} are missing.",
                "Continue the upload.",
                status=409,
            )
        path = uploads.part_file(upload)
        asset = _keep(upload.workspace, upload.created_by, path, upload.name, Origin.UPLOAD, move=True)
        Upload.objects.filter(pk=upload.pk).update(asset=asset, offset=upload.size, updated_at=timezone.now())
        upload.asset = asset
    return asset


def upload_whole(*, workspace: Workspace, user: User, name: str, size: int, chunks: Iterable[bytes]) -> Asset:
    """A file that comes in one request, from a form without scripts: the same checks, the same asset."""
    upload = start_upload(workspace=workspace, user=user, name=name, size=size)
    try:
        append_bytes(upload=upload, offset=0, chunk_iter=chunks)
        asset = finish_upload(upload=upload)
    finally:
        cancel_upload(upload=upload)
    return asset


def import_file(
    *,
    workspace: Workspace,
    user: User | None,
    path: Path,
    name: str,
    origin: Origin = Origin.UPLOAD,
    asset_id: UUID | None = None,
    move: bool = False,
    visibility: str = "",
) -> Asset:
    """Put a copy of a local file into the library and send it to the probe; ``move`` gives the file itself away.

    With an ``asset_id`` of one's own a second run replaces the bytes of the same asset instead of adding one.
    Without a ``visibility`` a new asset is the whole workspace's, and one that is there stays as it is.
    What people bring is checked like an upload of the same size and may raise the same ``StudioError``.
    """
    if origin not in OUR_OWN:
        uploads.check_size(workspace=workspace, name=name, size=path.stat().st_size)
    return _keep(workspace, user, path, name, origin, asset_id=asset_id, move=move, visibility=visibility)


def rename_asset(*, asset: Asset, name: str) -> Asset:
    """Give an asset another name; raises ``StudioError`` for an empty one."""
    if not name.strip():
        raise StudioError("asset_name_empty", "A file needs a name.", "Type one.", field="name")
    asset.name = clean_name(name)
    asset.save(update_fields=["name", "updated_at"])
    return asset


@transaction.atomic
def delete_asset(*, asset: Asset, by: User | None = None) -> Asset:
    """Take an asset out of the library; it can be brought back until its bytes are removed."""
    if Asset.objects.filter(pk=asset.pk, deleted_at=None).update(deleted_at=timezone.now()):
        record("asset.deleted", workspace=asset.workspace, actor=by, subject=asset.name)
    asset.refresh_from_db()
    return asset


@transaction.atomic
def restore_asset(*, asset: Asset, by: User | None = None) -> Asset:
    """Bring a deleted asset back."""
    if Asset.objects.filter(pk=asset.pk).exclude(deleted_at=None).update(deleted_at=None):
        record("asset.restored", workspace=asset.workspace, actor=by, subject=asset.name)
    asset.refresh_from_db()
    return asset


@transaction.atomic
def set_visibility(*, membership: Membership, asset: Asset, visibility: str) -> Asset:
    """Show a file to the whole workspace, or only to its maker and those who administrate."""
    require_maker_or_admin(membership, asset.created_by_id)
    if visibility not in Visibility.values:
        raise StudioError(
            "visibility_unknown", "There is no such choice.", "Choose one of the list.", field="visibility"
        )
    if Asset.objects.filter(pk=asset.pk).exclude(visibility=visibility).update(visibility=visibility):
        record(
            "asset.visibility_changed",
            workspace=asset.workspace,
            actor=membership.user,
            subject=asset.name,
            before=asset.visibility,
            after=visibility,
        )
    asset.refresh_from_db()
    return asset


def extract_sound(*, membership: Membership, asset: Asset) -> Asset:
    """The sound of a film as an asset of its own, as private as the film; the same sound twice is one.

    Raises ``StudioError``.
    """
    require(membership, Role.EDITOR)
    if not asset.is_ready:  # nobody has looked yet whether it is a film at all, or it was found to be none
        raise StudioError("asset_not_ready", f"{asset.name} is not checked or cannot be used.", "Choose another film.")
    with files.as_path(asset.file.name or "") as path, files.scratch_folder() as scratch:
        track = sound_of(path)
        copy = scratch / f"sound{track.suffix}"
        with copy.open("wb") as into:
            shutil.copyfileobj(track.file, into, HASH_BYTES)
        return import_file(
            workspace=membership.workspace,
            user=membership.user,
            path=copy,
            name=f"{Path(asset.name).stem}, sound{track.suffix}",
            origin=Origin.EXTRACT,
            visibility=asset.visibility,
        )


def remove_deleted(*, now: datetime | None = None) -> int:
    """Remove for good what was deleted a month ago and no take refers to; returns how many files went."""
    gone = Asset.objects.filter(deleted_at__lt=(now or timezone.now()) - KEEP_DELETED)
    removed = 0
    for pk in gone.values_list("pk", flat=True):
        with transaction.atomic():
            # A bucket takes its time for each: one further down the list may have been brought back meanwhile.
            asset = gone.select_for_update().filter(pk=pk).first()
            removed += asset is not None and remove_for_good(asset=asset)
    return removed


def remove_for_good(*, asset: Asset) -> bool:
    """Delete the row and every stored byte of an asset; False where a take still refers to it."""
    folder = asset_folder(asset.workspace_id, asset.pk)
    with transaction.atomic():
        Asset.objects.select_for_update().filter(pk=asset.pk).first()  # takes that are just submitted with it count too
        try:
            asset.delete()
        except ProtectedError:
            return False
        files.remove_tree(folder)  # where that fails the row stays, and whoever comes next finds the bytes by it
    return True


def remove_closed(*, now: datetime | None = None) -> int:
    """Remove the bytes of workspaces closed a month ago; the rows stay, since bills refer to them."""
    closed = Workspace.objects.filter(closed_at__lt=(now or timezone.now()) - KEEP_DELETED)
    gone = Asset.objects.filter(workspace__in=closed).exclude(file="")
    count = 0
    for asset in gone.iterator():
        files.remove_tree(asset_folder(asset.workspace_id, asset.pk))
        count += Asset.objects.filter(pk=asset.pk).update(
            file="",
            thumbnail="",
            peaks="",
            captions="",
            deleted_at=asset.deleted_at or timezone.now(),
        )
    return count


def recheck(asset: Asset) -> None:
    """Send an asset to the probe when the transaction at hand is through."""
    transaction.on_commit(lambda: celery_app.send_task("assets.probe", args=[str(asset.pk)]), robust=True)


def _keep(
    workspace: Workspace,
    user: User | None,
    path: Path,
    name: str,
    origin: str,
    *,
    move: bool = False,
    asset_id: UUID | None = None,
    visibility: str = "",
) -> Asset:
    digest = sha256_of(path)
    if asset_id is None and (known := same_bytes(workspace, user, digest)):
        return known
    identity = asset_id or uuid4()
    size = path.stat().st_size
    stored = files.put(path, f"{asset_folder(workspace.pk, identity)}/original{suffix_of(name)}", move=move)
    with transaction.atomic():
        asset, _ = Asset.objects.update_or_create(
            pk=identity,
            defaults={
                "workspace": workspace,
                "created_by": user,
                "name": clean_name(name),
                "origin": origin,
                "status": Status.CHECKING,
                "file": stored,
                "size": size,
                "sha256": digest,
            }
            | ({"visibility": visibility} if visibility else {}),
        )
        recheck(asset)
    return asset


def same_bytes(workspace: Workspace, user: User | None, digest: str) -> Asset | None:
    """The file of the library, as this person sees it, that has these bytes and is not refused."""
    seen = Q(visibility=Visibility.WORKSPACE) | Q(created_by=user)
    same = Asset.objects.in_library(workspace).filter(seen, sha256=digest)
    return same.exclude(status=Status.REJECTED).first()


def sha256_of(path: Path) -> str:
    """Hex digest of a file, read in pieces."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(HASH_BYTES):
            digest.update(block)
    return digest.hexdigest()
