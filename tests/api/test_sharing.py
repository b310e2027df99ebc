"""Links to results, made and taken back over the API."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from apps.api.models import Call
from apps.generations.models import Generation, Status
from apps.reviews.models import ShareLink
from tests.factories import AssetFactory, GenerationFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def take(workspace) -> Generation:
    film = AssetFactory(workspace=workspace, video=True)
    return GenerationFactory(workspace=workspace, status=Status.COMPLETED, result=film)


def test_a_link_is_made_listed_opened_and_taken_back(api, client, take):
    path = f"generations/{take.pk}/share-links"
    answer = api("POST", path, {"lives": "day", "downloads": True, "password": "sixsix"})
    made = answer.json()
    assert (answer.status_code, made["downloads"], made["comments"], made["password"]) == (201, True, True, True)
    assert "sixsix" not in answer.content.decode() and ShareLink.objects.get().password != "sixsix"
    assert api("GET", path).json() == [made]
    page = made["url"].removeprefix("http://testserver")
    assert client.get(page).status_code == 401  # it asks for the password
    assert api("DELETE", f"{path}/{made['id']}").json() == api("DELETE", f"{path}/{made['id']}").json()
    assert api("GET", path).json() == [] and client.get(page).status_code == 410


def test_a_link_ends_by_itself(api, take):
    path = f"generations/{take.pk}/share-links"
    api("POST", path, {"lives": "day"})
    assert api("POST", path, {"lives": "open"}).json()["expiresAt"] is None
    with time_machine.travel(timezone.now() + timedelta(days=2)):
        assert len(api("GET", path).json()) == 1


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"password": "short"}, 422, "share_password_short"),
        ({"lives": "year"}, 400, "generation_input_validation_failed"),
    ],
)
def test_what_is_wrong_with_a_link_is_said(api, take, body, status, code):
    answer = api("POST", f"generations/{take.pk}/share-links", body)
    assert (answer.status_code, answer.json()["errorCode"]) == (status, code)


def test_only_results_of_ones_own_are_shared(api, workspace, owner, take):
    waiting = Call.objects.create(workspace=workspace, user=owner, body={"model": "lipsync-2", "input": []})
    running, theirs = GenerationFactory(workspace=workspace), GenerationFactory(status=Status.COMPLETED)
    for row, status, code in (
        (waiting, 409, "share_without_result"),
        (running, 409, "share_without_result"),
        (theirs, 404, "generation_not_found"),
    ):
        answer = api("POST", f"generations/{row.pk}/share-links", {})
        assert (answer.status_code, answer.json()["errorCode"]) == (status, code)
    missing = api("DELETE", f"generations/{take.pk}/share-links/{take.pk}")
    assert (missing.status_code, missing.json()["errorCode"]) == (404, "share_link_not_found")
