"""Redis restarts, or forgets everything, in the middle of a take: the take goes on, and nothing is drawn twice."""

import pytest
from django.core.cache import cache
from django.db import transaction

from apps.generations.models import Generation, Status
from apps.generations.queue import dispatch, hand_to_workers
from apps.inference import sweeping
from tests import environment
from tests.faults import engine
from tests.faults.stack import Workers, check_the_books, ended, lost_for_long, started, until
from tests.inference.fake import calls

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("step", ["footage-b", "render-10", "assemble"])
def test_a_restart_of_redis_in_the_middle(workers: Workers, make_take, step):
    """What was in the queue is on disk, as with ``make run``; the step at work does not even notice."""
    engine.hold_in(step)
    take = started(make_take())
    until(engine.is_held, f"{step} is at work")
    environment.server.stop()
    environment.server.start()
    engine.go_on()
    lost_for_long(take)
    assert ended(take, sweeps=True).status == Status.COMPLETED
    assert calls().count("render-0") == calls().count("render-10") == 1
    check_the_books(take)


def test_redis_that_comes_back_empty(workers: Workers, make_take):
    """The messages, the chord's count and all progress are gone; the sweeper hands the take over anew."""
    engine.hold_in("render-10")
    take = started(make_take())
    until(lambda: engine.is_held() and "render-0" in calls(), "rendering is at work")
    cache.clear()
    with sweeping.celery_app.connection_for_write() as connection:
        connection.default_channel.client.flushall()
    engine.go_on()
    lost_for_long(take)
    assert ended(take, sweeps=True).status == Status.COMPLETED
    assert calls().count("render-0") == calls().count("plan") == 1
    take.refresh_from_db()
    assert take.attempts == 2
    check_the_books(take)


def test_a_take_sent_while_redis_is_away_is_sent_later(workers: Workers, make_take):
    take = make_take()
    environment.server.stop()
    try:
        with transaction.atomic():
            hand_to_workers(take.pk)
        assert sweeping.queued_takes() is None
    finally:
        environment.server.start()
    assert Generation.objects.get(pk=take.pk).status == Status.PENDING
    until(
        lambda: Generation.objects.get(pk=take.pk).is_final,
        "the take ends",
        meanwhile=dispatch,
    )
    take.refresh_from_db()
    assert take.status == Status.COMPLETED
    check_the_books(take)
