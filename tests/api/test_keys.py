"""Keys: kept as hashes, shown once, tied to a person and a workspace, over when they are revoked or expired."""

from datetime import timedelta
from io import StringIO

import pytest
import time_machine
from django.core.exceptions import PermissionDenied
from django.core.management import CommandError, call_command
from django.urls import reverse
from django.utils import timezone

from apps.api.keys import find_key, make_key, revoke_key, rotate_key, visible_keys
from apps.api.models import ApiKey, Scope
from apps.workspaces.models import Membership, Role
from studio.errors import StudioError

pytestmark = pytest.mark.django_db


def membership_of(user, workspace) -> Membership:
    return Membership.objects.select_related("workspace", "user").get(user=user, workspace=workspace)


def test_a_key_is_found_by_its_characters_and_kept_as_a_hash(membership):
    row, key = make_key(membership=membership, name="  build   server ")
    assert (row.name, row.scope) == ("build server", Scope.GENERATE)
    assert key.startswith(row.prefix + "_") and len(key) == 46
    found, holder = find_key(key)
    assert (found, holder) == (row, membership) and holder.workspace == membership.workspace
    stored = [str(value) for value in ApiKey.objects.values_list().get(pk=row.pk)]
    assert key not in stored and key.rpartition("_")[2] not in " ".join(stored)


def test_a_wrong_secret_finds_nothing(membership):
    row, key = make_key(membership=membership, name="script")
    other = "a" if key[-1] != "a" else "b"
    for text in (key[:-1] + other, row.prefix, "", "_", key + "x", f"{row.prefix}_"):
        assert find_key(text) is None, text


def test_use_is_noted_once_a_minute(membership):
    _, key = make_key(membership=membership, name="script")
    with time_machine.travel(timezone.now(), tick=False) as clock:
        find_key(key)
        first = ApiKey.objects.get().last_used_at
        clock.shift(30)
        find_key(key)
        assert ApiKey.objects.get().last_used_at == first
        clock.shift(31)
        find_key(key)
        assert ApiKey.objects.get().last_used_at == first + timedelta(seconds=61)


def test_revoked_and_expired_keys_and_those_of_closed_accounts_end(membership):
    row, key = make_key(membership=membership, name="one")
    revoke_key(membership=membership, key=row)
    assert find_key(key) is None
    _, key = make_key(membership=membership, name="two", expires_at=timezone.now() + timedelta(days=1))
    assert find_key(key) is not None
    with time_machine.travel(timezone.now() + timedelta(days=1, seconds=1)):
        assert find_key(key) is None
    membership.user.is_active = False
    membership.user.save()
    assert find_key(key) is None


def test_a_rotated_key_works_a_day_beside_its_successor(membership):
    old, old_key = make_key(membership=membership, name="one", scope=Scope.MANAGE)
    new, new_key = rotate_key(membership=membership, key=old)
    assert (new.name, new.scope) == ("one", Scope.MANAGE) and new_key != old_key
    assert find_key(old_key) and find_key(new_key)
    with time_machine.travel(timezone.now() + timedelta(hours=25)):
        assert find_key(old_key) is None and find_key(new_key)[0] == new


def test_a_rotated_key_keeps_its_last_day(membership):
    ends = timezone.now() + timedelta(days=3)
    old, _ = make_key(membership=membership, name="one", expires_at=ends)
    new, _ = rotate_key(membership=membership, key=old)
    assert new.expires_at == ends


def test_a_viewer_can_only_have_a_reading_key(viewer, workspace):
    member = membership_of(viewer, workspace)
    make_key(membership=member, name="look", scope=Scope.READ)
    with pytest.raises(PermissionDenied):
        make_key(membership=member, name="do", scope=Scope.GENERATE)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"name": "  "}, "key_name_missing"),
        ({"name": "n" * 81}, "key_name_too_long"),
        ({"scope": "root"}, "key_scope_unknown"),
        ({"expires_at": timezone.now() - timedelta(days=1)}, "key_expiry_past"),
    ],
)
def test_it_refuses_bad_wishes(membership, changes, code):
    with pytest.raises(StudioError) as refused:
        make_key(membership=membership, **{"name": "script"} | changes)
    assert refused.value.code == code
    assert not ApiKey.objects.exists()


