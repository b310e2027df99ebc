"""Idempotency-Key: the same request sent twice makes one generation.

A key belongs to its workspace for a day. With the same payload it gives the generation that the first request made;
with another payload it is refused. A request that failed frees its key.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.api.errors import ApiError
from apps.api.models import Call, Idempotency
from apps.voices.models import SpeechJob
from apps.workspaces.models import Workspace

HEADER = "Idempotency-Key"
KEY = re.compile(r"[A-Za-z0-9._~-]{1,128}\Z")
LIVES = timedelta(hours=24)
# A request that did not come back to say how it ended: its process died. The clients give up after 60 s.
LOST_AFTER = timedelta(minutes=3)


class Claim:
    """The use of a key by this request. ``earlier`` and ``earlier_speech`` are what the key made already."""

    def __init__(self, row: Idempotency | None, made: Idempotency | None = None) -> None:
        self.row = row
        self.earlier = made.call if made else None
        self.earlier_speech = made.speech if made else None

    def made(self, call: Call | None = None, *, speech: SpeechJob | None = None) -> None:
        """Remember what the key made. Raises ``ApiError`` (503) where this request was given up for lost: another has
        the key by now.
        """
        if self.row is None:
            return
        if not Idempotency.objects.filter(pk=self.row.pk).update(call=call, speech=speech):
            raise ApiError("IDEMPOTENCY_OUTCOME_UNKNOWN", headers={"Retry-After": "2"})


@contextmanager
def claimed(workspace: Workspace, key: str | None, payload: Any) -> Iterator[Claim]:
    """Use a key for the work inside; where that fails the key is free again.

    Raises ``ApiError``: no valid key (400), used with another payload (409), first request still in work (503).
    """
    if key is None:
        yield Claim(None)
        return
    if not KEY.match(key):
        raise ApiError("INVALID_IDEMPOTENCY_KEY", field=HEADER)
    digest = hashlib.sha256(json.dumps(payload, sort_keys=True, default=str).encode()).hexdigest()
    claim = _claim(workspace, key, digest)
    try:
        yield claim
    except BaseException:
        if claim.row is not None:
            Idempotency.objects.filter(pk=claim.row.pk, call=None, speech=None).delete()
        raise


def _claim(workspace: Workspace, key: str, digest: str) -> Claim:
    now = timezone.now()
    mine = Idempotency.objects.filter(workspace=workspace, key=key)
    mine.filter(created_at__lt=now - LIVES).delete()
    mine.filter(created_at__lt=now - LOST_AFTER, call=None, speech=None).delete()
    try:
        with transaction.atomic():
            return Claim(Idempotency.objects.create(workspace=workspace, key=key, payload=digest))
    except IntegrityError:
        earlier = mine.select_related("call", "speech__asset").first()
    if earlier is None or (earlier.payload == digest and earlier.call is None and earlier.speech is None):
        raise ApiError("IDEMPOTENCY_OUTCOME_UNKNOWN", headers={"Retry-After": "2"})
    if earlier.payload != digest:
        raise ApiError("IDEMPOTENCY_KEY_CONFLICT", field=HEADER)
    return Claim(None, earlier)


def forget_old_keys() -> int:
    """Delete keys older than a day; returns how many."""
    return Idempotency.objects.filter(created_at__lt=timezone.now() - LIVES).delete()[0]
