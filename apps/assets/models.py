"""The media library: files that people brought and files that generations made, and uploads on their way in."""

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone

from apps.workspaces.models import Visibility


class Kind(models.TextChoices):
    VIDEO = "video", "Video"
    AUDIO = "audio", "Sound"
    IMAGE = "image", "Photo"


class Origin(models.TextChoices):
    UPLOAD = "upload", "Upload"
    URL = "url", "Link"
    RECORD = "record", "Recording"
    TTS = "tts", "Spoken text"
    EXTRACT = "extract", "Taken from a video"
    RESULT = "result", "Result"
    SAMPLE = "sample", "Sample"


class Status(models.TextChoices):
    CHECKING = "checking", "Checking"
    READY = "ready", "Ready"
    REJECTED = "rejected", "Not usable"


class AssetQuerySet(models.QuerySet["Asset"]):
    def in_library(self, workspace) -> "AssetQuerySet":
        """What the library of a workspace shows: not deleted, newest first."""
        return self.filter(workspace=workspace, deleted_at=None).order_by("-created_at")


class Asset(models.Model):
    """One media file. ``facts`` fields are filled by the probe; until then the status is CHECKING."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    workspace = models.ForeignKey("workspaces.Workspace", on_delete=models.CASCADE, related_name="assets")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    name = models.CharField(max_length=255)
    visibility = models.CharField(max_length=9, choices=Visibility, default=Visibility.WORKSPACE)
    kind = models.CharField(max_length=5, choices=Kind, blank=True)
    origin = models.CharField(max_length=8, choices=Origin, default=Origin.UPLOAD)
    status = models.CharField(max_length=8, choices=Status, default=Status.CHECKING)
    error_code = models.CharField(max_length=80, blank=True)
    error_message = models.TextField(blank=True)

    file = models.FileField(max_length=255, blank=True)
    thumbnail = models.FileField(max_length=255, blank=True)
    peaks = models.FileField(max_length=255, blank=True, help_text="JSON of waveform peaks, 100 pairs a second")
    captions = models.FileField(max_length=255, blank=True, help_text="WebVTT, written by us")
    size = models.BigIntegerField(default=0, help_text="bytes")
    sha256 = models.CharField(max_length=64, blank=True, db_index=True)

    container = models.CharField(max_length=60, blank=True)
    duration_s = models.FloatField(null=True)
    sound_s = models.FloatField(null=True, help_text="length of its sound, from the first picture on")
    fps_num = models.PositiveIntegerField(null=True)
    fps_den = models.PositiveIntegerField(null=True)
    variable_rate = models.BooleanField(default=False)
    frame_count = models.PositiveIntegerField(null=True)
    width = models.PositiveIntegerField(null=True, help_text="as shown, after rotation")
    height = models.PositiveIntegerField(null=True, help_text="as shown, after rotation")
    rotation = models.SmallIntegerField(default=0, help_text="degrees clockwise in the file's flag")
    video_codec = models.CharField(max_length=40, blank=True)
    audio_codec = models.CharField(max_length=40, blank=True)
    channels = models.PositiveSmallIntegerField(null=True)
    sample_rate = models.PositiveIntegerField(null=True)
    spoken = models.JSONField(null=True, help_text="of a spoken text: script, voice, voiceId, provider, settings")

    created_at = models.DateTimeField(default=timezone.now, db_index=True)
    updated_at = models.DateTimeField(auto_now=True)
    deleted_at = models.DateTimeField(null=True)

    objects = AssetQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["workspace", "deleted_at", "-created_at"], name="library_page")]

    def __str__(self) -> str:
        return self.name

    @property
    def fps(self) -> float | None:
        """Frames per second, as measured over the file where its rate varies."""
        return self.fps_num / self.fps_den if self.fps_num and self.fps_den else None

    @property
    def has_sound(self) -> bool:
        return bool(self.audio_codec)

    @property
    def heard_s(self) -> float | None:
        """How long it lasts as a soundtrack: the sound of a film may end before its picture, or go on after it."""
        return self.duration_s if self.sound_s is None else self.sound_s

    @property
    def is_ready(self) -> bool:
        return self.status == Status.READY


class CheckStatus(models.TextChoices):
    WAITING = "waiting", "Waiting"
    RUNNING = "running", "Looking"
    READY = "ready", "Ready"
    FAILED = "failed", "Could not be checked"


class FootageCheck(models.Model):
    """What is to be known of a file before it is used: ``result`` is the engine's ``FootageCheck.to_dict()``."""

    asset = models.OneToOneField(Asset, on_delete=models.CASCADE, related_name="footage_check")
    status = models.CharField(max_length=7, choices=CheckStatus, default=CheckStatus.WAITING)
    engine_version = models.CharField(max_length=20, blank=True)
    result = models.JSONField(null=True)
    names = models.JSONField(default=dict, blank=True, help_text="what people call those it found, by their number")
    error_code = models.CharField(max_length=80, blank=True)
    error_message = models.TextField(blank=True)
    requested_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.asset_id}: {self.status}"

    @property
    def is_ready(self) -> bool:
        return self.status == CheckStatus.READY


class Upload(models.Model):
    """A file on its way in, resumable after a lost network.

    Through the studio (tus 1.0) its bytes lie in STUDIO_DATA/uploads; straight to the bucket its parts lie there, under
    the bucket's own id ``multipart`` and the ``key`` that the object shall have.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    workspace = models.ForeignKey("workspaces.Workspace", on_delete=models.CASCADE, related_name="uploads")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="uploads")
    name = models.CharField(max_length=255)
    size = models.BigIntegerField(help_text="bytes announced")
    offset = models.BigIntegerField(default=0, help_text="bytes safely here")
    key = models.CharField(max_length=255, blank=True)
    multipart = models.CharField(max_length=1024, blank=True)
    completed_at = models.DateTimeField(null=True, help_text="when its parts were joined in the bucket")
    # Of several with the same bytes all lead to the one asset that the library keeps of them.
    asset = models.ForeignKey(Asset, on_delete=models.CASCADE, null=True, related_name="uploads")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"{self.name}, {self.offset} of {self.size} bytes"
