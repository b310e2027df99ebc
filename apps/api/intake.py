"""Files of a request on their way into the library: by id, as a part of a form, or fetched from a URL."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any
from uuid import UUID

from django.http import Http404
from pydantic import TypeAdapter

from apps.api.bodies import JSON_LIMIT, parsed
from apps.api.errors import ApiError
from apps.api.fetching import FetchFailed, TooLarge, TooSlow, fetch
from apps.api.schemas import ActiveSpeaker, Boxes, CreateGeneration, ImageInput, TextInput
from apps.api.wishes import PICTURE, Wish
from apps.assets import files
from apps.assets.access import asset_in
from apps.assets.models import Asset, Kind, Origin, Status
from apps.assets.services import import_file
from apps.billing.limits import file_limit, too_large
from apps.billing.plans import plan_of
from apps.generations.estimate import picture_refusals, sound_refusals
from apps.voices.models import SpeechJob, SpeechState
from apps.voices.services import Order, known_speech, order_of, request_speech
from apps.workspaces.models import Membership
from studio.errors import StudioError

# How long a request waits for the probe of its files. Short ones take under a second; the clients give up at 60 s.
PROBE_WAIT_S = 15.0
PROBE_LOOK_S = 0.1
# For all the addresses of a request together, so that it is answered while its client still waits.
FETCH_IN_REQUEST_S = 15.0
FETCH_BY_WORKER_S = 900.0
# Who waits for files or speech holds a thread of the web server, as those do who wait for an end (``looking``). Of the
# eight threads of a process one is always for everybody else.
places_to_wait = BoundedSemaphore(3)


@contextmanager
def place_to_wait(seconds: float) -> Iterator[float]:
    """How long this request may wait: so many seconds, or not at all where others wait in all the places."""
    free = places_to_wait.acquire(blocking=False)
    try:
        yield seconds if free else 0.0
    finally:
        if free:
            places_to_wait.release()


def asset_by_id(membership: Membership, text: str, *, field: str = "") -> Asset:
    """An asset of the caller's workspace; raises ``ApiError`` for no UUID, and for one that is not there. ``field`` is
    where the id stood.
    """
    try:
        asset_id = UUID(text)
    except ValueError as error:
        raise ApiError("invalid_asset_id_format", f"“{text[:80]}” is no asset id.", field=field) from error
    try:
        return asset_in(membership, asset_id)
    except Http404 as error:
        raise ApiError("asset_not_found", field=field) from error


def keep_file(membership: Membership, path: Path, name: str) -> Asset:
    """A file that came in a form; it is given away, since it may have gigabytes."""
    path.chmod(0o644)  # temporary files are for their process alone
    return import_file(workspace=membership.workspace, user=membership.user, path=path, name=name, move=True)


def asset_from_url(membership: Membership, url: str, kind: str, *, seconds: float) -> Asset:
    """Fetch a file into the library. Raises ``TooSlow`` when it is not here after ``seconds``, else ``ApiError``."""
    plan = plan_of(membership.workspace)
    with files.scratch_folder() as folder:
        path = folder / "fetched"
        try:
            fetched = fetch(url, path, limit=file_limit(plan), seconds=seconds)
        except FetchFailed as error:
            raise ApiError(
                f"generation_input_{kind}_inaccessible",
                f"The provided {kind} URL is inaccessible. {error}",
                "Check that anyone can fetch it, or upload the file by POST /v2/assets/upload and send its assetId.",
                field="input",
            ) from error
        except TooLarge as error:
            refusal = too_large(plan, f"The {kind}")
            raise ApiError(refusal.code, refusal.message, refusal.advice, field="input") from error
        return import_file(
            workspace=membership.workspace,
            user=membership.user,
            path=path,
            name=fetched.name,
            origin=Origin.URL,
            move=True,
        )


def refuse_other_kinds(wish: Wish, assets: Mapping[str, Asset]) -> None:
    """Raise ``ApiError`` for a film that was sent as an image. Further kinds are refused where a take is submitted."""
    picture = assets[PICTURE]
    if isinstance(wish.items.get(PICTURE), ImageInput) and picture.kind not in ("", Kind.IMAGE):
        raise ApiError(
            "generation_input_asset_type_mismatch",
            f"{picture.name} is no photo, and came as the type image.",
            "Send it as the type video, or another file.",
            field="input",
        )


def begin_speeches(
    membership: Membership, wish: Wish, assets: Mapping[str, Asset]
) -> tuple[dict[str, SpeechJob], list[str]]:
    """The jobs that speak the texts of a request, by the roles of its inputs, and the ids of those that were not there
    before: these are paid with it. ``assets`` are its files that are here. Raises ``StudioError``.
    """
    jobs: dict[str, SpeechJob] = {}
    begun: list[str] = []
    orders = orders_of(membership, wish)
    if orders:
        _refuse_unusable(wish, assets)
    for role, order in orders.items():
        known = known_speech(membership, order.digest)
        jobs[role] = request_speech(membership=membership, order=order)
        if known is None:
            begun.append(str(jobs[role].pk))
    return jobs, begun


def _refuse_unusable(wish: Wish, assets: Mapping[str, Asset]) -> None:
    """Raise what is known to be amiss with files: nothing is spoken, and paid, for a take that cannot be."""
    for role, asset in assets.items():
        if asset.status == Status.CHECKING:
            continue
        if refusals := picture_refusals(asset, wish.model) if role == PICTURE else sound_refusals(asset):
            raise refusals[0]


def orders_of(membership: Membership, wish: Wish) -> dict[str, Order]:
    """The texts of a request, checked, by the roles of its inputs. Raises ``StudioError``."""
    return {
        role: order_of(
            membership=membership,
            provider=item.provider.name,
            voice_id=item.provider.voiceId,
            script=item.provider.script,
            options={"stability": item.provider.stability, "similarityBoost": item.provider.similarityBoost},
        )
        for role, item in wish.items.items()
        if isinstance(item, TextInput)
    }


def speech_jobs(ids: Mapping[str, str]) -> dict[str, SpeechJob]:
    """Jobs by the roles they speak for."""
    rows = {str(job.pk): job for job in SpeechJob.objects.filter(pk__in=ids.values()).select_related("asset")}
    return {role: rows[job_id] for role, job_id in ids.items() if job_id in rows}


def ready_speeches(jobs: Mapping[str, SpeechJob]) -> dict[str, Asset]:
    """The sounds of those that are spoken. Raises ``StudioError`` with the reason of one that failed."""
    for job in jobs.values():
        if job.state == SpeechState.FAILED:
            raise StudioError(job.error_code, job.error_message, job.error_advice, field="input")
        if job.is_final and (job.asset is None or job.asset.deleted_at is not None):
            raise ApiError("asset_not_found", "The spoken sound was deleted.", field="input")
    return {role: job.asset for role, job in jobs.items() if job.asset is not None}


def with_boxes(body: CreateGeneration, *, seconds: float) -> CreateGeneration:
    """The request with the boxes that lie at its ``bounding_boxes_url``, of the film and of segments, if it names one.

    Raises ``ApiError`` for an address that gives none, ``TooSlow`` where they are not all here after ``seconds``.
    """
    body = body.model_copy(deep=True)
    ends = time.monotonic() + seconds
    for options in (body.options, *(segment.optionsOverride for segment in body.segments or ())):
        speaker = options.active_speaker_detection if options else None
        if isinstance(speaker, ActiveSpeaker) and speaker.bounding_boxes_url:
            speaker.bounding_boxes = _boxes_at(speaker.bounding_boxes_url, ends - time.monotonic())
            speaker.bounding_boxes_url = None
    return body


def _boxes_at(url: str, seconds: float) -> Any:
    with files.scratch_folder() as folder:
        path = folder / "boxes.json"
        try:
            fetch(url, path, limit=JSON_LIMIT, seconds=seconds)
            found = parsed(path.read_text("utf-8"))["bounding_boxes"]
            return TypeAdapter(Boxes).validate_python(found)
        except (FetchFailed, TooLarge, ValueError, KeyError, TypeError) as error:
            why = str(error) if isinstance(error, FetchFailed) else "It gives no boxes."
            raise ApiError(
                "generation_input_face_selection_invalid",
                f"The bounding_boxes_url cannot be used. {why}",
                'Let it give {"bounding_boxes": [[x1, y1, x2, y2], null, …]}, one entry for each frame.',
                field="options",
            ) from error


def wait_until_checked(assets: list[Asset], *, seconds: float = PROBE_WAIT_S) -> bool:
    """Wait for the probe to be through with all of them; False where it is not after ``seconds``."""
    ends = time.monotonic() + seconds
    while True:
        for asset in assets:
            if asset.status == Status.CHECKING:
                asset.refresh_from_db()
        if all(asset.status != Status.CHECKING for asset in assets):
            return True
        if time.monotonic() > ends:
            return False
        time.sleep(PROBE_LOOK_S)


__all__ = [
    "FETCH_BY_WORKER_S",
    "FETCH_IN_REQUEST_S",
    "PROBE_WAIT_S",
    "TooSlow",
    "asset_by_id",
    "asset_from_url",
    "begin_speeches",
    "keep_file",
    "orders_of",
    "place_to_wait",
    "ready_speeches",
    "refuse_other_kinds",
    "speech_jobs",
    "wait_until_checked",
    "with_boxes",
]
