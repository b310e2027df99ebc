"""The door to a project. Whoever is not in its workspace is told that nothing is there."""

from uuid import UUID

from django.http import Http404

from apps.projects.models import Project
from apps.workspaces.access import visible_to
from apps.workspaces.models import Membership


def project_in(membership: Membership, project_id: UUID, *, deleted: bool = False) -> Project:
    """The project of this workspace with this id, its video and soundtrack at hand. Raises ``Http404``.

    ``deleted=True`` looks among the deleted ones only (for undo).
    """
    project = (
        Project.objects.select_related("workspace", "video__footage_check", "audio__footage_check")
        .filter(visible_to(membership), workspace=membership.workspace, deleted_at__isnull=not deleted, pk=project_id)
        .first()
    )
    if project is None:
        raise Http404("There is no such project in this workspace.")
    return project
