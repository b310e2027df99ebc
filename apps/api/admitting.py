"""Calls that wait: admitted as generations when their files are here and a place is free, or refused."""

import logging
from datetime import timedelta
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from apps.api.errors import ApiError
from apps.api.intake import (
    FETCH_BY_WORKER_S,
    TooSlow,
    asset_by_id,
    asset_from_url,
    begin_speeches,
    ready_speeches,
    refuse_other_kinds,
    speech_jobs,
    wait_until_checked,
    with_boxes,
)
from apps.api.models import Call, CallState
from apps.api.schemas import CreateGeneration, TextInput
from apps.api.slots import FULL, SLOT_WAIT_S
from apps.api.wishes import Wish, wish_of
from apps.assets.models import Asset
from apps.generations.models import Generation, Status
from apps.generations.services import submit_generation
from apps.projects.models import Project
from apps.workspaces.access import membership_for, visible_to
from apps.workspaces.models import Membership
from studio.celery import app as celery_app
from studio.errors import StudioError

log = logging.getLogger(__name__)
ADMIT = "api.admit"
# An error of our own may pass (a database that restarts); one that comes back three times will not.
FAULTS, FAULT_WAIT_S = 3, 60
# Longer than a worker may take to fetch both files; a call not looked at for that long has lost its task.
LOST_AFTER = timedelta(minutes=40)
BATCH_SOURCE, BATCH_INPUT_S = "batch", 30.0


class NoLongerWaiting(Exception):
    """Somebody else settled the call in the meantime."""


def submit(call: Call, membership: Membership, wish: Wish, assets: dict[str, Asset]) -> Generation:
    """Make the generation of a call; raises ``StudioError`` like a submit in the studio.

    The call is claimed first: one that was cancelled meanwhile, or that another worker admits, must not be charged.
    """
    refuse_other_kinds(wish, assets)
    with transaction.atomic():
        waiting = Call.objects.filter(pk=call.pk, state=CallState.WAITING, deleted_at=None)
        if not waiting.update(state=CallState.ADMITTED):
            raise NoLongerWaiting
        _refuse_lost_project(call, membership)
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
        call.warnings = list(dict.fromkeys(wish.warnings + warnings_of(generation)))
        Call.objects.filter(pk=call.pk).update(generation=generation, warnings=call.warnings)
    call.generation, call.state = generation, CallState.ADMITTED
    return generation


def _refuse_lost_project(call: Call, membership: Membership) -> None:
    """While files were fetched its project may have been deleted or hidden: nobody would find there what they pay."""
    if call.project_id is None:
        return
    if not Project.objects.listed(call.workspace).filter(visible_to(membership), pk=call.project_id).exists():
        raise ApiError("project_not_found", field="projectId")


def warnings_of(generation: Generation) -> list[str]:
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
        body = CreateGeneration.model_validate(call.body)
        wish = wish_of(body)
        assets = _arrived(call, membership, wish)
        if any(isinstance(item, TextInput) and role not in assets for role, item in wish.items.items()):
            _speak(call, membership, body, assets)
            return 2.0
        if not wait_until_checked(list(assets.values()), seconds=0):
            return 2.0
        if call.source == BATCH_SOURCE:
            _refuse_long(assets)
        # Last, not at every look: whoever gives the boxes is not asked for them every two seconds.
        submit(call, membership, wish_of(with_boxes(body, seconds=FETCH_BY_WORKER_S)), assets)
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


def _speak(call: Call, membership: Membership, body: CreateGeneration, assets: dict[str, Asset]) -> None:
    """Have the texts of a batch's line spoken; those of other calls were begun by their request."""
    if call.speeches:
        return
    # Speaking costs: a line whose boxes cannot be had is refused before.
    jobs, begun = begin_speeches(membership, wish_of(with_boxes(body, seconds=FETCH_BY_WORKER_S)), assets)
    Call.objects.filter(pk=call.pk).update(speeches={role: str(job.pk) for role, job in jobs.items()}, begun=begun)


def _refuse_long(assets: dict[str, Asset]) -> None:
    for role, asset in assets.items():
        lasts_s = max(asset.duration_s or 0.0, asset.heard_s or 0.0)
        if lasts_s > BATCH_INPUT_S:
            raise ApiError(
                "generation_input_duration_greater_than_max_duration",
                f"The {role} lasts {lasts_s:.0f} s; inputs of a batch may last {BATCH_INPUT_S:.0f} s.",
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


def waiting_too_long() -> list[UUID]:
    """Waiting calls that nobody has looked at for long: their task was lost with its worker."""
    before = timezone.now() - LOST_AFTER
    lost = Call.objects.filter(state=CallState.WAITING, deleted_at=None, looked_at__lt=before)
    ids = list(lost.values_list("pk", flat=True)[:100])
    Call.objects.filter(pk__in=ids).update(looked_at=timezone.now())
    return ids
