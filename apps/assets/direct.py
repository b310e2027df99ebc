"""Uploads that go straight to the bucket: the studio signs addresses of parts and never holds their bytes.

The list of parts in the bucket is the truth about what has arrived. When all are there they are joined, and a worker
reads the object once for its hash: only then is it an asset, or found to be one that the library has already.
"""

import re
from uuid import uuid4

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.assets import bucket
from apps.assets.models import Asset, Origin, Status, Upload
from apps.assets.naming import asset_folder, clean_name, suffix_of
from apps.assets.services import recheck, same_bytes
from apps.assets.uploads import check_size
from apps.workspaces.models import Workspace
from studio.celery import app as celery_app
from studio.errors import StudioError

SETTLE = "assets.settle"
DIGEST = re.compile(r"[A-Za-z0-9+/]{43}=\Z")
TYPE = re.compile(r"[a-z]{1,20}/[A-Za-z0-9.+-]{1,60}\Z")


def begin(*, workspace: Workspace, user: User, name: str, size: int, content_type: str = "") -> Upload:
    """Begin an upload to the bucket. Raises ``StudioError``: no bucket, or what :func:`check_size` refuses."""
    if not bucket.available():
        raise StudioError("upload_direct_unavailable", "Files do not lie in a bucket here.", "Upload here.", status=409)
    check_size(workspace=workspace, name=name, size=size, to_bucket=True)
    key = f"{asset_folder(workspace.pk, uuid4())}/original{suffix_of(name)}"
    multipart = bucket.begin(key, content_type if TYPE.match(content_type) else "")
    return Upload.objects.create(
        workspace=workspace, created_by=user, name=clean_name(name), size=size, key=key, multipart=multipart
    )


def part_count(upload: Upload) -> int:
    return -(-upload.size // bucket.PART_BYTES)


def part_size(upload: Upload, number: int) -> int:
    """Bytes of a part, counted from 1; the last one has what is left."""
    return min(bucket.PART_BYTES, upload.size - (number - 1) * bucket.PART_BYTES)


def arrived(upload: Upload) -> list[bucket.Part]:
    """Parts that are whole in the bucket; how much that is, is noted for pages."""
    if upload.completed_at is not None:
        return []
    count = part_count(upload)
    found = [
        part
        for part in bucket.parts(upload.key, upload.multipart)
        if part.number <= count and part.size == part_size(upload, part.number)
    ]
    offset = sum(part.size for part in found)
    Upload.objects.filter(pk=upload.pk).update(offset=offset, updated_at=timezone.now())
    upload.offset = offset
    return found


def address(upload: Upload, number: int, sha256: str = "") -> str:
    """Where to PUT a part. Raises ``StudioError`` for a number the file does not have, and once it is closed."""
    if not 1 <= number <= part_count(upload) or (sha256 and not DIGEST.match(sha256)):
        raise StudioError("upload_part_invalid", "The file has no such part.", "Ask how far it is.", status=400)
    if upload.completed_at is not None:
        raise StudioError("upload_offset_conflict", "The upload is complete already.", "Ask how far it is.", status=409)
    return bucket.address(upload.key, upload.multipart, number, sha256)


def finish(upload: Upload) -> None:
    """Join the parts and have a worker make the asset; twice is once. Raises ``StudioError`` while some are missing."""
    if upload.completed_at is not None:
        return
    found = arrived(upload)
    missing = part_count(upload) - len(found)
    if not missing:
        bucket.complete(upload.key, upload.multipart, found)
    elif not bucket.has(upload.key):  # else joined already, by a request that died before it could say so
        words = f"{missing} parts of {upload.name} are missing."
        raise StudioError("upload_incomplete", words, "Continue the upload.", status=409)
    now = timezone.now()
    with transaction.atomic():
        joined = Upload.objects.filter(pk=upload.pk, completed_at=None)
        if joined.update(completed_at=now, offset=upload.size, updated_at=now):  # of two at once one has it settled
            transaction.on_commit(
                lambda: celery_app.send_task(SETTLE, args=[str(upload.pk)], ignore_result=True, retry=False),
                robust=True,
            )
    upload.completed_at, upload.offset = now, upload.size


def settle(upload: Upload) -> Asset | None:
    """The asset of a joined object, or the one with the same bytes that is there already; twice is once, also where two
    workers are at it. None where the upload was given up meanwhile.
    """
    digest = bucket.sha256_of(upload.key) if upload.asset_id is None else ""
    with transaction.atomic():
        # Reading takes minutes: somebody else may have settled it by now, and then the object is that asset's file.
        now = Upload.objects.select_for_update().filter(pk=upload.pk).first()
        if now is None:
            return None
        asset = now.asset
        if asset is None:
            asset = same_bytes(upload.workspace, upload.created_by, digest) or _made(upload, digest)
            Upload.objects.filter(pk=upload.pk).update(asset=asset, updated_at=timezone.now())
    if asset.file.name != upload.key:
        bucket.delete(upload.key)
    upload.asset = asset
    return asset


def _made(upload: Upload, digest: str) -> Asset:
    """A new asset of a joined object, on its way to the probe."""
    asset = Asset.objects.create(
        pk=upload.key.split("/")[-2],
        workspace=upload.workspace,
        created_by=upload.created_by,
        name=upload.name,
        origin=Origin.UPLOAD,
        status=Status.CHECKING,
        file=upload.key,
        size=upload.size,
        sha256=digest,
    )
    recheck(asset)
    return asset
