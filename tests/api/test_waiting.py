"""Calls whose files take longer than a request may: the id is known, a worker goes on."""

import time
from datetime import timedelta
from threading import BoundedSemaphore

import pytest
import time_machine
from django.utils import timezone

from apps.api import admitting, calls, fetching, intake
from apps.api.admitting import admit, waiting_too_long
from apps.api.fetching import TooSlow
from apps.api.keys import make_key
from apps.api.models import Call, CallState
from apps.api.routes import generations
from apps.assets.models import Asset, Status
from apps.generations.models import Generation
from apps.projects.models import Project
from apps.projects.services import create_project
from apps.workspaces.models import Membership, Visibility
from tests.factories import AssetFactory

pytestmark = pytest.mark.django_db
URL = "https://media.example/talk.mp4"


@pytest.fixture
def sound(workspace) -> Asset:
    return AssetFactory(workspace=workspace, audio=True)


@pytest.fixture
def wish(sound) -> dict:
    items = [{"type": "video", "url": URL}, {"type": "audio", "assetId": str(sound.pk)}]
    return {"model": "lipsync-2", "input": items, "options": {"sync_mode": "loop"}, "outputFileName": "slow"}


@pytest.fixture
def slow(monkeypatch):
    """Fetching takes longer than a request waits."""

    def fetch(*args, **kwargs):
        raise TooSlow

    for module in (calls, admitting):
        monkeypatch.setattr(module, "asset_from_url", fetch)


@pytest.fixture
def waiting(api, wish, slow) -> str:
    """Id of a call that waits for its video."""
    made = api("POST", "generate", wish)
    assert (made.status_code, made.json()["status"]) == (201, "PENDING")
    return made.json()["id"]


def test_a_slow_file_is_fetched_by_the_worker(api, waiting, workspace, monkeypatch):
    asked = {}
    film = AssetFactory(workspace=workspace, video=True, status=Status.CHECKING)

    def fetch(membership, url, kind, *, seconds):
        asked.update(url=url, kind=kind, seconds=seconds)
        return film

    monkeypatch.setattr(admitting, "asset_from_url", fetch)
    assert admit(waiting) == 2.0  # here, but still being checked
    assert asked == {"url": URL, "kind": "video", "seconds": intake.FETCH_BY_WORKER_S}
    monkeypatch.setattr(admitting, "asset_from_url", None)  # it is not fetched twice
    assert admit(waiting) == 2.0
    Asset.objects.update(status=Status.READY)
    assert (admit(waiting), admit(waiting)) == (None, None)
    row = Generation.objects.get()
    assert (str(row.pk), row.video, row.sync_mode) == (waiting, film, "loop")
    body = api("GET", f"generate/{waiting}").json()
    assert (body["status"], body["outputFileName"], body["input"][0]["url"]) == ("PENDING", "slow", URL)


def test_a_file_that_is_refused_by_the_probe_rejects_the_call(api, waiting, workspace, monkeypatch):
    broken = AssetFactory(
        workspace=workspace,
        status=Status.REJECTED,
        error_code="generation_input_video_invalid",
        error_message="Broken.",
    )
    monkeypatch.setattr(admitting, "asset_from_url", lambda *args, **kwargs: broken)
    assert admit(waiting) is None
    body = api("GET", f"generate/{waiting}").json()
    assert (body["status"], body["error_code"]) == ("REJECTED", "generation_input_video_invalid")
    assert admit(waiting) is None and not Generation.objects.exists()


def test_a_file_that_never_comes_rejects_the_call(api, waiting):
    assert admit(waiting) is None
    assert api("GET", f"generate/{waiting}").json()["error_code"] == "generation_media_probe_timeout"


def test_a_file_still_being_checked_is_waited_for(api, wish, workspace, monkeypatch):
    monkeypatch.setattr(calls, "wait_until_checked", lambda assets, *, seconds: False)
    film = AssetFactory(workspace=workspace, video=True)
    wish["input"][0] = {"type": "video", "assetId": str(film.pk)}
    made = api("POST", "generate", wish).json()
    assert not Generation.objects.exists()
    assert admit(made["id"]) is None
    assert str(Generation.objects.get().pk) == made["id"]


def test_a_cancelled_call_does_not_start(api, waiting, workspace):
    body = api("POST", f"generations/{waiting}/cancel").json()
    assert (body["status"], body["error_code"]) == ("REJECTED", "generation_cancelled")
    assert admit(waiting) is None and not Generation.objects.exists()
    assert api("DELETE", f"generations/{waiting}").status_code == 200
    assert api("GET", f"generate/{waiting}").status_code == 404


def test_a_person_who_left_starts_nothing(waiting, membership):
    Membership.objects.filter(pk=membership.pk).delete()
    assert admit(waiting) is None
    assert Call.objects.get().state == CallState.REFUSED


