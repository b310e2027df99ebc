"""What changes a workspace."""

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.text import slugify

from apps.accounts.models import User
from apps.workspaces.activity import record
from apps.workspaces.models import Membership, Role, Workspace
from apps.workspaces.permissions import Action, require_action
from apps.workspaces.signals import workspace_closing
from studio.errors import StudioError

NAME_LIMIT = Workspace._meta.get_field("name").max_length or 80
# Words of our own addresses (/w/new/ and its like) that a workspace must not take.
RESERVED_SLUGS = frozenset({"new", "join", "settings"})


@transaction.atomic
def create_workspace(*, name: str, owner: User, slug: str = "") -> Workspace:
    """Make a workspace with its first member as owner; the slug is made unique by a number where it is taken."""
    workspace = _made(name.strip(), slug or name, owner)
    Membership.objects.create(workspace=workspace, user=owner, role=Role.OWNER)
    record("workspace.made", workspace=workspace, actor=owner, subject=workspace.name)
    return workspace


def _made(name: str, text: str, owner: User) -> Workspace:
    """The row, under a slug that is free; where somebody takes that at the same moment the next one is tried."""
    while True:
        slug = free_slug(text)
        try:
            with transaction.atomic():
                return Workspace.objects.create(name=name, slug=slug, created_by=owner)
        except IntegrityError:
            if not Workspace.objects.filter(slug=slug).exists():
                raise


@transaction.atomic
def rename_workspace(*, membership: Membership, name: str) -> Workspace:
    """Another name; the address stays, so that links go on working. Raises ``StudioError`` for an unusable name."""
    require_action(membership, Action.RENAME)
    workspace = membership.workspace
    workspace.name = clean_name(name)
    workspace.save(update_fields=["name"])
    record("workspace.renamed", workspace=workspace, actor=membership.user, subject=workspace.name)
    return workspace


@transaction.atomic
def close_workspace(*, membership: Membership) -> None:
    """Shut a workspace for everybody. Bills and the log stay; the files go a month later.

    Raises ``StudioError`` while something of it still runs (the rooms above say what).
    """
    require_action(membership, Action.CLOSE)
    workspace = Workspace.objects.select_for_update().get(pk=membership.workspace.pk)
    if workspace.closed_at is not None:
        return
    workspace_closing.send(sender=Workspace, workspace=workspace)
    workspace.closed_at = timezone.now()
    workspace.save(update_fields=["closed_at"])
    workspace.invitations.waiting().update(revoked_at=workspace.closed_at)
    record("workspace.closed", workspace=workspace, actor=membership.user, subject=workspace.name)


def clean_name(name: str) -> str:
    """A name without odd spaces; raises ``StudioError`` for an empty or long one."""
    name = " ".join(name.replace("\x00", "").split())
    if not name:
        raise StudioError("workspace_name_missing", "A workspace needs a name.", field="name")
    if len(name) > NAME_LIMIT:
        raise StudioError(
            "workspace_name_too_long",
            f"The name is {len(name)} characters long.",
            f"Up to {NAME_LIMIT} fit.",
            field="name",
        )
    return name


def free_slug(text: str) -> str:
    """A slug of at most 60 characters that no workspace has yet."""
    base = slugify(text)[:50] or "workspace"
    taken = set(Workspace.objects.filter(slug__startswith=base).values_list("slug", flat=True)) | RESERVED_SLUGS
    number, slug = 1, base
    while slug in taken:
        number += 1
        slug = f"{base}-{number}"
    return slug


@transaction.atomic
def first_workspace(user: User) -> Workspace:
    """The workspace a person lands in; made on the first visit, so that nobody meets an empty house."""
    User.objects.select_for_update().get(pk=user.pk)  # two pages opened at once lead to one
    existing = Workspace.objects.of(user).first()
    if existing is not None:
        return existing
    return create_workspace(name=f"{user.short_name}'s workspace", owner=user, slug=user.short_name)
