"""What staff did, and why. Append-only: a trigger refuses to change or delete rows."""

from django.conf import settings
from django.db import models
from django.utils import timezone


class StaffAction(models.Model):
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="staff_actions")
    action = models.CharField(max_length=20)
    workspace = models.ForeignKey("workspaces.Workspace", on_delete=models.PROTECT, null=True, related_name="+")
    generation = models.UUIDField(null=True, db_index=True)
    reason = models.CharField(max_length=300)
    detail = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["workspace", "-created_at"], name="staff_actions_of_workspace")]

    def __str__(self) -> str:
        return f"{self.action} by {self.actor}"
