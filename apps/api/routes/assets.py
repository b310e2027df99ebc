"""The library: listed, uploaded by tickets, renamed, deleted, fetched by signed addresses."""

import re
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from apps.api import answers, bodies, limits, queries, schemas
from apps.api.calls import project_for
from apps.api.errors import ApiError
from apps.api.intake import (
    FETCH_IN_REQUEST_S,
    PROBE_WAIT_S,
    TooSlow,
    asset_by_id,
    asset_from_url,
    place_to_wait,
    wait_until_checked,
)
from apps.api.links import (
    FILE,
    FILE_LIVES_S,
    THUMBNAIL,
    UPLOAD,
    UPLOAD_LIVES_S,
    base_of,
    file_url,
    opened,
    upload_url,
)
from apps.api.models import Scope
from apps.api.paging import page_of
from apps.api.presentation import VISIBILITIES, asset_json
from apps.api.routing import Answer, Caller, Param, route
from apps.assets import uploads
from apps.assets.access import upload_in
from apps.assets.models import Asset, Upload
from apps.assets.services import append_bytes, delete_asset, finish_upload, rename_asset, set_visibility, start_upload
from apps.assets.serving import media_type, serve
from apps.projects.services import attach_file
from apps.workspaces.models import Role

TAG = "Assets"
OUR_UPLOAD = re.compile(r"/v2/uploads/([0-9a-f-]{36})\Z")
ASSET_CODES = ("asset_not_found", "invalid_asset_id_format")


TEXT = {"type": "string"}
LISTING = (
    Param("types", {"type": "array", "items": TEXT}, "AUDIO, VIDEO, IMAGE; a JSON array, repeated, or with commas"),
    Param("searchQuery", TEXT, "part of the name"),
    Param("projectId", TEXT, "files that were put to the project, or that its generations used or made"),
    Param("sortBy", TEXT, "name, date, duration, size or kind, with Asc or Desc; default dateDesc"),
    Param("limit", {"type": "integer", "minimum": 1, "maximum": 100}, "how many, default 50"),
    Param("cursor", TEXT, "nextCursor of the page before"),
)


@route("GET", "assets", summary="List files", tag=TAG, query=LISTING, gives=answers.AssetPage)
def list_all(caller: Caller) -> dict[str, Any]:
    """Filters: `types`, `searchQuery`, `projectId`. Order: `sortBy`. Pages: `limit` (1 to 100), `cursor`."""
    request = caller.request
    rows = queries.assets(request, caller.membership)
    page, more = page_of(request, rows, default=50)
    items = [asset_json(asset, caller) for asset in page]
    return {"items": items, "nextCursor": more, "totalCount": rows.count()}


@route("GET", "assets/{asset_id}", summary="Get a file", tag=TAG, gives=answers.Asset, codes=ASSET_CODES)
def get(caller: Caller, asset_id: str) -> dict[str, Any]:
    """Its facts, and an address of its bytes that works for seven days."""
    return asset_json(asset_by_id(caller.membership, asset_id), caller)


@route("GET", "assets/{asset_id}/download", summary="Address of a file", tag=TAG, media="text/plain", codes=ASSET_CODES)
def download(caller: Caller, asset_id: str) -> HttpResponse:
    """The signed address as plain text."""
    asset = asset_by_id(caller.membership, asset_id)
    return HttpResponse(file_url(base_of(caller.request), asset), content_type="text/plain; charset=utf-8")


@route(
    "POST",
    "assets/upload",
    summary="Ask for an address to upload to",
    tag=TAG,
    scope=Scope.GENERATE,
    body=schemas.UploadRequest,
    example={"fileName": "talk.mp4", "contentType": "video/mp4", "size": 5242880},
    gives=answers.UploadTicket,
    status=201,
    codes=("file_size_exceeds_plan_limit",),
)
def ticket(caller: Caller) -> dict[str, Any]:
    """PUT the bytes to `uploadUrl`, then register `url` by POST /v2/assets."""
    body = schemas.UploadRequest.model_validate(bodies.read_json(caller.request))
    upload = start_upload(workspace=caller.workspace, user=caller.membership.user, name=body.fileName, size=body.size)
    base = base_of(caller.request)
    address = f"{base}/v2/uploads/{upload.pk}"
    return {"uploadUrl": upload_url(base, upload.pk), "url": address, "expiresIn": UPLOAD_LIVES_S}


@route(
    "PUT",
    "uploads/{token}",
    summary="Send the bytes of a file",
    tag=TAG,
    scope=None,
    bucket=limits.CREATE,
    takes_bytes=True,
    gives=answers.Received,
    codes=("link_expired", "not_found", "upload_too_long", "upload_offset_conflict", "upload_locked"),
)
def put(request: HttpRequest, token: str) -> Answer:
    """The whole file as the body, to the address of a ticket. A second try begins again."""
    upload_id = opened(token, salt=UPLOAD, lives_s=UPLOAD_LIVES_S)
    upload = Upload.objects.select_related("asset").filter(pk=upload_id, workspace__closed_at=None).first()
    if upload is None:
        raise ApiError("link_expired")
    if upload.asset_id is not None:
        raise ApiError("upload_offset_conflict")
    reached = append_bytes(upload=upload, offset=0, chunk_iter=bodies.blocks_of(request), afresh=True)
    return Answer({"received": reached, "size": upload.size})


