"""The queue: whose turn it is, how much is handed over, and that two who hand out at once never overfill."""

import threading
from collections import Counter
from datetime import UTC, datetime, timedelta
from unittest.mock import patch
from uuid import UUID

import pytest
from django.db import connections
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from kombu.exceptions import OperationalError as QueueAway
from redis.exceptions import ConnectionError as RedisAway

from apps.billing.plans import current_plan, load_plans, subscribe
from apps.generations import queue, workers
from apps.generations.models import Generation, Status
from apps.generations.queue import Waiting, dispatch, in_turn
from apps.generations.services import begin, end_without_result, submit_generation
from studio import redis_client
from studio.errors import StudioError
from tests.factories import AssetFactory, GenerationFactory, ProjectFactory, WorkspaceFactory

START = datetime(2026, 1, 1, tzinfo=UTC)
ANN, BEN, CY = (UUID(int=number) for number in (1, 2, 3))


def line(*takes: tuple[UUID, int], cost: float = 10.0, background: bool = False) -> list[Waiting]:
    """Takes as (workspace, second of arrival)."""
    return [
        Waiting(UUID(int=1000 + at), who, "lipsync-2", START + timedelta(seconds=at), cost, background)
        for who, at in takes
    ]


def whose(order: list[Waiting]) -> list[UUID]:
    return [take.workspace_id for take in order]


def test_a_newcomer_does_not_stand_behind_all_takes_of_another():
    waiting = line((ANN, 0), (ANN, 1), (ANN, 2), (BEN, 3))
    assert whose(in_turn(waiting, {}, {})) == [ANN, BEN, ANN, ANN]


def test_who_got_much_lately_waits_for_who_got_little():
    waiting = line((ANN, 0), (ANN, 1), (BEN, 2), (BEN, 3))
    assert whose(in_turn(waiting, {ANN: 25.0}, {})) == [BEN, BEN, ANN, ANN]


def test_a_plan_with_three_parts_gets_three_turns_of_four():
    waiting = line(*[(ANN, n) for n in range(0, 40, 2)], *[(BEN, n) for n in range(1, 41, 2)])
    first = Counter(whose(in_turn(waiting, {}, {ANN: 3.0, BEN: 1.0})[:12]))
    assert first == {ANN: 9, BEN: 3}


def test_long_takes_count_for_more_than_short_ones():
    waiting = line(*[(ANN, n) for n in range(4)], cost=60.0) + line(*[(BEN, n) for n in range(10, 18)], cost=10.0)
    assert whose(in_turn(waiting, {}, {})[:8]).count(BEN) == 6


def test_batches_come_after_what_people_wait_for():
    waiting = line((ANN, 0), (ANN, 1), background=True) + line((BEN, 2), (BEN, 3))
    assert whose(in_turn(waiting, {BEN: 500.0}, {})) == [BEN, BEN, ANN, ANN]


takes = st.lists(
    st.tuples(st.sampled_from([ANN, BEN, CY]), st.integers(0, 10**6), st.booleans()), unique_by=lambda t: t[1]
)


@given(takes, st.dictionaries(st.sampled_from([ANN, BEN, CY]), st.floats(0, 1e4)))
def test_everybody_comes_once_and_ones_own_takes_stay_in_order(arrivals, served):
    waiting = [take for who, at, late in arrivals for take in line((who, at), background=late)]
    order = in_turn(waiting, served, {ANN: 6.0})
    assert sorted(take.pk for take in order) == sorted(take.pk for take in waiting)
    for who in (ANN, BEN, CY):
        for late in (False, True):
            own = [take.created_at for take in order if (take.workspace_id, take.background) == (who, late)]
            assert own == sorted(own)


@pytest.fixture
def sent():
    with patch.object(queue.celery_app, "send_task") as send:
        yield lambda: [UUID(call.kwargs["args"][0]) for call in send.call_args_list]


@pytest.fixture
def two_slots():
    redis_client.client().delete(workers.KEY)  # workers of other tests, gone but not yet struck off
    workers.sign("cpu@test", ["cpu"], 2, ["lipsync-2", "sync-3"])
    yield
    redis_client.client().delete(workers.KEY)


def hand_out(capture) -> int:
    with capture(execute=True):
        return dispatch()


