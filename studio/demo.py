"""The demo: a person, a workspace with the sample in it, and a first take that the workers really make."""

from dataclasses import dataclass
from pathlib import Path

from allauth.account.models import EmailAddress
from django.conf import settings

from apps.accounts.models import User
from apps.assets.checking import check_asset
from apps.generations.models import Generation
from apps.generations.services import submit_generation
from apps.projects.models import Project
from apps.projects.sample import add_sample_project
from apps.workspaces.access import membership_for
from apps.workspaces.models import Membership, Workspace
from apps.workspaces.services import create_workspace
from studio.environment import kept_secret

EMAIL = "demo@studio.example"
WORKSPACE_NAME = "Demo studio"
PASSWORD_BYTES = 9  # twelve letters to type


@dataclass(frozen=True)
class SignIn:
    """How to get in; the password is empty where the person has chosen another one."""

    email: str
    password: str


def load_demo() -> SignIn:
    """Make whatever of the demo is not there yet. What somebody has changed or deleted in it stays so.

    Raises ``EngineError`` where the sample cannot be made because the engine's nets are missing.
    """
    password = kept_secret(Path(settings.DATA_DIR) / "keys" / "demo-password", PASSWORD_BYTES)
    user = _person(password)
    membership = _membership(user)
    if not Generation.objects.filter(workspace=membership.workspace).exists():
        _first_take(membership)
    return SignIn(EMAIL, password if user.check_password(password) else "")


def _person(password: str) -> User:
    user = User.objects.filter(email=EMAIL).first()
    if user is None:
        user = User.objects.create_user(EMAIL, password, name="Demo")
        EmailAddress.objects.create(user=user, email=EMAIL, verified=True, primary=True)
    return user


def _membership(user: User) -> Membership:
    workspace = Workspace.objects.of(user).first() or create_workspace(name=WORKSPACE_NAME, owner=user)
    return membership_for(user, workspace)


def _first_take(membership: Membership) -> None:
    """Submit the sample once; its files are checked here, so that the take need not wait for a worker's probe."""
    if Project.objects.filter(workspace=membership.workspace).exclude(deleted_at=None).exists():
        return
    project = add_sample_project(membership=membership)
    for asset in (project.video, project.audio):
        if asset is not None:
            check_asset(asset.pk)
            asset.refresh_from_db()
    submit_generation(
        membership=membership,
        project=project,
        video=project.video,
        audio=project.audio,
        model=project.model,
        sync_mode=project.sync_mode,
        options=project.options,
    )
