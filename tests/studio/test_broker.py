"""Celery's way to Redis when the connection is gone."""

import time

import pytest
from kombu.exceptions import OperationalError
from redis.exceptions import ConnectionError as AwayError

from studio.broker import PatientTransport
from studio.celery import Studio, app


def test_an_acknowledgement_on_a_lost_connection_is_a_connection_error():
    """Anything else ends the worker, see the module."""
    connection = app.connection_for_write()
    assert isinstance(connection.transport, PatientTransport)
    channel = connection.default_channel
    channel._disconnect_pools()
    connection.transport.client = None  # as Celery leaves it behind
    with pytest.raises(AwayError):
        channel.basic_ack("a tag")
    assert AwayError in connection.connection_errors


def test_an_address_with_tls_leads_to_the_same_transport():
    assert isinstance(
        app.connection("rediss://redis.example:6379/0?ssl_cert_reqs=required").transport, PatientTransport
    )


def test_what_cannot_be_sent_says_so_soon_and_as_a_fault_of_the_queue():
    nowhere = "redis://127.0.0.1:1/0"
    began = time.monotonic()
    with pytest.raises(OperationalError):
        Studio("away", broker=nowhere, backend=nowhere, set_as_current=False).send_task("assets.probe", args=["x"])
    assert time.monotonic() - began < 5
