"""The page outside every workspace's door: what a link opens, and what it does not."""

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.assets.models import Asset
from apps.assets.services import delete_asset
from apps.reviews import services
from apps.reviews.access import token_of
from apps.reviews.models import Comment, ShareLink
from apps.workspaces.models import Membership, Visibility
from apps.workspaces.services import close_workspace
from studio.errors import StudioError

pytestmark = pytest.mark.django_db


@pytest.fixture
def make(membership, take):
    def one(**wishes) -> ShareLink:
        return services.make_link(membership=membership, generation=take, **{"lives": "week"} | wishes)

    return one


def at(link, name="page", *more):
    return reverse(f"share:{name}", args=[token_of(link), *more])


def test_a_stranger_sees_the_take_and_nothing_around_it(make, take):
    answer = Client().get(at(make()))
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "Harbour interview" in page
    assert "/w/harbour/" not in page
    assert answer["X-Robots-Tag"].startswith("noindex")
    assert "no-store" in answer["Cache-Control"]


def test_both_films_come_with_ranges_and_other_files_do_not(make, take):
    link, client = make(), Client()
    for which, asset in (("result", take.result), ("original", take.video)):
        part = client.get(at(link, "file", which), headers={"Range": "bytes=0-9"})
        assert part.status_code == 206
        assert part.getvalue() == asset.file.read()[:10]
        assert client.get(at(link, "peaks", which)).status_code == 200
        assert client.get(at(link, "thumbnail", which)).status_code == 200
    assert client.get(at(link, "file", "audio")).status_code == 404


def test_the_original_is_shown_only_where_the_link_says_so(make):
    link, client = make(with_original=False), Client()
    assert "video-a" not in client.get(at(link)).content.decode()
    assert client.get(at(link, "file", "original")).status_code == 404


def test_no_link_shows_an_original_that_its_maker_does_not_see(take, teammate, owner):
    Asset.objects.filter(pk=take.video_id).update(visibility=Visibility.PRIVATE, created_by=owner)
    take.refresh_from_db()
    editor = Membership.objects.select_related("user", "workspace").get(user=teammate)
    link, client = services.make_link(membership=editor, generation=take, lives="week"), Client()
    assert client.get(at(link, "file", "result")).status_code == 200
    for name in ("file", "peaks", "thumbnail"):
        assert client.get(at(link, name, "original")).status_code == 404
    assert "Show the original" not in client.get(at(link)).content.decode()


def test_an_original_that_is_deleted_is_gone_for_guests_too(make, take):
    link, client = make(), Client()
    delete_asset(asset=take.video)
    assert client.get(at(link)).status_code == 200
    for name in ("file", "peaks", "thumbnail"):
        assert client.get(at(link, name, "original")).status_code == 404


def test_the_address_names_the_view_where_there_is_something_to_compare(make):
    assert 'data-mode="side"' in Client().get(at(make()), {"mode": "side"}).text
    assert 'data-mode="result"' in Client().get(at(make(with_original=False)), {"mode": "side"}).text


def test_a_download_needs_leave(make):
    assert Client().get(at(make(), "download")).status_code == 404
    answer = Client().get(at(make(downloads_on=True), "download"))
    assert answer["Content-Disposition"].startswith("attachment")


@pytest.mark.parametrize("forged", ["0" * 32, "0" * 32 + ".abc", "x", "..", "%00"])
def test_a_forged_address_leads_nowhere(forged, take):
    assert Client().get(f"/s/{forged}/").status_code == 404


def test_another_links_signature_does_not_fit(make):
    one, other = token_of(make()), token_of(make())
    assert Client().get(f"/s/{one.split('.')[0]}.{other.split('.')[1]}/").status_code == 404


