"""From a request to a generation.

What is at hand is settled within the request, so that a refusal has its own status. Files that take longer to arrive
or to be checked are waited for by a worker: the caller has the id already, and the call is then admitted or refused.
"""

import logging
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from apps.api.addresses import AddressRefused, spelled, target_of
from apps.api.errors import ApiError
from apps.api.idempotency import claimed
from apps.api.intake import (
    FETCH_BY_WORKER_S,
    FETCH_IN_REQUEST_S,
    TooSlow,
    asset_by_id,
    asset_from_url,
    begin_speeches,
    keep_file,
    ready_speeches,
    refuse_other_kinds,
    speech_jobs,
    wait_until_checked,
    with_boxes,
)
from apps.api.models import Call, CallState
from apps.api.routing import Caller
from apps.api.schemas import CreateGeneration, TextInput
from apps.api.wishes import SOUND, Wish, wish_of
from apps.assets.models import Asset
from apps.assets.services import sha256_of
from apps.billing.limits import slot_refusal
from apps.billing.plans import plan_of
from apps.generations.models import Generation, Status
from apps.generations.services import submit_generation
from apps.projects.models import Project
from apps.projects.services import create_project
from apps.workspaces.access import membership_for, visible_to
from apps.workspaces.models import Membership, Visibility, Workspace
from studio.celery import app as celery_app
from studio.errors import StudioError

log = logging.getLogger(__name__)
ADMIT = "api.admit"
FULL = "concurrency_limit_reached"
DEFAULT_PROJECT = "API"
SLOT_WAIT_S = 30
# An error of our own may pass (a database that restarts); one that comes back three times will not.
FAULTS, FAULT_WAIT_S = 3, 60
# Longer than a worker may take to fetch both files; a call not looked at for that long has lost its task.
LOST_AFTER = timedelta(minutes=40)
URL_LIMIT = 2000
BATCH_SOURCE, BATCH_INPUT_S = "batch", 30.0
Files = Mapping[str, TemporaryUploadedFile]


class NoLongerWaiting(Exception):
    """Somebody else settled the call in the meantime."""


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
        wish = wish_of(with_boxes(body, seconds=FETCH_IN_REQUEST_S), files=frozenset(files))
        assets, slow = _collect(caller.membership, wish, files)
        speeches = begin_speeches(caller.membership, wish)
        assets |= ready_speeches(speeches)
        slow = slow or any(role not in assets for role in speeches)
        call = Call.objects.create(
            workspace=caller.workspace,
            user=caller.membership.user,
            key=caller.key,
            project=project,
            body=_as_understood(body, wish, {role: assets[role] for role in files}),
            assets={role: str(asset.pk) for role, asset in assets.items()},
            speeches={role: str(job.pk) for role, job in speeches.items()},
            warnings=wish.warnings,
            source=source,
            webhook_url=body.webhookUrl or "",
            output_name=body.outputFileName or "",
        )
        claim.made(call)  # goes with the call where that is refused
        try:
            if slow or not wait_until_checked(list(assets.values())):
                admit_soon(call.pk)
            else:
                _submit(call, caller.membership, wish, assets)
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


def _collect(membership: Membership, wish: Wish, files: Files) -> tuple[dict[str, Asset], bool]:
    """The assets of the inputs by their roles, and whether one is too slow to be waited for here."""
    assets: dict[str, Asset] = {}
    slow = False
    for role, item in wish.items.items():
        if isinstance(item, TextInput):
            continue  # spoken by a worker, see ``intake.begin_speeches``
        if item is None:
            assets[role] = keep_file(membership, _path(files[role]), files[role].name or role)
        elif item.assetId:
            assets[role] = asset_by_id(membership, item.assetId, field="input")
        elif item.url:
            try:
                assets[role] = asset_from_url(membership, item.url, item.type, seconds=FETCH_IN_REQUEST_S)
            except TooSlow:
                slow = True
    return assets, slow


def _as_understood(body: CreateGeneration, wish: Wish, came: dict[str, Asset]) -> dict[str, Any]:
    """The request as it is kept and shown: inputs that ``came`` as files go before the others, by their asset's id."""
    kept = kept_body(body)
    for role in reversed([role for role in wish.items if role in came]):
        item = {"type": role, "assetId": str(came[role].pk)}
        kept["input"].insert(0, item | ({"refId": SOUND} if role == SOUND else {}))
    return kept | {"options": {"sync_mode": wish.sync_mode} | kept["options"]}


