"""The webhook of a workspace: its address, its secret, what it is told."""

import json
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from apps.api.links import base_of
from apps.api.models import Call, CallState, Delivery, DeliveryState, Webhook
from apps.api.presentation import generation_json, waiting_json
from apps.api.signing import new_secret
from apps.api.webhook_addresses import check_webhook_url
from apps.generations.models import Generation, Status
from apps.workspaces.activity import record
from apps.workspaces.models import Membership, Workspace

ENDED = "generation.ended"
TEST = "webhook.test"
# After a rotation the receiver has this long to take over the new secret; meanwhile both sign.
OVERLAP = timedelta(hours=24)
# Generations of the studio are announced when they ended lately; the sweep runs every few seconds.
LATELY = timedelta(hours=1)
AT_ONCE = 200
RUNNING = (Status.PENDING, Status.PROCESSING)


def webhook_of(workspace: Workspace) -> Webhook:
    """The workspace's webhook; made with a fresh secret at the first look."""
    return Webhook.objects.get_or_create(workspace=workspace, defaults={"secret": new_secret()})[0]


def set_address(*, membership: Membership, url: str) -> Webhook:
    """Send events of every generation to ``url`` (empty: to none); also ends a switch-off. Raises ``StudioError``."""
    check_webhook_url(url, field="url")
    webhook = webhook_of(membership.workspace)
    webhook.url, webhook.disabled_at = url, None
    # The log names the host alone: the rest of an address can hold somebody's secrets.
    host = (urlsplit(url).hostname or "") if url else "no address"
    with transaction.atomic():
        webhook.save(update_fields=["url", "disabled_at"])
        record("webhook.changed", workspace=membership.workspace, actor=membership.user, subject=host)
    return webhook


def rotate_secret(*, workspace: Workspace) -> Webhook:
    """A new secret; the old one signs beside it for a day."""
    webhook = webhook_of(workspace)
    webhook.previous_secret, webhook.previous_until = webhook.secret, timezone.now() + OVERLAP
    webhook.secret = new_secret()
    webhook.save(update_fields=["secret", "previous_secret", "previous_until"])
    return webhook


def secrets_of(webhook: Webhook) -> list[str]:
    """The secrets that sign now, newest first."""
    overlaps = webhook.previous_until is not None and webhook.previous_until > timezone.now()
    return [webhook.secret, webhook.previous_secret] if overlaps else [webhook.secret]


def announce_ended() -> int:
    """Write down the events of generations that ended and were not announced; returns how many rows that made."""
    made = 0
    settled = Q(state=CallState.REFUSED) | (Q(state=CallState.ADMITTED) & ~Q(generation__status__in=RUNNING))
    related = ("workspace__webhook", "generation__result", "generation__video", "generation__audio")
    for call in Call.objects.filter(settled, announced_at=None).select_related(*related)[:AT_ONCE]:
        made += _write_down(call.workspace, call.generation or call, call.webhook_url)
        Call.objects.filter(pk=call.pk).update(announced_at=timezone.now())
    return made + _announce_studio()


def _announce_studio() -> int:
    """The same for generations made on pages, for workspaces that have an address."""
    listening = Webhook.objects.filter(disabled_at=None).exclude(url="").values("workspace")
    told = Delivery.objects.filter(event=ENDED, subject=OuterRef("pk"))
    ended = (
        Generation.objects.filter(workspace__in=listening, api_call=None, finished_at__gt=timezone.now() - LATELY)
        .exclude(status__in=RUNNING)
        .exclude(Exists(told))
        .select_related("workspace__webhook", "result", "video", "audio")
    )
    return sum(_write_down(generation.workspace, generation, "") for generation in ended[:AT_ONCE])


def _write_down(workspace: Workspace, subject: Generation | Call, own_url: str) -> int:
    webhook: Webhook | None = getattr(workspace, "webhook", None)
    general = webhook.url if webhook and webhook.disabled_at is None else ""
    urls = [url for url in dict.fromkeys((own_url, general)) if url]
    if not urls:
        return 0
    body = json.dumps(notification(subject), separators=(",", ":"))
    rows = [Delivery(workspace=workspace, subject=subject.pk, event=ENDED, url=url, body=body) for url in urls]
    return len(Delivery.objects.bulk_create(rows, ignore_conflicts=True))


def notification(subject: Generation | Call) -> dict[str, Any]:
    """What a receiver is told: the generation, as COMPLETED or FAILED. Its address comes from whoever asked for it, or
    from an administrator; both see its files.
    """
    base = base_of(None)
    body = waiting_json(subject) if isinstance(subject, Call) else generation_json(subject, base, lambda asset: True)
    return body | {"status": "COMPLETED" if body["status"] == Status.COMPLETED else "FAILED"}


def send_test(*, workspace: Workspace, url: str = "") -> Delivery | None:
    """Queue a test event to the workspace's address; None where there is none."""
    url = url or webhook_of(workspace).url
    if not url:
        return None
    body = json.dumps({"type": TEST, "createdAt": timezone.now().isoformat()}, separators=(",", ":"))
    return Delivery.objects.create(workspace=workspace, event=TEST, url=url, body=body)


def resend(*, delivery: Delivery) -> None:
    """Try a delivery again now, whatever came of it."""
    Delivery.objects.filter(pk=delivery.pk).update(
        state=DeliveryState.WAITING, tries=0, next_try_at=timezone.now(), finished_at=None
    )
