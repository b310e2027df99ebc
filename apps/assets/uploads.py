"""Files on their way in: begun, continued after a lost network, finished, given up.

The bytes lie in ``STUDIO_DATA/uploads`` under the upload's id. The length of that file is the truth about how much has
arrived; ``Upload.offset`` repeats it for pages. One request at a time writes to an upload, held by a lock on the file.
"""

import base64
import fcntl
import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.assets import bucket, files
from apps.assets.models import Upload
from apps.assets.naming import clean_name
from apps.billing.limits import file_refusal
from apps.billing.plans import plan_of
from apps.workspaces.models import Workspace
from studio.errors import StudioError

EXPIRES_AFTER = timedelta(days=2)
CHECKSUMS = ("sha1", "sha256", "md5")


@dataclass(frozen=True)
class Checksum:
    """What a client says a piece hashes to; ``digest`` are the raw bytes."""

    algorithm: str
    digest: bytes

    @classmethod
    def parse(cls, header: str) -> "Checksum":
        """From ``"sha1 base64"``; raises ``StudioError`` (400) for an unknown algorithm or no base64."""
        algorithm, _, encoded = header.partition(" ")
        try:
            digest = base64.b64decode(encoded, validate=True)
        except ValueError:
            digest = b""
        if algorithm not in CHECKSUMS or not digest:
            raise StudioError(
                "upload_checksum_unknown",
                "The checksum of this piece cannot be read.",
                f"Send one of {', '.join(CHECKSUMS)} in base64.",
                status=400,
            )
        return cls(algorithm, digest)


def folder() -> Path:
    """Where unfinished uploads lie."""
    path = Path(settings.DATA_DIR) / "uploads"
    path.mkdir(parents=True, exist_ok=True)
    return path


def part_file(upload: Upload) -> Path:
    """The bytes of an upload so far."""
    return folder() / f"{upload.pk}.part"


def arrived(upload: Upload) -> int:
    """Bytes that are safely here."""
    if upload.asset_id is not None:
        return upload.size
    try:
        return part_file(upload).stat().st_size
    except FileNotFoundError:
        return 0


def expires_at(upload: Upload) -> datetime:
    """When an upload that is not continued is forgotten."""
    return upload.updated_at + EXPIRES_AFTER


def start_upload(*, workspace: Workspace, user: User, name: str, size: int) -> Upload:
    """Begin an upload of ``size`` bytes.

    Raises ``StudioError``: an empty file, one larger than the plan or the studio allows, or no room on the disk.
    """
    check_size(workspace=workspace, name=name, size=size)
    upload = Upload.objects.create(workspace=workspace, created_by=user, name=clean_name(name), size=size)
    part_file(upload).touch()
    return upload


def check_size(*, workspace: Workspace, name: str, size: int, to_bucket: bool = False) -> None:
    """Refuse what will not be taken before the first byte travels; ``to_bucket``: it never lies on this disk."""
    if size <= 0:
        raise StudioError("asset_empty", f"{clean_name(name)} is empty.", "Choose the file again.", field="file")
    refusal = file_refusal(plan_of(workspace), clean_name(name), size)
    if refusal is not None:
        raise refusal
    if not to_bucket:
        files.keep_room(folder(), beside=size)


def append_bytes(
    *,
    upload: Upload,
    offset: int,
    chunk_iter: Iterable[bytes],
    checksum: Checksum | None = None,
    afresh: bool = False,
) -> int:
    """Write a piece that begins at ``offset``; returns the new offset. Memory does not grow with the piece.

    What has arrived stays, also when the connection breaks off in the middle; ``afresh`` drops it first. A piece with a
    checksum stays only when it matches. Raises ``StudioError``: 409 for another offset than the one reached, 413 for
    more than was announced, 423 while another request writes, 460 for a checksum that does not match, 507 where the
    disk has filled up meanwhile.
    """
    with locked(upload) as file:
        if afresh and upload.asset_id is None:
            file.truncate(0)
        reached = file.seek(0, 2)
        if offset != reached or upload.asset_id is not None:
            raise _conflict(upload, offset)
        digest = hashlib.new(checksum.algorithm, usedforsecurity=False) if checksum else None
        try:
            for chunk in chunk_iter:
                if reached + len(chunk) > upload.size:
                    raise StudioError(
                        "upload_too_long", "More bytes came than were announced.", "Start the upload again.", status=413
                    )
                files.keep_room(folder())
                file.write(chunk)
                reached += len(chunk)
                if digest:
                    digest.update(chunk)
            if digest and checksum and digest.digest() != checksum.digest:
                raise StudioError(
                    "upload_checksum_mismatch", "This piece was damaged on its way.", "Send it again.", status=460
                )
        except StudioError:
            file.truncate(offset)
            reached = offset
            raise
        except BaseException:
            if digest:  # an unfinished piece cannot be checked any more
                file.truncate(offset)
                reached = offset
            raise
        finally:
            file.flush()
            Upload.objects.filter(pk=upload.pk).update(offset=reached, updated_at=timezone.now())
            upload.offset = reached
    return reached


def _conflict(upload: Upload, offset: int) -> StudioError:
    return StudioError(
        "upload_offset_conflict",
        f"This piece begins at byte {offset}, but {arrived(upload)} bytes are here.",
        "Ask for the offset and continue there.",
        status=409,
    )


def cancel_upload(*, upload: Upload) -> None:
    """Give an unfinished upload up and free its bytes; a finished one only loses its record."""
    with transaction.atomic():
        # A worker may have made an asset of it since it was read, or be about to: the object is that asset's file then.
        now = Upload.objects.select_for_update().filter(pk=upload.pk).first()
        if now is not None and now.multipart and now.asset_id is None:
            bucket.abort(now.key, now.multipart)
            bucket.delete(now.key)  # the parts may be joined without the row knowing yet
        part_file(upload).unlink(missing_ok=True)
        upload.delete()


def forget_stale_uploads(*, now: datetime | None = None) -> int:
    """Remove uploads nobody has continued for two days, and bytes that belong to none; returns how many files went."""
    now = now or timezone.now()
    stale = Upload.objects.filter(updated_at__lt=now - EXPIRES_AFTER)
    removed = 0
    for upload in stale:
        cancel_upload(upload=upload)
        removed += 1
    for path in folder().glob("*.part"):
        old = files.changed_at(path) < (now - EXPIRES_AFTER).timestamp()
        if old and not Upload.objects.filter(pk=path.stem).exists():
            path.unlink(missing_ok=True)
            removed += 1
    return removed


@contextmanager
def locked(upload: Upload) -> Iterator[BinaryIO]:
    """The bytes so far, for this request alone; whether the upload was finished meanwhile is read inside the lock.

    Raises ``StudioError``: 423 while another request has it, 404 where the upload was given up.
    """
    path = part_file(upload)
    with path.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StudioError(
                "upload_locked", "This upload is being written by another request.", "Wait a moment.", status=423
            ) from error
        now = Upload.objects.filter(pk=upload.pk).values_list("asset_id", flat=True)
        if not now:
            path.unlink(missing_ok=True)
            raise StudioError("upload_gone", "This upload was given up.", "Start it again.", status=404)
        upload.asset_id = now[0]
        try:
            yield file
        finally:
            if upload.asset_id is not None:
                path.unlink(missing_ok=True)  # opening made it again after its bytes had moved into the library
