"""Teams: a workspace owns everything, a membership says who may do what in it, an invitation who may come."""

import uuid
from datetime import timedelta

from django.conf import settings
from django.db import models
from django.utils import timezone


class Role(models.TextChoices):
    """What a member may do; each role includes the ones after it."""

    OWNER = "owner", "Owner"
    ADMIN = "admin", "Administrator"
    EDITOR = "editor", "Editor"
    VIEWER = "viewer", "Viewer"

    @property
    def rank(self) -> int:
        """0 for a viewer up to 3 for an owner."""
        return [Role.VIEWER, Role.EDITOR, Role.ADMIN, Role.OWNER].index(self)


class Visibility(models.TextChoices):
    """Who in the workspace sees a project or a file. The rule is :func:`apps.workspaces.access.visible_to`."""

    WORKSPACE = "workspace", "Everyone in the workspace"
    PRIVATE = "private", "Only its maker, administrators and the owner"


class WorkspaceQuerySet(models.QuerySet["Workspace"]):
    def open(self) -> "WorkspaceQuerySet":
        """Those that nobody has closed."""
        return self.filter(closed_at=None)

    def of(self, user) -> "WorkspaceQuerySet":
        """The open workspaces a person is a member of, by name."""
        return self.open().filter(memberships__user=user).order_by("name")


class Workspace(models.Model):
    """``closed_at`` shuts every door; the rows stay, since bills refer to them."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    slug = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=80)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    members = models.ManyToManyField(settings.AUTH_USER_MODEL, through="Membership", related_name="workspaces")
    closed_at = models.DateTimeField(null=True)

    objects = WorkspaceQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role, default=Role.EDITOR)
    joined_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["workspace", "user"], name="one_membership_per_person"),
            models.UniqueConstraint(
                fields=["workspace"], condition=models.Q(role=Role.OWNER), name="one_owner_per_workspace"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.workspace} as {self.role}"

    def may(self, at_least: Role) -> bool:
        """Whether this membership includes the given role."""
        return Role(self.role).rank >= at_least.rank


# An invitation that nobody took up for a week is likely forgotten, and its link may lie in an old mailbox.
INVITATION_LASTS = timedelta(days=7)


def _invitation_end():
    return timezone.now() + INVITATION_LASTS


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def waiting(self) -> "InvitationQuerySet":
        """Neither taken up nor revoked; an expired one still waits to be sent again."""
        return self.filter(accepted_at=None, revoked_at=None)


class Invitation(models.Model):
    """An e-mail address that may become a member. The link carries the signed id; the row decides what it is worth."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="invitations")
    email = models.EmailField()
    role = models.CharField(max_length=10, choices=Role, default=Role.EDITOR)
    invited_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(default=_invitation_end)
    accepted_at = models.DateTimeField(null=True)
    accepted_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    revoked_at = models.DateTimeField(null=True)

    objects = InvitationQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "email"],
                condition=models.Q(accepted_at=None, revoked_at=None),
                name="one_open_invitation_per_address",
            ),
            models.CheckConstraint(condition=~models.Q(role=Role.OWNER), name="nobody_is_invited_as_owner"),
        ]

    def __str__(self) -> str:
        return f"{self.email} to {self.workspace} as {self.role}"

    @property
    def is_expired(self) -> bool:
        return self.expires_at <= timezone.now()

    @property
    def is_open(self) -> bool:
        """Whether its link still lets somebody in."""
        return self.accepted_at is None and self.revoked_at is None and not self.is_expired


class Activity(models.Model):
    """One line of the log: who did what, when and from where. Append-only, held by triggers in the database.

    ``workspace`` is empty for what concerns a person alone (sign-in, second factor), ``actor`` for what the studio did
    by itself. People and workspaces with a history are therefore never deleted, only emptied.
    """

    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, null=True, related_name="activity")
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="activity")
    at = models.DateTimeField(default=timezone.now)
    action = models.CharField(max_length=60)
    subject = models.CharField(max_length=255, blank=True, help_text="name of what it was done to, as it was then")
    detail = models.JSONField(default=dict)
    address = models.GenericIPAddressField(null=True)
    agent = models.CharField(max_length=200, blank=True, help_text="program that asked")

    class Meta:
        indexes = [
            models.Index(fields=["workspace", "-at"], name="activity_of_workspace"),
            models.Index(fields=["actor", "-at"], name="activity_of_person"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.subject}".strip()
