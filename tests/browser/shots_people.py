"""Pages of people, security, money and staff for ``tests.browser.shots``, and what they show."""

from datetime import timedelta

from tests.browser.shots_doors import confirmed

PEOPLE = (
    ("profile", "/account/profile/"),
    ("security", "/account/2fa/"),
    ("authenticator", "/account/2fa/totp/activate/", confirmed),
    ("devices", "/account/sessions/"),
    ("my-activity", "/account/activity/"),
    ("my-data", "/account/data/"),
    ("members", "/w/harbour/members/"),
    ("workspace-settings", "/w/harbour/settings/"),
    ("activity", "/w/harbour/activity/"),
    ("keys", "/w/harbour/keys/"),
    ("webhook", "/w/harbour/keys/webhook/"),
    ("usage", "/w/harbour/usage/"),
    ("usage-empty", "/w/empty/usage/"),
    ("billing", "/w/harbour/billing/"),
    ("staff", "/staff/"),
    ("staff-workspace", "/staff/w/harbour/"),
)


def _deliver(workspace) -> None:
    """A webhook's log: told, tried again, given up."""
    from apps.api.models import Delivery, DeliveryState
    from apps.api.webhooks import webhook_of

    webhook = webhook_of(workspace)
    webhook.url = "https://receiver.example/lipsync"
    webhook.save(update_fields=["url"])
    told = {"url": "https://receiver.example/lipsync", "event": "generation.ended", "workspace": workspace}
    body = '{"id":"6f1c2f7e-5d0a-4f3e-9a64-0b7a3f0e9c11","status":"COMPLETED","model":"lipsync-2","error":null}'
    for state, tries, status, answer in (
        (DeliveryState.GIVEN_UP, 11, None, "Not reached: the host has no address."),
        (DeliveryState.WAITING, 3, 503, "<h1>Back in a minute</h1>"),
        (DeliveryState.DELIVERED, 1, 204, ""),
    ):
        Delivery.objects.create(**told, body=body, state=state, tries=tries, answer_status=status, answer=answer)


def fill_people(membership) -> None:
    """A team of four, open invitations and a key, so that the pages have something to show; Ada runs the studio too."""
    from django.utils import timezone

    from apps.accounts.models import User
    from apps.api.keys import make_key
    from apps.workspaces.invitations import invite
    from apps.workspaces.models import Membership, Role

    workspace, ada = membership.workspace, membership.user
    User.objects.filter(pk=ada.pk).update(is_staff=True, is_superuser=True)
    for name, role in (("Emre Bay", Role.ADMIN), ("Vera Look", Role.VIEWER), ("Ines Okafor", Role.EDITOR)):
        first = name.split()[0].lower()
        user = User.objects.create_user(f"{first}@studio.example", "open-the-studio-1", name=name)
        Membership.objects.create(workspace=workspace, user=user, role=role)
    invite(membership=membership, email="noor@elsewhere.example", role=Role.EDITOR)
    make_key(membership=membership, name="Nightly captions")
    make_key(membership=membership, name="Old laptop", expires_at=timezone.now() + timedelta(days=3))
    _deliver(workspace)
