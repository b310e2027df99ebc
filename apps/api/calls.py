"""From a request to a generation.

What is at hand is settled within the request, so that a refusal has its own status. Files that take longer to arrive
or to be checked are waited for by a worker: the caller has the id already, and the call is then admitted or refused.
"""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.files.uploadedfile import TemporaryUploadedFile
from django.db import transaction
from django.db.models import Q, QuerySet

from apps.api.admitting import NoLongerWaiting, admit_soon, submit
from apps.api.errors import ApiError
from apps.api.idempotency import claimed
from apps.api.intake import (
    FETCH_IN_REQUEST_S,
    PROBE_WAIT_S,
    TooSlow,
    asset_by_id,
    asset_from_url,
    begin_speeches,
    keep_file,
    place_to_wait,
    ready_speeches,
    wait_until_checked,
    with_boxes,
)
from apps.api.models import Call
from apps.api.routing import Caller
from apps.api.schemas import CreateGeneration, TextInput
from apps.api.slots import FULL, full, refuse_when_full
from apps.api.webhook_addresses import check_webhook_url
from apps.api.wishes import SOUND, Wish, wish_of
from apps.assets.models import Asset
from apps.assets.services import sha256_of
from apps.projects.models import Project
from apps.projects.services import create_project
from apps.workspaces.access import visible_to
from apps.workspaces.models import Membership, Visibility, Workspace
from studio.errors import StudioError

DEFAULT_PROJECT = "API"
Files = Mapping[str, TemporaryUploadedFile]


def create_call(caller: Caller, body: CreateGeneration, files: Files, *, key: str | None, source: str = "api") -> Call:
    """Take a request for a generation on; the same Idempotency-Key gives the same call again.

    Raises ``StudioError`` with what stands in the way, as far as it can be known now.
    """
    wish = wish_of(body, files=frozenset(files))
    check_webhook_url(body.webhookUrl)
    project = project_for(caller.membership, body.projectId)
    payload = [body.model_dump(mode="json"), {name: sha256_of(_path(file)) for name, file in files.items()}]
    with claimed(caller.workspace, key, payload if key else None) as claim:
        if claim.earlier is not None:
            return claim.earlier
        refuse_when_full(caller.workspace)
        with place_to_wait(FETCH_IN_REQUEST_S) as seconds:
            slow = False
            try:
                wish = wish_of(with_boxes(body, seconds=seconds), files=frozenset(files))
            except TooSlow:
                slow = True
            assets, late = _collect(caller.membership, wish, files, seconds)
        speeches, begun = begin_speeches(caller.membership, wish, assets)
        assets |= ready_speeches(speeches)
        slow = slow or late or any(role not in assets for role in speeches)
        with transaction.atomic():  # else a call that no key knows is left, and the client's second try makes two takes
            call = Call.objects.create(
                workspace=caller.workspace,
                user=caller.membership.user,
                key=caller.key,
                project=project,
                body=_as_understood(body, wish, {role: assets[role] for role in files}),
                assets={role: str(asset.pk) for role, asset in assets.items()},
                speeches={role: str(job.pk) for role, job in speeches.items()},
                begun=begun,
                warnings=wish.warnings,
                source=source,
                webhook_url=body.webhookUrl or "",
                output_name=body.outputFileName or "",
            )
            claim.made(call)  # goes with the call where that is refused
        try:
            if slow or not _checked(list(assets.values())):
                admit_soon(call.pk)
            else:
                submit(call, caller.membership, wish, assets)
        except NoLongerWaiting:
            call.refresh_from_db()
        except BaseException as error:
            call.delete()
            if isinstance(error, StudioError) and error.code == FULL:  # another request took the last place meanwhile
                raise full(caller.workspace, error) from error
            raise
    return call


def _path(file: TemporaryUploadedFile) -> Path:
    return Path(file.temporary_file_path())


def _checked(assets: list[Asset]) -> bool:
    with place_to_wait(PROBE_WAIT_S) as seconds:
        return wait_until_checked(assets, seconds=seconds)


def _collect(membership: Membership, wish: Wish, files: Files, seconds: float) -> tuple[dict[str, Asset], bool]:
    """The assets of the inputs by their roles, and whether one is too slow to be waited for here: all of them together
    have so many ``seconds``.
    """
    assets: dict[str, Asset] = {}
    slow = False
    ends = time.monotonic() + seconds
    for role, item in wish.items.items():
        if isinstance(item, TextInput):
            continue  # spoken by a worker, see ``intake.begin_speeches``
        if item is None:
            assets[role] = keep_file(membership, _path(files[role]), files[role].name or role)
        elif item.assetId:
            assets[role] = asset_by_id(membership, item.assetId, field="input")
        elif item.url:
            try:
                assets[role] = asset_from_url(membership, item.url, item.type, seconds=ends - time.monotonic())
            except TooSlow:
                slow = True
    return assets, slow


def _as_understood(body: CreateGeneration, wish: Wish, came: dict[str, Asset]) -> dict[str, Any]:
    """The request as it is kept and shown: inputs that ``came`` as files go before the others, by their asset's id."""
    kept = kept_body(body)
    for role in reversed([role for role in wish.items if role in came]):
        item = {"type": role, "assetId": str(came[role].pk)}
        kept["input"].insert(0, item | ({"refId": SOUND} if role == SOUND else {}))
    return kept | {"options": kept["options"] | {"sync_mode": wish.sync_mode}}


def kept_body(body: CreateGeneration) -> dict[str, Any]:
    """What of a request makes the generation, as it was sent."""
    sent = body.model_dump(mode="json", exclude_none=True)
    return {name: sent[name] for name in ("model", "input", "options", "segments") if name in sent}


def project_for(membership: Membership, project_id: UUID | None) -> Project:
    """The project a generation goes into: the named one, if this person sees it, else the workspace's project for the
    API, unless somebody else keeps one of that name to themselves.
    """
    projects = Project.objects.listed(membership.workspace)
    if project_id is None:
        shared = Q(visibility=Visibility.WORKSPACE) | Q(created_by=membership.user)
        ours = projects.filter(shared, name=DEFAULT_PROJECT)
        return ours.last() or _default_project(membership, ours)
    found = projects.filter(visible_to(membership), pk=project_id).first()
    if found is None:
        raise ApiError("project_not_found", field="projectId")
    return found


@transaction.atomic
def _default_project(membership: Membership, ours: QuerySet[Project]) -> Project:
    """The workspace's project for the API, made now unless another request was first."""
    Workspace.objects.select_for_update().get(pk=membership.workspace.pk)
    return ours.last() or create_project(membership=membership, name=DEFAULT_PROJECT)
