"""What the log of a workspace tells of sharing, webhooks and failed sign-ins."""

import pytest

from apps.api.webhooks import set_address
from apps.generations.models import Status
from apps.reviews.services import make_link, revoke_link
from apps.workspaces.models import Activity
from tests.factories import AssetFactory, GenerationFactory, ProjectFactory

pytestmark = pytest.mark.django_db


def told(action: str) -> list[str]:
    return list(Activity.objects.filter(action=action).order_by("id").values_list("subject", flat=True))


def test_sharing_is_told_once_each_way(membership, workspace):
    project = ProjectFactory(workspace=workspace, name="Harbour")
    film = AssetFactory(workspace=workspace, video=True)
    take = GenerationFactory(workspace=workspace, project=project, number=3, status=Status.COMPLETED, result=film)
    link = make_link(membership=membership, generation=take, lives="day")
    revoke_link(membership=membership, link=link)
    revoke_link(membership=membership, link=link)
    assert told("share.made") == told("share.revoked") == ["take 3 of Harbour"]


def test_the_log_tells_the_host_of_a_webhook_and_no_more(membership, settings):
    settings.PRIVATE_URLS = True
    set_address(membership=membership, url="http://127.0.0.1:9/hook?token=secret")
    set_address(membership=membership, url="")
    assert told("webhook.changed") == ["127.0.0.1", "no address"]


def test_a_failed_sign_in_is_told_for_accounts_alone(client, owner):
    for email in (owner.email, "nobody@studio.example"):
        client.post("/account/login/", {"login": email, "password": "wrong"})
    assert told("account.sign_in_failed") == [owner.email]
