"""Calls whose files take longer than a request may: the id is known, a worker goes on."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from apps.api import admitting, calls, intake
from apps.api.admitting import admit, waiting_too_long
from apps.api.fetching import TooSlow
from apps.api.models import Call, CallState
from apps.assets.models import Asset, Status
from apps.generations.models import Generation
from apps.workspaces.models import Membership
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
    monkeypatch.setattr(calls, "wait_until_checked", lambda assets: False)
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


def test_an_error_of_our_own_is_tried_again_and_then_told(api, waiting, monkeypatch):
    def broken(*args, **kwargs):
        raise RuntimeError("out of order")

    monkeypatch.setattr(admitting, "asset_from_url", broken)
    assert [admit(waiting), admit(waiting), admit(waiting)] == [60, 60, None]
    call = Call.objects.get(pk=waiting)
    assert (call.state, call.error_code) == (CallState.REFUSED, "internal_error")
    assert api("GET", f"generate/{waiting}").json()["status"] in ("FAILED", "REJECTED")
