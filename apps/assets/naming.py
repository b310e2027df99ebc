"""Names of files: as people gave them, and as they are stored."""

import re
import unicodedata
from pathlib import PurePosixPath
from uuid import UUID

NAME_LENGTH = 255
SAFE_SUFFIX = re.compile(r"\.[a-z0-9]{1,8}$")


def clean_name(name: str) -> str:
    """A file name without folders and control characters, at most 255 characters and never empty."""
    name = name.replace("\\", "/").rsplit("/", 1)[-1]
    name = "".join(character for character in " ".join(name.split()) if unicodedata.category(character)[0] != "C")
    return name[:NAME_LENGTH] or "Untitled"


def suffix_of(name: str) -> str:
    """The lower-case ending with its dot where it is a plain one, else nothing."""
    match = SAFE_SUFFIX.search(name.lower())
    return match.group() if match else ""


def asset_folder(workspace_id: UUID, asset_id: UUID) -> str:
    """Folder of everything stored for one asset."""
    return str(PurePosixPath("assets", str(workspace_id), str(asset_id)))
