"""Models, projects, errors, health, and the parts of the documented API that this studio does not have."""

from typing import Any

from django.db import transaction
from django.http import Http404, HttpRequest

from apps.api import answers, bodies, queries, schemas
from apps.api.catalogue import ENTRIES
from apps.api.errors import ApiError
from apps.api.models import Scope
from apps.api.presentation import VISIBILITIES, project_json
from apps.api.routing import Answer, Caller, Param, route
from apps.catalog.registry import MODELS, OPTIONS
from apps.projects.access import project_in
from apps.projects.models import Project
from apps.projects.services import create_project, delete_project, rename_project, set_visibility
from apps.workspaces.access import visible_to

PROJECT_CODES = ("not_found",)


@route("GET", "models", summary="List models", tag="Models", gives=list[answers.ModelInfo])
def models(caller: Caller) -> list[dict[str, Any]]:
    """What can be run here, with prices and the options each model has."""
    return [
        {
            "id": spec.id,
            "name": spec.name,
            "type": "lipsync",
            "version": spec.id.partition("-")[2] or spec.id,
            "description": spec.description,
            "deprecatedAt": None,
            "legacy": spec.legacy,
            "bestFor": spec.best_for,
            "syncModes": list(spec.sync_modes),
            "options": {name: spec.options[name].state for name in OPTIONS},
            "caveats": list(spec.caveats),
        }
        for spec in MODELS.values()
    ]


@route("GET", "errors", summary="Every error code", tag="Errors", scope=None, gives=list[answers.ErrorEntry])
def errors(request: HttpRequest) -> list[dict[str, str | int]]:
    """No key is needed."""
    return [
        {"code": entry.code, "message": entry.message, "suggestion": entry.suggestion, "statusCode": entry.status}
        for entry in ENTRIES.values()
    ]


TEXT = {"type": "string"}
LISTING = (
    Param("searchQuery", TEXT, "part of the name"),
    Param("sortBy", TEXT, "updatedAt (default) or name"),
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
    if request.GET.get("sortBy") == "name":
        rows = rows.order_by("name", "pk")
    limit = queries.whole(request, "limit", default=10, least=1, most=100) or 10
    start = queries.whole(request, "cursor", default=0, least=0, most=999_999_999) or 0
    page = list(rows[start : start + limit + 1])
    more = str(start + limit) if len(page) > limit else None
    return {"items": [project_json(project) for project in page[:limit]], "nextCursor": more}


@route(
    "POST",
    "projects",
    summary="Make a project",
    tag="Projects",
    scope=Scope.GENERATE,
    body=schemas.NewProject,
    example={"name": "Harbour film"},
    gives=answers.Project,
    status=201,
    also=200,
    codes=("project_name_missing", "project_conflict"),
)
def make_project(caller: Caller) -> Answer:
    """With an `id` of one's own a second try gives the same project. `visibility` USER: for you and administrators."""
    body = schemas.NewProject.model_validate(bodies.read_json(caller.request))
    if body.id is not None:
        mine = Project.objects.listed(caller.workspace).filter(visible_to(caller.membership), pk=body.id).first()
        if mine is not None:
            return Answer(project_json(mine))
        if Project.objects.filter(pk=body.id).exists():
            raise ApiError("project_conflict", field="id")
    with transaction.atomic():
        project = create_project(membership=caller.membership, name=body.name, identity=body.id)
        if body.visibility == "USER":
            _show(caller, project, body.visibility)
    return Answer(project_json(project), status=201)


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
    """Name and dates."""
    return project_json(_project(caller, project_id))


@route(
    "PATCH",
    "projects/{project_id}",
    summary="Rename a project, or change who sees it",
    tag="Projects",
    scope=Scope.GENERATE,
    body=schemas.PatchProject,
    example={"name": "Harbour film, second cut"},
    gives=answers.Project,
    codes=(*PROJECT_CODES, "project_name_missing"),
)
def patch_project(caller: Caller, project_id: str) -> dict[str, Any]:
    """Who sees a project is changed by its maker and administrators; takes and results go with it."""
    body = schemas.PatchProject.model_validate(bodies.read_json(caller.request))
    project = _project(caller, project_id)
    with transaction.atomic():
        if body.name is not None:
            rename_project(membership=caller.membership, project=project, name=body.name)
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
    """Not while one of its generations runs. Its generations and files stay."""
    project = _project(caller, project_id)
    delete_project(membership=caller.membership, project=project)
    return {"id": str(project.pk)}


@route(
    "POST",
    "transcriptions",
    summary="Transcribe",
    tag="Not available",
    scope=Scope.GENERATE,
    codes=("feature_unavailable",),
)
@route(
    "POST",
    "dialogue-edits",
    summary="Edit dialogue",
    tag="Not available",
    scope=Scope.GENERATE,
    codes=("feature_unavailable",),
)
def unavailable(caller: Caller) -> None:
    """Answers 422: this studio does not have it."""
    raise ApiError("feature_unavailable")
