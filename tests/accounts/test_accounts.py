"""Second factors, devices, export and the end of an account, and the door to staff pages."""

import io
import json
import threading
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from unittest.mock import patch

import pytest
from allauth.account.internal.flows.login import record_authentication
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, generate_totp_secret, hotp_value
from django.contrib.auth.hashers import check_password
from django.core import mail
from django.core.cache import cache
from django.core.files.storage import default_storage
from django.db import connection
from django.http import HttpResponse
from django.test import Client, RequestFactory
from kombu.exceptions import OperationalError

from apps.accounts.models import DataExport, User
from apps.accounts.second_factor import StaffSecondFactorMiddleware
from apps.api.keys import find_key, make_key
from apps.billing.models import Transaction
from apps.workspaces import export, leaving, members
from apps.workspaces.models import Activity, Membership, Workspace
from apps.workspaces.services import create_workspace
from studio.errors import StudioError
from tests.conftest import PASSWORD
from tests.factories import AssetFactory, GenerationFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def fresh_limits():
    cache.clear()


@pytest.fixture
def with_app(owner):
    """The owner with an authenticator app; gives the code it shows now."""
    secret = generate_totp_secret()
    TOTP.activate(owner, secret)

    def code() -> str:
        return format_hotp_value(hotp_value(secret, int(time.time()) // 30))

    return code


def sign_in(client: Client, user: User, password: str = PASSWORD) -> HttpResponse:
    return client.post("/account/login/", {"login": user.email, "password": password})


def test_the_code_is_asked_for_after_the_password(owner, workspace, with_app, client):
    assert sign_in(client, owner).url == "/account/2fa/authenticate/"
    assert client.get("/w/harbour/library/").status_code == 302  # not in yet
    assert "That does not fit." in client.post("/account/2fa/authenticate/", {"code": "000000"}).content.decode()
    assert client.get("/w/harbour/library/").status_code == 302
    assert client.post("/account/2fa/authenticate/", {"code": with_app()}).status_code == 302
    assert client.get("/w/harbour/library/").status_code == 200
    assert Activity.objects.filter(actor=owner, action="account.signed_in").count() == 1


def test_the_secret_of_the_app_is_not_kept_as_it_is(owner, with_app):
    row = Authenticator.objects.get(user=owner, type=Authenticator.Type.TOTP)
    secret = get_adapter().decrypt(row.data["secret"])
    assert secret not in str(row.data)
    assert format_hotp_value(hotp_value(secret, int(time.time()) // 30)) == with_app()


def test_a_secret_from_before_is_still_read_and_one_of_another_key_never_fits(settings):
    adapter, secret = get_adapter(), generate_totp_secret()
    assert adapter.decrypt(secret) == secret
    sealed = adapter.encrypt(secret)
    settings.SECRET_KEY = "another"
    assert adapter.decrypt(sealed) != secret
    assert adapter.decrypt(sealed) != adapter.decrypt(sealed), "nobody can know it"


def test_what_is_typed_wrong_is_said_in_plain_words(client):
    page = client.post("/account/signup/", {"email": "no address"}).content.decode()
    assert "This is no e-mail address." in page
    assert "This is empty. Fill it in." in page


def test_guessing_passwords_is_slowed_down(owner, client):
    answers = [sign_in(client, owner, "wrong").content.decode() for _ in range(7)]
    assert "do not match" in answers[0]
    assert "Too many tries" in answers[-1]
    assert "Too many tries" in sign_in(client, owner).content.decode()  # the right one too, meanwhile


def test_a_reset_by_mail_opens_the_account_again(owner, client, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    client.post("/account/password/reset/", {"email": owner.email})
    link = next(word for word in mail.outbox[0].body.split() if "/password/reset/key/" in word)
    form = client.get(link, follow=True)
    client.post(form.request["PATH_INFO"], {"password1": "another-way-in-2", "password2": "another-way-in-2"})
    owner.refresh_from_db()
    assert check_password("another-way-in-2", owner.password)
    assert Activity.objects.filter(actor=owner, action="account.password_changed").exists()


def test_other_devices_are_signed_out(owner, workspace):
    here, there = Client(), Client()
    sign_in(here, owner)
    sign_in(there, owner)
    assert "Where you are signed in" in here.get("/account/sessions/").content.decode()
    here.post("/account/sessions/")
    assert here.get("/w/harbour/library/").status_code == 200
    assert there.get("/w/harbour/library/").status_code == 302


@pytest.mark.parametrize(
    ("staff", "app", "used", "path", "leads_to"),
    [
        (True, False, False, "/staff/", "/account/2fa/"),
        (True, True, False, "/staff/", "/account/2fa/reauthenticate/"),
        (True, True, False, "/admin/accounts/user/", "/account/2fa/reauthenticate/"),
        (True, True, True, "/staff/", None),
        (True, False, False, "/w/harbour/library/", None),
        (False, False, False, "/staff/", None),  # turned away by the page itself
    ],
)
def test_staff_pages_open_with_a_second_factor(owner, settings, staff, app, used, path, leads_to):
    settings.STAFF_SECOND_FACTOR = True
    settings.MESSAGE_STORAGE = "django.contrib.messages.storage.cookie.CookieStorage"
    owner.is_staff = staff
    if app:
        TOTP.activate(owner, generate_totp_secret())
    request = RequestFactory().get(path)
    request.user, request.session = owner, {}
    request._messages = type("Quiet", (), {"add": lambda self, *args: None})()
    if used:
        record_authentication(request, owner, "mfa", type="totp")
    answer = StaffSecondFactorMiddleware(lambda request: HttpResponse("in"))(request)
    if leads_to is None:
        assert answer.content == b"in"
    else:
        assert answer.url.split("?")[0] == leads_to


# --- export ----------------------------------------------------------------------------------------


def test_an_export_holds_what_is_known_and_no_secret(owner, membership, workspace, as_person, monkeypatch):
    AssetFactory(workspace=workspace, created_by=owner, video=True, name="harbour.mp4")
    _, key = make_key(membership=membership, name="script")
    monkeypatch.setattr(export.celery_app, "send_task", lambda name, args: export.make_export(args[0]))
    client = as_person(owner)
    client.post("/account/data/export/")
    made = DataExport.objects.get()
    assert "Download" in client.get("/account/data/").content.decode()
    content = b"".join(client.get(f"/account/data/export/{made.pk}/").streaming_content)
    archive = zipfile.ZipFile(io.BytesIO(content))
    parts = {name: json.loads(archive.read(name)) for name in archive.namelist()}
    assert parts["account.json"]["email"] == owner.email
    assert parts["memberships.json"][0]["role"] == "owner"
    assert parts["media.json"][0]["address"].endswith("/download/")
    assert parts["api_keys.json"][0]["name"] == "script"
    whole = json.dumps(parts)
    assert key not in whole and owner.password not in whole and "digest" not in whole


def test_an_export_that_cannot_be_asked_for_stands_in_nobodys_way(owner, membership, as_person, monkeypatch):
    def away(*args, **options):
        raise OperationalError("away")

    monkeypatch.setattr(export.celery_app, "send_task", away)
    answer = as_person(owner).post("/account/data/export/")
    assert (answer.status_code, answer["Retry-After"]) == (503, "60")
    assert not owner.exports.exists()


def test_an_export_is_for_its_person_alone(owner, teammate, as_person):
    made = DataExport.objects.create(user=owner)
    export.make_export(made.pk)
    assert as_person(teammate).get(f"/account/data/export/{made.pk}/").status_code == 404


def test_an_export_that_fails_says_so(owner, monkeypatch):
    made = DataExport.objects.create(user=owner)
    monkeypatch.setitem(export.TABLES, "broken", ("projects.Project", "created_by", ("no_such_field",)))
    with pytest.raises(Exception, match="no_such_field"):
        export.make_export(made.pk)
    made.refresh_from_db()
    assert made.failed_at is not None and made.ready_at is None


def test_an_account_that_is_deleted_while_its_export_is_written_leaves_none(owner, monkeypatch):
    made = DataExport.objects.create(user=owner)
    parts = export._parts

    def slow(user):
        yield from parts(user)
        leaving.delete_account(user=owner)

    monkeypatch.setattr(export, "_parts", slow)
    export.make_export(made.pk)
    assert not default_storage.exists(f"exports/{made.pk}.zip")


def test_an_old_export_is_removed(owner):
    made = DataExport.objects.create(user=owner)
    export.make_export(made.pk)
    made.refresh_from_db()
    storage, name = made.file.storage, made.file.name
    assert export.remove_old_exports() == 0 and storage.exists(name)
    DataExport.objects.update(created_at=made.created_at - export.KEPT * 2)
    assert export.remove_old_exports() == 1 and not storage.exists(name)


# --- the end of an account -------------------------------------------------------------------------


def test_an_owner_of_others_hands_over_first(owner, teammate, workspace):
    with pytest.raises(StudioError, match="Harbour films"):
        leaving.delete_account(user=owner)
    owner.refresh_from_db()
    assert owner.is_active


def test_a_deleted_account_leaves_its_work_and_its_bills(owner, teammate, workspace):
    take = GenerationFactory(workspace=workspace, created_by=teammate, status="COMPLETED")
    member = Membership.objects.select_related("workspace", "user").get(user=teammate)
    _, key = make_key(membership=member, name="script")
    own = create_workspace(name="Own films", owner=teammate)
    leaving.delete_account(user=teammate)
    teammate.refresh_from_db()
    take.refresh_from_db()
    assert teammate.email.endswith("@deleted.invalid") and teammate.name == "Deleted account"
    assert not teammate.is_active and not teammate.has_usable_password()
    assert take.created_by == teammate
    assert Transaction.objects.filter(subject=take.pk).exists()
    assert find_key(key) is None
    assert Workspace.objects.get(pk=own.pk).closed_at is not None
    assert not workspace.memberships.filter(user=teammate).exists()


def test_the_page_asks_for_the_address_and_the_password(owner, workspace, client):
    sign_in(client, owner)
    assert client.post("/account/data/delete/", {"email": owner.email}).url.startswith("/account/reauthenticate/")
    client.post("/account/reauthenticate/", {"password": PASSWORD})
    assert "Type ada@studio.example" in client.get("/account/data/delete/").content.decode()
    client.post("/account/data/delete/", {"email": "wrong@studio.example"})
    owner.refresh_from_db()
    assert owner.is_active
    assert client.post("/account/data/delete/", {"email": owner.email}).url == "/account/login/"
    owner.refresh_from_db()
    assert not owner.is_active
    assert client.get("/w/harbour/library/").status_code == 302


def test_an_account_left_in_no_workspace_still_has_pages(owner, as_person):
    assert as_person(owner).get("/account/profile/").status_code == 200


@pytest.mark.database
@pytest.mark.django_db(transaction=True)
def test_a_workspace_that_is_handed_to_somebody_who_is_leaving_stays_with_its_owner(
    owner, teammate, workspace, membership
):
    """Asked whether they own anything, and made the owner a moment later: it must not be closed for everybody."""
    theirs = Membership.objects.select_related("workspace", "user").get(user=teammate, workspace=workspace)
    asked, owned_by = threading.Event(), leaving.owned_by

    def slowly(user, *, shared):
        found = owned_by(user, shared=shared)
        asked.set()
        time.sleep(0.5)
        return found

    def hand_over() -> None:
        asked.wait(10)
        try:
            with pytest.raises(StudioError, match="no longer a member"):
                members.transfer(membership=membership, member=theirs)
        finally:
            connection.close()

    with patch.object(leaving, "owned_by", slowly), ThreadPoolExecutor(1) as pool:
        handed = pool.submit(hand_over)
        leaving.delete_account(user=teammate)
        handed.result()
    workspace.refresh_from_db()
    assert (workspace.closed_at, [one.user for one in workspace.memberships.all()]) == (None, [owner])
