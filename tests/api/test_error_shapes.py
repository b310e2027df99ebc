"""One shape for every status and every code of the catalogue, through the whole stack of a request."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

import apps.api.urls  # noqa: F401  (enters the routes)
from apps.api import bodies, routing
from apps.api.catalogue import ENTRIES
from apps.api.errors import ApiError
from apps.api.keys import make_key
from apps.api.models import Idempotency
from apps.assets import files, uploads
from apps.assets.models import Upload
from apps.billing.plans import current_plan, subscribe
from apps.generations.models import Generation
from apps.workspaces.models import Membership, Workspace
from tests.factories import AssetFactory, GenerationFactory

pytestmark = pytest.mark.django_db
UNKNOWN = "00000000-0000-4000-8000-000000000000"
ALWAYS = {"statusCode", "message", "error", "errorCode", "suggestion", "field", "requestId"}


def shaped(answer, code: str) -> dict:
    """The body of a failure, which has the shape of docs/api.md and the code's own status."""
    entry = ENTRIES[code]
    assert answer["Content-Type"] == "application/json"
    body = answer.json()
    assert body["errorCode"] == code, body
    assert answer.status_code == body["statusCode"] == entry.status
    assert body["error"] == entry.reason
    assert answer["X-Request-Id"] == body["requestId"] != ""
    assert set(body) >= ALWAYS
    assert isinstance(body["suggestion"], str) and body["suggestion"]
    assert body["field"] is None or (isinstance(body["field"], str) and body["field"])
    sentences = body["message"] if isinstance(body["message"], list) else [body["message"]]
    assert sentences and all(isinstance(sentence, str) and sentence for sentence in sentences)
    return body


@pytest.fixture
def handled(monkeypatch):
    """``handled(function)``: from now on GET /v2/models runs it."""
    route = next(route for route in routing.ROUTES if route.path == "models")
    return lambda function: monkeypatch.setitem(route.__dict__, "handler", function)


@pytest.fixture
def wish(workspace) -> dict:
    video, audio = AssetFactory(workspace=workspace, video=True), AssetFactory(workspace=workspace, audio=True)
    items = [{"type": "video", "assetId": str(video.pk)}, {"type": "audio", "assetId": str(audio.pk)}]
    return {"model": "lipsync-2", "input": items}


def test_every_code_has_the_shape(api, handled):
    for code, entry in ENTRIES.items():

        def refusing(caller, code=code):
            raise ApiError(code, field="input", extra={"limit": 3}, headers={"Retry-After": "7"})

        handled(refusing)
        answer = api("GET", "models")
        body = shaped(answer, code)
        assert set(body) == ALWAYS | {"field", "limit"}
        assert (body["field"], body["limit"], answer["Retry-After"]) == ("input", 3, "7")
        assert (body["message"], body["suggestion"]) == (entry.message, entry.suggestion)


@dataclass
class Real:
    """A request for each status. Only those of 500, 504 and 507 need a fault that a test has to make."""

    api: Callable[..., Any]
    client: Client
    key: str
    membership: Membership
    wish: dict[str, Any]
    settings: Any
    handled: Callable[..., None]
    monkeypatch: pytest.MonkeyPatch

    @property
    def workspace(self) -> Workspace:
        return self.membership.workspace

    def put(self, *, later: timedelta = timedelta(0)):
        link = self.api("POST", "assets/upload", {"fileName": "talk.mp4", "size": 4}).json()["uploadUrl"]
        with time_machine.travel(timezone.now() + later):
            return self.client.put(link.removeprefix("http://testserver"), b"film")

    def s400(self):
        return self.api("POST", "generate", {"model": 3}), "generation_input_validation_failed"

    def s401(self):
        return self.api("GET", "models", key="lips_x_y"), "unauthorized"

    def s402(self):
        subscribe(workspace=self.workspace, plan=current_plan("creator"))
        file = SimpleUploadedFile("batch.jsonl", b"{}")
        answer = self.client.post("/v2/batch", {"input": file}, headers={"x-api-key": self.key})
        return answer, "batch_plan_required"

    def s403(self):
        _, reading = make_key(membership=self.membership, name="look", scope="read")
        return self.api("POST", "projects", {"name": "x"}, key=reading), "forbidden"

    def s404(self):
        return self.api("GET", f"generate/{UNKNOWN}"), "generation_not_found"

    def s405(self):
        return self.api("DELETE", "models"), "method_not_allowed"

    def s409(self):
        take = GenerationFactory(workspace=self.workspace)
        return self.api("GET", f"generations/{take.pk}/download"), "generation_not_finished"

    def s410(self):
        return self.put(later=timedelta(days=60)), "link_expired"

    def s413(self):
        return self.api("POST", "generate", " " * (bodies.JSON_LIMIT + 1)), "request_too_large"

    def s422(self):
        del self.wish["input"][1]
        return self.api("POST", "generate", self.wish), "generation_audio_missing"

    def s423(self):
        answer = self.api("POST", "assets/upload", {"fileName": "talk.mp4", "size": 4}).json()
        with uploads.locked(Upload.objects.get()):
            return self.client.put(answer["uploadUrl"].removeprefix("http://testserver"), b"film"), "upload_locked"

    def s429(self):
        self.settings.API_REQUESTS_PER_MINUTE = 0
        return self.api("GET", "models"), "rate_limit_exceeded"

    def s500(self):
        self.handled(lambda caller: 1 / 0)
        return self.api("GET", "models"), "internal_error"

    def s503(self):
        again = {"Idempotency-Key": "order-1"}
        assert self.api("POST", "generate", self.wish, **again).status_code == 201
        Idempotency.objects.update(call=None)
        return self.api("POST", "generate", self.wish, **again), "IDEMPOTENCY_OUTCOME_UNKNOWN"

    def s504(self):
        self.monkeypatch.setattr("apps.api.routes.costs.wait_until_checked", lambda assets, *, seconds: False)
        return self.api("POST", "analyze/cost", self.wish), "generation_media_probe_timeout"

    def s507(self):
        self.monkeypatch.setattr(files, "DISK_RESERVE", 10**18)
        answer = self.api("POST", "assets/upload", {"fileName": "talk.mp4", "size": 4})
        return answer, "generation_infra_storage_error"


STATUSES = sorted({entry.status for entry in ENTRIES.values()})


@pytest.mark.parametrize("status", STATUSES)
def test_every_status_is_met_by_a_request(request, status):
    real = Real(**{part.name: request.getfixturevalue(part.name) for part in fields(Real)})
    answer, code = getattr(real, f"s{status}")()
    assert answer.status_code == status
    shaped(answer, code)


def test_a_failed_generation_names_its_code_under_both_names(api, workspace):
    take = GenerationFactory(
        workspace=workspace, status="failed", error_code="generation_timeout", error_message="Slow."
    )
    assert Generation.objects.get(pk=take.pk).is_final
    body = api("GET", f"generate/{take.pk}").json()
    assert (body["errorCode"], body["error_code"], body["error"]) == (
        "generation_timeout",
        "generation_timeout",
        "Slow.",
    )