def test_a_call_whose_task_was_lost_is_taken_up_again(waiting):
    assert waiting_too_long() == []
    with time_machine.travel(timezone.now() + timedelta(minutes=41)):
        assert [str(found) for found in waiting_too_long()] == [waiting]
        assert waiting_too_long() == []


def test_a_call_that_is_cancelled_while_its_files_arrive_makes_nothing(api, waiting, monkeypatch, workspace):
    def cancelled_meanwhile(*args, **kwargs):
        api("POST", f"generations/{waiting}/cancel")
        return AssetFactory(workspace=workspace, video=True)

    monkeypatch.setattr(admitting, "asset_from_url", cancelled_meanwhile)
    assert admit(waiting) is None
    assert not Generation.objects.exists()
    call = Call.objects.get(pk=waiting)
    assert (call.state, call.error_code) == (CallState.REFUSED, "generation_cancelled")


def test_one_that_is_admitted_while_it_is_cancelled_is_cancelled_too(api, waiting, monkeypatch, workspace):
    monkeypatch.setattr(admitting, "asset_from_url", lambda *a, **rest: AssetFactory(workspace=workspace, video=True))
    look = generations.found

    def admitted_meanwhile(*args, **rest):
        row = look(*args, **rest)
        admit(waiting)
        return row

    monkeypatch.setattr(generations, "found", admitted_meanwhile)
    answer = api("POST", f"generations/{waiting}/cancel").json()
    assert (answer["status"], answer["errorCode"]) == ("FAILED", "generation_cancelled")
    assert Generation.objects.get().status == "CANCELLED"


@pytest.mark.parametrize("lost", [{"deleted_at": timezone.now()}, {"visibility": Visibility.PRIVATE}])
def test_a_call_whose_project_was_deleted_or_hidden_meanwhile_makes_nothing(
    api, wish, slow, monkeypatch, workspace, membership, teammate, lost
):
    project = create_project(membership=membership, name="Harbour film")
    theirs = make_key(membership=Membership.objects.get(user=teammate), name="test")[1]
    call_id = api("POST", "generate", wish | {"projectId": str(project.pk)}, key=theirs).json()["id"]
    Project.objects.filter(pk=project.pk).update(**lost)
    monkeypatch.setattr(admitting, "asset_from_url", lambda *a, **rest: AssetFactory(workspace=workspace, video=True))
    assert admit(call_id) is None and not Generation.objects.exists()
    assert Call.objects.get().error_code == "project_not_found"


def test_all_addresses_of_a_request_share_its_time(api, sound, monkeypatch, workspace):
    allowed = []

    def fetch(membership, url, kind, *, seconds):
        allowed.append(seconds)
        clock.shift(10)
        return AssetFactory(workspace=workspace, **{kind: True})

    monkeypatch.setattr(calls, "asset_from_url", fetch)
    items = [{"type": "video", "url": URL}, {"type": "audio", "url": URL}]
    with time_machine.travel(timezone.now(), tick=False) as clock:
        monkeypatch.setattr(calls.time, "monotonic", time.time)
        assert api("POST", "generate", {"model": "lipsync-2", "input": items}).status_code == 201
    assert allowed == [pytest.approx(15), pytest.approx(5)]


def test_those_who_wait_for_files_leave_threads_for_others(api, wish, sound, monkeypatch):
    monkeypatch.setattr(intake, "places_to_wait", BoundedSemaphore(1))
    monkeypatch.setattr(fetching, "target_of", None)  # nobody asks the address
    with intake.places_to_wait:
        made = api("POST", "generate", wish)
        assert (made.status_code, made.json()["status"]) == (201, "PENDING")
        for path, body in (("analyze/cost", wish), ("assets", {"url": URL})):
            late = api("POST", path, body)
            assert (late.status_code, late.json()["errorCode"]) == (504, "generation_media_probe_timeout")
        boxes = {"active_speaker_detection": {"bounding_boxes_url": "https://media.example/boxes.json"}}
        assert api("POST", "generate", wish | {"options": boxes}).json()["status"] == "PENDING"
    assert Call.objects.filter(state=CallState.WAITING).count() == 2


def test_an_error_of_our_own_is_tried_again_and_then_told(api, waiting, monkeypatch):
    def broken(*args, **kwargs):
        raise RuntimeError("out of order")

    monkeypatch.setattr(admitting, "asset_from_url", broken)
    assert [admit(waiting), admit(waiting), admit(waiting)] == [60, 60, None]
    call = Call.objects.get(pk=waiting)
    assert (call.state, call.error_code) == (CallState.REFUSED, "internal_error")
    assert api("GET", f"generate/{waiting}").json()["status"] in ("FAILED", "REJECTED")
