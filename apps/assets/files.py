"""Where the bytes of media lie: the default storage, be it a local disk or a bucket.

The engine wants paths. On a local disk a stored file has one; from a bucket it is fetched into a scratch folder first.
"""

import errno
import math
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from uuid import uuid4

from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage

from apps.assets import bucket
from studio.errors import StudioError

# What must stay free beside a file, so that the database and running work never meet a full disk.
DISK_RESERVE = 512 * 1024**2
# With the machine and the process in its name, so that a folder whose process was killed is known for an orphan.
SCRATCH_PREFIX = "scratch-"


def local_path(name: str) -> Path | None:
    """Path of a stored file or folder where the storage is a local disk, else None."""
    try:
        return Path(default_storage.path(name))
    except NotImplementedError:
        return None


def this_machine() -> str:
    """This machine's name, as part of a file name."""
    return socket.gethostname().replace("-", "_").replace("/", "_")


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A folder for temporary files, removed at the end whatever happens."""
    parent = Path(settings.DATA_DIR) / "tmp"
    parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{SCRATCH_PREFIX}{this_machine()}-{os.getpid()}-", dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def is_orphaned(folder: Path) -> bool:
    """Whether a scratch folder belongs to a process of this machine that is gone."""
    machine, _, rest = folder.name.removeprefix(SCRATCH_PREFIX).partition("-")
    process = rest.partition("-")[0]
    return machine == this_machine() and process.isdigit() and not is_running(int(process))


def changed_at(path: Path) -> float:
    """When a file or folder last changed, in seconds since 1970; infinite where it has gone meanwhile."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return math.inf


def is_running(process: int) -> bool:
    """Whether there is a process of this number on this machine."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it lives, and belongs to somebody else
        return True
    return True


@contextmanager
def as_path(name: str) -> Iterator[Path]:
    """A stored file as a local path for reading; the one copy of what lies in a bucket is gone afterwards.

    Raises ``OSError``: ``FileNotFoundError`` where there is no such file, ENOSPC where the copy would leave the disk
    with less than :data:`DISK_RESERVE`, and then before its first byte.
    """
    path = local_path(name)
    if path is not None:
        yield path
        return
    with scratch_folder() as folder:
        if shutil.disk_usage(folder).free < size(name) + DISK_RESERVE:
            raise OSError(errno.ENOSPC, "The disk has no room for a copy of this file", name)
        copy = folder / PurePosixPath(name).name
        bucket.fetch(name, copy)
        yield copy


def keep_room(folder: Path, *, beside: int = 0) -> None:
    """Raise ``StudioError`` (507) where the disk of ``folder`` has no room ``beside`` so many bytes yet to come.

    Asked again while a file arrives whose size nobody knows, or several at once.
    """
    if shutil.disk_usage(folder).free < beside + DISK_RESERVE:
        raise StudioError(
            "generation_infra_storage_error",
            "The studio's disk has no room for this file.",
            "Tell whoever runs the studio, then try again.",
            field="file",
            status=507,
        )


def put(source: Path, name: str, *, move: bool = False) -> str:
    """Store a local file under ``name`` and return the name it got; ``move`` gives the source away.

    On a local disk the file appears whole or not at all: it is written beside its place, under a name of its own since
    two steps may write the same thing at once, and renamed.
    """
    path = local_path(name)
    if path is None:
        with source.open("rb") as stream:
            stored = default_storage.save(name, File(stream))
        if move:
            source.unlink()
        return stored
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        if move:
            shutil.move(source, draft)
        else:
            shutil.copyfile(source, draft)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return name


def remove(name: str) -> None:
    """Delete a stored file; nothing happens where it is gone already, and an empty folder goes with it."""
    if not name:
        return
    default_storage.delete(name)
    path = local_path(name)
    if path is not None:
        with suppress(OSError):  # something else lies in it, or somebody was faster
            path.parent.rmdir()


def remove_tree(name: str) -> None:
    """Delete everything stored below ``name``."""
    path = local_path(name)
    if path is not None:
        shutil.rmtree(path, ignore_errors=True)
        return
    folders, files = default_storage.listdir(name)
    for file in files:
        default_storage.delete(f"{name}/{file}")
    for folder in folders:
        remove_tree(f"{name}/{folder}")


def tree_size(name: str) -> int:
    """Bytes of everything stored below ``name``."""
    try:
        folders, stored = default_storage.listdir(name)
    except FileNotFoundError:
        return 0
    inside = sum(tree_size(f"{name}/{folder}") for folder in folders)
    return inside + sum(size(f"{name}/{file}") for file in stored)


def size(name: str) -> int:
    """Bytes of a stored file, 0 where there is none."""
    try:
        return int(default_storage.size(name))
    except FileNotFoundError:  # removed meanwhile
        return 0
