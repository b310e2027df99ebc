"""The part of a Celery worker that listens to the broker, mended so that it outlives a Redis that is away."""

import logging

from celery.worker.consumer import Consumer

log = logging.getLogger(__name__)


class PatientConsumer(Consumer):
    """Celery 5.7.0 collects a broken connection and then closes it once more.

    While Redis refuses connections, kombu 5.7.0 answers that second closing with an AttributeError (or an
    AssertionError), which Celery takes for unrecoverable: the worker would end, and the steps at work with it.
    """

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        """Let go of the broken connection; the consumer then begins anew as soon as Redis answers."""
        try:
            super().on_connection_error_after_connected(exc)
        except (AttributeError, AssertionError) as error:
            log.warning("the broken connection to the broker could not be closed in order: %r", error)
