"""Idempotency-Key: a request that is sent again makes nothing again."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from apps.api.idempotency import LOST_AFTER, Claim
from apps.api.models import Call, Idempotency
from apps.generations.models import Generation
from tests.factories import AssetFactory

pytestmark = pytest.mark.django_db


def test_the_same_key_makes_one_generation(api, wish):
    headers = {"Idempotency-Key": "order-1"}
    first = api("POST", "generate", wish, **headers)
    again = api("POST", "generate", wish, **headers)
    assert (again.status_code, again.json()["id"]) == (201, first.json()["id"])
    other = api("POST", "generate", wish | {"model": "sync-3"}, **headers)
    assert (other.status_code, other.json()["errorCode"]) == (409, "IDEMPOTENCY_KEY_CONFLICT")
    assert Generation.objects.count() == 1
    with time_machine.travel(timezone.now() + timedelta(hours=25)):
        assert api("POST", "generate", wish, **headers).json()["id"] != first.json()["id"]


@pytest.mark.parametrize("text", ["with space", "k" * 129, "slash/"])
def test_a_bad_idempotency_key(api, wish, text):
    answer = api("POST", "generate", wish, **{"Idempotency-Key": text})
    assert (answer.status_code, answer.json()["errorCode"]) == (400, "INVALID_IDEMPOTENCY_KEY")


def test_a_refused_request_frees_its_key(api, wish, workspace):
    headers = {"Idempotency-Key": "order-2"}
    audio = wish["input"].pop()
    wish["input"].append({"type": "audio", "assetId": str(AssetFactory(video=True, workspace=workspace).pk)})
    assert api("POST", "generate", wish, **headers).status_code == 422
    wish["input"][1] = audio
    assert api("POST", "generate", wish, **headers).status_code == 201


def test_a_fault_while_a_key_is_noted_leaves_no_call(api, wish, monkeypatch):
    """Which the sweep would admit later, beside the take of the client's second try."""
    with monkeypatch.context() as patch:
        patch.setattr(Claim, "made", lambda *args, **rest: 1 / 0)
        assert api("POST", "generate", wish, **{"Idempotency-Key": "k"}).status_code == 500
    assert not Call.objects.exists() and not Idempotency.objects.exists()
    assert api("POST", "generate", wish, **{"Idempotency-Key": "k"}).status_code == 201


def test_a_key_in_work_has_no_outcome_yet(api, wish, workspace):
    first = api("POST", "generate", wish, **{"Idempotency-Key": "order-3"})
    Idempotency.objects.update(call=None)
    again = api("POST", "generate", wish, **{"Idempotency-Key": "order-3"})
    assert first.status_code == 201
    assert (again.status_code, again.json()["errorCode"]) == (503, "IDEMPOTENCY_OUTCOME_UNKNOWN")


def test_a_process_that_dies_leaves_no_call_without_its_key(api, wish, monkeypatch):
    """It would be admitted later, and so would the one that the client sends again with the same key."""

    def die(self, call=None, **rest):
        raise SystemExit

    monkeypatch.setattr("apps.api.idempotency.Claim.made", die)
    with pytest.raises(SystemExit):
        api("POST", "generate", wish, **{"Idempotency-Key": "order-4"})
    assert not Call.objects.exists()


def test_a_request_that_was_given_up_for_lost_makes_nothing_beside_its_repetition(api, wish, monkeypatch):
    headers = {"Idempotency-Key": "order-5"}
    answers = []

    def slow(workspace):
        monkeypatch.undo()  # its files take minutes to be stored, and the client asks again
        with time_machine.travel(timezone.now() + 2 * LOST_AFTER):
            answers.append(api("POST", "generate", wish, **headers))

    monkeypatch.setattr("apps.api.calls.refuse_when_full", slow)
    answers.append(api("POST", "generate", wish, **headers))
    assert [answer.status_code for answer in answers] == [201, 503]
    assert Generation.objects.count() == Call.objects.count() == 1
    assert api("POST", "generate", wish, **headers).json()["id"] == answers[0].json()["id"]
