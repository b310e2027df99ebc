"""What is done to projects. The draft is saved as it is typed; each save names the revision it was based on."""

from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from apps.assets.models import Asset, Kind
from apps.generations.models import Generation
from apps.generations.segments import clean_rows
from apps.projects.models import Project
from apps.workspaces.access import require, require_maker_or_admin, visible_to
from apps.workspaces.activity import record
from apps.workspaces.models import Membership, Role, Visibility
from studio.errors import StudioError

UNTITLED = "Untitled project"
NAME_LIMIT, DESCRIPTION_LIMIT = 120, 5000


@dataclass(frozen=True)
class DraftChanges:
    """What one edit changes; ``None`` and missing option names leave things as they are.

    ``segments`` are all of them, as typed; an empty list takes them away. Places in ``emptied`` have no file any more.
    """

    video: Asset | None = None
    audio: Asset | None = None
    emptied: frozenset[str] = frozenset()
    model: str | None = None
    sync_mode: str | None = None
    options: dict[str, Any] = field(default_factory=dict)
    segments: list[dict[str, Any]] | None = None


class StaleDraft(StudioError):
    """The draft has moved on since the page was read. ``project`` is how it stands now."""

    def __init__(self, project: Project) -> None:
        super().__init__(
            "draft_stale",
            "This draft was changed in another window.",
            "Keep your version or take the saved one.",
            status=409,
        )
        self.project = project


def create_project(
    *, membership: Membership, name: str = "", identity: UUID | None = None, description: str = ""
) -> Project:
    """A new, empty project; ``identity`` is the id it gets where somebody chose one."""
    require(membership, Role.EDITOR)
    with transaction.atomic():
        project = Project.objects.create(
            pk=identity or uuid4(),
            workspace=membership.workspace,
            created_by=membership.user,
            name=_clean_name(name or UNTITLED),
            description=_clean_description(description),
        )
        record("project.made", workspace=membership.workspace, actor=membership.user, subject=project.name)
    return project


def rename_project(*, membership: Membership, project: Project, name: str) -> Project:
    require(membership, Role.EDITOR)
    project.name = _clean_name(name)
    project.save(update_fields=["name", "updated_at"])
    return project


def describe_project(*, membership: Membership, project: Project, description: str) -> Project:
    """Say in more words what a project is about; an empty text takes them away."""
    require(membership, Role.EDITOR)
    project.description = _clean_description(description)
    project.save(update_fields=["description", "updated_at"])
    return project


def attach_file(*, membership: Membership, project: Project, asset: Asset) -> None:
    """Put a file of the library to a project; a second time changes nothing."""
    require(membership, Role.EDITOR)
    project.files.add(asset)


def detach_file(*, membership: Membership, project: Project, asset: Asset) -> None:
    """Take a file away from a project; it stays in the library, and in takes that use it."""
    require(membership, Role.EDITOR)
    project.files.remove(asset)


def delete_project(*, membership: Membership, project: Project) -> None:
    """Take the project out of the list. Its takes and files stay, so that undo is whole."""
    require(membership, Role.EDITOR)
    running = Generation.objects.active().filter(project=project).order_by("number").first()
    if running is not None:
        raise StudioError(
            "project_busy",
            f"Take {running.number} of {project.name} is still being made.",
            "Wait for it or cancel it, then delete the project.",
            status=409,
        )
    if Project.objects.filter(pk=project.pk, deleted_at=None).update(deleted_at=timezone.now()):
        record("project.deleted", workspace=project.workspace, actor=membership.user, subject=project.name)


def restore_project(*, membership: Membership, project: Project) -> None:
    require(membership, Role.EDITOR)
    Project.objects.filter(pk=project.pk).update(deleted_at=None, updated_at=timezone.now())
    record("project.restored", workspace=project.workspace, actor=membership.user, subject=project.name)


@transaction.atomic
def set_visibility(*, membership: Membership, project: Project, visibility: str) -> None:
    """Show a project with its takes and results to the whole workspace, or only to its maker and administrators."""
    require_maker_or_admin(membership, project.created_by_id)
    if visibility not in Visibility.values:
        raise StudioError(
            "visibility_unknown", "There is no such choice.", "Choose one of the list.", field="visibility"
        )
    if Project.objects.filter(pk=project.pk).exclude(visibility=visibility).update(visibility=visibility):
        Asset.objects.filter(made_by__project=project).update(visibility=visibility)
        record(
            "project.visibility_changed",
            workspace=project.workspace,
            actor=membership.user,
            subject=project.name,
            before=project.visibility,
            after=visibility,
        )