def kept_body(body: CreateGeneration) -> dict[str, Any]:
    """What of a request makes the generation, as it was sent."""
    sent = body.model_dump(mode="json", exclude_none=True)
    return {name: sent[name] for name in ("model", "input", "options", "segments") if name in sent}


def _submit(call: Call, membership: Membership, wish: Wish, assets: dict[str, Asset]) -> Generation:
    """Make the generation of a call; raises ``StudioError`` like a submit in the studio.

    The call is claimed first: one that was cancelled meanwhile, or that another worker admits, must not be charged.
    """
    refuse_other_kinds(wish, assets)
    with transaction.atomic():
        waiting = Call.objects.filter(pk=call.pk, state=CallState.WAITING, deleted_at=None)
        if not waiting.update(state=CallState.ADMITTED):
            raise NoLongerWaiting
        generation = submit_generation(
            membership=membership,
            project=call.project,
            video=assets["video"],
            audio=assets["audio"],
            model=wish.model,
            sync_mode=wish.sync_mode,
            options=wish.options,
            segments=wish.rows(assets),
            identity=call.pk,
            background=call.source == BATCH_SOURCE,
        )
        call.warnings = list(dict.fromkeys(wish.warnings + _warnings_of(generation)))
        Call.objects.filter(pk=call.pk).update(generation=generation, warnings=call.warnings)
    call.generation, call.state = generation, CallState.ADMITTED
    return generation


def _warnings_of(generation: Generation) -> list[str]:
    """What the studio said of it when it was submitted."""
    submitted = generation.events.filter(what=Status.PENDING).first()
    return submitted.detail.get("warnings", []) if submitted else []


def admit_soon(call_id: UUID) -> None:
    """Have a worker go on with a call, by :func:`admit`, once this transaction is written."""
    transaction.on_commit(lambda: celery_app.send_task(ADMIT, args=[str(call_id)]), robust=True)


def admit(call_id: UUID) -> float | None:
    """Go on with a call that waits for its files; returns seconds after which to look again, None when it is settled.

    Running twice changes nothing: a call is settled by the row's state.
    """
    call = Call.objects.select_related("workspace", "user", "project").filter(pk=call_id).first()
    if call is None or call.state != CallState.WAITING or call.deleted_at is not None:
        return None
    Call.objects.filter(pk=call_id).update(looked_at=timezone.now())
    try:
        membership = membership_for(call.user, call.workspace)
        wish = wish_of(with_boxes(CreateGeneration.model_validate(call.body), seconds=FETCH_BY_WORKER_S))
        assets = _arrived(call, membership, wish)
        if any(role not in assets for role in call.speeches):
            return 2.0
        if not wait_until_checked(list(assets.values()), seconds=0):
            return 2.0
        if call.source == BATCH_SOURCE:
            _refuse_long(assets)
        _submit(call, membership, wish, assets)
    except NoLongerWaiting:
        return None
    except StudioError as error:
        if error.code == FULL:
            return SLOT_WAIT_S
        refuse(call, error)
    except TooSlow:
        refuse(call, ApiError("generation_media_probe_timeout"))
    except PermissionDenied as error:  # its person left the workspace, or may only look now
        refuse(call, ApiError("forbidden", str(error)))
    except Exception:
        log.exception("call %s could not be admitted", call.pk)
        Call.objects.filter(pk=call.pk).update(faults=F("faults") + 1)
        if call.faults + 1 < FAULTS:
            return FAULT_WAIT_S
        refuse(call, ApiError("internal_error"))
    return None


def _refuse_long(assets: dict[str, Asset]) -> None:
    for role, asset in assets.items():
        if (asset.duration_s or 0) > BATCH_INPUT_S:
            raise ApiError(
                "generation_input_duration_greater_than_max_duration",
                f"The {role} lasts {asset.duration_s:.0f} s; inputs of a batch may last {BATCH_INPUT_S:.0f} s.",
            )


