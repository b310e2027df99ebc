"""The door to keys and deliveries on pages."""

from uuid import UUID

from django.http import Http404

from apps.api.keys import visible_keys
from apps.api.models import ApiKey, Delivery
from apps.workspaces.access import require
from apps.workspaces.models import Membership, Role


def key_in(membership: Membership, key_id: UUID) -> ApiKey:
    """A key this member may see, else ``Http404``."""
    for key in visible_keys(membership):
        if key.pk == key_id:
            return key
    raise Http404("There is no such key.")


def delivery_in(membership: Membership, delivery_id: UUID) -> Delivery:
    """A delivery of this workspace, for administrators; else ``Http404`` or ``PermissionDenied``."""
    require(membership, Role.ADMIN)
    delivery = Delivery.objects.filter(workspace=membership.workspace, pk=delivery_id).first()
    if delivery is None:
        raise Http404("There is no such delivery.")
    return delivery
