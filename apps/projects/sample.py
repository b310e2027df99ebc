"""The sample project: a talking portrait and a new line for it, ready to press Generate."""

import fcntl
from pathlib import Path

from django.conf import settings

from apps.assets.models import Asset, Origin
from apps.assets.services import import_file
from apps.inference.engine.sample import make_sample
from apps.projects.models import Project
from apps.projects.services import DraftChanges, create_project, save_draft
from apps.workspaces.access import require
from apps.workspaces.models import Membership, Role

PROJECT_NAME = "Sample: a new line"
VIDEO_NAME = "sample_portrait.mp4"
AUDIO_NAME = "sample_new_line.wav"


def add_sample_project(*, membership: Membership) -> Project:
    """Put the sample's two files into the workspace and open a project with both of them chosen.

    A second call finds the files by their bytes and the project by its video, so that nothing piles up. Draws the
    sample where that was not done yet, which takes up to a minute: pages ask ``is_drawn`` first.
    """
    require(membership, Role.EDITOR)
    video_path, audio_path = sample_files()
    video = _shelved(membership, video_path, VIDEO_NAME)
    audio = _shelved(membership, audio_path, AUDIO_NAME)
    known = Project.objects.listed(membership.workspace).filter(video=video, audio=audio).first()
    if known is not None:
        return known
    project = create_project(membership=membership, name=PROJECT_NAME)
    changes = DraftChanges(video=video, audio=audio)
    return save_draft(membership=membership, project=project, revision=project.revision, changes=changes)


def _shelved(membership: Membership, path: Path, name: str) -> Asset:
    return import_file(workspace=membership.workspace, user=membership.user, path=path, name=name, origin=Origin.SAMPLE)


def folder() -> Path:
    """Where the sample is kept once it is drawn."""
    return Path(settings.DATA_DIR) / "sample"


def is_drawn() -> bool:
    """Whether the sample lies ready; the truth is written last."""
    return (folder() / "truth.json").is_file()


def sample_files() -> tuple[Path, Path]:
    """Paths of the sample's video and of its new line, drawn at the first call and kept in STUDIO_DATA/sample.

    Two calls at once draw it once: the second waits at the lock and finds it. Raises ``EngineError`` where the parts
    are not unpacked.
    """
    folder().mkdir(parents=True, exist_ok=True)
    with (folder() / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not is_drawn():
            make_sample(folder(), settings.MODELS_DIR)
    return folder() / "video.mp4", folder() / "new_line.wav"
