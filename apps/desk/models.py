"""Batches made in the browser: many takes that are asked for at once and started a few at a time."""

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone


class BatchState(models.TextChoices):
    RUNNING = "running", "Running"
    ENDED = "ended", "Finished"
    CANCELLED = "cancelled", "Cancelled"


class Batch(models.Model):
    """Pairs of a video and a soundtrack, one model, sync mode and options for all; their takes stand in one project."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    workspace = models.ForeignKey("workspaces.Workspace", on_delete=models.CASCADE, related_name="desk_batches")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    project = models.ForeignKey("projects.Project", on_delete=models.SET_NULL, null=True, related_name="+")
    name = models.CharField(max_length=120)
    model = models.CharField(max_length=40)
    sync_mode = models.CharField(max_length=10)
    options = models.JSONField(default=dict, blank=True, help_text="as of a generation")
    state = models.CharField(max_length=9, choices=BatchState, default=BatchState.RUNNING, db_index=True)
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.name


class Line(models.Model):
    """One take of a batch. Its id becomes the take's, so that no line is started twice."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="lines")
    number = models.PositiveIntegerField()
    video = models.ForeignKey("assets.Asset", on_delete=models.PROTECT, related_name="+")
    audio = models.ForeignKey("assets.Asset", on_delete=models.PROTECT, related_name="+")
    generation = models.OneToOneField("generations.Generation", on_delete=models.SET_NULL, null=True, related_name="+")
    error_code = models.CharField(max_length=80, blank=True)
    error_message = models.TextField(blank=True)

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["batch", "number"], name="one_line_per_number")]

    def __str__(self) -> str:
        return f"Line {self.number} of {self.batch_id}"
