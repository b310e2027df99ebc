"""What an operator sees: the status command, the metrics, with Redis there and away."""

import io
import json
import multiprocessing
import time
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone
from kombu import Consumer
from kombu.transport.redis import Channel
from prometheus_client.parser import text_string_to_metric_families

from apps.accounts.models import User
from apps.generations import signals, workers
from apps.generations.models import Generation, Stage, Status
from apps.generations.services import begin, end_without_result
from apps.inference import overview
from studio import metrics, redis_client
from studio.celery import app as celery_app
from studio.errors import StudioError
from tests.factories import GenerationFactory

pytestmark = pytest.mark.django_db
TOKEN = {"Authorization": "Bearer let-me-read"}


@pytest.fixture(autouse=True)
def nothing_counted(settings):
    settings.METRICS_TOKEN = "let-me-read"
    redis_client.client().delete(metrics.KEY, workers.KEY)


@pytest.fixture
def redis_away(monkeypatch):
    """A port of loopback where nobody listens."""
    away = redis_client._client("redis://127.0.0.1:1/0")
    monkeypatch.setattr(redis_client, "client", lambda: away)
    monkeypatch.setattr(metrics, "redis_client", lambda: away)


def status(**options) -> str:
    out = io.StringIO()
    call_command("inference", "status", stdout=out, **options)
    return out.getvalue()


def figures(client, **headers) -> dict[str, float]:
    """Samples as "name{a=b}"."""
    answer = client.get("/metrics", headers=headers or TOKEN)
    assert answer.status_code == 200
    found = {}
    for family in text_string_to_metric_families(answer.content.decode()):
        for sample in family.samples:
            labels = ",".join(f"{key}={value}" for key, value in sorted(sample.labels.items()))
            found[sample.name + (f"{{{labels}}}" if labels else "")] = sample.value
    return found


def test_footage_is_looked_through_when_nothing_else_waits_and_counted_all_the_same(settings):
    """Somebody who brings a hundred clips must not hold up the probes, mails and webhooks of everybody."""
    redis_client.client().delete("io", f"io{Channel.sep}{settings.GOES_LAST}")
    for task in ("inference.check_footage", "assets.probe", "inference.check_footage", "generations.dispatch"):
        celery_app.send_task(task, args=["x"])
    assert overview.queue_lengths()["io"] == 4
    came = []
    with celery_app.connection_for_read() as connection:
        queue = celery_app.amqp.queues["io"]
        take = Consumer(connection, [queue], callbacks=[lambda _, message: came.append(message)], prefetch_count=1)
        with take:
            while len(came) < 4:
                connection.drain_events(timeout=5)
                came[-1].ack()
    assert [message.headers["task"] for message in came] == [
        *("assets.probe", "generations.dispatch"),
        *("inference.check_footage", "inference.check_footage"),
    ]


@pytest.fixture
def some_takes():
    """Two wait, one was sent, one runs, one runs without a worker, one failed."""
    waiting = GenerationFactory(created_at=timezone.now() - timedelta(seconds=90)), GenerationFactory()
    sent = GenerationFactory(sent_at=timezone.now())
    running, stuck, failed = (GenerationFactory(sent_at=timezone.now()) for _ in range(3))
    for take in (running, stuck, failed):
        begin(take.pk)
    Generation.objects.filter(pk=stuck.pk).update(heartbeat_at=timezone.now() - timedelta(minutes=5))
    signals.sign_of_life(running.pk)
    signals.raise_percent(running.pk, 40)
    end_without_result(failed.pk, Status.FAILED, StudioError("generation_timeout", "Too long."))
    return waiting, sent, running, stuck, failed


def test_the_status_of_an_empty_studio_says_who_is_missing():
    told = status()
    assert "Takes    0 waiting; 0 sent; 0 running" in told
    assert "Nobody   serves cpu" in told
    assert "Nobody   serves io" in told
    assert "Nobody   serves fetch" in told


def test_the_status_tells_what_waits_runs_and_is_stuck(some_takes):
    _, _, running, stuck, _ = some_takes
    workers.sign("cpu-7@box", ["cpu"], 2, ["lipsync-2"])
    told = status()
    assert "2 waiting, the oldest for 1 min 30 s; 1 sent; 2 running" in told
    assert "Ended    1 failed" in told
    assert "Worker   cpu-7@box: cpu; 2 at once; renders lipsync-2" in told
    assert f"Running  {running.pk} lipsync-2: queued 40 %" in told
    assert f"Running  {stuck.pk} lipsync-2: stuck, no worker signed for 5 min 0 s" in told
    assert "Stuck    1;" in told
    assert "Nobody   serves cpu" not in told
    assert json.loads(status(json=True))["stuck"] == [str(stuck.pk)]


