"""Resumable uploads over HTTP: tus 1.0 core with creation, creation-with-upload, termination, checksum, expiration.

The bytes of a piece go from the socket to the file in blocks, whatever its size. The last piece answers with the
asset's id in ``X-Asset``. Errors are JSON: ``{"code", "message", "advice"}``.
"""

import base64
from collections.abc import Callable, Iterator
from functools import wraps
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.request import UnreadablePostError
from django.urls import reverse
from django.utils.http import http_date

from apps.assets import uploads
from apps.assets.access import upload_in
from apps.assets.models import Upload
from apps.assets.services import cancel_upload, finish_upload, start_upload
from apps.workspaces.access import membership_in
from apps.workspaces.models import Role
from studio.errors import StudioError

VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,termination,checksum,expiration"
PIECE_TYPE = "application/offset+octet-stream"
BLOCK_BYTES = 256 * 1024

View = Callable[..., HttpResponse]


def tus(view: View) -> View:
    """Protocol frame of both addresses: version check, sign-in as a status instead of a page, errors as JSON."""

    @wraps(view)
    def framed(request: HttpRequest, **kwargs: object) -> HttpResponse:
        try:
            response = _checked(request) or view(request, **kwargs)
        except StudioError as error:
            response = _answer(error)
        response["Tus-Resumable"] = VERSION
        response["Cache-Control"] = "no-store"
        return response

    return framed


def _checked(request: HttpRequest) -> HttpResponse | None:
    """The answer where the request must not go further."""
    if request.method != "OPTIONS" and request.headers.get("Tus-Resumable") != VERSION:
        response = HttpResponse(status=412)
        response["Tus-Version"] = VERSION
        return response
    if not request.user.is_authenticated:
        raise StudioError("signed_out", "You are signed out.", "Sign in again; the upload goes on.", status=401)
    return None


def _answer(error: StudioError) -> JsonResponse:
    body = {"code": error.code, "message": error.message, "advice": error.advice}
    return JsonResponse(body, status=error.status)


@tus
def tus_create(request: HttpRequest, ws: str) -> HttpResponse:
    """OPTIONS tells what the server can do, POST begins an upload."""
    membership = membership_in(request.user, ws, at_least=Role.EDITOR)
    if request.method == "OPTIONS":
        return _abilities()
    if request.method != "POST":
        return _not_allowed("OPTIONS, POST")
    size = _number(request, "Upload-Length")
    metadata = parse_metadata(request.headers.get("Upload-Metadata", ""))
    name = metadata.get("filename") or metadata.get("name") or "Untitled"
    upload = start_upload(workspace=membership.workspace, user=membership.user, name=name, size=size)
    response = HttpResponse(status=201)
    if request.content_type == PIECE_TYPE:
        _take_piece(request, upload, 0, response)
    response["Location"] = reverse("assets:tus_upload", kwargs={"ws": ws, "upload_id": upload.pk})
    response["Upload-Expires"] = http_date(uploads.expires_at(upload).timestamp())
    return response


@tus
def tus_upload(request: HttpRequest, ws: str, upload_id: UUID) -> HttpResponse:
    """HEAD tells how far an upload is, PATCH continues it, DELETE gives it up."""
    membership = membership_in(request.user, ws, at_least=Role.EDITOR)
    if request.method == "OPTIONS":
        return _abilities()
    upload = upload_in(membership, upload_id)
    if upload.multipart:
        raise StudioError("upload_gone", "This upload goes straight to the bucket.", "Start it again.", status=404)
    if request.method == "HEAD":
        response = HttpResponse(status=200)
        response["Upload-Offset"] = str(uploads.arrived(upload))
        response["Upload-Length"] = str(upload.size)
        if upload.asset_id is not None:
            response["X-Asset"] = str(upload.asset_id)
    elif request.method == "PATCH":
        if request.content_type != PIECE_TYPE:
            raise StudioError("upload_wrong_type", "This is no piece of a file.", f"Send {PIECE_TYPE}.", status=415)
        response = HttpResponse(status=204)
        _take_piece(request, upload, _number(request, "Upload-Offset"), response)
    elif request.method == "DELETE":
        cancel_upload(upload=upload)
        return HttpResponse(status=204)
    else:
        return _not_allowed("OPTIONS, HEAD, PATCH, DELETE")
    response["Upload-Expires"] = http_date(uploads.expires_at(upload).timestamp())
    return response


def _take_piece(request: HttpRequest, upload: Upload, offset: int, response: HttpResponse) -> None:
    """Write the body at ``offset``; where it completes the file, make the asset."""
    header = request.headers.get("Upload-Checksum")
    checksum = uploads.Checksum.parse(header) if header else None
    try:
        reached = uploads.append_bytes(upload=upload, offset=offset, chunk_iter=_blocks(request), checksum=checksum)
    except UnreadablePostError as error:  # the client went away; what came is kept
        raise StudioError("upload_broken_off", "The connection broke off.", "Continue.", status=400) from error
    response["Upload-Offset"] = str(reached)
    if reached == upload.size:
        response["X-Asset"] = str(finish_upload(upload=upload).pk)


def _blocks(request: HttpRequest) -> Iterator[bytes]:
    while block := request.read(BLOCK_BYTES):
        yield block


def _number(request: HttpRequest, header: str) -> int:
    text = request.headers.get(header, "")
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise StudioError("upload_header_invalid", f"The header {header} is no whole number.", "Send it.", status=400)
    return int(text)


def parse_metadata(header: str) -> dict[str, str]:
    """``Upload-Metadata``: pairs of a key and a base64 text, separated by commas; unreadable pairs are left out."""
    found: dict[str, str] = {}
    for pair in filter(None, (part.strip() for part in header.split(","))):
        key, _, value = pair.partition(" ")
        try:
            found[key] = base64.b64decode(value.strip(), validate=True).decode("utf-8", "replace")
        except ValueError:
            continue
    return found


def _abilities() -> HttpResponse:
    response = HttpResponse(status=204)
    response["Tus-Version"] = VERSION
    response["Tus-Extension"] = EXTENSIONS
    response["Tus-Max-Size"] = str(settings.UPLOAD_LIMIT)
    response["Tus-Checksum-Algorithm"] = ",".join(uploads.CHECKSUMS)
    return response


def _not_allowed(allow: str) -> HttpResponse:
    response = HttpResponse(status=405)
    response["Allow"] = allow
    return response