def test_a_link_closes_when_its_time_is_over_or_it_is_taken_back(make, membership):
    late, back = make(lives="day"), make(lives="open")
    ShareLink.objects.filter(pk=late.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    services.revoke_link(membership=membership, link=back)
    for link in (late, back):
        for address in (at(link), at(link, "file", "result"), at(link, "peaks", "result")):
            answer = Client().get(address)
            assert answer.status_code == 410
            assert "no longer open" in answer.content.decode()
        assert Client().post(at(link, "comment"), {"name": "Kit", "text": "Here"}).status_code == 410
    assert not Comment.objects.exists()


def test_a_deleted_result_or_project_closes_every_link(make, take):
    link = make()
    delete_asset(asset=take.result)
    assert Client().get(at(link)).status_code == 404


def test_a_password_stands_before_page_files_and_comments(make):
    link, client = make(password="barcos-7"), Client()
    for address in (at(link), at(link, "file", "result"), at(link, "thumbnail", "original")):
        assert client.get(address).status_code == 401
    assert client.post(at(link, "comment"), {"name": "Kit", "text": "Here"}).status_code == 401
    assert client.post(at(link, "unlock"), {"password": "barcos-8"}).status_code == 422
    assert client.get(at(link)).status_code == 401
    assert client.post(at(link, "unlock"), {"password": "barcos-7"}).status_code == 302
    assert client.get(at(link)).status_code == 200
    assert "barcos" not in ShareLink.objects.get().password


def test_one_password_opens_one_link_and_a_new_one_locks_again(make):
    link, other, client = make(password="barcos-7"), make(password="barcos-7"), Client()
    client.post(at(link, "unlock"), {"password": "barcos-7"})
    assert client.get(at(other)).status_code == 401
    ShareLink.objects.filter(pk=link.pk).update(password=other.password)
    assert client.get(at(link)).status_code == 401


def test_guessing_ends_after_some_tries(make):
    link, client = make(password="barcos-7"), Client()
    for _ in range(services.TRIES_AN_HOUR):
        assert client.post(at(link, "unlock"), {"password": "wrong"}).status_code == 422
    assert client.post(at(link, "unlock"), {"password": "barcos-7"}).status_code == 429


def test_tries_are_counted_for_each_guest_behind_a_proxy(make, monkeypatch, settings):
    settings.PROXIES = 1
    monkeypatch.setattr(services, "TRIES_AN_HOUR", 2)
    link, client = make(), Client()

    def said(address: str) -> int:
        told = {"X-Forwarded-For": address}
        return client.post(at(link, "comment"), {"name": "Kit", "text": "Here"}, headers=told).status_code

    assert [said("203.0.113.7") for _ in range(3)] == [302, 302, 429]
    assert said("203.0.113.8") == 302, "somebody else has tries of their own"
    assert [said(f"2001:db8:0:1::{n}") for n in range(3)] == [302, 302, 429], "one customer has all these addresses"


def test_a_guest_comments_under_a_name_that_is_kept(make, take):
    link, client = make(), Client()
    assert client.post(at(link, "comment"), {"name": "", "text": "Here", "at": "0.5"}).status_code == 422
    assert client.post(at(link, "comment"), {"name": " Kit  Moor ", "text": "Here", "at": "0.5"}).status_code == 302
    said = Comment.objects.get()
    assert (said.by, said.initials, said.author, said.link) == ("Kit Moor", "KM", None, link)
    assert 'value="Kit Moor"' in client.get(at(link)).content.decode()


def test_comments_off_means_neither_seen_nor_taken(make, membership, take):
    services.add_comment(membership=membership, generation=take, at_s=0, text="Between us")
    link = make(comments_on=False)
    assert "Between us" not in Client().get(at(link)).content.decode()
    assert Client().post(at(link, "comment"), {"name": "Kit", "text": "Here"}).status_code == 403


def test_a_guest_cannot_flood(make, monkeypatch):
    monkeypatch.setattr(services, "TRIES_AN_HOUR", 2)
    link, client = make(), Client()
    answers = [client.post(at(link, "comment"), {"name": "Kit", "text": "Here"}).status_code for _ in range(3)]
    assert answers == [302, 302, 429]
    answer = client.post(at(link, "comment"), {"name": "Kit", "text": "Here"}, headers={"HX-Request": "true"})
    assert answer.status_code == 422, "429 has no place on the page"
    assert "That was tried too often. Try again in an hour." in answer.content.decode()


def test_a_link_needs_a_result_a_length_and_a_long_password(membership, take, make):
    for wishes, code in (({"lives": "ever"}, "share_lives_invalid"), ({"password": "abc"}, "share_password_short")):
        with pytest.raises(StudioError) as refused:
            make(**wishes)
        assert refused.value.code == code
    take.result = None
    with pytest.raises(StudioError) as refused:
        make()
    assert refused.value.code == "share_without_result"


def test_viewers_and_outsiders_make_no_links(take, viewer, outsider, as_person):
    address = reverse("reviews:share", args=["harbour", take.project_id, 1])
    assert as_person(viewer).get(address).status_code == 403
    assert as_person(outsider).get(address).status_code == 404
    looking = Membership.objects.select_related("user", "workspace").get(user=viewer)
    with pytest.raises(PermissionDenied):
        services.make_link(membership=looking, generation=take, lives="day")


def test_the_list_shows_open_links_with_their_addresses(take, make, as_person, owner):
    link = make(password="barcos-7")
    address = reverse("reviews:share", args=["harbour", take.project_id, 1])
    client = as_person(owner)
    assert at(link) in client.get(address).content.decode()
    client.post(reverse("reviews:revoke", args=["harbour", take.project_id, 1, link.pk]))
    assert at(link) not in client.get(address).content.decode()


def test_a_closed_workspace_has_no_open_link(make, membership):
    link = make(lives="open", downloads_on=True)
    close_workspace(membership=membership)
    for address in (at(link), at(link, "file", "result"), at(link, "download")):
        assert Client().get(address).status_code == 404
    assert Client().post(at(link, "comment"), {"name": "Kit", "text": "Here"}).status_code == 404