def save_draft(*, membership: Membership, project: Project, revision: int, changes: DraftChanges) -> Project:
    """Save an edit of the draft and return the project as it now is.

    Raises ``StaleDraft`` when ``revision`` is not the one the edit was based on, ``StudioError`` for a file that
    cannot stand where it is put.
    """
    require(membership, Role.EDITOR)
    fields: dict[str, Any] = dict.fromkeys(changes.emptied)
    if changes.video is not None:
        fields["video"] = _usable(changes.video, "video")
        if project.name == UNTITLED:
            fields["name"] = _name_after(changes.video)
    if changes.audio is not None:
        fields["audio"] = _usable(changes.audio, "audio")
    if changes.model is not None:
        fields["model"] = changes.model
    if changes.sync_mode is not None:
        fields["sync_mode"] = changes.sync_mode
    if changes.options:
        fields["options"] = {**project.options, **changes.options}
    if changes.segments is not None:
        fields["segments"], _ = clean_rows(changes.segments, changes.model or project.model)
        _refuse_unseen(membership, project, fields["segments"])
    saved = Project.objects.filter(pk=project.pk, revision=revision, deleted_at=None).update(
        **fields, revision=F("revision") + 1, updated_at=timezone.now()
    )
    now = Project.objects.select_related("workspace", "video", "audio").get(pk=project.pk)
    if not saved:
        raise StaleDraft(now)
    return now


def _refuse_unseen(membership: Membership, project: Project, rows: list[dict[str, Any]]) -> None:
    """A sound that this member does not see stays where another has put it, and is put nowhere by its id."""
    put = {row["audio"] for row in rows} - {row["audio"] for row in project.segments} - {None}
    there = Asset.objects.filter(workspace=membership.workspace, pk__in=put)
    if there.filter(visible_to(membership)).count() < there.count():
        raise StudioError(
            "asset_not_found", "The sound of a segment does not exist.", "Choose another.", status=404, field="segments"
        )


def _usable(asset: Asset, place: str) -> Asset:
    """The asset, if its kind fits. A file still being checked has no kind yet and is judged when it has."""
    if place == "video" and asset.kind == Kind.AUDIO:
        raise StudioError(
            "draft_video_is_sound",
            f"{asset.name} is sound only.",
            "Choose a video or a photo of a face.",
            field="video",
        )
    if place == "audio" and asset.kind == Kind.IMAGE:
        raise StudioError(
            "draft_audio_is_photo",
            f"{asset.name} is a photo.",
            "Choose a sound file or a video with sound.",
            field="audio",
        )
    if place == "audio" and asset.kind == Kind.VIDEO and asset.is_ready and not asset.has_sound:
        raise StudioError(
            "draft_audio_is_silent_video",
            f"{asset.name} has no sound.",
            "Choose a sound file or a video with sound.",
            field="audio",
        )
    return asset


def _name_after(video: Asset) -> str:
    """A project nobody has named is called like its film: ``harbour_cam-a.mp4`` gives "harbour_cam-a"."""
    return PurePath(video.name).stem[:NAME_LIMIT] or UNTITLED


def _clean_name(name: str) -> str:
    name = " ".join(name.replace("\x00", "").split())
    if not name:
        raise StudioError("project_name_missing", "A project needs a name.", "Type one.", field="name")
    if len(name) > NAME_LIMIT:
        raise StudioError(
            "project_name_too_long",
            f"The name has {len(name)} characters.",
            f"Shorten it to {NAME_LIMIT} or fewer.",
            field="name",
        )
    return name


def _clean_description(text: str) -> str:
    text = text.replace("\x00", "").strip()
    if len(text) > DESCRIPTION_LIMIT:
        raise StudioError(
            "project_description_too_long",
            f"The description has {len(text)} characters.",
            f"Shorten it to {DESCRIPTION_LIMIT} or fewer.",
            field="description",
        )
    return text
