"""What the HTTP API keeps of its own: keys, how each generation was asked for, webhooks and their deliveries."""

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone


class Scope(models.TextChoices):
    """What a key may do; each scope includes the ones before it."""

    READ = "read", "Read"
    GENERATE = "generate", "Generate"
    MANAGE = "manage", "Manage"

    @property
    def rank(self) -> int:
        """0 for reading up to 2 for managing."""
        return list(Scope).index(self)


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    def usable(self) -> "ApiKeyQuerySet":
        """Neither revoked nor expired."""
        living = models.Q(expires_at=None) | models.Q(expires_at__gt=timezone.now())
        return self.filter(living, revoked_at=None)


class ApiKey(models.Model):
    """A key of one person for one workspace. Only its hash is kept; ``prefix`` is what people see of it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    workspace = models.ForeignKey("workspaces.Workspace", on_delete=models.CASCADE, related_name="api_keys")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=80)
    scope = models.CharField(max_length=8, choices=Scope, default=Scope.GENERATE)
    prefix = models.CharField(max_length=16, unique=True)
    digest = models.CharField(max_length=64, help_text="SHA-256 of the whole key, in hex")
    created_at = models.DateTimeField(default=timezone.now)
    last_used_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    def allows(self, scope: Scope) -> bool:
        """Whether this key's scope includes the given one."""
        return Scope(self.scope).rank >= scope.rank

    @property
    def is_usable(self) -> bool:
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > timezone.now())


class CallState(models.TextChoices):
    WAITING = "waiting", "Waiting for its files"
    ADMITTED = "admitted", "Admitted"
    REFUSED = "refused", "Refused"


class Call(models.Model):
    """A request for a generation. Its id is the id of the generation, which exists once the files are here and checked.

    ``body`` is the request as it was understood, ``assets`` what its inputs became: ``{"video": id, "audio": id}``.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    workspace = models.ForeignKey("workspaces.Workspace", on_delete=models.CASCADE, related_name="api_calls")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    key = models.ForeignKey(ApiKey, on_delete=models.SET_NULL, null=True, related_name="calls")
    project = models.ForeignKey("projects.Project", on_delete=models.SET_NULL, null=True, related_name="+")
    generation = models.OneToOneField(
        "generations.Generation", on_delete=models.CASCADE, null=True, related_name="api_call"
    )
    body = models.JSONField()
    assets = models.JSONField(default=dict)
    speeches = models.JSONField(default=dict, help_text="jobs that speak its texts, by the roles of the inputs")
    begun = models.JSONField(default=list, help_text="those of its speeches that were begun for it: it has paid them")
    warnings = models.JSONField(default=list)
    source = models.CharField(max_length=30, default="api")
    webhook_url = models.URLField(max_length=2000, blank=True)
    output_name = models.CharField(max_length=255, blank=True)
    state = models.CharField(max_length=8, choices=CallState, default=CallState.WAITING, db_index=True)
    error_code = models.CharField(max_length=80, blank=True)
    error_message = models.TextField(blank=True)
    error_advice = models.TextField(blank=True)
    looked_at = models.DateTimeField(default=timezone.now, help_text="when a worker last looked whether it can start")
    faults = models.PositiveSmallIntegerField(default=0, help_text="looks that ended in an error of the studio's own")
    announced_at = models.DateTimeField(null=True, help_text="when its webhooks were written down")
    created_at = models.DateTimeField(default=timezone.now, db_index=True)
    deleted_at = models.DateTimeField(null=True)

    class Meta:
        # Asked for every few seconds: nearly all have been announced.
        indexes = [models.Index(fields=["state"], condition=models.Q(announced_at=None), name="calls_to_announce")]

    def __str__(self) -> str:
        return f"API call {self.id}, {self.state}"


class Idempotency(models.Model):
    """One Idempotency-Key of a workspace, its payload, and the call or the speech it made (neither: in work)."""

    workspace = models.ForeignKey("workspaces.Workspace", on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=128)
    payload = models.CharField(max_length=64, help_text="SHA-256 of the payload, in hex")
    call = models.OneToOneField(Call, on_delete=models.CASCADE, null=True, related_name="idempotency")
    speech = models.ForeignKey("voices.SpeechJob", on_delete=models.CASCADE, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["workspace", "key"], name="one_use_of_an_idempotency_key")]

    def __str__(self) -> str:
        return self.key


class Webhook(models.Model):
    """The webhook of a workspace. ``url`` may be empty: then only the secret is used, for addresses in requests."""

    workspace = models.OneToOneField("workspaces.Workspace", on_delete=models.CASCADE, related_name="webhook")
    url = models.URLField(max_length=2000, blank=True)
    secret = models.CharField(max_length=80)
    previous_secret = models.CharField(max_length=80, blank=True)
    previous_until = models.DateTimeField(null=True, help_text="the previous secret signs too until then")
    disabled_at = models.DateTimeField(null=True, help_text="when the receiver answered that it is gone (410)")
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.url or "no address"


class DeliveryState(models.TextChoices):
    WAITING = "waiting", "Waiting"
    DELIVERED = "delivered", "Delivered"
    GIVEN_UP = "given_up", "Given up"


class Delivery(models.Model):
    """One event for one address, with all tries to bring it there. The id is the message's id at the receiver."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    workspace = models.ForeignKey("workspaces.Workspace", on_delete=models.CASCADE, related_name="deliveries")
    subject = models.UUIDField(null=True, db_index=True, help_text="the generation it is about")
    event = models.CharField(max_length=40)
    url = models.URLField(max_length=2000)
    body = models.TextField()
    state = models.CharField(max_length=9, choices=DeliveryState, default=DeliveryState.WAITING)
    tries = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField(default=timezone.now, db_index=True)
    answer_status = models.PositiveSmallIntegerField(null=True)
    answer = models.CharField(max_length=500, blank=True, help_text="what the receiver said, or why it was not reached")
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["workspace", "-created_at"], name="deliveries_page")]
        constraints = [
            models.UniqueConstraint(fields=["subject", "event", "url"], name="one_delivery_per_event_and_address")
        ]

    def __str__(self) -> str:
        return f"{self.event} to {self.url}, {self.state}"


class BatchState(models.TextChoices):
    """The states the clients know."""

    PENDING = "PENDING", "Pending"
    PROCESSING = "PROCESSING", "Processing"
    COMPLETED = "COMPLETED", "Completed"
    FAILED = "FAILED", "Failed"


class Batch(models.Model):
    """Many generations from one file. Few of them run at once, so that work from pages is not kept waiting."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    workspace = models.ForeignKey("workspaces.Workspace", on_delete=models.CASCADE, related_name="batches")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    key = models.ForeignKey(ApiKey, on_delete=models.SET_NULL, null=True, related_name="+")
    webhook_url = models.URLField(max_length=2000, blank=True)
    state = models.CharField(max_length=10, choices=BatchState, default=BatchState.PENDING, db_index=True)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"Batch {self.id}, {self.state}"


class BatchLine(models.Model):
    """One line of a batch's file; ``call`` is there once it was started."""

    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="lines")
    number = models.PositiveIntegerField(help_text="line in the file, from 1")
    request_id = models.CharField(max_length=200)
    payload = models.JSONField()
    call = models.OneToOneField(Call, on_delete=models.SET_NULL, null=True, related_name="batch_line")

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["batch", "number"], name="one_batch_line_per_number")]

    def __str__(self) -> str:
        return f"line {self.number} of {self.batch_id}"
