"""A project: one piece of work with its draft (what the workbench shows) and its takes (generations)."""

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone

from apps.workspaces.models import Visibility


class ProjectQuerySet(models.QuerySet["Project"]):
    def listed(self, workspace) -> "ProjectQuerySet":
        """Projects of a workspace that are not deleted, last touched first."""
        return self.filter(workspace=workspace, deleted_at=None).order_by("-updated_at")


class Project(models.Model):
    """The draft is kept as it is typed: video, soundtrack, model, sync mode and options of the next take."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    workspace = models.ForeignKey("workspaces.Workspace", on_delete=models.CASCADE, related_name="projects")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    name = models.CharField(max_length=120)
    description = models.TextField(blank=True)
    visibility = models.CharField(max_length=9, choices=Visibility, default=Visibility.WORKSPACE)
    video = models.ForeignKey("assets.Asset", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    audio = models.ForeignKey("assets.Asset", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    model = models.CharField(max_length=40, default="lipsync-2")
    sync_mode = models.CharField(max_length=10, default="cut_off")
    options = models.JSONField(default=dict, blank=True)
    segments = models.JSONField(default=list, blank=True, help_text="as of a generation")
    files = models.ManyToManyField(
        "assets.Asset", related_name="projects", blank=True, help_text="put to it by a program, whatever takes use"
    )
    revision = models.PositiveIntegerField(
        default=1, help_text="counts edits of the draft, so that stale ones are seen"
    )
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True, db_index=True)
    deleted_at = models.DateTimeField(null=True)

    objects = ProjectQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name
