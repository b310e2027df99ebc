"""Kills workers and takes Redis away while takes are made, and counts what was lost.

    python -m benchmarks.chaos [--jobs 25] [--kills 50] [--seed N]

Starts a studio of its own in a temporary folder: Redis, SQLite, two workers. Each kill is told as it happens; the last
line says how many takes ended, were lost or charged twice, and how many files belong to nothing.
"""

from __future__ import annotations

import argparse
import collections
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parent.parent
WORKERS = 2
SWEEP_EVERY_S = 2.0
# Between two blows: a worker needs some seconds to start, and without workers there is nothing to kill.
LEAST_GAP_S = 0.8
# The sweeper of a studio waits longer before it takes a silent take for lost; here nobody shall wait that long.
SILENT_AFTER_S = 15.0
SETTLED_AFTER_S = 10.0
GIVE_UP_S = 1800


def main(arguments: list[str] | None = None) -> int:
    """1 where anything was lost, charged twice or left behind."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=25)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(arguments)
    folder = Path(tempfile.mkdtemp(prefix="studio-chaos-"))
    os.environ.setdefault("STUDIO_MODELS", str(ROOT / "var" / "models"))
    os.environ |= {"STUDIO_DATA": str(folder), "DJANGO_SETTINGS_MODULE": "studio.settings"}
    os.environ["STUDIO_BACKENDS"] = "lipsync-2=benchmarks.chaos_engine.ShortPieces"
    stack = Stack(folder)
    try:
        return Chaos(stack, given.jobs, given.kills, given.seed).run()
    finally:
        stack.stop()
        shutil.rmtree(folder, ignore_errors=True)


class Stack:
    """Redis and the workers, started again where they died, as a supervisor would."""

    def __init__(self, folder: Path) -> None:
        from studio.redis_server import RedisServer

        self.folder = folder
        self.redis = RedisServer(folder / "redis")
        self.redis.start()
        os.environ["REDIS_URL"] = self.redis.url
        self.workers: list[subprocess.Popen[bytes] | None] = [None] * WORKERS

    def tend(self) -> None:
        """Start every worker that does not run."""
        for place, worker in enumerate(self.workers):
            if worker is None or worker.poll() is not None:
                command = ["celery", "-A", "studio", "worker", "-n", f"chaos-{place}@%h", "-Q", "cpu,io", "-c", "1"]
                self.workers[place] = subprocess.Popen(
                    [sys.executable, "-m", *command, "-l", "WARNING", "--without-gossip"],
                    cwd=ROOT,
                    stdout=(self.folder / "worker.log").open("ab"),
                    stderr=subprocess.STDOUT,
                    process_group=0,
                )

    def children(self) -> list[int]:
        """The processes that do the work."""
        return [child for worker in self.workers if worker is not None for child in self.children_of(worker)]

    def children_of(self, worker: subprocess.Popen[bytes]) -> list[int]:
        """The processes in which one worker does its work; none while it starts."""
        try:
            children = psutil.Process(worker.pid).children() if worker.poll() is None else []
            return [child.pid for child in children if child.status() != psutil.STATUS_ZOMBIE]  # nobody dies twice
        except psutil.NoSuchProcess:
            return []

    def stop(self) -> None:
        for worker in self.workers:
            if worker is not None and worker.poll() is None:
                os.killpg(worker.pid, signal.SIGKILL)
                worker.wait()
        self.redis.stop()


class Chaos:
    """The takes, the blows, and the count afterwards."""

    def __init__(self, stack: Stack, jobs: int, kills: int, seed: int) -> None:
        self._stack, self._jobs, self._kills = stack, jobs, kills
        self._dice = random.Random(seed)
        self._done: collections.Counter[str] = collections.Counter()
        self._began = time.monotonic()

    def run(self) -> int:
        """Make all takes under blows; the report goes to the terminal."""
        import django

        django.setup()
        from django.core.management import call_command

        from apps.generations import signals
        from apps.inference import keeping

        signals.SILENT_AFTER_S = SILENT_AFTER_S
        keeping.SETTLED_AFTER = timedelta(seconds=SETTLED_AFTER_S)
        call_command("migrate", verbosity=0)
        self._say(f"{self._jobs} takes of a clip of 3 s, {self._kills} blows, {WORKERS} workers")
        takes = self._make_takes()
        self._stack.tend()
        self._until_all_ended(takes)
        return self._report()

    def _make_takes(self) -> list[object]:
        """Queued takes, each with an expressiveness of its own so that none shares its pieces with another."""
        from django.conf import settings

        from apps.accounts.models import User
        from apps.assets.checking import check_asset
        from apps.assets.services import import_file
        from apps.billing import ledger
        from apps.catalog.registry import clean_options
        from apps.generations.models import Generation
        from apps.inference.engine.sample import SHORT, make_sample
        from apps.workspaces.services import create_workspace

        sample = make_sample(self._stack.folder / "sample", settings.MODELS_DIR, SHORT)
        owner = User.objects.create_user("chaos@studio.example", "open-the-studio-1")
        workspace = create_workspace(name="Chaos", owner=owner)
        files = []
        for path in (sample.video, sample.new_line):
            asset = import_file(workspace=workspace, user=owner, path=path, name=path.name)
            check_asset(asset.pk)
            asset.refresh_from_db()
            files.append(asset)
        takes = []
        for number in range(1, self._jobs + 1):
            options, _ = clean_options("lipsync-2", {"temperature": number / (self._jobs + 1)})
            take = Generation.objects.create(
                workspace=workspace, number=number, created_by=owner, video=files[0], audio=files[1],
                model="lipsync-2", sync_mode="cut_off", options=options, quoted_seconds=3.0,
                price_micros_per_frame=2000, quoted_micros=150_000,
            )  # fmt: skip
            ledger.hold(workspace=workspace, subject=take.pk, micros=take.quoted_micros)
            takes.append(take.pk)
        return takes

    def _until_all_ended(self, takes: list[object]) -> None:
        """Tend the stack and strike, two blows for each take, until every take has ended."""
        from apps.generations import queue
        from apps.generations.models import Generation
        from apps.inference import sweeping

        struck_at = swept_at = 0.0
        while time.monotonic() - self._began < GIVE_UP_S:
            open_takes = Generation.objects.filter(pk__in=takes).active().count()
            if not open_takes and self._done.total() >= self._kills:
                return
            self._stack.tend()
            now = time.monotonic()
            if now - swept_at > SWEEP_EVERY_S:
                swept_at = now
                queue.dispatch()
                sweeping.sweep()
            due = self._kills * (self._jobs - open_takes + 1) / self._jobs
            if self._done.total() < min(due, self._kills) and now - struck_at > LEAST_GAP_S * self._dice.uniform(1, 3):
                struck_at = now
                self._strike()
            time.sleep(0.1)

    def _strike(self) -> None:
        """One blow: mostly a worker's child, at times a whole worker or Redis."""
        kind = self._dice.choices(["child", "worker", "redis restart", "redis pause"], [70, 18, 6, 6])[0]
        if kind == "child":
            children = self._stack.children()
            if not children:
                return
            victim = self._dice.choice(children)
            os.kill(victim, signal.SIGKILL)
            self._note(kind, f"killed the child {victim}")
        elif kind == "worker":
            able = [one for one in self._stack.workers if one is not None and self._stack.children_of(one)]
            if not able:
                return
            worker = self._dice.choice(able)
            os.killpg(worker.pid, signal.SIGKILL)
            worker.wait()
            self._note(kind, f"killed the worker {worker.pid} and its child")
        elif kind == "redis restart":
            away = self._dice.uniform(0.2, 3)
            self._stack.redis.stop()
            time.sleep(away)
            self._stack.redis.start()
            self._note(kind, f"restarted Redis, which was away for {away:.1f} s")
        else:
            assert self._stack.redis.process is not None
            away = self._dice.uniform(0.5, 4)
            self._stack.redis.process.send_signal(signal.SIGSTOP)
            time.sleep(away)
            self._stack.redis.process.send_signal(signal.SIGCONT)
            self._note(kind, f"froze Redis for {away:.1f} s")

    def _note(self, kind: str, words: str) -> None:
        self._done[kind] += 1
        self._say(f"{self._done.total():3d}  {words}")

    def _say(self, words: str) -> None:
        print(f"{time.monotonic() - self._began:6.1f} s  {words}", flush=True)

    def _report(self) -> int:
        """What was done to whom, what became of it, and the line that counts."""
        from apps.billing.models import Transaction, TransactionKind
        from apps.generations.models import Generation
        from apps.generations.proof import wrong_outcomes
        from apps.inference import sweeping
        from benchmarks.chaos_engine import log_file
        from benchmarks.leftovers import orphans

        deadline = time.monotonic() + 30  # a step of a take that has ended needs a moment to stop
        while (left := orphans()) and time.monotonic() < deadline:
            sweeping.sweep()
            time.sleep(0.5)
        takes = Generation.objects.all()
        ended = collections.Counter(take.status for take in takes)
        lost = sum(not take.is_final for take in takes)
        captures = collections.Counter(
            Transaction.objects.filter(kind=TransactionKind.CAPTURE).values_list("subject", flat=True)
        )
        twice = sum(count > 1 for count in captures.values())
        drawn = collections.Counter(log_file().read_text().split("\n")[:-1]) if log_file().exists() else {}
        again = sum(count - 1 for count in drawn.values())
        wrong = wrong_outcomes()
        self._say("blows: " + ", ".join(f"{count} × {kind}" for kind, count in self._done.most_common()))
        self._say("takes: " + ", ".join(f"{count} {status}" for status, count in ended.most_common()))
        for take in takes.exclude(error_code=""):
            self._say(f"  take {take.number}: {take.error_code}, {take.error_message}")
        self._say("attempts: " + ", ".join(str(take.attempts) for take in takes))
        self._say(f"pieces: {len(drawn)} drawn, {again} of them once more")
        for words in [*wrong, *left]:
            self._say(f"  {words}")
        print(f"{len(takes) - lost} terminal, {lost} lost, {twice} charged twice, {len(left)} orphan files")
        return int(bool(lost or twice or left or wrong))


if __name__ == "__main__":
    sys.exit(main())
