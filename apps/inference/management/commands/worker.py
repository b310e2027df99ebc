"""Start a Celery worker that serves the queues it is told: ``manage.py worker --queues gpu --slots 1``."""

import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from studio.environment import name_places_in_full, read

# Waiting for another machine costs nothing, so one process waits for many; everything else needs its own.
THREADED = {"remote", "fetch"}


class Command(BaseCommand):
    help = "Run a Celery worker on some queues: cpu and gpu render, remote and fetch wait for others, io does the rest."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--queues",
            default=",".join(read("STUDIO_QUEUES")),
            help=f"of {', '.join(settings.QUEUES)}, separated by commas; default: STUDIO_QUEUES",
        )
        parser.add_argument("--slots", type=int, default=0, help="steps at once; default: STUDIO_WORKERS, or the cores")

    def handle(self, *args: Any, queues: str, slots: int, **options: Any) -> None:
        chosen = [name.strip() for name in queues.split(",") if name.strip()]
        if wrong := sorted(set(chosen) - set(settings.QUEUES)):
            raise CommandError(f"There is no queue {', '.join(wrong)}. There are: {', '.join(settings.QUEUES)}.")
        if not chosen:
            raise CommandError("No queue is named. Set STUDIO_QUEUES, or give --queues.")
        command = worker_command(chosen, slots or read("STUDIO_WORKERS") or os.cpu_count() or 1)
        # A machine that shuts down sends TERM and kills soon after. Celery would wait for the step however long it
        # takes; like this it goes on for CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT and hands the step back.
        os.environ["REMAP_SIGTERM"] = "SIGQUIT"
        os.environ["CELERY_CUSTOM_WORKER_POOL"] = "studio.stopping:StoppableThreads"
        name_places_in_full()
        os.chdir(settings.BASE_DIR)
        os.execv(command[0], command)  # noqa: S606


def worker_command(queues: list[str], slots: int) -> list[str]:
    """Celery's command line; the name says what is served and is this process's own."""
    pool = "custom" if set(queues) <= THREADED else "prefork"
    name = f"{'+'.join(queues)}-{os.getpid()}@%h"
    start = [sys.executable, "-m", "celery", "--quiet", "-A", "studio", "worker", "-n", name]
    level = "INFO" if settings.LOG_AS_JSON else "WARNING"  # on a terminal only what somebody should look at
    return [*start, "-Q", ",".join(queues), "-c", str(slots), "-P", pool, "-l", level, "--without-gossip"]