@pytest.mark.django_db
class TestDispatch:
    def test_no_more_is_sent_than_the_workers_can_take(self, sent, two_slots, django_capture_on_commit_callbacks):
        takes = GenerationFactory.create_batch(3)
        assert hand_out(django_capture_on_commit_callbacks) == 2
        assert hand_out(django_capture_on_commit_callbacks) == 0
        assert sent() == [take.pk for take in takes[:2]]
        begin(takes[0].pk)
        assert hand_out(django_capture_on_commit_callbacks) == 0  # running takes hold their place
        with django_capture_on_commit_callbacks(execute=True):
            end_without_result(takes[0].pk, Status.CANCELLED)  # which calls the next one in
        assert sent()[2:] == [takes[2].pk]

    def test_models_that_share_workers_share_their_places(self, sent, two_slots, django_capture_on_commit_callbacks):
        for model in ("lipsync-2", "sync-3", "sync-3"):
            GenerationFactory(model=model)
        elsewhere = GenerationFactory(model="lipsync-2-pro")
        workers.sign("gpu@test", ["gpu"], 1, ["lipsync-2-pro"])
        assert hand_out(django_capture_on_commit_callbacks) == 3
        assert elsewhere.pk in sent()

    def test_without_a_worker_one_take_is_sent_and_waits_for_it(self, sent, django_capture_on_commit_callbacks):
        GenerationFactory.create_batch(2)
        assert hand_out(django_capture_on_commit_callbacks) == 1

    def test_a_take_that_cannot_be_sent_waits_again(self, two_slots, django_capture_on_commit_callbacks):
        take = GenerationFactory()
        with patch.object(queue.celery_app, "send_task", side_effect=QueueAway("no Redis")):
            hand_out(django_capture_on_commit_callbacks)
        assert list(Generation.objects.waiting()) == [take]

    def test_while_redis_is_away_all_wait(self, sent):
        GenerationFactory()
        with patch.object(workers, "present", side_effect=RedisAway("no Redis")):
            assert dispatch() == 0
        assert Generation.objects.waiting().count() == 1

    def test_weights_are_the_plans_takes_at_once(self, settings):
        settings.BILLING = True
        rich, poor = WorkspaceFactory.create_batch(2)
        subscribe(workspace=rich, plan=current_plan("growth"))
        for workspace in (rich, poor):
            GenerationFactory.create_batch(7, workspace=workspace)
        first = Counter(whose(queue.waiting_in_turn()[:7]))
        assert first == {rich.pk: 6, poor.pk: 1}

    def test_what_was_sent_in_the_last_hour_counts(self):
        busy, fresh = WorkspaceFactory.create_batch(2)
        GenerationFactory(workspace=busy, sent_at=timezone.now() - timedelta(minutes=30), status=Status.COMPLETED)
        for workspace in (busy, fresh):
            GenerationFactory(workspace=workspace)
        assert whose(queue.waiting_in_turn()) == [fresh.pk, busy.pk]
        Generation.objects.update(sent_at=None)
        Generation.objects.filter(status=Status.COMPLETED).update(sent_at=timezone.now() - timedelta(hours=2))
        assert whose(queue.waiting_in_turn()) == [busy.pk, fresh.pk]

    def test_a_batch_that_waited_an_hour_goes_with_the_others(self):
        old = GenerationFactory(background=True, created_at=timezone.now() - timedelta(minutes=61))
        GenerationFactory()
        assert queue.waiting_in_turn()[0].pk == old.pk


@pytest.fixture
def at_once():
    """``at_once(count, do)`` runs ``do(number)`` in so many threads, each with its own connection."""

    def run(count: int, do) -> None:
        gate = threading.Barrier(count)

        def one(number: int) -> None:
            try:
                gate.wait()
                do(number)
            finally:
                connections.close_all()

        threads = [threading.Thread(target=one, args=[number]) for number in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    return run


@pytest.mark.database
@pytest.mark.django_db(transaction=True)
def test_two_who_hand_out_at_once_fill_each_place_once(at_once, two_slots, sent):
    GenerationFactory.create_batch(5)
    at_once(6, lambda number: dispatch())
    assert len(sent()) == len(set(sent())) == 2
    assert Generation.objects.on_workers().count() == 2


@pytest.mark.database
@pytest.mark.django_db(transaction=True)
def test_submits_at_the_same_moment_cannot_pass_the_plans_limit_together(
    at_once, settings, membership, workspace, sent
):
    settings.BILLING = True
    load_plans()
    subscribe(workspace=workspace, plan=current_plan("hobbyist"))
    draft = {
        "project": ProjectFactory(workspace=workspace),
        "video": AssetFactory(workspace=workspace, video=True),
        "audio": AssetFactory(workspace=workspace, audio=True),
        "model": "lipsync-2",
        "sync_mode": "cut_off",
        "options": {},
    }
    outcomes: list[str] = []

    def submit(number: int) -> None:
        try:
            submit_generation(membership=membership, **draft)
            outcomes.append("admitted")
        except StudioError as error:
            outcomes.append(error.code)

    at_once(2, submit)
    assert sorted(outcomes) == ["admitted", "concurrency_limit_reached"]
    assert Generation.objects.count() == 1