def test_members_see_and_revoke_their_own_and_administrators_all(membership, teammate, workspace):
    mine, _ = make_key(membership=membership, name="mine")
    editor = membership_of(teammate, workspace)
    theirs, _ = make_key(membership=editor, name="theirs")
    assert visible_keys(editor) == [theirs]
    assert set(visible_keys(membership)) == {mine, theirs}
    with pytest.raises(PermissionDenied):
        revoke_key(membership=editor, key=mine)
    revoke_key(membership=membership, key=theirs)
    assert visible_keys(editor) == []


def test_the_command_prints_a_key(workspace, owner):
    out = StringIO()
    call_command("apikey", "create", "--workspace", workspace.slug, "--name", "cron", stdout=out)
    found = find_key(out.getvalue().strip())
    assert found is not None
    assert (found[0].user, found[0].scope, found[0].name) == (owner, Scope.MANAGE, "cron")
    with pytest.raises(CommandError, match="nowhere"):
        call_command("apikey", "create", "--workspace", "nowhere", "--name", "cron")


def test_the_page_shows_a_new_key_once(as_person, owner, workspace):
    page = reverse("api_pages:keys", args=[workspace.slug])
    client = as_person(owner)
    made = client.post(page, {"name": "site", "scope": "generate", "days": "30"})
    row = ApiKey.objects.get()
    key = made.context["secret"]
    assert find_key(key)[0] == row and key in made.content.decode() and "no-store" in made["Cache-Control"]
    assert timedelta(days=29) < row.expires_at - timezone.now() <= timedelta(days=30)
    later = client.get(page).content.decode()
    assert row.prefix in later and key not in later


def test_the_page_says_what_is_wrong(as_person, owner, workspace):
    answer = as_person(owner).post(reverse("api_pages:keys", args=[workspace.slug]), {"name": " "})
    assert answer.status_code == 422 and "A key needs a name." in answer.content.decode()


def test_outsiders_find_no_page_and_no_key(as_person, outsider, membership, workspace):
    row, key = make_key(membership=membership, name="mine")
    client = as_person(outsider)
    assert client.get(reverse("api_pages:keys", args=[workspace.slug])).status_code == 404
    assert client.post(reverse("api_pages:revoke", args=[workspace.slug, row.pk])).status_code == 404
    assert find_key(key) is not None


def test_keys_are_rotated_and_revoked_on_the_page(as_person, owner, membership, workspace):
    row, key = make_key(membership=membership, name="mine")
    client = as_person(owner)
    rotated = client.post(reverse("api_pages:rotate", args=[workspace.slug, row.pk]))
    assert find_key(rotated.context["secret"]) is not None
    client.post(reverse("api_pages:revoke", args=[workspace.slug, row.pk]))
    assert find_key(key) is None


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "assets/upload"),
        ("POST", "assets"),
        ("POST", "generate"),
        ("POST", "analyze/cost"),
        ("POST", "batch"),
        ("DELETE", "generations/00000000-0000-4000-8000-000000000000"),
    ],
)
def test_the_key_of_a_person_who_may_only_look_now_only_reads(api, membership, method, path):
    Membership.objects.filter(pk=membership.pk).update(role=Role.VIEWER)
    answer = api(method, path, {} if method == "POST" else None)
    assert (answer.status_code, answer.json()["errorCode"]) == (403, "forbidden")
    assert api("GET", "assets").status_code == 200


def test_the_character_zero_is_left_out_of_a_name(membership):
    assert make_key(membership=membership, name="build\x00server")[0].name == "buildserver"
