"""What changes a workspace."""

from django.db import transaction
from django.utils.text import slugify

from apps.accounts.models import User
from apps.workspaces.models import Membership, Role, Workspace

# Words of our own addresses (/w/new/ and its like) that a workspace must not take.
RESERVED_SLUGS = frozenset({"new", "join", "settings"})


@transaction.atomic
def create_workspace(*, name: str, owner: User, slug: str = "") -> Workspace:
    """Make a workspace with its first member as owner; the slug is made unique by a number where it is taken."""
    workspace = Workspace.objects.create(name=name.strip(), slug=free_slug(slug or name), created_by=owner)
    Membership.objects.create(workspace=workspace, user=owner, role=Role.OWNER)
    return workspace


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
    existing = Workspace.objects.of(user).first()
    if existing is not None:
        return existing
    return create_workspace(name=f"{user.short_name}'s workspace", owner=user, slug=user.short_name)
