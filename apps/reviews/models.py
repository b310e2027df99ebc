"""What people say about a take, and the links by which others may look at it."""

import uuid
from datetime import datetime

from django.conf import settings
from django.db import models
from django.utils import timezone

COMMENT_LIMIT = 2000
GUEST_NAME_LIMIT = 60


class ShareLink(models.Model):
    """A page that shows one take to whoever has its signed address, until it expires or is taken back."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    generation = models.ForeignKey("generations.Generation", on_delete=models.CASCADE, related_name="share_links")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True, help_text="empty: it does not expire")
    revoked_at = models.DateTimeField(null=True)
    password = models.CharField(max_length=200, blank=True, help_text="hash; empty: no password")
    with_original = models.BooleanField(default=True)
    comments_on = models.BooleanField(default=True)
    downloads_on = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"Link to take {self.generation_id}"

    def is_open(self, now: datetime | None = None) -> bool:
        """Whether the link still leads somewhere."""
        return self.revoked_at is None and (self.expires_at is None or (now or timezone.now()) < self.expires_at)


class Comment(models.Model):
    """A remark at a second of a take, by a member or by a guest who came by a link."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    generation = models.ForeignKey("generations.Generation", on_delete=models.CASCADE, related_name="comments")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    link = models.ForeignKey(ShareLink, on_delete=models.SET_NULL, null=True, related_name="comments")
    guest_name = models.CharField(max_length=GUEST_NAME_LIMIT, blank=True)
    at_s = models.FloatField(help_text="second of the result")
    text = models.CharField(max_length=COMMENT_LIMIT)
    created_at = models.DateTimeField(default=timezone.now)
    deleted_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["at_s", "created_at"]
        indexes = [models.Index(fields=["generation", "deleted_at", "at_s"], name="comments_of_take")]

    def __str__(self) -> str:
        return f"{self.at_s:.1f} s: {self.text[:40]}"

    @property
    def by(self) -> str:
        """Who said it."""
        if self.author is not None:
            return self.author.short_name
        return self.guest_name or "Somebody who left"

    @property
    def initials(self) -> str:
        return "".join(word[0] for word in self.by.split()[:2]).upper()
