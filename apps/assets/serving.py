"""Bytes of assets to the browser: whole, or the range a player asks for.

From a local disk the file is streamed in blocks. From a bucket the browser is sent to a signed address, so that no
byte of a film passes through a web worker twice.
"""

import mimetypes
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.files.storage import default_storage
from django.db.models.fields.files import FieldFile
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.cache import get_conditional_response
from django.utils.http import content_disposition_header, quote_etag
from django.views.decorators.http import require_safe

from apps.assets.access import asset_in
from apps.assets.files import local_path
from apps.assets.footage import faces_name, head_name
from apps.assets.models import Asset
from apps.assets.naming import suffix_of
from apps.workspaces.access import membership_in

BLOCK_BYTES = 256 * 1024
# The bytes of an asset never change under its address, but who may see them can; a day suits both.
KEEP_S = 24 * 3600
RANGE = re.compile(r"^bytes=(\d{0,18})-(\d{0,18})$")
# Types a browser plays or shows. Anything else is bytes: an upload must never run as a page of ours.
PLAYABLE = ("video/", "audio/")
IMAGES = {"image/png", "image/jpeg", "image/webp", "image/gif", "image/bmp"}


@login_required
@require_safe
def file(request: HttpRequest, ws: str, asset_id: UUID) -> HttpResponseBase:
    """The asset itself, to be played in the page."""
    asset = asset_in(membership_in(request.user, ws), asset_id)
    return serve(request, asset.file, etag=asset.sha256, content_type=media_type(asset))


@login_required
@require_safe
def download(request: HttpRequest, ws: str, asset_id: UUID) -> HttpResponseBase:
    """The asset as a file to keep, under its own name."""
    asset = asset_in(membership_in(request.user, ws), asset_id)
    kind = media_type(asset)
    return serve(request, asset.file, etag=asset.sha256, content_type=kind, save_as=file_name(asset))


@login_required
@require_safe
def thumbnail(request: HttpRequest, ws: str, asset_id: UUID) -> HttpResponseBase:
    """A WebP of at most 480 pixels."""
    asset = asset_in(membership_in(request.user, ws), asset_id)
    return serve(request, asset.thumbnail, etag=f"{asset.sha256[:32]}-t", content_type="image/webp", stream=True)


@login_required
@require_safe
def person(request: HttpRequest, ws: str, asset_id: UUID, number: int) -> HttpResponseBase:
    """The head of somebody whom the footage check found: a WebP of 192 pixels."""
    asset = asset_in(membership_in(request.user, ws), asset_id)
    head = FieldFile(asset, asset.thumbnail.field, head_name(asset, number))
    if not default_storage.exists(head.name or ""):
        raise Http404("There is no such person in this file.")
    return serve(request, head, etag=f"{asset.sha256[:32]}-{number}", content_type="image/webp", stream=True)


@login_required
@require_safe
def faces(request: HttpRequest, ws: str, asset_id: UUID) -> HttpResponseBase:
    """Where the faces are: ``{"rate", "people": [{"id", "boxes": [[x, y, width, height] or null, …]}]}``, in shares
    of the picture. 404 for a file that was looked through before this was kept, until it is looked through again.
    """
    asset = asset_in(membership_in(request.user, ws), asset_id)
    places = FieldFile(asset, asset.thumbnail.field, faces_name(asset))
    if not default_storage.exists(places.name or ""):
        raise Http404("Nobody has looked for faces in this file.")
    return serve(request, places, etag=f"{asset.sha256[:32]}-f", content_type="application/json", stream=True)


@login_required
@require_safe
def captions(request: HttpRequest, ws: str, asset_id: UUID) -> HttpResponseBase:
    """WebVTT; other captions may take the place of these, so that a browser asks each time."""
    return serve_captions(request, asset_in(membership_in(request.user, ws), asset_id))


def serve_captions(request: HttpRequest, asset: Asset) -> HttpResponseBase:
    """The captions of an asset."""
    tag = f"{asset.sha256[:32]}-c{asset.updated_at.timestamp():.0f}"
    response = serve(request, asset.captions, etag=tag, content_type="text/vtt; charset=utf-8", stream=True)
    response["Cache-Control"] = "private, no-cache"
    return response


