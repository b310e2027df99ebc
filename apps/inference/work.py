"""Where the steps of a generation leave their results for each other: folders in the media storage.

``work/analysis/<what>/<hash of the file>/<engine>`` is kept with the media and used by every generation on it, and
``….parts`` beside it while its parts are looked at; ``work/takes/<key>/plan`` is the plan of all generations with the
same inputs (see :mod:`keeping`), ``sound`` beside it their soundtrack, ``work/pieces/<digest>`` is a piece that was
drawn (see :mod:`drawn`). Names say what is inside, so that a step that runs again finds what is there. In a bucket a
folder is one tar file: it is there whole or not at all.
"""

import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.core.files.storage import default_storage

from apps.assets import files

ROOT = "work"
ANALYSIS = f"{ROOT}/analysis"
TAKES = f"{ROOT}/takes"
PIECES = f"{ROOT}/pieces"
PARTS = ".parts"
TAR = ".tar"


class Missing(Exception):
    """What an earlier step left is gone: that step has to run again."""


def analysis_name(what: str, sha256: str, engine: str) -> str:
    """Folder of a kept analysis (``what``: footage or speech) of the file with this hash by this engine."""
    return f"{ANALYSIS}/{what}/{sha256}/{engine}"


def part_name(analysis: str, part: str) -> str:
    """One part of an analysis on its way; all of them go when they are joined."""
    return f"{analysis}{PARTS}/{part}"


def plan_name(key: str) -> str:
    """Folder of the plan of the takes with this key."""
    return f"{TAKES}/{key}/plan"


def sound_name(key: str) -> str:
    """Folder of the encoded soundtrack of the takes with this key."""
    return f"{TAKES}/{key}/sound"


def piece_name(digest: str) -> str:
    """Folder of one rendered piece."""
    return f"{PIECES}/{digest}"


def pieces() -> list[str]:
    """Folders of all pieces there are."""
    folders, packed = _inside(PIECES)
    found = [*folders, *(name.removesuffix(TAR) for name in packed if name.endswith(TAR))]
    return [piece_name(name) for name in found if not name.startswith(".")]


def forget_piece(name: str) -> None:
    """Remove a piece."""
    if files.local_path(name) is None:
        default_storage.delete(name + TAR)
    else:
        files.remove_tree(name)


def piece_size(name: str) -> int:
    """Bytes that a piece occupies."""
    return files.tree_size(name) if files.local_path(name) is not None else files.size(name + TAR)


def forget_drafts() -> None:
    """Remove pieces whose writer was killed between the first byte and the last."""
    folder = files.local_path(PIECES)
    for draft in folder.glob(f".*.{files.SCRATCH_PREFIX}*") if folder is not None else ():
        if files.is_orphaned(draft.with_name(draft.name[draft.name.index(files.SCRATCH_PREFIX) :])):
            shutil.rmtree(draft, ignore_errors=True)


def has_folder(name: str) -> bool:
    """Whether a folder was left, whole."""
    path = files.local_path(name)
    return path.is_dir() if path is not None else default_storage.exists(name + TAR)


def keep_folder(source: Path, name: str) -> None:
    """Leave a folder for later steps; ``source`` is given away. Where it is there already, the first one stays."""
    path = files.local_path(name)
    if path is None:
        packed = source.with_suffix(TAR)
        with tarfile.open(packed, "w") as archive:
            archive.add(source, arcname=".")
        files.put(packed, name + TAR, move=True)
        shutil.rmtree(source)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{source.parent.name}")
    try:
        shutil.move(source, draft)
        draft.rename(path)
    except OSError:
        if not path.is_dir():
            raise
    finally:  # another was first, or the disk is full
        shutil.rmtree(draft, ignore_errors=True)


@contextmanager
def open_folder(name: str) -> Iterator[Path]:
    """A folder that was left, as a local one for reading; raises ``Missing`` where it is gone."""
    if not has_folder(name):
        raise Missing(f"The step's folder {name} is gone.")
    path = files.local_path(name)
    if path is not None:
        yield path
        return
    with files.as_path(name + TAR) as packed, files.scratch_folder() as scratch, tarfile.open(packed) as archive:
        archive.extractall(scratch, filter="data")
        yield scratch


def forget(key: str) -> None:
    """Remove what the steps of the takes with this key left for each other."""
    files.remove_tree(f"{TAKES}/{key}")


def forget_parts(analysis: str) -> None:
    """Remove the parts of an analysis."""
    files.remove_tree(analysis + PARTS)


def left_behind() -> list[str]:
    """Keys of takes that still have something here."""
    return sorted(_inside(TAKES)[0])


def _inside(name: str) -> tuple[list[str], list[str]]:
    """Folders and files right below ``name``."""
    try:
        return default_storage.listdir(name)
    except FileNotFoundError:
        return [], []


def size_of(key: str) -> int:
    """Bytes that the takes with this key occupy."""
    return files.tree_size(f"{TAKES}/{key}")
