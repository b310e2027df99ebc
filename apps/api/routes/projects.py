"""Projects over HTTP: made, changed, deleted, and the files put to them."""

from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.http import Http404

from apps.api import answers, bodies, queries, schemas
from apps.api.errors import ApiError
from apps.api.intake import asset_by_id
from apps.api.models import Scope
from apps.api.paging import page_of
from apps.api.presentation import VISIBILITIES, project_json
from apps.api.routing import Answer, Caller, Param, route
from apps.projects.access import project_in
from apps.projects.models import Project
from apps.projects.services import (
    attach_file,
    create_project,
    delete_project,
    describe_project,
    detach_file,
    rename_project,
    set_visibility,
)
from apps.workspaces.access import visible_to

PROJECT_CODES = ("not_found",)
WORKFLOW = "defaultWorkflow"
TEXT = {"type": "string"}
SORTS = {"updatedAt": ("-updated_at", "-pk"), "name": ("name", "pk")}
LISTING = (
    Param("searchQuery", TEXT, "part of the name"),
    Param("sortBy", {"type": "string", "enum": list(SORTS)}, "updatedAt: last changed first (default); name: by name"),
    Param("limit", {"type": "integer", "minimum": 1, "maximum": 100}, "how many, default 10"),
    Param("cursor", TEXT, "nextCursor of the page before"),
)


@route("GET", "projects", summary="List projects", tag="Projects", query=LISTING, gives=answers.ProjectPage)
def projects(caller: Caller) -> dict[str, Any]:
    """Pages: `limit` (1 to 100, default 10), `cursor`. Search: `searchQuery`. Order: `sortBy` updatedAt or name."""
    request = caller.request
    rows = Project.objects.listed(caller.workspace).filter(visible_to(caller.membership))
    if search := request.GET.get("searchQuery", "").replace("\x00", ""):
        rows = rows.filter(name__icontains=search)
    sort = request.GET.get("sortBy", "") or "updatedAt"
    if sort not in SORTS:
        raise queries.invalid("sortBy", f"There is no order “{sort[:40]}”. There are: {', '.join(SORTS)}.")
    rows = rows.order_by(*SORTS[sort])
    page, more = page_of(request, rows, default=10)
    return {"items": [project_json(project) for project in page], "nextCursor": more}


@route(
    "POST",
    "projects",
    summary="Make a project",
    tag="Projects",
    scope=Scope.GENERATE,
    body=schemas.NewProject,
    example={"name": "Harbour film", "description": "Trailer, all languages"},
    gives=answers.Project,
    status=201,
    also=200,
    codes=("project_name_missing", "project_conflict", "feature_unavailable"),
)
def make_project(caller: Caller) -> Answer:
    """With an `id` of one's own a second try gives the same project. `visibility` USER: for you and administrators.
    Projects here are for lipsync: another `defaultWorkflow` answers 422.
    """
    body = schemas.NewProject.model_validate(bodies.read_json(caller.request))
    _refuse_workflow(body.defaultWorkflow)
    if mine := _made(caller, body.id):
        return Answer(project_json(mine))
    try:
        with transaction.atomic():
            project = create_project(
                membership=caller.membership, name=body.name, identity=body.id, description=body.description or ""
            )
            if body.visibility == "USER":
                _show(caller, project, body.visibility)
    except IntegrityError as error:  # it is another's or deleted, or the same request was sent twice at once
        if mine := _made(caller, body.id):
            return Answer(project_json(mine))
        raise ApiError("project_conflict", field="id") from error
    return Answer(project_json(project), status=201)


def _made(caller: Caller, project_id: UUID | None) -> Project | None:
    if project_id is None:
        return None
    seen = Project.objects.listed(caller.workspace).filter(visible_to(caller.membership))
    return seen.filter(pk=project_id).first()


