"""Comments at a second of a take: who may say and delete what."""

import pytest
from django.core.exceptions import PermissionDenied
from django.urls import reverse

from apps.reviews import services
from apps.reviews.models import COMMENT_LIMIT, Comment
from apps.workspaces.models import Membership
from studio.errors import StudioError

pytestmark = pytest.mark.django_db


def at(take, name, *more):
    return reverse(f"reviews:{name}", args=["harbour", take.project_id, take.number, *more])


def test_a_comment_stands_at_its_second_and_is_read_on_the_page(take, as_person, teammate):
    client = as_person(teammate)
    client.post(at(take, "comment"), {"at": "0.52", "text": "  Soft <b>here</b>. "})
    said = Comment.objects.get()
    assert (said.at_s, said.text, said.author) == (0.52, "Soft <b>here</b>.", teammate)
    page = client.get(reverse("generations:take", args=["harbour", take.project_id, 1])).content.decode()
    assert "Soft &lt;b&gt;here&lt;/b&gt;." in page
    assert 'data-at="0.52"' in page


@pytest.mark.parametrize(("given", "kept"), [("-3", 0.0), ("nan", 0.0), ("words", 0.0), ("99", 1.2), ("inf", 1.2)])
def test_a_second_outside_the_film_is_brought_inside(take, as_person, owner, given, kept):
    as_person(owner).post(at(take, "comment"), {"at": given, "text": "Here"})
    assert Comment.objects.get().at_s == pytest.approx(kept)


@pytest.mark.parametrize("text", ["", "   ", "x" * (COMMENT_LIMIT + 1)])
def test_a_refused_comment_keeps_what_was_typed(take, as_person, owner, text):
    answer = as_person(owner).post(at(take, "comment"), {"at": "0", "text": text}, headers={"HX-Request": "true"})
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.content.decode()
    assert text.strip() in answer.content.decode()
    assert not Comment.objects.exists()


def test_viewers_comment_and_delete_only_what_they_said(take, membership, viewer):
    looking = Membership.objects.select_related("user", "workspace").get(user=viewer)
    ours = services.add_comment(membership=membership, generation=take, at_s=0, text="Ours")
    theirs = services.add_comment(membership=looking, generation=take, at_s=0, text="Theirs")
    services.delete_comment(membership=looking, comment=theirs)
    with pytest.raises(PermissionDenied):
        services.delete_comment(membership=looking, comment=ours)
    services.delete_comment(membership=membership, comment=ours)
    assert not Comment.objects.filter(deleted_at=None).exists()


def test_a_deleted_comment_comes_back(take, as_person, owner, membership):
    said = services.add_comment(membership=membership, generation=take, at_s=0, text="Ours")
    client = as_person(owner)
    answer = client.post(at(take, "delete_comment", said.pk), headers={"HX-Request": "true"})
    assert "Ours" not in answer.content.decode().split("toast")[0]
    assert at(take, "restore_comment", said.pk) in answer.content.decode()
    client.post(at(take, "restore_comment", said.pk))
    assert Comment.objects.filter(deleted_at=None).count() == 1


def test_a_comment_of_another_take_is_not_there(take, as_person, owner, membership, outsider):
    said = services.add_comment(membership=membership, generation=take, at_s=0, text="Ours")
    address = at(take, "delete_comment", said.pk)
    assert as_person(outsider).post(address).status_code == 404
    said.delete()
    assert as_person(owner).post(address).status_code == 404


def test_a_take_holds_only_so_many_comments(take, membership, monkeypatch):
    monkeypatch.setattr(services, "COMMENTS_MOST", 2)
    for _ in range(2):
        services.add_comment(membership=membership, generation=take, at_s=0, text="Here")
    with pytest.raises(StudioError) as refused:
        services.add_comment(membership=membership, generation=take, at_s=0, text="Here")
    assert refused.value.code == "comments_too_many"