def test_the_status_tells_how_fast_a_take_is_drawn(some_takes, monkeypatch):
    _, _, running, _, _ = some_takes
    Generation.objects.filter(pk=running.pk).update(stage=Stage.LIPSYNC)
    signals.set_pieces(running.pk, [0, 50], 100)
    signals.set_piece(running.pk, 0, 30)
    signals.set_piece(running.pk, 50, 20)
    later = time.time() + 4
    monkeypatch.setattr(time, "time", lambda: later)
    assert ", 12.5 frames/s, for " in status()
    assert [round(take["fps"], 1) for take in json.loads(status(json=True))["running"] if take["fps"]] == [12.5]


def test_the_status_works_while_redis_is_away(some_takes, redis_away):
    told = status()
    assert "Redis    does not answer" in told
    assert "2 waiting" in told


def test_only_the_token_and_staff_read_the_metrics(client, owner, as_person, settings):
    for headers in (
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Bearer "},
        {"Authorization": "let-me-read"},
    ):
        assert client.get("/metrics", headers=headers).status_code == 404
    assert as_person(owner).get("/metrics").status_code == 404
    assert client.get("/metrics", headers=TOKEN).status_code == 200
    User.objects.filter(pk=owner.pk).update(is_staff=True)
    assert as_person(owner).get("/metrics").status_code == 200
    settings.METRICS_TOKEN = ""
    assert client.get("/metrics", headers={"Authorization": "Bearer "}).status_code == 404


def test_the_metrics_tell_how_it_stands(client, some_takes):
    workers.sign("cpu-7@box", ["cpu"], 2, ["lipsync-2"])
    workers.sign("cpu-8@box", ["cpu", "io"], 3, ["lipsync-2"])
    found = figures(client)
    states = {state: found[f"studio_takes{{state={state}}}"] for state in ("waiting", "sent", "running")}
    assert states == {"waiting": 2, "sent": 1, "running": 2}
    assert (found["studio_redis_up"], found["studio_takes_stuck"], found["studio_workers"]) == (1, 1, 2)
    assert (found["studio_worker_slots{queue=cpu}"], found["studio_worker_slots{queue=io}"]) == (5, 3)
    assert found["studio_oldest_waiting_seconds"] >= 90
    assert "studio_queue_messages{queue=gpu}" in found


def test_the_metrics_answer_while_redis_is_away(client, redis_away):
    assert figures(client)["studio_redis_up"] == 0


def test_a_wait_and_an_ending_are_counted_once(client, django_capture_on_commit_callbacks):
    take = GenerationFactory(created_at=timezone.now() - timedelta(seconds=15))
    with django_capture_on_commit_callbacks(execute=True):
        begin(take.pk)
        for _ in range(2):
            end_without_result(take.pk, Status.FAILED, StudioError("generation_timeout", "Too long."))
    found = figures(client)
    assert found["studio_generations_ended_total{code=generation_timeout,model=lipsync-2,status=FAILED}"] == 1
    assert found["studio_queue_wait_seconds_count{model=lipsync-2}"] == 1
    assert found["studio_queue_wait_seconds_bucket{le=10.0,model=lipsync-2}"] == 0
    assert found["studio_queue_wait_seconds_bucket{le=20.0,model=lipsync-2}"] == 1
    assert 15 <= found["studio_queue_wait_seconds_sum{model=lipsync-2}"] < 20


def test_buckets_add_up_as_prometheus_wants_them(client):
    for measured in (0.4, 0.5, 7.0, 90_000.0):
        metrics.STEP.add(measured, "render", "sync-3", "done")
    found = figures(client)
    labels = "model=sync-3,outcome=done,step=render"
    buckets = [
        found[f"studio_step_seconds_bucket{{le={le},{labels}}}"] for le in ("0.1", "0.5", "10.0", "3600.0", "+Inf")
    ]
    assert buckets == [0, 2, 3, 3, 4]
    assert found[f"studio_step_seconds_sum{{{labels}}}"] == pytest.approx(90_007.9)


def count(times: int) -> None:
    for _ in range(times):
        metrics.ENDED.add("lipsync-2", "COMPLETED", "")


def test_counts_of_several_processes_add_up(client):
    processes = [multiprocessing.get_context("fork").Process(target=count, args=[50]) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert figures(client)["studio_generations_ended_total{code=,model=lipsync-2,status=COMPLETED}"] == 200


def test_a_count_while_redis_is_away_is_lost_and_nothing_else(redis_away):
    metrics.ENDED.add("lipsync-2", "COMPLETED", "")
