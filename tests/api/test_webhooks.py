"""Webhooks: signed, brought at least once over days, switched off by 410, never into a private network."""

import hashlib
import hmac
import http.server
import json
import random
import socket
import threading
import time
from datetime import timedelta

import pytest
import time_machine
from django.core.cache import cache
from django.utils import timezone
from standardwebhooks import Webhook as Verifier

from apps.api import delivering
from apps.api.delivering import WAITS_S, deliver_due, forget_old_deliveries
from apps.api.keys import make_key
from apps.api.models import Call, CallState, Delivery, DeliveryState, Webhook
from apps.api.tasks import DELIVERING, webhooks
from apps.api.webhooks import announce_ended, rotate_secret, send_test, set_address, webhook_of
from apps.generations.models import Generation, Status
from apps.workspaces.models import Membership
from tests.factories import AssetFactory, GenerationFactory

pytestmark = pytest.mark.django_db


class Receiver(http.server.BaseHTTPRequestHandler):
    answers: list[int] = []
    got: list[tuple[dict, str]] = []

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.got.append((dict(self.headers), body))
        self.send_response(self.answers.pop(0) if self.answers else 200)
        self.send_header("Location", "/elsewhere")
        self.end_headers()
        self.wfile.write(b"thanks")

    def log_message(self, *args):
        pass


@pytest.fixture
def receiver(settings):
    """Address of a receiver on this machine; the studio may speak to it."""
    settings.PRIVATE_URLS = True
    Receiver.answers, Receiver.got = [], []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, args=[0.05], daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/hook"
    server.shutdown()
    server.server_close()


@pytest.fixture
def wish(workspace, receiver) -> dict:
    return wish_of(workspace, receiver)


def wish_of(workspace, address: str) -> dict:
    video, audio = AssetFactory(workspace=workspace, video=True), AssetFactory(workspace=workspace, audio=True)
    items = [{"type": "video", "assetId": str(video.pk)}, {"type": "audio", "assetId": str(audio.pk)}]
    return {"model": "lipsync-2", "input": items, "webhookUrl": address}


def ended(status: str = Status.COMPLETED, **fields) -> None:
    Generation.objects.update(status=status, finished_at=timezone.now(), **fields)


def test_an_ended_generation_is_told_once_and_signed(api, wish, workspace):
    made = api("POST", "generate", wish).json()
    assert announce_ended() == 0
    ended()
    assert (announce_ended(), announce_ended()) == (1, 0)
    assert (deliver_due(), deliver_due()) == (1, 0)
    (headers, body), delivery = Receiver.got[0], Delivery.objects.get()
    told = json.loads(body)
    assert (told["id"], told["status"], told["webhookUrl"]) == (made["id"], "COMPLETED", wish["webhookUrl"])
    assert (delivery.state, delivery.answer_status, delivery.answer) == (DeliveryState.DELIVERED, 200, "thanks")
    secret = webhook_of(workspace).secret
    assert Verifier(secret).verify(body, {name.lower(): value for name, value in headers.items()})["id"] == made["id"]
    parts = dict(part.split("=") for part in headers["Sync-Signature"].split(","))
    expected = hmac.new(secret.encode(), f"{parts['t']}.{body}".encode(), hashlib.sha256).hexdigest()
    assert parts["v1"] == expected and parts["t"] == headers["webhook-timestamp"]


@pytest.mark.parametrize("status", [Status.FAILED, Status.REJECTED, Status.CANCELLED])
def test_whatever_has_no_result_is_told_as_failed(api, wish, status):
    api("POST", "generate", wish)
    ended(status, error_code="generation_pipeline_failed")
    announce_ended(), deliver_due()
    told = json.loads(Receiver.got[0][1])
    assert told["status"] == "FAILED" and told["error_code"]


def test_a_call_that_was_refused_is_told_too(wish, workspace, owner):
    Call.objects.create(
        workspace=workspace,
        user=owner,
        body=wish,
        webhook_url=wish["webhookUrl"],
        state=CallState.REFUSED,
        error_code="generation_input_video_invalid",
    )
    announce_ended(), deliver_due()
    assert json.loads(Receiver.got[0][1])["error_code"] == "generation_input_video_invalid"


