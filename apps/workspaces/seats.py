"""How many people a workspace may have. The plan says so, and plans live in a room above: it is asked by name."""

from django.conf import settings
from django.utils import timezone
from django.utils.module_loading import import_string

from apps.workspaces.models import Workspace
from studio.errors import StudioError


def seats_of(workspace: Workspace) -> int | None:
    """Seats of the workspace's plan; None for no limit."""
    return import_string(settings.SEATS_RULE)(workspace)


def taken(workspace: Workspace) -> int:
    """Members, and invitations that can still be taken up."""
    promised = workspace.invitations.waiting().filter(expires_at__gt=timezone.now()).count()
    return workspace.memberships.count() + promised


def require_seat(workspace: Workspace, *, used: int) -> None:
    """Raise ``StudioError`` where ``used`` seats leave none free. Hold the workspace's row meanwhile."""
    refusal: StudioError | None = import_string(settings.SEAT_REFUSAL)(workspace, used)
    if refusal is not None:
        raise refusal
