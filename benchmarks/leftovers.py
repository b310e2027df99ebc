"""Files of a studio that belong to nothing: what faults could leave behind."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.core.files.storage import default_storage

from apps.assets.models import Asset
from apps.generations.models import Generation, Status
from apps.inference import drawn, sweeping, work


def orphans() -> list[str]:
    """Names of files of no asset, of no take that could go on, half-written ones, and folders of no process."""
    known = {str(identity) for identity in Asset.objects.values_list("pk", flat=True)}
    found = [name for name in _files("assets") if not set(Path(name).parts) & known or _is_draft(name)]
    kept = set(Generation.objects.exclude(status=Status.COMPLETED).values_list("work_key", flat=True))
    found += [name for name in _files("work/takes") if Path(name).parts[2].removesuffix(".tar") not in kept]
    listing = Generation.objects.exclude(pieces={}).select_related("video")
    drawn_for = {drawn.folder_of(take, piece) for take in listing for piece in drawn.pieces_of(take)}
    # On a disk a piece is a folder, in a bucket one tar file of that name.
    found += [
        name for name in _files(work.PIECES) if str(Path(*Path(name).parts[:3])).removesuffix(".tar") not in drawn_for
    ]
    found += [name for name in _files("work/analysis") if _is_draft(name)]
    sweeping.clean_scratch()
    return found + [str(path) for path in (Path(settings.DATA_DIR) / "tmp").glob("scratch-*")]


def _is_draft(name: str) -> bool:
    return any(part.startswith(".") for part in Path(name).parts)


def _files(folder: str) -> list[str]:
    try:
        folders, names = default_storage.listdir(folder)
    except FileNotFoundError:  # not there, or removed meanwhile
        return []
    inside = [name for inner in folders for name in _files(f"{folder}/{inner}")]
    return [f"{folder}/{name}" for name in names] + inside
