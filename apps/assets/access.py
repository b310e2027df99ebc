"""The door to the library: from a membership and an id to an asset or an upload, or nothing."""

from uuid import UUID

from django.http import Http404

from apps.assets.models import Asset, Upload
from apps.workspaces.access import require, visible_to
from apps.workspaces.models import Membership, Role


def asset_in(membership: Membership, asset_id: UUID, *, at_least: Role = Role.VIEWER, deleted: bool = False) -> Asset:
    """An asset of the member's workspace; deleted ones only where asked for (to bring them back).

    Raises ``Http404`` where there is none, ``PermissionDenied`` for a role below ``at_least``.
    """
    require(membership, at_least)
    seen = Asset.objects.filter(visible_to(membership), workspace=membership.workspace)
    asset = seen.filter(pk=asset_id).first()
    if asset is None or (asset.deleted_at is not None and not deleted):
        raise Http404("There is no such file.")
    return asset


def upload_in(membership: Membership, upload_id: UUID) -> Upload:
    """An upload that this very person has begun in this workspace, else ``Http404``; editors and above."""
    require(membership, Role.EDITOR)
    upload = (
        Upload.objects.select_related("workspace", "created_by", "asset")
        .filter(workspace=membership.workspace, created_by=membership.user, pk=upload_id)
        .first()
    )
    if upload is None:
        raise Http404("There is no such upload.")
    return upload
