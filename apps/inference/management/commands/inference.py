"""``manage.py inference status``: what waits, what runs, who works, what is stuck."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from apps.generations import signals
from apps.inference.overview import Overview, overview


class Command(BaseCommand):
    help = "Say how the takes, the queues and the workers stand."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("what", choices=["status"], help="status: takes, queues, workers")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            now = overview()
        except DatabaseError as error:
            raise CommandError(f"The database cannot be asked: {error}") from error
        if options["json"]:
            facts = asdict(now) | {"stuck": [take.id for take in now.stuck]}
            self.stdout.write(json.dumps(facts, indent=2, default=str))
            return
        for line in told(now):
            self.stdout.write(line)


def told(now: Overview) -> list[str]:
    """The overview in lines."""
    oldest = f", the oldest for {span(now.oldest_waiting_s)}" if now.oldest_waiting_s is not None else ""
    lines = [f"Takes    {now.waiting} waiting{oldest}; {now.sent} sent; {len(now.running)} running"]
    if now.ended:
        lines.append(
            "Ended    " + ", ".join(f"{count} {status.lower()}" for status, count in sorted(now.ended.items()))
        )
    if now.queues is None or now.workers is None:
        lines += ["Redis    does not answer: queues and workers are not known, and nothing is handed out"]
    else:
        lines.append("Queues   " + ", ".join(f"{name} {length}" for name, length in now.queues.items()))
        lines += _workers(now)
    for take in now.running:
        speed = f", {take.fps:.1f} frames/s" if take.fps is not None else ""
        state = f"{take.stage} {take.percent} %{speed}"
        if take.stuck:
            state = f"stuck, no worker signed for {span(take.silent_s)}"
        tries = f", attempt {take.attempts}" if take.attempts > 1 else ""
        lines.append(f"Running  {take.id} {take.model}: {state}, for {span(take.running_s)}{tries}")
    if now.stuck:
        lines.append(f"Stuck    {len(now.stuck)}; the sweep takes them up within {signals.SILENT_AFTER_S + 60:.0f} s")
    return lines


def _workers(now: Overview) -> list[str]:
    assert now.workers is not None
    lines = [
        f"Worker   {worker.name}: {', '.join(worker.queues)}; {worker.slots} at once"
        + (f"; renders {', '.join(worker.models)}" if worker.models else "")
        for worker in now.workers
    ]
    served = {queue for worker in now.workers for queue in worker.queues}
    lines += [f"Nobody   serves {name}" for name in ("cpu", "io", "fetch") if name not in served]
    return lines


def span(seconds: float) -> str:
    """90 gives "1 min 30 s", 7300 "2 h 1 min"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    return f"{whole // 60} min {whole % 60} s" if whole < 3600 else f"{whole // 3600} h {whole % 3600 // 60} min"
