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


def test_the_uses_of_a_file_name_no_project_that_is_not_seen(workspace, teammate, secret, owner, viewer, as_person):
    film = AssetFactory(workspace=workspace, video=True, name="shared.mp4", created_by=teammate)
    GenerationFactory(workspace=workspace, project=secret["project"], number=2, video=film)
    for person, seen in ((owner, True), (teammate, True), (viewer, False)):
        page = as_person(person).get(f"/w/harbour/library/{film.pk}/").content.decode()
        assert ("Secret project" in page) is seen, person


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


@pytest.fixture
def editor(workspace, teammate):
    """Asks the API with the teammate's key; who makes a thing may hide it."""
    member = Membership.objects.select_related("workspace", "user").get(user=teammate)
    _, key = make_key(membership=member, name="k", scope="manage")

    def ask(client, method, path, body=None):
        call = getattr(client, method.lower())
        return call(f"/v2/{path}", body, content_type="application/json", headers={"x-api-key": key})

    return ask


def test_the_api_hides_and_shows_a_project_with_its_results(secret, editor, client):
    path = f"projects/{secret['project'].pk}"
    assert editor(client, "GET", path).json()["visibility"] == "USER"
    assert editor(client, "PATCH", path, {"visibility": "ORGANIZATION"}).json()["visibility"] == "ORGANIZATION"
    assert editor(client, "PATCH", path, {"name": "Open project"}).json()["visibility"] == "ORGANIZATION"
    film = f"assets/{secret['film'].pk}"
    assert editor(client, "PATCH", film, {"visibility": "ORGANIZATION"}).json()["visibility"] == "ORGANIZATION"
    assert editor(client, "PATCH", film, {"visibility": "EVERYBODY"}).status_code == 400


def test_the_api_makes_a_private_project(editor, client, workspace, viewer, as_person):
    made = editor(client, "POST", "projects", {"name": "Quiet", "visibility": "USER"}).json()
    assert made["visibility"] == "USER"
    assert as_person(viewer).get(f"/w/harbour/p/{made['id']}/").status_code == 404


def test_the_api_does_not_show_a_private_project_to_who_guesses_its_id(secret, editor, client, workspace, owner):
    hidden = ProjectFactory(workspace=workspace, created_by=owner, visibility=Visibility.PRIVATE, name="Mine alone")
    answer = editor(client, "POST", "projects", {"name": "x", "id": str(hidden.pk)})
    assert (answer.status_code, answer.json()["errorCode"]) == (409, "project_conflict")
    shown = ProjectFactory(workspace=workspace, created_by=owner)
    assert editor(client, "PATCH", f"projects/{shown.pk}", {"visibility": "USER"}).status_code == 403


def test_the_page_of_projects_has_the_switch(secret, teammate, viewer, workspace, owner, as_person):
    client = as_person(teammate)
    page = client.get("/w/harbour/projects/").content.decode()
    assert "Show to everybody here" in page and "Private" in page
    address = f"/w/harbour/p/{secret['project'].pk}/visibility/"
    assert client.post(address, {"visibility": "workspace"}).url == "/w/harbour/projects/"
    secret["project"].refresh_from_db()
    assert secret["project"].visibility == Visibility.WORKSPACE
    assert "Make private" in client.get("/w/harbour/projects/").content.decode()
    client.post(address, {"visibility": "everybody"})
    secret["project"].refresh_from_db()
    assert secret["project"].visibility == Visibility.WORKSPACE
    theirs = ProjectFactory(workspace=workspace, created_by=owner, name="Theirs")
    assert client.post(f"/w/harbour/p/{theirs.pk}/visibility/", {"visibility": "private"}).status_code == 403
