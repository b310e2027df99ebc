"""A generation (a "take"): one run of a model on a video and a soundtrack, and its whole story."""

import uuid
from datetime import timedelta

from django.conf import settings
from django.db import models
from django.utils import timezone


class Status(models.TextChoices):
    PENDING = "PENDING", "Queued"
    PROCESSING = "PROCESSING", "Running"
    COMPLETED = "COMPLETED", "Finished"
    FAILED = "FAILED", "Failed"
    REJECTED = "REJECTED", "Refused"
    CANCELLED = "CANCELLED", "Cancelled"


class Stage(models.TextChoices):
    """Where the work is; the order is the order of the steps."""

    QUEUED = "queued", "Queued"
    READ = "read", "Reading footage and following faces"
    SPEECH = "speech", "Listening to the soundtrack"
    PLAN = "plan", "Planning the mouth"
    LIPSYNC = "lipsync", "Lipsync"
    ASSEMBLE = "assemble", "Sound and file"
    PROOF = "proof", "Proof"


class GenerationQuerySet(models.QuerySet["Generation"]):
    def listed(self, workspace) -> "GenerationQuerySet":
        return self.filter(workspace=workspace, deleted_at=None).order_by("-created_at")

    def active(self) -> "GenerationQuerySet":
        """Queued or running."""
        return self.filter(status__in=[Status.PENDING, Status.PROCESSING])

    def waiting(self) -> "GenerationQuerySet":
        """Queued, and not yet handed to the workers."""
        return self.filter(status=Status.PENDING, sent_at=None)

    def on_workers(self) -> "GenerationQuerySet":
        """Handed to the workers and not ended."""
        return self.active().exclude(status=Status.PENDING, sent_at=None)


class Generation(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    workspace = models.ForeignKey("workspaces.Workspace", on_delete=models.PROTECT, related_name="generations")
    project = models.ForeignKey("projects.Project", on_delete=models.SET_NULL, null=True, related_name="takes")
    number = models.PositiveIntegerField(default=1, help_text="take number within the project")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")

    video = models.ForeignKey("assets.Asset", on_delete=models.PROTECT, related_name="takes_as_video")
    audio = models.ForeignKey("assets.Asset", on_delete=models.PROTECT, related_name="takes_as_audio")
    model = models.CharField(max_length=40)
    sync_mode = models.CharField(max_length=10)
    options = models.JSONField(default=dict, blank=True)
    segments = models.JSONField(default=list, blank=True, help_text="see segments.py; empty: the whole film")
    watermark = models.BooleanField(default=False, help_text="what the plan said when it was submitted")
    backend = models.CharField(max_length=40, default="native")

    status = models.CharField(max_length=10, choices=Status, default=Status.PENDING, db_index=True)
    stage = models.CharField(max_length=10, choices=Stage, default=Stage.QUEUED)
    background = models.BooleanField(default=False, help_text="of a batch: goes after what people wait for")
    sent_at = models.DateTimeField(null=True, help_text="when the queue handed it to the workers; empty: it waits")
    busy_s = models.FloatField(default=0, help_text="seconds that workers spent on it, all steps together")
    attempts = models.PositiveSmallIntegerField(default=0)
    heartbeat_at = models.DateTimeField(null=True, help_text="last sign of life from a worker")
    work_key = models.CharField(max_length=40, blank=True, db_index=True, help_text="folder of its plan")
    pieces = models.JSONField(default=dict, blank=True, help_text="what it is drawn in, see apps/inference/drawn.py")
    cancel_requested_at = models.DateTimeField(null=True)
    error_code = models.CharField(max_length=80, blank=True)
    error_message = models.TextField(blank=True)
    error_advice = models.TextField(blank=True)

    price_micros_per_frame = models.BigIntegerField(default=0, help_text="as quoted, after discount, at 25 fps")
    quoted_seconds = models.FloatField(default=0)
    quoted_micros = models.BigIntegerField(default=0)
    charged_seconds = models.FloatField(null=True)
    charged_micros = models.BigIntegerField(null=True)

    result = models.ForeignKey("assets.Asset", on_delete=models.SET_NULL, null=True, related_name="made_by")
    report = models.JSONField(null=True)
    note = models.CharField(max_length=300, blank=True)

    created_at = models.DateTimeField(default=timezone.now, db_index=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    deleted_at = models.DateTimeField(null=True)

    objects = GenerationQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["workspace", "deleted_at", "-created_at"], name="takes_page"),
            models.Index(fields=["finished_at", "status"], name="takes_ended"),
            models.Index(fields=["workspace", "finished_at"], name="takes_ended_of_workspace"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["project", "number"], condition=models.Q(project__isnull=False), name="one_take_per_number"
            )
        ]

    def __str__(self) -> str:
        return f"Take {self.number}, {self.model}, {self.status}"

    @property
    def is_final(self) -> bool:
        return self.status not in (Status.PENDING, Status.PROCESSING)

    @property
    def may_go_on(self) -> bool:
        """Whether pieces of this unfinished take may still be there for the next one with the same inputs."""
        if self.status not in (Status.FAILED, Status.CANCELLED) or self.finished_at is None:
            return False
        drew = self.stage in (Stage.LIPSYNC, Stage.ASSEMBLE, Stage.PROOF)
        return drew and timezone.now() - self.finished_at < timedelta(hours=settings.RESUME_HOURS)


class Dispatcher(models.Model):
    """One row: who hands out waiting takes holds its lock, so that two never fill the same free place."""

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(pk=1), name="one_dispatcher")]

    def __str__(self) -> str:
        return "the dispatcher"


class SegmentSound(models.Model):
    """A sound that a segment of a generation is driven by; while the generation refers to it, it is not removed."""

    generation = models.ForeignKey(Generation, on_delete=models.CASCADE, related_name="segment_sounds")
    asset = models.ForeignKey("assets.Asset", on_delete=models.PROTECT, related_name="takes_as_segment_sound")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["generation", "asset"], name="one_row_per_segment_sound")]

    def __str__(self) -> str:
        return f"{self.asset} in {self.generation}"


# ``what`` of the event that a stage has begun; its detail names the stage. State changes are told by the state's name.
STAGE_EVENT = "stage"
# ``what`` of the event that tells in how many pieces a take is drawn, and how many of them were there already.
PIECES_EVENT = "pieces"


class Event(models.Model):
    """One line of a generation's story: state changes, steps, retries. Append-only."""

    generation = models.ForeignKey(Generation, on_delete=models.CASCADE, related_name="events")
    at = models.DateTimeField(default=timezone.now)
    what = models.CharField(max_length=60)
    detail = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ["at", "id"]

    def __str__(self) -> str:
        return f"{self.at:%H:%M:%S} {self.what}"
