"""One of everything that an address can name, in a workspace with a person of each role.

``PARTS`` turns the names in braces of a route into values; a new name needs a line there and a row in ``make_world``.
"""

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from apps.accounts.models import User
from apps.api.keys import digest_of
from apps.api.models import ApiKey, Delivery, Scope
from apps.assets.footage import faces_name, head_name
from apps.assets.models import Upload
from apps.billing import invoices, ledger
from apps.voices.models import SpeechJob
from apps.workspaces.invitations import token_of
from apps.workspaces.models import Invitation, Membership, Role, Workspace
from apps.workspaces.services import create_workspace
from studio import icons
from tests.factories import AssetFactory, GenerationFactory, ProjectFactory, write_video

ROLES = {"owner": Role.OWNER, "admin": Role.ADMIN, "editor": Role.EDITOR, "viewer": Role.VIEWER}


@dataclass
class World:
    workspace: Workspace
    people: dict[str, User]
    things: dict[str, Any] = field(default_factory=dict)

    def key(self, person: str, scope: Scope = Scope.MANAGE) -> str:
        """An API key of a person for their workspace; one with a wide scope stays with a role that has shrunk."""
        secret = f"lips_{person:x<8.8}_{scope.value:x<32}"
        workspace = Workspace.objects.of(self.people[person]).get()
        ApiKey.objects.get_or_create(
            prefix=secret[:13],
            defaults={
                "workspace": workspace,
                "user": self.people[person],
                "name": "test",
                "scope": scope,
                "digest": digest_of(secret),
            },
        )
        ApiKey.objects.filter(prefix=secret[:13]).update(scope=scope, digest=digest_of(secret))
        return secret


def make_world() -> World:
    people = {name: _person(name) for name in (*ROLES, "maker", "outsider", "staff")}
    workspace = create_workspace(name="Harbour films", owner=people["owner"], slug="harbour")
    for name, role in (ROLES | {"maker": Role.EDITOR}).items():
        Membership.objects.get_or_create(workspace=workspace, user=people[name], defaults={"role": role})
    create_workspace(name="Elsewhere", owner=people["outsider"], slug="elsewhere")
    create_workspace(name="Office", owner=people["staff"], slug="office")
    world = World(workspace, people)
    world.things = _things(workspace, people["maker"])
    return world


def _person(name: str) -> User:
    return User.objects.create_user(f"{name}@studio.example", "open-the-studio-1", name=name, is_staff=name == "staff")


@cache
def _film() -> bytes:
    with TemporaryDirectory() as folder:
        return write_video(Path(folder) / "film.mp4", seconds=0.4, sound=True).read_bytes()


def _things(workspace: Workspace, maker: User) -> dict[str, Any]:
    asset = AssetFactory(workspace=workspace, created_by=maker, video=True, audio_codec="aac")
    asset.file.save(f"assets/{asset.pk}/original.mp4", ContentFile(_film()))
    asset.thumbnail.save(f"assets/{asset.pk}/thumbnail.webp", ContentFile(b"webp"))
    default_storage.save(head_name(asset, 1), ContentFile(b"webp"))
    default_storage.save(faces_name(asset), ContentFile(b'{"rate": 5, "people": []}'))
    asset.peaks.save(f"assets/{asset.pk}/peaks.json", ContentFile(b'{"rate":100,"peaks":[[0,1]]}'))
    asset.captions.save(f"assets/{asset.pk}/captions.vtt", ContentFile(b"WEBVTT\n"))
    project = ProjectFactory(workspace=workspace, created_by=maker, video=asset)
    take = GenerationFactory(
        workspace=workspace, project=project, number=1, status="COMPLETED", result=asset, report={}
    )
    key = ApiKey.objects.create(workspace=workspace, user=maker, name="mine", prefix="lips_mine0000", digest="0" * 64)
    delivery = Delivery.objects.create(workspace=workspace, event="test", url="https://a.example/", body={})
    upload = Upload.objects.create(workspace=workspace, created_by=maker, name="film.mp4", size=10)
    invitation = Invitation.objects.create(workspace=workspace, email="new@studio.example")
    speech = SpeechJob.objects.create(workspace=workspace, user=maker, provider="local", voice_id="heart", digest="0")
    ledger.charge(workspace=workspace, micros=1_000_000, key="permissions", memo="Speech")
    return {
        "member": Membership.objects.get(workspace=workspace, user=maker),
        "invitation": invitation,
        "invitation_token": token_of(invitation),
        "asset": asset,
        "project": project,
        "take": take,
        "key": key,
        "delivery": delivery,
        "upload": upload,
        "speech": speech,
        "invoice": invoices.issue(workspace=workspace),
    }


# From the name in a route to its value.
PARTS: dict[str, Any] = {
    "ws": lambda world: world.workspace.slug,
    "asset_id": lambda world: world.things["asset"].pk,
    "upload_id": lambda world: world.things["upload"].pk,
    "project_id": lambda world: world.things["project"].pk,
    "place": lambda world: "video",
    "number": lambda world: world.things["take"].number,
    "generation_id": lambda world: world.things["take"].pk,
    "batch_id": lambda world: uuid4(),
    "key_id": lambda world: world.things["key"].pk,
    "delivery_id": lambda world: world.things["delivery"].pk,
    "job_id": lambda world: world.things["speech"].pk,
    "provider": lambda world: "local",
    "voice_id": lambda world: "none",
    "version": lambda world: icons.version(),
    "token": lambda world: "none",
    "name": lambda world: "film",
    "key": lambda world: "none",
    "member_id": lambda world: world.things["member"].pk,
    "invitation_id": lambda world: world.things["invitation"].pk,
    "export_id": lambda world: uuid4(),
    "which": lambda world: "result",
    "comment_id": lambda world: uuid4(),
    "link_id": lambda world: uuid4(),
    "uidb36": lambda world: "1",
    "pk": lambda world: 1,
    "invoice_id": lambda world: world.things["invoice"].pk,
    "code": lambda world: "creator",
    "slug": lambda world: world.workspace.slug,
    "take_id": lambda world: world.things["take"].pk,
    "object_id": lambda world: world.workspace.pk,
    "content_type_id": lambda world: 1,
    "app_label": lambda world: "billing",
}
