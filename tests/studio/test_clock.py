"""Celery's clock where the machine's own is set back."""

from datetime import timedelta

from celery import Celery

from studio.clock import Scheduler


def a_clock(tmp_path) -> Scheduler:
    app = Celery(broker="memory://")
    app.conf.beat_schedule = {
        "often": {"task": "often", "schedule": 5.0},
        "seldom": {"task": "seldom", "schedule": 3600.0},
    }
    return Scheduler(app, schedule_filename=str(tmp_path / "beat"), lazy=False)


def waits(clock: Scheduler) -> float:
    """Seconds until the next run, when all that is due has run."""
    while not (seconds := clock.tick()):
        pass
    return seconds


def test_a_clock_that_ran_ahead_holds_nothing_up(tmp_path):
    clock = a_clock(tmp_path)
    assert waits(clock) <= 5
    for entry in clock.schedule.values():
        entry.last_run_at += timedelta(days=1)
    clock.populate_heap()
    assert waits(clock) <= 5
    assert all(entry.last_run_at <= entry.default_now() for entry in clock.schedule.values())
    clock.close()


def test_nor_after_a_restart(tmp_path):
    clock = a_clock(tmp_path)
    for entry in clock.schedule.values():
        entry.last_run_at += timedelta(days=365)
    clock.close()
    again = a_clock(tmp_path)
    assert waits(again) <= 5
    again.close()


def test_what_has_run_is_not_run_again_for_that(tmp_path):
    clock = a_clock(tmp_path)
    before = {name: entry.total_run_count for name, entry in clock.schedule.items()}
    waits(clock)
    assert {name: entry.total_run_count for name, entry in clock.schedule.items()} == before
    clock.close()
