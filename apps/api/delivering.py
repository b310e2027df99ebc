"""Bringing events to their receivers: at least once, with growing waits over three days, as rows that anyone can read.

A delivery is claimed by a conditional UPDATE of its next time, so that of two workers one sends it. An answer of 2xx
is a delivery; 410 switches the address off; anything else is tried again. Redirects are not followed.

An address gets one message at a time, the oldest first, and several addresses get theirs side by side: one that hangs
holds up nobody else. What an address that is not reached had due besides counts as not reached too.
"""

import logging
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import urllib3
from django.conf import settings
from django.db.models import F, Min, QuerySet, Window
from django.db.models.functions import RowNumber
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
LOG_KEPT = timedelta(days=30)
GONE = 410
SIDE_BY_SIDE = 16
# A run begins nothing after this; the clock starts the next one within seconds.
RUN_S = 30.0


def deliver_due() -> int:
    """Send what is due, for half a minute at most; returns how many messages were sent."""
    ends = time.monotonic() + RUN_S
    sent = 0
    with ThreadPoolExecutor(SIDE_BY_SIDE, thread_name_prefix="webhook") as pool:
        while time.monotonic() < ends and (claimed := claim_due()):
            keys = [secrets_of(webhook_of(delivery.workspace)) for delivery in claimed]
            answers = list(pool.map(_post, claimed, keys))  # threads that never ask the database
            for delivery, (status, answer) in zip(claimed, answers, strict=True):
                _note(delivery, status, answer[:KEPT_CHARACTERS].replace("\x00", ""))
            sent += len(claimed)
    return sent


def claim_due() -> list[Delivery]:
    """The oldest message that is due of each of the addresses that have waited longest, now this worker's. Workspaces
    take turns: one with thousands of addresses that hang holds up no other either.
    """
    due = _due(timezone.now())
    waited = due.values_list("workspace", "url").annotate(since=Min("created_at"))
    turn = Window(RowNumber(), partition_by="workspace", order_by="since")
    longest = waited.annotate(turn=turn).order_by("turn", "since")[:SIDE_BY_SIDE]
    oldest = [
        due.filter(workspace=workspace, url=url).select_related("workspace").order_by("created_at").first()
        for workspace, url, *_ in longest
    ]
    return [delivery for delivery in oldest if delivery is not None and _is_claimed(delivery)]


def _due(now: datetime) -> QuerySet[Delivery]:
    return Delivery.objects.filter(state=DeliveryState.WAITING, next_try_at__lte=now)


def _is_claimed(delivery: Delivery) -> bool:
    unclaimed = Delivery.objects.filter(pk=delivery.pk, next_try_at=delivery.next_try_at)
    return unclaimed.update(next_try_at=timezone.now() + CLAIM) == 1


def _note(delivery: Delivery, status: int | None, answer: str) -> None:
    """Write down what came of a try, and what follows from it."""
    delivery.tries += 1
    delivery.answer_status, delivery.answer = status, answer
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
    elif status is None:
        _not_reached_either(delivery, now)
    log.info("delivery %s to %s: %s after %s tries", delivery.pk, _host(delivery.url), status or answer, delivery.tries)


def _not_reached_either(delivery: Delivery, now: datetime) -> None:
    """What else was due at an address that was not reached has been tried with it: a thousand messages to a machine
    that is off cost one wait.
    """
    others = _due(now).filter(workspace=delivery.workspace, url=delivery.url)
    told = {"tries": F("tries") + 1, "answer_status": None, "answer": delivery.answer}
    for tries, wait in enumerate(WAITS_S):
        others.filter(tries=tries).update(next_try_at=now + timedelta(seconds=wait), **told)
    others.update(state=DeliveryState.GIVEN_UP, finished_at=now, **told)


def forget_old_deliveries() -> int:
    """Delete what was settled a month ago; returns how many rows went."""
    return Delivery.objects.filter(finished_at__lt=timezone.now() - LOG_KEPT).delete()[0]


def _host(url: str) -> str:
    """What the log may tell of an address: the rest can hold somebody's secrets."""
    return urlsplit(url).hostname or ""


def _post(delivery: Delivery, keys: list[str]) -> tuple[int | None, str]:
    """Status and beginning of the answer; no status where the receiver was not reached."""
    signed = headers_for(
        message_id=f"msg_{delivery.pk.hex}",
        timestamp=int(time.time()),
        body=delivery.body,
        keys=keys,
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
