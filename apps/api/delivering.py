"""Bringing events to their receivers: at least once, with growing waits over three days, as rows that anyone can read.

A delivery is claimed by a conditional UPDATE of its next time, so that of two workers one sends it. An answer of 2xx
is a delivery; 410 switches the address off; anything else is tried again. Redirects are not followed.
"""

import logging
import time
from datetime import timedelta
from urllib.parse import urlsplit

import urllib3
from django.conf import settings
from django.utils import timezone
from urllib3.exceptions import HTTPError

from apps.api.addresses import AddressRefused, target_of
from apps.api.models import Delivery, DeliveryState, Webhook
from apps.api.signing import headers_for
from apps.api.webhooks import secrets_of, webhook_of

log = logging.getLogger(__name__)
MINUTE, HOUR = 60, 3600
# Seconds before each further try: eleven of them add up to three days and a little.
WAITS_S = (5, 30, 2 * MINUTE, 10 * MINUTE, 30 * MINUTE, HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, 24 * HOUR, 26 * HOUR)
# A claimed row whose worker died comes back after this.
CLAIM = timedelta(minutes=2)
CONNECT_S, ANSWER_S = 5.0, 10.0
KEPT_CHARACTERS = 500
GONE = 410
AT_ONCE = 50


def deliver_due() -> int:
    """Send every delivery whose time has come; returns how many were tried."""
    due = Delivery.objects.filter(state=DeliveryState.WAITING, next_try_at__lte=timezone.now())
    tried = 0
    for delivery in due.select_related("workspace").order_by("created_at")[:AT_ONCE]:
        claimed = Delivery.objects.filter(pk=delivery.pk, next_try_at=delivery.next_try_at).update(
            next_try_at=timezone.now() + CLAIM
        )
        if claimed:
            attempt(delivery)
            tried += 1
    return tried


def attempt(delivery: Delivery) -> None:
    """One try, and what follows from the answer."""
    status, answer = _post(delivery)
    delivery.tries += 1
    delivery.answer_status, delivery.answer = status, answer[:KEPT_CHARACTERS].replace("\x00", "")
    now = timezone.now()
    if status is not None and 200 <= status < 300:
        delivery.state, delivery.finished_at = DeliveryState.DELIVERED, now
    elif status == GONE or delivery.tries > len(WAITS_S):
        delivery.state, delivery.finished_at = DeliveryState.GIVEN_UP, now
    else:
        delivery.next_try_at = now + timedelta(seconds=WAITS_S[delivery.tries - 1])
    delivery.save()
    if status == GONE:
        Webhook.objects.filter(workspace=delivery.workspace, url=delivery.url).update(disabled_at=now)
    log.info("delivery %s to %s: %s after %s tries", delivery.pk, _host(delivery.url), status or answer, delivery.tries)


def _host(url: str) -> str:
    """What the log may tell of an address: the rest can hold somebody's secrets."""
    return urlsplit(url).hostname or ""


def _post(delivery: Delivery) -> tuple[int | None, str]:
    """Status and beginning of the answer; no status where the receiver was not reached."""
    signed = headers_for(
        message_id=f"msg_{delivery.pk.hex}",
        timestamp=int(time.time()),
        body=delivery.body,
        keys=secrets_of(webhook_of(delivery.workspace)),
    )
    try:
        target = target_of(delivery.url, schemes=("http", "https") if settings.PRIVATE_URLS else ("https",))
    except AddressRefused as refused:
        return None, str(refused)
    ours = {"Host": target.host_header, "User-Agent": "lipsync-studio", "Content-Type": "application/json"}
    ours["Accept-Encoding"] = "identity"
    try:
        answer = target.pool(urllib3.Timeout(connect=CONNECT_S, read=ANSWER_S), seconds=ANSWER_S).urlopen(
            "POST",
            target.path,
            body=delivery.body.encode(),
            headers=ours | signed,
            redirect=False,
            preload_content=False,
            assert_same_host=False,
        )
        try:
            return answer.status, answer.read(KEPT_CHARACTERS, decode_content=False).decode("utf-8", "replace")
        finally:
            answer.close()
    except (HTTPError, OSError) as error:
        return None, f"Not reached: {type(error).__name__}."
