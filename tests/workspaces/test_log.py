"""What the logs of workspaces and accounts tell."""

from unittest.mock import patch

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.core.cache import cache
from django.test import Client

from apps.api.webhooks import set_address
from apps.billing import invoices
from apps.billing.models import Invoice
from apps.billing.plans import current_plan
from apps.billing.subscriptions import change_plan
from apps.generations.models import Status
from apps.projects.services import create_project
from apps.reviews.services import make_link, revoke_link
from apps.workspaces.activity import ACTIONS, GROUPS
from apps.workspaces.models import Activity
from tests.conftest import PASSWORD
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


def sign_in(owner) -> Client:
    client = Client()
    client.post("/account/login/", {"login": owner.email, "password": PASSWORD})
    return client


def test_signing_out_other_devices_is_told_with_the_device_that_did_it(owner, workspace):
    here = sign_in(owner)
    sign_in(owner), sign_in(owner)
    here.post("/account/sessions/", headers={"user-agent": "Desk"}, REMOTE_ADDR="203.0.113.7")
    line = Activity.objects.get(action="account.devices_signed_out")
    assert (line.actor, line.subject, line.agent, line.address) == (owner, "2 devices", "Desk", "203.0.113.7")
    here.post("/account/logout/")
    assert Activity.objects.filter(action="account.signed_out", actor=owner).count() == 1
    assert "Signed out 2 devices" in sign_in(owner).get("/account/activity/").content.decode()


def test_an_account_and_its_addresses_are_told(client, db):
    client.post("/account/signup/", {"email": "new@studio.example", "password1": "harbour-lights-7", "name": "New"})
    client.post("/account/email/", {"action_add": "", "email": "second@studio.example"})
    client.post("/account/email/", {"action_remove": "", "email": "second@studio.example"})
    assert told("account.made") == [""]
    assert told("account.address_added") == told("account.address_removed") == ["second@studio.example"]


def test_recovery_codes_and_wrong_codes_are_told(owner, workspace):
    cache.clear()
    TOTP.activate(owner, generate_totp_secret())
    RecoveryCodes.activate(owner)
    client = sign_in(owner)
    client.post("/account/2fa/authenticate/", {"code": "000000"})
    assert told("account.code_failed") == [""]
    code = Authenticator.objects.get(user=owner, type="recovery_codes").wrap().get_unused_codes()[0]
    client.post("/account/2fa/authenticate/", {"code": code})
    client.post("/account/reauthenticate/", {"password": PASSWORD})
    with patch("django.db.transaction.on_commit", lambda then, **_: then()):  # allauth tells of it on commit
        client.post("/account/2fa/recovery-codes/generate/")
    assert told("account.codes_renewed") == [""]


def test_a_new_project_and_money_are_told(membership, workspace, settings):
    settings.BILLING = True
    create_project(membership=membership, name="Harbour")
    change_plan(workspace=workspace, plan=current_plan("creator"))
    invoice = Invoice.objects.get()
    invoices.note_failure(invoice, "refused")
    invoices.pay(invoice=invoice, cents=invoice.due_cents, key="one", ref="one", memo="transfer")
    assert told("project.made") == ["Harbour"]
    assert told("billing.invoiced") == told("billing.refused") == told("billing.paid") == [invoice.number]


def test_a_plan_for_later_is_told_as_such(as_person, owner, workspace, settings):
    settings.BILLING = True
    client = as_person(owner)
    for code in ("growth", "hobbyist"):
        client.post(f"/w/harbour/billing/plan/{code}/")
    assert (told("plan.changed"), told("plan.planned")) == (["Growth"], ["Hobbyist"])
    page = client.get("/w/harbour/activity/").content.decode()
    assert "planned for the end of the paid month the plan" in page and "The studio" in page


def test_every_line_the_studio_can_write_has_a_group():
    assert {action.split(".")[0] for action in ACTIONS} == set(GROUPS)