def _refuse_workflow(name: str | None) -> None:
    if name not in (None, "lipsync"):
        message = f"Projects for {str(name).replace('_', ' ')} are not available in this studio."
        raise ApiError("feature_unavailable", message, "Leave out defaultWorkflow, or send lipsync.", field=WORKFLOW)


def _show(caller: Caller, project: Project, seen_by: str) -> None:
    set_visibility(membership=caller.membership, project=project, visibility=VISIBILITIES[seen_by])
    project.refresh_from_db(fields=["visibility"])


def _project(caller: Caller, project_id: str) -> Project:
    found = queries.uuid_or_none(project_id)
    if found is None:
        raise Http404("There is no such project in this workspace.")
    return project_in(caller.membership, found)


@route(
    "GET", "projects/{project_id}", summary="Get a project", tag="Projects", gives=answers.Project, codes=PROJECT_CODES
)
def get_project(caller: Caller, project_id: str) -> dict[str, Any]:
    """Name, description and dates."""
    return project_json(_project(caller, project_id))


@route(
    "PATCH",
    "projects/{project_id}",
    summary="Change a project",
    tag="Projects",
    scope=Scope.GENERATE,
    body=schemas.PatchProject,
    example={"name": "Harbour film, second cut"},
    gives=answers.Project,
    codes=(*PROJECT_CODES, "project_name_missing"),
)
def patch_project(caller: Caller, project_id: str) -> dict[str, Any]:
    """Its name, its description, or who sees it: that by its maker and administrators; takes and results go with it."""
    body = schemas.PatchProject.model_validate(bodies.read_json(caller.request))
    _refuse_workflow(body.defaultWorkflow)
    project = _project(caller, project_id)
    with transaction.atomic():
        if body.name is not None:
            rename_project(membership=caller.membership, project=project, name=body.name)
        if body.description is not None:
            describe_project(membership=caller.membership, project=project, description=body.description)
        if body.visibility is not None:
            _show(caller, project, body.visibility)
    return project_json(project)


@route(
    "DELETE",
    "projects/{project_id}",
    summary="Delete a project",
    tag="Projects",
    scope=Scope.MANAGE,
    gives=answers.Deleted,
    codes=(*PROJECT_CODES, "project_busy"),
)
def remove_project(caller: Caller, project_id: str) -> dict[str, Any]:
    """Not while one of its generations runs. Its generations go with it; files stay in the library. A member brings
    all of it back on the studio's page.
    """
    project = _project(caller, project_id)
    delete_project(membership=caller.membership, project=project)
    return {"id": str(project.pk)}


@route(
    "POST",
    "projects/{project_id}/assets",
    summary="Put a file to a project",
    tag="Projects",
    scope=Scope.GENERATE,
    body=schemas.AttachAsset,
    example={"assetId": "00000000-0000-4000-8000-000000000000"},
    status=204,
    codes=(*PROJECT_CODES, "asset_not_found", "invalid_asset_id_format"),
)
def attach(caller: Caller, project_id: str) -> Answer:
    """A second time changes nothing. `GET /v2/assets?projectId=…` lists it from now on."""
    project = _project(caller, project_id)
    body = schemas.AttachAsset.model_validate(bodies.read_json(caller.request))
    asset = asset_by_id(caller.membership, body.assetId)
    attach_file(membership=caller.membership, project=project, asset=asset)
    return Answer(None, status=204)


@route(
    "DELETE",
    "projects/{project_id}/assets/{asset_id}",
    summary="Take a file away from a project",
    tag="Projects",
    scope=Scope.GENERATE,
    status=204,
    codes=(*PROJECT_CODES, "asset_not_found", "invalid_asset_id_format"),
)
def detach(caller: Caller, project_id: str, asset_id: str) -> Answer:
    """It stays in the library, and with generations that use it. A second time changes nothing."""
    project, asset = _project(caller, project_id), asset_by_id(caller.membership, asset_id)
    detach_file(membership=caller.membership, project=project, asset=asset)
    return Answer(None, status=204)
