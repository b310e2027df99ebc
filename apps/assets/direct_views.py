"""The browser's side of uploads to the bucket: begin, ask for addresses of parts, ask how far it is, finish.

Answers are JSON; failures are ``{"code", "message", "advice"}`` as in ``tus``.
"""

import json
from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from apps.assets import bucket, direct
from apps.assets.access import upload_in
from apps.assets.models import Upload
from apps.assets.uploads import cancel_upload
from apps.workspaces.access import membership_in
from apps.workspaces.models import Membership, Role
from studio.errors import StudioError

View = Callable[..., HttpResponse]


def answered(view: View) -> View:
    """Sign-in as a status instead of a page, errors as JSON, nothing kept by browsers."""

    @wraps(view)
    def framed(request: HttpRequest, ws: str, **kwargs: Any) -> HttpResponse:
        try:
            if not request.user.is_authenticated:
                raise StudioError("signed_out", "You are signed out.", "Sign in again; the upload goes on.", status=401)
            response = view(request, membership_in(request.user, ws, at_least=Role.EDITOR), **kwargs)
        except StudioError as error:
            body = {"code": error.code, "message": error.message, "advice": error.advice}
            response = JsonResponse(body, status=error.status)
        response["Cache-Control"] = "no-store"
        return response

    return framed


@require_POST
@answered
def begin(request: HttpRequest, membership: Membership) -> HttpResponse:
    """``{"name", "size", "type"}`` begins an upload; the answer says how it is cut into parts."""
    wish = _object(request)
    name, size, kind = wish.get("name"), wish.get("size"), wish.get("type", "")
    if not isinstance(name, str) or type(size) is not int or not isinstance(kind, str) or size >= 2**63:
        raise StudioError("upload_header_invalid", "Name or size is missing.", "Choose the file again.", status=400)
    upload = direct.begin(workspace=membership.workspace, user=membership.user, name=name, size=size, content_type=kind)
    return JsonResponse(_state(upload, membership, []), status=201)


@require_http_methods(["GET", "HEAD", "DELETE"])
@answered
def upload(request: HttpRequest, membership: Membership, upload_id: UUID) -> HttpResponse:
    """How far it is: numbers of the parts that are there, and the asset when there is one. DELETE gives it up."""
    found = _upload(membership, upload_id)
    if request.method == "DELETE":
        cancel_upload(upload=found)
        return HttpResponse(status=204)
    return JsonResponse(_state(found, membership, direct.arrived(found)))


@require_POST
@answered
def part(request: HttpRequest, membership: Membership, upload_id: UUID) -> HttpResponse:
    """``{"number", "sha256"}``: the address to PUT a part to, and the headers that go with it."""
    found, wish = _upload(membership, upload_id), _object(request)
    number, digest = wish.get("number"), wish.get("sha256", "")
    if type(number) is not int or not isinstance(digest, str):
        raise StudioError("upload_part_invalid", "The number is missing.", "Ask how far it is.", status=400)
    headers = {"x-amz-checksum-sha256": digest} if digest else {}
    return JsonResponse({"url": direct.address(found, number, digest), "headers": headers})


@require_POST
@answered
def finish(request: HttpRequest, membership: Membership, upload_id: UUID) -> HttpResponse:
    """All parts are there: 202, and the asset appears in the state of the upload."""
    found = _upload(membership, upload_id)
    direct.finish(found)
    return JsonResponse(_state(found, membership, []), status=202)


def _upload(membership: Membership, upload_id: UUID) -> Upload:
    found = upload_in(membership, upload_id)
    if not found.multipart:
        raise Http404("This upload comes through the studio.")
    return found


def _state(found: Upload, membership: Membership, arrived: list[bucket.Part]) -> dict[str, Any]:
    return {
        "address": reverse("assets:direct", args=[membership.workspace.slug, found.pk]),
        "name": found.name,
        "size": found.size,
        "partBytes": bucket.PART_BYTES,
        "arrived": [one.number for one in arrived],
        "closing": found.completed_at is not None and found.asset_id is None,
        "assetId": str(found.asset_id) if found.asset_id else None,
    }


def _object(request: HttpRequest) -> dict[str, Any]:
    try:
        found = json.loads(request.body)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise StudioError("upload_header_invalid", "The request is no JSON object.", "Reload the page.", status=400)
    return found
