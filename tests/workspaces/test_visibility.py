"""Private projects and files: seen by their maker and by those who answer for the workspace, at every door."""

import pytest
from django.core.exceptions import PermissionDenied

from apps.api.keys import make_key
from apps.assets.services import set_visibility as show_asset
from apps.projects.services import set_visibility as show_project
from apps.workspaces.models import Membership, Role, Visibility
from tests.factories import AssetFactory, GenerationFactory, ProjectFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def secret(workspace, teammate):
    """A private project of the teammate with a private film and a finished take."""
    film = AssetFactory(workspace=workspace, video=True, name="secret-film.mp4", created_by=teammate)
    result = AssetFactory(workspace=workspace, video=True, name="secret-result.mp4", created_by=teammate)
    project = ProjectFactory(workspace=workspace, name="Secret project", created_by=teammate, video=film)
    take = GenerationFactory(
        workspace=workspace, project=project, number=1, video=film, result=result, status="COMPLETED", report={}
    )
    member = Membership.objects.select_related("workspace", "user").get(user=teammate)
    show_project(membership=member, project=project, visibility=Visibility.PRIVATE)
    show_asset(membership=member, asset=film, visibility=Visibility.PRIVATE)
    return {"film": film, "result": result, "project": project, "take": take}


def addresses(secret) -> list[str]:
    project, film, result = (secret[name].pk for name in ("project", "film", "result"))
    return [
        f"/w/harbour/library/{film}/",
        f"/w/harbour/library/{film}/card/",
        f"/w/harbour/library/{result}/",
        f"/w/harbour/p/{project}/",
        f"/w/harbour/p/{project}/takes/",
        f"/w/harbour/p/{project}/takes/1/",
    ]


@pytest.mark.parametrize("seen", [True, False])
def test_the_doors(seen, secret, owner, teammate, viewer, as_person):
    people = (owner, teammate) if seen else (viewer,)
    for person in people:
        found = [as_person(person).get(address).status_code for address in addresses(secret)]
        assert found == [200 if seen else 404] * len(found), person


def test_the_lists(secret, owner, teammate, viewer, as_person):
    for person, seen in ((owner, True), (teammate, True), (viewer, False)):
        client = as_person(person)
        library = client.get("/w/harbour/library/").content.decode()
        projects = client.get("/w/harbour/projects/").content.decode()
        assert ("secret-film.mp4" in library, "secret-result.mp4" in library) == (seen, seen), person
        assert ("Secret project" in projects) is seen, person


def test_the_api(secret, owner, viewer, client):
    for person, seen in ((owner, True), (viewer, False)):
        member = Membership.objects.select_related("workspace", "user").get(user=person)
        _, key = make_key(membership=member, name="k", scope="read")

        def get(path, key=key):
            return client.get(f"/v2/{path}", headers={"x-api-key": key})

        for path in ("assets", "projects", "generations"):
            text = get(path).content.decode()
            assert (str(secret["take"].pk) in text or "secret" in text.lower()) is seen, (person, path)
        assert get("generations/count").json()["count"] == int(seen)
        for path in (
            f"assets/{secret['film'].pk}",
            f"projects/{secret['project'].pk}",
            f"generate/{secret['take'].pk}",
        ):
            assert get(path).status_code == (200 if seen else 404), (person, path)


def test_only_the_maker_and_administrators_switch(secret, workspace, viewer, membership):
    other = Membership.objects.select_related("workspace", "user").get(user=viewer)
    Membership.objects.filter(pk=other.pk).update(role=Role.EDITOR)
    other.refresh_from_db()
    with pytest.raises(PermissionDenied):
        show_project(membership=other, project=secret["project"], visibility=Visibility.WORKSPACE)
    show_project(membership=membership, project=secret["project"], visibility=Visibility.WORKSPACE)
    secret["result"].refresh_from_db()
    assert secret["result"].visibility == Visibility.WORKSPACE  # results follow their project
    assert workspace.activity.filter(action="project.visibility_changed").count() == 2


def test_what_was_private_stays_reachable_when_its_maker_leaves(secret, teammate, owner, as_person):
    Membership.objects.get(user=teammate).delete()
    assert as_person(owner).get(addresses(secret)[3]).status_code == 200
