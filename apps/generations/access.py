"""The door to takes: from a membership to a generation of its workspace, or nothing."""

from typing import Any
from uuid import UUID

from django.http import Http404

from apps.generations.models import Generation, GenerationQuerySet
from apps.workspaces.access import require, visible_to
from apps.workspaces.models import Membership, Role
from studio import logs

NO_TAKE = "There is no such take."


def generation_in(membership: Membership, generation_id: UUID, *, at_least: Role = Role.VIEWER) -> Generation:
    """A take by its id; raises ``Http404`` where there is none, ``PermissionDenied`` for a role below ``at_least``."""
    require(membership, at_least)
    return _one(_takes(membership).filter(pk=generation_id))


def take_in(membership: Membership, project: Any, number: int, *, at_least: Role = Role.VIEWER) -> Generation:
    """A take of a project by its number; raises like :func:`generation_in`."""
    require(membership, at_least)
    return _one(_takes(membership).filter(project=project, number=number))


def _takes(membership: Membership) -> GenerationQuerySet:
    related = ("workspace", "project", "video", "audio", "result", "created_by")
    seen = Generation.objects.filter(visible_to(membership, "project__"), workspace=membership.workspace)
    return seen.filter(deleted_at=None).select_related(*related)


def _one(found: GenerationQuerySet) -> Generation:
    take = found.first()
    if take is None:
        raise Http404(NO_TAKE)
    logs.note(generation_id=str(take.pk))
    return take
