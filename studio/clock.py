"""Celery's clock, mended so that it goes on when the machine's clock is set back.

A task is due some time after its last run. Where the machine's clock ran ahead and was put right, that run lies in the
future, and beat would wait until the clock gets there again, a restart included, because it notes the runs in a file:
waiting takes, webhooks and lost work would stay where they are for as long as the clock had been wrong.
"""

from celery.beat import PersistentScheduler


class Scheduler(PersistentScheduler):
    """Takes a run that has not been yet for one of just now."""

    def tick(self, *args, **kwargs) -> float:
        for entry in self.schedule.values():
            if entry.last_run_at and entry.last_run_at > (now := entry.default_now()):
                entry.last_run_at = now
                self._heap = None  # its order goes by the clock as it was
        return super().tick(*args, **kwargs)