def test_a_receiver_that_is_dead_for_an_hour_gets_each_event(api, workspace, settings):
    """Nothing listens for an hour. What is brought then bears the signature that an independent verifier asks for, and
    each generation is told of by its one event, its end, however often that is tried.
    """
    settings.PRIVATE_URLS = True
    dead = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    port = dead.server_port
    dead.server_close()
    Receiver.answers, Receiver.got = [], []
    ids = [api("POST", "generate", wish_of(workspace, f"http://127.0.0.1:{port}/hook")).json()["id"] for _ in range(3)]
    start = timezone.now()
    with time_machine.travel(start, tick=False) as clock:
        ended()
        announce_ended()
        while timezone.now() < start + timedelta(hours=1):
            deliver_due()
            clock.shift(30)
        assert {row.tries for row in Delivery.objects.all()} == {6}  # at 0 s, 5 s, 35 s, 155 s, 755 s, 2,555 s
        assert Delivery.objects.first().answer.startswith("Not reached")
        alive = http.server.ThreadingHTTPServer(("127.0.0.1", port), Receiver)
        threading.Thread(target=alive.serve_forever, args=[0.05], daemon=True).start()
        Receiver.answers = [503]  # its first answer fails once more
        for _ in range(120):
            announce_ended(), deliver_due()
            clock.shift(120)
        verifier = Verifier(webhook_of(workspace).secret)
        told: dict[str, list[str]] = {}
        for headers, body in Receiver.got:
            small = {name.lower(): value for name, value in headers.items()}
            with time_machine.travel(int(small["webhook-timestamp"])):
                event = verifier.verify(body, small)
            assert event["status"] == "COMPLETED"
            told.setdefault(event["id"], []).append(small["webhook-id"])
        alive.shutdown()
        alive.server_close()
    assert set(told) == set(ids) and len(Receiver.got) == 4
    assert all(len(set(messages)) == 1 for messages in told.values())
    assert not Delivery.objects.exclude(state=DeliveryState.DELIVERED).exists()


def test_it_gives_up_after_three_days(receiver, workspace):
    send_test(workspace=workspace, url=receiver)
    Receiver.answers = [500] * 100
    with time_machine.travel(timezone.now(), tick=False) as clock:
        for wait in WAITS_S:
            deliver_due()
            clock.shift(wait)
        deliver_due()
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.tries, len(Receiver.got)) == (DeliveryState.GIVEN_UP, 12, 12)
    assert sum(WAITS_S) >= 3 * 24 * 3600


def test_a_receiver_that_is_gone_is_switched_off(receiver, workspace, membership):
    set_address(membership=membership, url=receiver)
    GenerationFactory(workspace=workspace)
    ended()
    Receiver.answers = [410]
    assert (announce_ended(), deliver_due()) == (1, 1)
    assert Delivery.objects.get().state == DeliveryState.GIVEN_UP
    assert Webhook.objects.get().disabled_at is not None
    GenerationFactory(workspace=workspace)
    ended()
    assert announce_ended() == 0
    set_address(membership=membership, url=receiver)
    assert announce_ended() == 1


def test_redirects_are_not_followed(receiver, workspace):
    send_test(workspace=workspace, url=receiver)
    Receiver.answers = [307]
    deliver_due()
    assert len(Receiver.got) == 1
    assert (Delivery.objects.get().state, Delivery.objects.get().answer_status) == (DeliveryState.WAITING, 307)


def test_private_addresses_get_nothing_unless_allowed(api, wish, receiver, workspace, settings):
    send_test(workspace=workspace, url=receiver.replace("http:", "https:"))
    settings.PRIVATE_URLS = False
    deliver_due()
    delivery = Delivery.objects.get()
    assert (delivery.answer_status, Receiver.got) == (None, [])
    assert "private network" in delivery.answer
    for url in (receiver, "https://127.0.0.1/hook", "http://93.184.216.34/hook"):
        answer = api("POST", "generate", wish | {"webhookUrl": url})
        assert (answer.status_code, answer.json()["field"]) == (400, "webhookUrl")


def test_both_secrets_sign_for_a_day_after_a_rotation(receiver, workspace):
    old = webhook_of(workspace).secret
    new = rotate_secret(workspace=workspace).secret
    send_test(workspace=workspace, url=receiver)
    deliver_due()
    headers, body = Receiver.got[0]
    low = {name.lower(): value for name, value in headers.items()}
    assert Verifier(old).verify(body, low) == Verifier(new).verify(body, low)
    assert headers["Sync-Signature"].count("v1=") == 2
    with time_machine.travel(timezone.now() + timedelta(hours=25)):
        send_test(workspace=workspace, url=receiver)
        deliver_due()
    assert Receiver.got[1][0]["Sync-Signature"].count("v1=") == 1


def test_an_event_goes_to_both_addresses_once(api, wish, membership, receiver):
    set_address(membership=membership, url=receiver + "/all")
    api("POST", "generate", wish)
    ended()
    assert (announce_ended(), announce_ended()) == (2, 0)
    set_address(membership=membership, url=receiver)
    api("POST", "generate", wish)
    ended()
    assert announce_ended() == 1  # the same address twice is one


def test_two_workers_send_a_delivery_once(receiver, workspace):
    send_test(workspace=workspace, url=receiver)
    assert len(delivering.claim_due()) == 1
    assert deliver_due() == 0 and not Receiver.got


def test_two_runs_at_once_are_one(receiver, workspace):
    send_test(workspace=workspace, url=receiver)
    cache.add(DELIVERING, 1)
    webhooks()
    assert not Receiver.got
    cache.delete(DELIVERING)
    webhooks()
    webhooks()
    assert len(Receiver.got) == 1


