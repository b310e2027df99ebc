"""Pieces that were drawn: what they are called, which ones a new take may use again, who still needs them.

A piece lies in a folder named by everything that decides its pictures: engine and version, the video, and what the
engine says of it (``Piece.made_from``). So a take that differs from an earlier one in some seconds draws those anew and
takes the rest from there. Each take's row lists its pieces, which is what keeps them.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils import timezone

from apps.generations.models import PIECES_EVENT, Event, Generation, Status
from apps.inference import work
from apps.inference.backends import Backend, Piece

# Takes of the same video and model that are looked through for pieces, the latest first.
TAKES_LOOKED_THROUGH = 8


def engine_of(backend: Backend) -> str:
    """Name and version of an engine: what one has made is not given to another."""
    return f"{backend.name}-{backend.version}"


def note(generation: Generation, backend: Backend, pieces: Sequence[Piece]) -> list[Piece]:
    """Write down what a take is made of, and return the pieces that have to be drawn."""
    rows = [[piece.first, piece.last, piece.made_from] for piece in pieces]
    generation.pieces = {"engine": engine_of(backend), "pieces": rows}
    Generation.objects.filter(pk=generation.pk).update(pieces=generation.pieces)
    missing = [piece for piece in pieces if not work.has_folder(folder_of(generation, piece))]
    detail = {"count": len(pieces), "kept": len(pieces) - len(missing), "frames": pieces[-1].last if pieces else 0}
    detail["frames_kept"] = detail["frames"] - sum(piece.last - piece.first for piece in missing)
    Event.objects.get_or_create(generation=generation, what=PIECES_EVENT, defaults={"detail": detail})
    return missing


def pieces_of(generation: Generation) -> list[Piece]:
    """The pieces of a planned take, in order."""
    return [Piece(*row) for row in generation.pieces.get("pieces", [])]


def folder_of(generation: Generation, piece: Piece) -> str:
    """Folder of one piece of a planned take."""
    made_from = piece.made_from or [generation.work_key, piece.first, piece.last]
    inputs = [generation.pieces["engine"], generation.video.sha256, made_from]
    return work.piece_name(hashlib.sha256(json.dumps(inputs).encode()).hexdigest()[:40])


def before(generation: Generation, backend: Backend) -> list[Piece]:
    """What earlier takes of this workspace have drawn of the same video, the latest first; their plans may differ."""
    takes = Generation.objects.filter(
        workspace=generation.workspace, video__sha256=generation.video.sha256, model=generation.model,
        pieces__engine=engine_of(backend),
    )  # fmt: skip
    found = []
    for take in takes.exclude(pk=generation.pk).select_related("video").order_by("-created_at")[:TAKES_LOOKED_THROUGH]:
        found += [piece for piece in pieces_of(take) if piece.made_from and work.has_folder(folder_of(take, piece))]
    return found


def clean(room: float) -> int:
    """Remove pieces that no take needs any more, and those beyond ``room`` bytes; returns how many went.

    Queued and running takes need theirs, and for a time those that ended, the latest first.
    """
    there = set(work.pieces())
    needed = {name for take in _listing(Generation.objects.active()) for name in _names(take)}
    for take in _listing(_lately_ended()).order_by("-finished_at") if there - needed else ():
        new = (set(_names(take)) & there) - needed
        room -= _bytes(take, new)
        if room < 0:
            break
        needed |= new
    for name in there - needed:
        work.forget_piece(name)
    work.forget_drafts()
    return len(there - needed)


def _listing(takes: QuerySet[Generation]) -> QuerySet[Generation]:
    """Those of ``takes`` that list pieces, with what it needs to name them."""
    few = ("pieces", "work_key", "status", "finished_at", "video__sha256", "result__size")
    return takes.exclude(pieces={}).select_related("video", "result").only(*few)


def _lately_ended() -> QuerySet[Generation]:
    """Takes that somebody may want to go on with, or to have again with a change: those whose files are still there."""
    since = timezone.now() - timedelta(hours=settings.RESUME_HOURS)
    unfinished = Q(status__in=[Status.FAILED, Status.CANCELLED])
    finished = Q(status=Status.COMPLETED, result__deleted_at=None, result__isnull=False)
    lately = Generation.objects.filter(finished_at__gt=since, deleted_at=None, video__deleted_at=None)
    return lately.filter(unfinished | finished)


def _names(take: Generation) -> list[str]:
    return [folder_of(take, piece) for piece in pieces_of(take)]


def _bytes(take: Generation, new: Iterable[str]) -> float:
    """How much these pieces of a take occupy. A finished film is as large as its pieces: the storage is not asked."""
    if take.status == Status.COMPLETED and take.result is not None:
        return take.result.size * len(list(new)) / max(1, len(pieces_of(take)))
    return sum(work.piece_size(name) for name in new)


def report_of(generation: Generation) -> dict[str, Any]:
    """For the take's report: how many pieces and frames it has, and how many of them were there before."""
    event = Event.objects.filter(generation=generation, what=PIECES_EVENT).first()
    return {"pieces": event.detail} if event else {}