@login_required
@require_safe
def peaks(request: HttpRequest, ws: str, asset_id: UUID) -> HttpResponseBase:
    """Waveform as JSON: ``{"rate": 100, "peaks": [[min, max], …]}``."""
    asset = asset_in(membership_in(request.user, ws), asset_id)
    return serve(request, asset.peaks, etag=f"{asset.sha256[:32]}-p", content_type="application/json", stream=True)


def file_name(asset: Asset) -> str:
    """The asset's name with the ending of its file."""
    suffix = suffix_of(asset.file.name or "")
    return asset.name if asset.name.lower().endswith(suffix) else asset.name + suffix


def media_type(asset: Asset) -> str:
    """The type to announce, from the ending of the stored file and only from the list of harmless ones."""
    guessed, _ = mimetypes.guess_type(f"file{suffix_of(asset.file.name or '')}")
    if guessed and (guessed.startswith(PLAYABLE) or guessed in IMAGES):
        return guessed
    return {"video": "video/mp4", "audio": "audio/mpeg"}.get(asset.kind, "application/octet-stream")


def serve(
    request: HttpRequest, field: FieldFile, *, etag: str, content_type: str, save_as: str = "", stream: bool = False
) -> HttpResponseBase:
    """Answer with a stored file: 200, 206 for one range, 304 where the browser has it, 416 for a range beyond it.

    ``stream`` sends small files through this server also from a bucket. Raises ``Http404`` where nothing is stored.
    """
    if not field.name:
        raise Http404("There is no such file.")
    path = local_path(field.name)
    if path is None and not stream:
        return redirect(_signed(field.name, content_type, save_as))
    if path is not None and not path.is_file():
        raise Http404("The file is gone from the studio's disk.")
    tag = quote_etag(etag)
    if request.headers.get("If-None-Match"):
        unchanged = get_conditional_response(request, etag=tag)
        if unchanged is not None:
            return _headed(unchanged, tag)
    response: HttpResponseBase
    response = _ranged(request, path, tag) if path is not None else FileResponse(default_storage.open(field.name))
    response["Content-Type"] = content_type
    if save_as:
        response["Content-Disposition"] = content_disposition_header(True, save_as) or "attachment"
    return _headed(response, tag)


def _headed(response: HttpResponseBase, tag: str) -> HttpResponseBase:
    response["ETag"] = tag
    response["Accept-Ranges"] = "bytes"
    response["Cache-Control"] = f"private, max-age={KEEP_S}"
    return response


def _ranged(request: HttpRequest, path: Path, tag: str) -> HttpResponseBase:
    size = path.stat().st_size
    wanted = request.headers.get("Range", "")
    if request.headers.get("If-Range", tag) != tag:
        wanted = ""
    match = RANGE.match(wanted)
    if match is None or not any(match.groups()):
        return _streamed(request, path, 0, size, 200)
    first, last = _bounds(match.group(1), match.group(2), size)
    if first >= size or last < first:
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
    response = _streamed(request, path, first, last + 1 - first, 206)
    response["Content-Range"] = f"bytes {first}-{last}/{size}"
    return response


def _bounds(first: str, last: str, size: int) -> tuple[int, int]:
    """First and last byte of ``a-b``, ``a-`` or ``-n`` (the last n)."""
    if not first:
        return max(0, size - int(last)), size - 1 if int(last) else -1
    return int(first), min(int(last), size - 1) if last else size - 1


def _streamed(request: HttpRequest, path: Path, start: int, length: int, status: int) -> HttpResponseBase:
    response: HttpResponseBase
    if request.method == "HEAD":
        response = HttpResponse(status=status)
    else:
        opened = path.open("rb")
        response = StreamingHttpResponse(_blocks(opened, start, length), status=status)
        response._resource_closers.append(opened.close)  # type: ignore[attr-defined]
    response["Content-Length"] = str(length)
    return response


def _blocks(opened: BinaryIO, start: int, length: int) -> Iterator[bytes]:
    opened.seek(start)
    while length > 0 and (block := opened.read(min(BLOCK_BYTES, length))):
        length -= len(block)
        yield block


def _signed(name: str, content_type: str, save_as: str) -> str:
    """A signed address in the bucket that answers with our type and name."""
    parameters = {"ResponseContentType": content_type}
    if save_as:
        parameters["ResponseContentDisposition"] = content_disposition_header(True, save_as) or "attachment"
    return default_storage.url(name, parameters=parameters)  # type: ignore[call-arg]
