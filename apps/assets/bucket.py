"""Multipart uploads of the bucket: begun and ended here, their parts sent by the browser to presigned addresses."""

import errno
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError
from django.conf import settings
from django.core.files.storage import default_storage

# 16 MB as on the way through the studio; S3 takes 10,000 parts, so this is enough for 160 GB.
PART_BYTES = 16 * 1024**2
ADDRESS_LIVES_S = 3600
READ_BYTES = 1024**2


@dataclass(frozen=True)
class Part:
    """A part that is in the bucket."""

    number: int
    size: int
    etag: str
    sha256: str = ""


def available() -> bool:
    """Whether media lies in a bucket."""
    return settings.STORAGES["default"]["BACKEND"] == "storages.backends.s3.S3Storage"


def begin(key: str, content_type: str) -> str:
    """The bucket's id of a new upload to ``key``."""
    kind = {"ContentType": content_type} if content_type else {}
    return str(_client().create_multipart_upload(**_place(key), ChecksumAlgorithm="SHA256", **kind)["UploadId"])


def address(key: str, upload: str, number: int, sha256: str) -> str:
    """Where to PUT a part, for an hour; with ``sha256`` (base64) the bucket takes no other bytes."""
    what: dict[str, Any] = {**_place(key), "UploadId": upload, "PartNumber": number}
    if sha256:
        what["ChecksumSHA256"] = sha256
    return str(_client().generate_presigned_url("upload_part", Params=what, ExpiresIn=ADDRESS_LIVES_S))


def parts(key: str, upload: str) -> list[Part]:
    """What has arrived, in order; empty where the bucket has forgotten the upload."""
    found: list[Part] = []
    try:
        for page in _client().get_paginator("list_parts").paginate(**_place(key), UploadId=upload):
            found += [
                Part(one["PartNumber"], one["Size"], one["ETag"], one.get("ChecksumSHA256", ""))
                for one in page.get("Parts", [])
            ]
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("NoSuchUpload", "404"):
            raise
    return found


def complete(key: str, upload: str, arrived: list[Part]) -> None:
    """Join the parts to one object; nothing happens where another request has done so since they were listed."""
    listed = [
        {"PartNumber": one.number, "ETag": one.etag} | ({"ChecksumSHA256": one.sha256} if one.sha256 else {})
        for one in arrived
    ]
    try:
        _client().complete_multipart_upload(**_place(key), UploadId=upload, MultipartUpload={"Parts": listed})
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchUpload" or not has(key):
            raise


def abort(key: str, upload: str) -> None:
    """Drop all parts; nothing happens where they are gone."""
    try:
        _client().abort_multipart_upload(**_place(key), UploadId=upload)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("NoSuchUpload", "404"):
            raise


def has(key: str) -> bool:
    """Whether there is such an object."""
    return bool(default_storage.exists(key))


def delete(key: str) -> None:
    """Remove an object; nothing happens where there is none."""
    _client().delete_object(**_place(key))


def sha256_of(key: str) -> str:
    """Hex digest of an object, read as it comes."""
    digest = hashlib.sha256()
    for block in _client().get_object(**_place(key))["Body"].iter_chunks(READ_BYTES):
        digest.update(block)
    return digest.hexdigest()


def fetch(key: str, target: Path) -> None:
    """Write an object to a file on this disk, straight to its place: no second copy lies anywhere meanwhile.

    Raises ``FileNotFoundError`` where there is no such object.
    """
    try:
        _client().download_file(**_place(key), Filename=str(target), Config=default_storage.transfer_config)  # type: ignore[attr-defined]
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("NoSuchKey", "404"):
            raise
        raise FileNotFoundError(errno.ENOENT, "There is no such object", key) from error


def _client() -> Any:
    return default_storage.connection.meta.client  # type: ignore[attr-defined]


def _place(key: str) -> dict[str, str]:
    return {"Bucket": default_storage.bucket_name, "Key": default_storage._normalize_name(key)}  # type: ignore[attr-defined]
