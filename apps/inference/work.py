"""Where the steps of a generation leave their results for each other: folders and files in the media storage.

``work/analysis/<what>/<hash of the file>/<engine>`` is kept with the media and used by every generation on it;
``work/<generation>/…`` goes when the generation has ended. Names say what is inside, so that a step that runs again
finds what is there. In a bucket a folder is one tar file: it is there whole or not at all.
"""

import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

from django.core.files.storage import default_storage

from apps.assets import files

ROOT = "work"
ANALYSIS = f"{ROOT}/analysis"
TAR = ".tar"


def analysis_name(what: str, sha256: str, engine: str) -> str:
    """Folder of a kept analysis (``what``: footage or speech) of the file with this hash by this engine."""
    return f"{ANALYSIS}/{what}/{sha256}/{engine}"


def plan_name(generation_id: UUID) -> str:
    """Folder of a generation's plan."""
    return f"{ROOT}/{generation_id}/plan"


def piece_name(generation_id: UUID, name: str) -> str:
    """One rendered piece."""
    return f"{ROOT}/{generation_id}/pieces/{name}"


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
    shutil.move(source, draft)
    try:
        draft.rename(path)
    except OSError:
        shutil.rmtree(draft, ignore_errors=True)
        if not path.is_dir():
            raise


@contextmanager
def open_folder(name: str) -> Iterator[Path]:
    """A folder that was left, as a local one for reading; raises ``FileNotFoundError`` where it is gone."""
    path = files.local_path(name)
    if path is not None:
        if not path.is_dir():
            raise FileNotFoundError(f"The step's folder {name} is gone.")
        yield path
        return
    with files.as_path(name + TAR) as packed, files.scratch_folder() as scratch, tarfile.open(packed) as archive:
        archive.extractall(scratch, filter="data")
        yield scratch


def forget(generation_id: UUID) -> None:
    """Remove what the steps of one generation left for each other."""
    files.remove_tree(f"{ROOT}/{generation_id}")


def left_behind() -> list[UUID]:
    """Generations that still have something here."""
    try:
        names, _ = default_storage.listdir(ROOT)
    except FileNotFoundError:
        return []
    found = []
    for name in names:
        try:
            found.append(UUID(name))
        except ValueError:
            continue
    return found
