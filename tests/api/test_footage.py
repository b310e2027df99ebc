"""The footage check over the API."""

import pytest

from apps.assets.models import CheckStatus, FootageCheck, Status
from tests.factories import AssetFactory

pytestmark = pytest.mark.django_db
RESULT = {
    "version": "1",
    "duration_s": 9.6,
    "fps": 25.0,
    "width": 640,
    "height": 360,
    "findings": [
        {
            "kind": "no_face",
            "start_s": 2.0,
            "end_s": 4.5,
            "severity": "warning",
            "reason": "No face is seen.",
            "advice": {"lipsync-2": "It stays as it is.", "sync-3": "It stays as it is here too."},
            "fixes": [{"action": "exclude_range", "start_s": 2.0, "end_s": 4.5}],
        }
    ],
    "people": [
        {
            "id": 1,
            "first_s": 0.0,
            "last_s": 9.6,
            "seconds": 7.1,
            "share": 0.74,
            "thumbnail_time_s": 0.5,
            "box": [0.4, 0.2, 0.2, 0.3],
            "fixed": False,
        }
    ],
    "cuts_s": [2.0, 4.5],
    "suggested_model": "sync-3",
}


def test_it_is_asked_for_and_told_when_it_is_there(api, workspace):
    asset = AssetFactory(workspace=workspace, video=True)
    first = api("GET", f"assets/{asset.pk}/check")
    assert (first.status_code, first.json()["status"], first.json()["findings"]) == (200, "WAITING", [])
    FootageCheck.objects.filter(asset=asset).update(status=CheckStatus.READY, result=RESULT)
    found = api("GET", f"assets/{asset.pk}/check").json()
    assert (found["status"], found["suggestedModel"], found["cutsSeconds"]) == ("READY", "sync-3", [2.0, 4.5])
    (finding,) = found["findings"]
    assert (finding["kind"], finding["severity"], finding["startSeconds"]) == ("no_face", "WARNING", 2.0)
    assert set(finding["advice"]) == {"lipsync-2", "sync-3"}
    assert found["people"][0]["box"] == [0.4, 0.2, 0.2, 0.3]


def test_advice_for_one_model(api, workspace):
    asset = AssetFactory(workspace=workspace, video=True)
    FootageCheck.objects.create(asset=asset, status=CheckStatus.READY, result=RESULT)
    found = api("GET", f"assets/{asset.pk}/check?model=sync-3").json()
    assert found["findings"][0]["advice"] == {"sync-3": "It stays as it is here too."}
    assert api("GET", f"assets/{asset.pk}/check?model=sync-9").json()["errorCode"] == "generation_unsupported_model"


def test_a_failed_check_says_so(api, workspace):
    asset = AssetFactory(workspace=workspace, video=True)
    FootageCheck.objects.create(
        asset=asset, status=CheckStatus.FAILED, error_code="check_failed", error_message="It could not be looked at."
    )
    found = api("GET", f"assets/{asset.pk}/check").json()
    assert (found["status"], found["error"], found["people"]) == ("FAILED", "It could not be looked at.", [])


def test_a_file_that_is_not_ready_or_not_ones_own(api, workspace, outsider):
    waiting = AssetFactory(workspace=workspace, video=True, status=Status.CHECKING)
    answer = api("GET", f"assets/{waiting.pk}/check")
    assert (answer.status_code, answer.json()["errorCode"]) == (409, "asset_not_ready")
    theirs = AssetFactory(workspace=outsider.memberships.get().workspace, video=True)
    assert api("GET", f"assets/{theirs.pk}/check").status_code == 404
