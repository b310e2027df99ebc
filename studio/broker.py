"""Celery's way to Redis, mended so that a worker outlives a Redis that is away.

When a connection breaks, Celery 5.7.0 takes it apart and closes it once more, and steps that were at work acknowledge
their messages on it later. kombu 5.7.0 answers both with an AttributeError, since a channel that was taken apart no
longer knows its server. Celery takes that for unrecoverable and ends the worker, with all steps at work. As a
connection error, which it is, it is stepped over: the step's result is in the storage, and a message that could not
be acknowledged is void when it comes again.
"""

from typing import Any

from kombu.transport import TRANSPORT_ALIASES, redis
from redis.exceptions import ConnectionError as AwayError


class PatientChannel(redis.Channel):
    """A channel that says what is wrong when its connection is gone."""

    def _connparams(self, asynchronous: bool = False) -> dict[str, Any]:
        if self.connection.client is None:
            raise AwayError("This channel's connection was lost.")
        return super()._connparams(asynchronous=asynchronous)  # type: ignore[misc]


class PatientTransport(redis.Transport):
    """Redis, by such channels."""

    Channel = PatientChannel


def use() -> None:
    """Let addresses that begin with redis://, or with rediss:// for TLS, lead to this transport."""
    for scheme in ("redis", "rediss"):
        TRANSPORT_ALIASES[scheme] = f"{__name__}:{PatientTransport.__name__}"