def _arrived(call: Call, membership: Membership, wish: Wish) -> dict[str, Asset]:
    """Assets of a waiting call, fetched now where they are still elsewhere."""
    assets: dict[str, Asset] = {}
    for role, item in wish.items.items():
        if role in call.assets:
            assets[role] = asset_by_id(membership, call.assets[role], field="input")
        elif isinstance(item, TextInput):
            continue
        elif item is not None and item.assetId:
            assets[role] = asset_by_id(membership, item.assetId, field="input")
        elif item is not None and item.url:
            assets[role] = asset_from_url(membership, item.url, item.type, seconds=FETCH_BY_WORKER_S)
            call.assets = call.assets | {role: str(assets[role].pk)}
            Call.objects.filter(pk=call.pk).update(assets=call.assets)
    spoken = ready_speeches(speech_jobs({role: job for role, job in call.speeches.items() if role not in assets}))
    if spoken:
        call.assets = call.assets | {role: str(asset.pk) for role, asset in spoken.items()}
        Call.objects.filter(pk=call.pk).update(assets=call.assets)
    return assets | spoken


def refuse(call: Call, error: StudioError) -> None:
    """Settle a waiting call as refused, with the reason."""
    Call.objects.filter(pk=call.pk, state=CallState.WAITING).update(
        state=CallState.REFUSED, error_code=error.code, error_message=error.message, error_advice=error.advice
    )
    log.info("call %s refused: %s", call.pk, error.code)


def refuse_when_full(workspace: Workspace) -> None:
    """Raise :func:`full` where as many run, or wait for their files, as the plan allows."""
    if refusal := slot_refusal(plan_of(workspace), on_the_way(workspace)):
        raise full(workspace, refusal)


def on_the_way(workspace: Workspace) -> int:
    """Generations that run or are queued, and calls that wait for their files."""
    running = Generation.objects.filter(workspace=workspace).active().count()
    return running + Call.objects.filter(workspace=workspace, state=CallState.WAITING, deleted_at=None).count()


def full(workspace: Workspace, refusal: StudioError) -> ApiError:
    """The refusal for want of a slot as the 429 with the documented fields."""
    extra = {
        "activeGenerations": on_the_way(workspace),
        "concurrencyLimit": plan_of(workspace).max_concurrent,
        "retryAfterSeconds": SLOT_WAIT_S,
        "upgradeUrl": f"{settings.PUBLIC_URL}/w/{workspace.slug}/billing/",
    }
    retry = {"Retry-After": str(SLOT_WAIT_S)}
    return ApiError(FULL, refusal.message, refusal.advice, extra=extra, headers=retry)


def project_for(membership: Membership, project_id: UUID | None) -> Project:
    """The project a generation goes into: the named one, if this person sees it, else the workspace's project for the
    API, unless somebody else keeps one of that name to themselves.
    """
    projects = Project.objects.listed(membership.workspace)
    if project_id is None:
        shared = Q(visibility=Visibility.WORKSPACE) | Q(created_by=membership.user)
        return projects.filter(shared, name=DEFAULT_PROJECT).last() or create_project(
            membership=membership, name=DEFAULT_PROJECT
        )
    found = projects.filter(visible_to(membership), pk=project_id).first()
    if found is None:
        raise ApiError("project_not_found", field="projectId")
    return found


def check_webhook_url(url: str | None, *, look_up: bool = True, field: str = "webhookUrl") -> None:
    """Refuse an address no webhook would ever be sent to. The host is looked up again at each delivery.

    Without ``look_up`` only its spelling is checked: the hundreds of a batch would hold the request too long.
    """
    if not url:
        return
    schemes = ("http", "https") if settings.PRIVATE_URLS else ("https",)
    if len(url) > URL_LIMIT:
        raise ApiError(
            "generation_input_validation_failed",
            f"The address has {len(url)} characters.",
            f"Up to {URL_LIMIT} fit.",
            field=field,
        )
    try:
        (target_of if look_up else spelled)(url, schemes=schemes)
    except AddressRefused as error:
        raise ApiError(
            "generation_input_validation_failed", str(error), "Send a public https address.", field=field
        ) from error


def waiting_too_long() -> list[UUID]:
    """Waiting calls that nobody has looked at for long: their task was lost with its worker."""
    before = timezone.now() - LOST_AFTER
    lost = Call.objects.filter(state=CallState.WAITING, deleted_at=None, looked_at__lt=before)
    ids = list(lost.values_list("pk", flat=True)[:100])
    Call.objects.filter(pk__in=ids).update(looked_at=timezone.now())
    return ids
