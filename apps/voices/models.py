"""Keys of providers, and texts on their way to becoming a sound of the library."""

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone


class ProviderKey(models.Model):
    """A workspace's own key for a provider, sealed. ``hint`` is all that pages ever show of it."""

    workspace = models.ForeignKey("workspaces.Workspace", on_delete=models.CASCADE, related_name="provider_keys")
    provider = models.CharField(max_length=200)
    sealed = models.TextField()
    hint = models.CharField(max_length=8, help_text="the last characters")
    added_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    added_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["workspace", "provider"], name="one_key_per_provider")]

    def __str__(self) -> str:
        return f"{self.provider} …{self.hint}"


class SpeechState(models.TextChoices):
    """The states the clients know."""

    PENDING = "PENDING", "Waiting"
    PROCESSING = "PROCESSING", "Speaking"
    SUCCESS = "SUCCESS", "Ready"
    FAILED = "FAILED", "Failed"


ON_THE_WAY = (SpeechState.PENDING, SpeechState.PROCESSING)


class SpeechJob(models.Model):
    """A text to be spoken. ``digest`` is of provider, voice, script and settings: what is asked for twice is one."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    workspace = models.ForeignKey("workspaces.Workspace", on_delete=models.CASCADE, related_name="speech_jobs")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    provider = models.CharField(max_length=200)
    voice_id = models.CharField(max_length=200)
    voice_name = models.CharField(max_length=200)
    script = models.TextField()
    settings = models.JSONField(default=dict)
    digest = models.CharField(max_length=64)
    price_micros = models.BigIntegerField(default=0)
    state = models.CharField(max_length=10, choices=SpeechState, default=SpeechState.PENDING)
    asset = models.ForeignKey("assets.Asset", on_delete=models.SET_NULL, null=True, related_name="speech_jobs")
    error_code = models.CharField(max_length=80, blank=True)
    error_message = models.TextField(blank=True)
    error_advice = models.TextField(blank=True)
    tries = models.PositiveSmallIntegerField(default=0, help_text="how often a worker has begun")
    sent_at = models.DateTimeField(default=timezone.now, help_text="when it was last handed to the queue")
    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["workspace", "digest"], name="speech_by_digest"),
            models.Index(fields=["state", "sent_at"], name="speech_by_state"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "digest"],
                condition=models.Q(state__in=["PENDING", "PROCESSING"]),
                name="one_running_speech_per_digest",
            )
        ]

    def __str__(self) -> str:
        return f"{self.voice_name}: {self.script[:40]}"

    @property
    def is_final(self) -> bool:
        return self.state not in ON_THE_WAY
