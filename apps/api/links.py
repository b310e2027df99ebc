"""Signed addresses: whoever has one may fetch that file, or put that upload, until it expires. No cookie, no key."""

from urllib.parse import quote
from uuid import UUID

from django.conf import settings
from django.core import signing
from django.http import HttpRequest

from apps.api.errors import ApiError
from apps.assets.models import Asset
from apps.assets.naming import suffix_of

FILE_LIVES_S = 7 * 24 * 3600
UPLOAD_LIVES_S = 24 * 3600
FILE, THUMBNAIL, UPLOAD, BATCH = "api.file", "api.thumbnail", "api.upload", "api.batch"


def base_of(request: HttpRequest | None) -> str:
    """Address of this studio as the caller reached it; the configured one where nobody called."""
    return request.build_absolute_uri("/").rstrip("/") if request else settings.PUBLIC_URL.rstrip("/")


def file_url(base: str, asset: Asset, *, name: str = "") -> str:
    """Address of an asset's bytes for seven days; it ends like a file name, which players look at."""
    token = signing.dumps(asset.pk.hex, salt=FILE)
    suffix = suffix_of(asset.file.name or "")
    stem = name or asset.name.removesuffix(suffix) or "file"
    return f"{base}/v2/files/{token}/{quote(stem + suffix, safe='')}"


def thumbnail_url(base: str, asset: Asset) -> str:
    return f"{base}/v2/thumbnails/{signing.dumps(asset.pk.hex, salt=THUMBNAIL)}"


def upload_url(base: str, upload_id: UUID) -> str:
    """Where the bytes of an upload are put, for a day."""
    return f"{base}/v2/uploads/{signing.dumps(upload_id.hex, salt=UPLOAD)}"


def batch_url(base: str, batch_id: UUID) -> str:
    """Address of a batch's results file for seven days."""
    return f"{base}/v2/batches/{signing.dumps(batch_id.hex, salt=BATCH)}/results.jsonl"


def opened(token: str, *, salt: str, lives_s: int) -> UUID:
    """The id that a token was made for; raises ``ApiError``: ``link_expired``, or not found for a false one."""
    try:
        return UUID(hex=signing.loads(token, salt=salt, max_age=lives_s))
    except signing.SignatureExpired as error:
        raise ApiError("link_expired") from error
    except signing.BadSignature as error:
        raise ApiError("not_found") from error
