"""What takes forbid to their workspace: nobody closes it while one is being made."""

from typing import Any

from django.dispatch import receiver

from apps.generations.models import Generation
from apps.workspaces.models import Workspace
from apps.workspaces.signals import workspace_closing
from studio.errors import StudioError


@receiver(workspace_closing)
def refuse_while_takes_run(sender: Any, workspace: Workspace, **rest: Any) -> None:
    running = Generation.objects.active().filter(workspace=workspace).count()
    if running:
        takes = "1 take is" if running == 1 else f"{running} takes are"
        raise StudioError(
            "workspace_busy",
            f"{takes} still being made in {workspace.name}.",
            "Wait or cancel, then close the workspace.",
            status=409,
        )