def test_a_workspace_of_many_addresses_holds_up_no_other(workspace, outsider):
    for number in range(2 * delivering.SIDE_BY_SIDE):
        send_test(workspace=workspace, url=f"https://slow-{number}.example/")
    elsewhere = outsider.workspaces.get()
    send_test(workspace=elsewhere, url="https://receiver.example/")
    claimed = delivering.claim_due()
    assert len(claimed) == delivering.SIDE_BY_SIDE
    assert {one.workspace for one in claimed} == {workspace, elsewhere}
    assert claimed[0].url == "https://slow-0.example/"


def test_an_address_that_hangs_holds_up_nobody_else(receiver, workspace, monkeypatch):
    """Of 40 messages to it one is tried; they all wait their time from that, and the one to the other address is
    there before the wait is over.
    """
    hangs = socket.create_server(("127.0.0.1", 0))
    monkeypatch.setattr(delivering, "ANSWER_S", 1.0)
    dead = f"http://127.0.0.1:{hangs.getsockname()[1]}/hook"
    for _ in range(40):
        send_test(workspace=workspace, url=dead)
    send_test(workspace=workspace, url=receiver)
    began = time.monotonic()
    assert deliver_due() == 2
    assert time.monotonic() - began < 10 and len(Receiver.got) == 1
    hangs.close()
    left = Delivery.objects.filter(url=dead)
    assert set(left.values_list("tries", "state")) == {(1, DeliveryState.WAITING)}
    assert left.first().answer.startswith("Not reached")
    with time_machine.travel(timezone.now() + timedelta(seconds=6), tick=False):
        assert deliver_due() == 1 and set(left.values_list("tries", flat=True)) == {2}


def test_an_address_gets_its_messages_in_their_order(receiver, workspace):
    for _ in range(5):
        send_test(workspace=workspace, url=receiver)
    bodies = list(Delivery.objects.order_by("created_at").values_list("body", flat=True))
    assert deliver_due() == 5 and [body for _, body in Receiver.got] == bodies


def test_the_log_goes_after_a_month(receiver, workspace):
    send_test(workspace=workspace, url=receiver)
    send_test(workspace=workspace, url=f"{receiver}?never")
    Receiver.answers = [200, 500]
    deliver_due()
    with time_machine.travel(timezone.now() + timedelta(days=31)):
        assert forget_old_deliveries() == 1
    assert Delivery.objects.get().state == DeliveryState.WAITING


def test_the_log_names_the_host_alone(receiver, workspace, caplog):
    caplog.set_level("INFO", logger="apps.api.delivering")
    send_test(workspace=workspace, url=f"{receiver}?token=of-somebody")
    deliver_due()
    assert "to 127.0.0.1: 200" in caplog.text and "of-somebody" not in caplog.text and "/hook" not in caplog.text


def test_the_routes_of_webhooks(api, receiver, workspace, teammate):
    assert api("POST", "webhook/test").json()["errorCode"] == "webhook_missing"
    assert api("PUT", "webhook", {"url": "ftp://x"}).json()["field"] == "url"
    first = api("PUT", "webhook", {"url": receiver}).json()
    assert first["url"] == receiver and first["secret"].startswith("whsec_")
    assert api("GET", "organizations/webhook/secret").json() == first
    rotated = api("POST", "webhook/secret").json()
    assert rotated["secret"] != first["secret"] and rotated["previousSecretSignsUntil"]
    assert api("POST", "webhook/test").status_code == 202
    deliver_due()
    row = api("GET", "webhook/deliveries").json()[0]
    assert (row["state"], row["answerStatus"], row["event"]) == ("delivered", 200, "webhook.test")
    assert row["body"] == Receiver.got[0][1]
    again = api("POST", f"webhook/deliveries/{row['id']}/resend")
    assert (again.status_code, again.json()["state"]) == (202, "waiting")
    assert deliver_due() == 1 and len(Receiver.got) == 2
    assert Receiver.got[0][0]["webhook-id"] == Receiver.got[1][0]["webhook-id"]
    member = Membership.objects.select_related("workspace", "user").get(user=teammate)
    _, key = make_key(membership=member, name="theirs", scope="manage")
    assert api("GET", "webhook", key=key).status_code == 403


@pytest.mark.database
def test_the_longest_address_that_is_taken_can_be_written_down(api, wish, workspace):
    """PostgreSQL refuses what its index has no room for, and then no other event would be written down either."""
    letters = random.Random(1)  # nothing that could be packed
    address = wish["webhookUrl"] + "?" + "".join(chr(letters.randint(0x4E00, 0x9FFF)) for _ in range(1900))
    refused = api("POST", "generate", wish | {"webhookUrl": address})
    assert (refused.status_code, refused.json()["field"]) == (400, "webhookUrl")
    assert api("POST", "generate", wish | {"webhookUrl": address[:650]}).status_code == 201
    ended()
    assert announce_ended() == 1