@route(
    "POST",
    "assets",
    summary="Register an upload, or fetch a file",
    tag=TAG,
    scope=Scope.GENERATE,
    body=schemas.RegisterAsset,
    example={"url": "https://media.example/talk.mp4", "type": "VIDEO"},
    gives=answers.Asset,
    status=201,
    codes=("uploaded_file_not_found", "project_not_found", "upload_incomplete", "generation_input_video_inaccessible"),
)
def register(caller: Caller) -> dict[str, Any]:
    """Take the `url` of a ticket into the library, or fetch the file at any other address; `projectId` puts it to a
    project.
    """
    body = schemas.RegisterAsset.model_validate(bodies.read_json(caller.request))
    project = project_for(caller.membership, body.projectId) if body.projectId else None
    match = OUR_UPLOAD.search(body.url)
    asset = _finished(caller, match.group(1)) if match else _fetched(caller, body)
    with place_to_wait(PROBE_WAIT_S) as seconds:
        wait_until_checked([asset], seconds=seconds)
    if body.name and asset.created_by_id == caller.membership.user.pk:  # else the library had these bytes of another
        rename_asset(asset=asset, name=body.name)
    if project is not None:
        attach_file(membership=caller.membership, project=project, asset=asset)
    return asset_json(asset, caller)


def _fetched(caller: Caller, body: schemas.RegisterAsset) -> Asset:
    kind = (body.type or "VIDEO").lower()
    try:
        with place_to_wait(2 * FETCH_IN_REQUEST_S) as seconds:
            return asset_from_url(caller.membership, body.url, kind, seconds=seconds)
    except TooSlow as error:
        raise ApiError("generation_media_probe_timeout", field="url") from error


def _finished(caller: Caller, upload_id: str) -> Asset:
    found = queries.uuid_or_none(upload_id)
    try:
        upload = upload_in(caller.membership, found) if found else None
    except Http404:
        upload = None
    if upload is None or not uploads.arrived(upload):
        raise ApiError("uploaded_file_not_found", field="url")
    return finish_upload(upload=upload)


@route(
    "PATCH",
    "assets/{asset_id}",
    summary="Rename a file, or change who sees it",
    tag=TAG,
    scope=Scope.GENERATE,
    body=schemas.PatchAsset,
    example={"name": "Interview, first day"},
    gives=answers.Asset,
    codes=(*ASSET_CODES, "asset_forbidden", "asset_name_empty"),
)
def patch(caller: Caller, asset_id: str) -> dict[str, Any]:
    """`visibility` USER: seen by its maker and by administrators; ORGANIZATION: by the whole workspace."""
    asset = _changeable(caller, asset_id)
    body = schemas.PatchAsset.model_validate(bodies.read_json(caller.request))
    if body.name is not None:
        rename_asset(asset=asset, name=body.name)
    if body.visibility is not None:
        asset = set_visibility(membership=caller.membership, asset=asset, visibility=VISIBILITIES[body.visibility])
    return asset_json(asset, caller)


@route(
    "DELETE",
    "assets/{asset_id}",
    summary="Delete a file",
    tag=TAG,
    scope=Scope.MANAGE,
    gives=answers.Deleted,
    codes=(*ASSET_CODES, "asset_forbidden"),
)
def delete(caller: Caller, asset_id: str) -> dict[str, Any]:
    """Out of the library; generations that were made from it stay."""
    asset = _changeable(caller, asset_id)
    delete_asset(asset=asset, by=caller.membership.user)
    return {"id": str(asset.pk)}


def _changeable(caller: Caller, asset_id: str) -> Asset:
    """One's own file as an editor, anyone's as an administrator."""
    asset = asset_by_id(caller.membership, asset_id)
    own = asset.created_by_id == caller.membership.user.pk
    if not caller.membership.may(Role.EDITOR if own else Role.ADMIN):
        raise ApiError("asset_forbidden")
    return asset


@route(
    "GET",
    "files/{token}/{name}",
    summary="Bytes of a file",
    tag=TAG,
    scope=None,
    media="*/*",
    codes=("link_expired", "not_found"),
)
def file(request: HttpRequest, token: str, name: str) -> HttpResponseBase:
    """Ranges work. The address comes from an answer; it needs no key and works for seven days."""
    asset = _signed(token, FILE)
    return serve(request, asset.file, etag=asset.sha256, content_type=media_type(asset))


@route(
    "GET",
    "thumbnails/{token}",
    summary="Picture of a file",
    tag=TAG,
    scope=None,
    media="image/webp",
    codes=("link_expired", "not_found"),
)
def thumbnail(request: HttpRequest, token: str) -> HttpResponseBase:
    """A WebP of at most 480 pixels."""
    asset = _signed(token, THUMBNAIL)
    return serve(request, asset.thumbnail, etag=f"{asset.sha256[:32]}-t", content_type="image/webp", stream=True)


def _signed(token: str, salt: str) -> Asset:
    asset_id: UUID = opened(token, salt=salt, lives_s=FILE_LIVES_S)
    asset = Asset.objects.filter(pk=asset_id, deleted_at=None, workspace__closed_at=None).first()
    if asset is None:
        raise ApiError("asset_not_found")
    return asset
