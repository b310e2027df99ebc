"""What each role may do: the one table. Pages show it, services ask it, a test reads it row by row.

Rooms above ask the door for a role (``at_least=Role.EDITOR``); which role a kind of deed needs is written here.
"""

from django.db import models

from apps.workspaces.access import require
from apps.workspaces.models import Membership, Role


class Action(models.TextChoices):
    """A kind of deed; the label is how the page of members names it."""

    LOOK = "look", "Watch takes, see files, projects and usage"
    MAKE = "make", "Upload, edit projects, generate, cancel and delete"
    OWN_KEYS = "own_keys", "Make and revoke keys of one's own"
    ALL_KEYS = "all_keys", "See and revoke everyone's keys, set the webhook"
    INVITE = "invite", "Invite people, revoke invitations"
    ROLES = "roles", "Change roles and remove members"
    RENAME = "rename", "Rename the workspace"
    ACTIVITY = "activity", "Read the activity of the workspace"
    MONEY = "money", "Change plan, cap and billing details"
    TRANSFER = "transfer", "Hand the workspace to another member"
    CLOSE = "close", "Close the workspace"


# A viewer's own keys can only read; apps.api.keys holds that.
LEAST: dict[Action, Role] = {
    Action.LOOK: Role.VIEWER,
    Action.OWN_KEYS: Role.VIEWER,
    Action.MAKE: Role.EDITOR,
    Action.ALL_KEYS: Role.ADMIN,
    Action.INVITE: Role.ADMIN,
    Action.ROLES: Role.ADMIN,
    Action.RENAME: Role.ADMIN,
    Action.ACTIVITY: Role.ADMIN,
    Action.MONEY: Role.ADMIN,
    Action.TRANSFER: Role.OWNER,
    Action.CLOSE: Role.OWNER,
}


def may(membership: Membership, action: Action) -> bool:
    """Whether this member's role allows the deed."""
    return membership.may(LEAST[action])


def require_action(membership: Membership, action: Action) -> None:
    """Raise ``PermissionDenied`` with the role held and the role needed."""
    require(membership, LEAST[action])


def table() -> list[tuple[str, list[bool]]]:
    """Rows for the page: what is done, and for viewer, editor, administrator and owner whether they may."""
    roles = sorted(Role, key=lambda role: role.rank)
    return [(str(action.label), [role.rank >= least.rank for role in roles]) for action, least in LEAST.items()]
