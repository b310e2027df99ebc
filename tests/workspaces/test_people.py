"""Invitations, roles, the one owner, seats, closing: what may happen and what must not."""

import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core import mail
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.utils import timezone

from apps.accounts.models import User
from apps.billing.plans import current_plan, subscribe
from apps.generations.services import submit_generation
from apps.workspaces import invitations, members
from apps.workspaces.models import Activity, Invitation, Membership, Role, Workspace
from apps.workspaces.permissions import LEAST, Action, may
from apps.workspaces.services import close_workspace, create_workspace, first_workspace
from studio.errors import StudioError
from tests.conftest import PASSWORD
from tests.factories import AssetFactory, GenerationFactory

pytestmark = pytest.mark.django_db
NEW = "nora@studio.example"


@pytest.fixture(autouse=True)
def mailbox(settings):
    """As with a mail server: links come by mail alone."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    settings.PUBLIC_URL = "http://testserver"
    return mail.outbox


@pytest.fixture
def invited(membership, django_capture_on_commit_callbacks) -> Invitation:
    with django_capture_on_commit_callbacks(execute=True):
        return invitations.invite(membership=membership, email=NEW.upper(), role=Role.EDITOR)


def role_of(user: User, workspace: Workspace) -> str:
    return Membership.objects.get(user=user, workspace=workspace).role


def member(user: User, workspace: Workspace) -> Membership:
    return Membership.objects.select_related("workspace", "user").get(user=user, workspace=workspace)


# --- the table of roles ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        (Role.VIEWER, {Action.LOOK, Action.OWN_KEYS}),
        (Role.EDITOR, {Action.LOOK, Action.OWN_KEYS, Action.MAKE}),
        (Role.ADMIN, set(Action) - {Action.TRANSFER, Action.CLOSE}),
        (Role.OWNER, set(Action)),
    ],
)
def test_what_each_role_may_do(role, allowed):
    assert {action for action in Action if may(Membership(role=role), action)} == allowed


def test_no_action_is_without_a_role():
    assert set(LEAST) == set(Action)


# --- invitations ----------------------------------------------------------------------------------


def test_the_mailed_link_lets_the_invited_in(invited, mailbox, workspace, as_person):
    text = mailbox[0].body
    assert mailbox[0].to == [NEW]
    assert "Ada Lind" in mailbox[0].subject and "Harbour films" in text
    nora = User.objects.create_user(NEW, PASSWORD)
    client = as_person(nora)
    address = re.search(r"http://testserver(/join/\S+)", text)[1]
    assert "Join Harbour films" in client.get(address).content.decode()
    assert client.post(address).url == "/w/harbour/"
    assert role_of(nora, workspace) == Role.EDITOR


def test_a_newcomer_by_mail_needs_no_second_mail(invited, mailbox, workspace, settings):
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    client = Client()
    address = f"/join/{invitations.token_of(invited)}/"
    assert "Create an account" in client.get(address).content.decode()
    answer = client.post(f"/account/signup/?next={address}", {"email": NEW, "password1": PASSWORD, "name": "Nora"})
    assert answer.url == address
    assert client.post(address).url == "/w/harbour/"
    assert role_of(User.objects.get(email=NEW), workspace) == Role.EDITOR


def test_another_account_is_told_so_and_stays_out(invited, outsider, workspace, as_person):
    answer = as_person(outsider).post(f"/join/{invitations.token_of(invited)}/")
    assert answer.status_code == 403
    assert f"This invitation is for {NEW}" in answer.content.decode()
    assert not workspace.memberships.filter(user=outsider).exists()
    invited.refresh_from_db()
    assert invited.is_open


@pytest.mark.parametrize("ending", ["expired", "revoked", "used"])
def test_an_ended_invitation_lets_nobody_in(ending, invited, membership, workspace, as_person):
    nora = User.objects.create_user(NEW, PASSWORD)
    if ending == "expired":
        Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    elif ending == "revoked":
        invitations.revoke(membership=membership, invitation=invited)
    else:
        members.remove(membership=membership, member=invitations.accept(invitation=invited, user=nora))
    answer = as_person(nora).post(f"/join/{invitations.token_of(invited)}/")
    assert answer.status_code == 410
    assert not workspace.memberships.filter(user=nora).exists()


@pytest.mark.database
@pytest.mark.django_db(transaction=True)
def test_an_invitation_that_is_revoked_while_it_is_taken_up_is_one_of_both(invited, membership, workspace):
    """Both want its row and that of the workspace: in one order, or PostgreSQL ends one of them."""
    person, accepting = User.objects.create_user(NEW), threading.Event()

    def revoke() -> None:
        accepting.wait(10)
        try:
            invitations.revoke(membership=membership, invitation=invited)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        revoked = pool.submit(revoke)
        with transaction.atomic():
            Workspace.objects.select_for_update().get(pk=workspace.pk)
            accepting.set()
            time.sleep(0.5)
            made = invitations.accept(invitation=invited, user=person)
        revoked.result()
    invited.refresh_from_db()
    assert (made.user, invited.revoked_at) == (person, None)


@pytest.mark.database
@pytest.mark.django_db(transaction=True)
def test_pages_opened_at_once_by_newcomers_of_one_name_make_one_workspace_for_each():
    people = [User.objects.create_user(f"anna{number}@studio.example", name="Anna") for number in range(4)]
    together = threading.Barrier(2 * len(people))

    def land(person: User) -> str:
        together.wait()
        try:
            return first_workspace(person).slug
        finally:
            connection.close()

    with ThreadPoolExecutor(2 * len(people)) as pool:
        slugs = list(pool.map(land, people * 2))
    assert slugs[: len(people)] == slugs[len(people) :] and len(set(slugs)) == len(people)
    assert Workspace.objects.count() == len(people)


def test_a_forged_link_is_not_found(invited, client):
    assert client.get(f"/join/{invited.pk.hex}:forged/").status_code == 404


def test_an_expired_one_works_again_once_sent_again(invited, membership, workspace):
    Invitation.objects.update(expires_at=timezone.now() - timedelta(days=1))
    invitations.send_again(membership=membership, invitation=invited)
    nora = User.objects.create_user(NEW, PASSWORD)
    invitations.accept(invitation=invitations.invitation_of(invitations.token_of(invited)), user=nora)
    assert role_of(nora, workspace) == Role.EDITOR


def test_inviting_twice_changes_the_role_of_one_invitation(invited, membership, workspace):
    invitations.invite(membership=membership, email=NEW, role=Role.VIEWER)
    assert [row.role for row in workspace.invitations.all()] == [Role.VIEWER]


@pytest.mark.parametrize(
    ("email", "role", "code"),
    [
        ("no address", Role.EDITOR, "email_invalid"),
        ("ada@studio.example", Role.EDITOR, "already_member"),
        (NEW, Role.OWNER, "role_unknown"),
        (NEW, "king", "role_unknown"),
    ],
)
def test_what_cannot_be_invited(email, role, code, membership):
    with pytest.raises(StudioError) as caught:
        invitations.invite(membership=membership, email=email, role=role)
    assert caught.value.code == code


def test_strangers_are_not_flooded(membership, monkeypatch):
    monkeypatch.setattr(invitations, "MAILS_AN_HOUR", 2)
    for number in range(2):
        invitations.invite(membership=membership, email=f"n{number}@studio.example", role=Role.VIEWER)
    with pytest.raises(StudioError, match="2 invitations went out"):
        invitations.invite(membership=membership, email=NEW, role=Role.VIEWER)


def test_strangers_are_not_flooded_from_several_workspaces(membership, owner, monkeypatch):
    monkeypatch.setattr(invitations, "MAILS_AN_HOUR", 2)
    create_workspace(name="Second", owner=owner)
    first, second = Membership.objects.select_related("workspace", "user").filter(user=owner).order_by("pk")
    for one in (first, second):
        invitations.invite(membership=one, email=NEW, role=Role.VIEWER)
    with pytest.raises(StudioError, match="2 invitations went out"):
        invitations.send_again(membership=second, invitation=second.workspace.invitations.get())


def test_seats_count_members_and_promises(membership, workspace):
    subscribe(workspace=workspace, plan=current_plan("growth"))  # 3 seats
    first = invitations.invite(membership=membership, email="n1@studio.example", role=Role.VIEWER)
    invitations.invite(membership=membership, email="n2@studio.example", role=Role.VIEWER)
    with pytest.raises(StudioError, match=r"The Growth plan has 3 seats, and 3 are taken. The Scale plan allows it"):
        invitations.invite(membership=membership, email=NEW, role=Role.VIEWER)
    invitations.revoke(membership=membership, invitation=first)
    invitations.invite(membership=membership, email=NEW, role=Role.VIEWER)


def test_a_plan_that_shrank_meanwhile_keeps_the_invited_out_and_the_invitation_open(invited, workspace):
    subscribe(workspace=workspace, plan=current_plan("creator"))  # 1 seat
    nora = User.objects.create_user(NEW, PASSWORD)
    with pytest.raises(StudioError) as caught:
        invitations.accept(invitation=invited, user=nora)
    assert caught.value.code == "workspace_full"
    invited.refresh_from_db()
    assert invited.is_open


# --- roles and the one owner ----------------------------------------------------------------------


def test_a_changed_role_counts_from_the_next_request(membership, teammate, workspace, as_person):
    client = as_person(teammate)
    assert client.post("/w/harbour/projects/new/").status_code == 302
    members.change_role(membership=membership, member=member(teammate, workspace), role=Role.VIEWER)
    assert client.post("/w/harbour/projects/new/").status_code == 403
    members.remove(membership=membership, member=member(teammate, workspace))
    assert client.get("/w/harbour/projects/").status_code == 404


def test_an_administrator_touches_neither_the_owner_nor_ownership(owner, teammate, viewer, workspace, membership):
    admin = members.change_role(membership=membership, member=member(teammate, workspace), role=Role.ADMIN)
    with pytest.raises(StudioError, match="owns this workspace"):
        members.change_role(membership=admin, member=membership, role=Role.VIEWER)
    with pytest.raises(StudioError, match="owns this workspace"):
        members.remove(membership=admin, member=membership)
    with pytest.raises(StudioError, match="no such role"):
        members.change_role(membership=admin, member=member(viewer, workspace), role=Role.OWNER)
    with pytest.raises(PermissionDenied):
        members.transfer(membership=admin, member=member(viewer, workspace))
    assert role_of(owner, workspace) == Role.OWNER


def test_handing_over_leaves_one_owner(owner, teammate, workspace, membership):
    members.transfer(membership=membership, member=member(teammate, workspace))
    assert (role_of(teammate, workspace), role_of(owner, workspace)) == (Role.OWNER, Role.ADMIN)
    with pytest.raises(PermissionDenied):  # a second click, with what the page knew before
        members.transfer(membership=membership, member=member(owner, workspace))


def test_the_owner_cannot_leave_but_others_can(membership, teammate, workspace):
    with pytest.raises(StudioError) as caught:
        members.leave(membership=membership)
    assert caught.value.code == "owner_cannot_leave"
    members.leave(membership=member(teammate, workspace))
    assert workspace.memberships.count() == 1


def test_the_database_refuses_a_second_owner(teammate, workspace):
    with pytest.raises(IntegrityError), transaction.atomic():
        Membership.objects.filter(user=teammate, workspace=workspace).update(role=Role.OWNER)


# --- closing --------------------------------------------------------------------------------------


def test_a_closed_workspace_has_no_door(membership, teammate, workspace, as_person):
    close_workspace(membership=membership)
    assert as_person(teammate).get("/w/harbour/library/").status_code == 404
    assert not Workspace.objects.of(teammate).exists()


def test_a_take_that_is_asked_for_while_the_workspace_closes_is_not_begun(membership, workspace):
    files = {kind: AssetFactory(workspace=workspace, **{kind: True}) for kind in ("video", "audio")}
    close_workspace(membership=membership)
    with pytest.raises(PermissionDenied, match="This workspace is closed"):
        submit_generation(
            membership=membership, project=None, model="lipsync-2", sync_mode="cut_off", options={}, **files
        )


def test_nothing_is_closed_while_a_take_runs(membership, workspace):
    GenerationFactory(workspace=workspace)
    with pytest.raises(StudioError, match="1 take is still being made"):
        close_workspace(membership=membership)
    workspace.refresh_from_db()
    assert workspace.closed_at is None


# --- the log --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement", ["UPDATE workspaces_activity SET subject = 'x'", "DELETE FROM workspaces_activity"]
)
def test_the_database_lets_nobody_rewrite_the_log(statement, workspace):
    assert workspace.activity.count() == 1
    with pytest.raises(IntegrityError, match="only grows"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement.format("workspaces_activity"))


def test_the_log_says_who_what_when_and_from_where(owner, teammate, workspace, as_person):
    client = as_person(owner)
    row = member(teammate, workspace)
    client.post(
        f"/w/harbour/members/{row.pk}/role/",
        {"role": "viewer"},
        headers={"user-agent": "Tester 1.0"},
        REMOTE_ADDR="203.0.113.7",
    )
    line = Activity.objects.latest("pk")
    assert (line.actor, line.action, line.subject) == (owner, "member.role_changed", teammate.email)
    assert (line.address, line.agent, line.detail) == (
        "203.0.113.7",
        "Tester 1.0",
        {"before": "editor", "after": "viewer"},
    )
    page = client.get("/w/harbour/activity/").content.decode()
    assert "<span>203.0.113.7, Tester 1.0</span>" in page and "changed the role of" in page
    assert "<span>the studio itself</span>" in page, "what was done without a browser"


def test_the_page_of_the_log_filters(owner, teammate, workspace, membership, as_person):
    members.change_role(membership=membership, member=member(teammate, workspace), role=Role.VIEWER)
    client = as_person(owner)

    def count(query: str) -> int:
        return client.get(f"/w/harbour/activity/{query}").content.decode().count("log-line")

    assert (count(""), count("?kind=member"), count(f"?person={owner.pk}")) == (2, 1, 2)
    assert count("?kind=key") == 0
    assert count("?since=2999-01-01") == 0
    assert count("?since=1999-99-01&until=x&person=x&kind=x&page=x") == 2  # nonsense shows everything


def test_two_workspaces_do_not_see_each_others_log(owner, outsider, workspace, as_person):
    create_workspace(name="Third", owner=outsider, slug="third")
    assert "Third" not in as_person(owner).get("/w/harbour/activity/").content.decode()
