"""The processes of a studio on one machine, as a configuration of supervisord.

supervisord restarts a part that died, stops the parts in the right order (web and worker before their Redis) and
leaves nothing running. A worker gets time to finish or hand back its step before it is killed.
"""

import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

# What runs each part, so that it ends where supervisord is killed; alone, for it needs nothing of ours.
LEASH = [sys.executable, "-I", str(Path(__file__).with_name("leash.py"))]
# A step checks for a stop at every frame batch, well under a second; 20 s leaves room for a slow disk.
STOP_WAIT_S = 20


@dataclass(frozen=True)
class Program:
    """One process: its command, its place in the order of start (and, backwards, of stop), whether it runs once."""

    name: str
    command: list[str]
    priority: int
    once: bool = False
    stop_signal: str = "TERM"

    def section(self) -> str:
        """The program's section of the configuration file."""
        restart = "false" if self.once else "true"
        command = " ".join(quoted(part) for part in [*LEASH, *self.command])
        return (
            f"[program:{self.name}]\ncommand={command}\npriority={self.priority}\n"
            f"autorestart={restart}\nstartsecs={0 if self.once else 2}\nstartretries=3\n"
            f"stopsignal={self.stop_signal}\nstopwaitsecs={STOP_WAIT_S}\nstopasgroup=false\nkillasgroup=true\n"
            "stdout_logfile=/dev/fd/1\nstdout_logfile_maxbytes=0\nredirect_stderr=true\n"
        )


def quoted(part: str) -> str:
    """A word of a command line as supervisord reads it: shell quotes, and % doubled."""
    return shlex.quote(part).replace("%", "%%")


# Probing files, webhooks and mail: two at once, so that one long film does not hold up the rest.
IO_SLOTS = 2
# Files fetched at once from addresses that others name; a thread each that mostly waits.
FETCH_SLOTS = 8
# Takes that another machine renders at once; a thread each that waits.
REMOTE_SLOTS = 8
# Longer than clients and proxies keep a connection that is not used, so that they never write into one just closed.
KEEP_ALIVE_S = 75


def programs(*, bind: str, workers: int, redis_command: list[str] | None, remote: bool = False) -> list[Program]:
    """Web, workers, clock and welcome; Redis first where the studio brings its own.

    ``bind`` is the web server's address and port. What waits for disks and networks has a worker of its own, so that a
    file is checked at once while films are rendered, and what fetches from elsewhere has another; with ``remote`` there
    is one more for what other machines render.
    Workers are stopped by QUIT, Celery's soft shutdown: they finish what they can within
    CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT and hand the rest back to the queue.
    """
    python = sys.executable
    celery = [python, "-m", "celery", "--quiet", "-A", "studio"]
    own = [Program("redis", redis_command, 1)] if redis_command else []
    return [
        *own,
        _worker("worker", "cpu", workers),
        _worker("io", "io", IO_SLOTS),
        _worker("fetch", "fetch", FETCH_SLOTS),
        *([_worker("remote", "remote", REMOTE_SLOTS)] if remote else []),
        Program("clock", [*celery, "beat", "-l", "WARNING"], 20),
        Program("web", web_command(bind=bind), 20),
        Program("welcome", [python, "manage.py", "welcome"], 30, once=True),
    ]


def web_command(*, bind: str) -> list[str]:
    """The web server's command: each of its 16 threads keeps a connection to PostgreSQL between requests.

    A client that asks now and then keeps its connection; one that does nothing takes no thread.
    """
    web = [sys.executable, "-m", "gunicorn", "studio.wsgi", "--bind", bind, "--worker-class", "gthread"]
    web += ["--workers", "2", "--threads", "8", "--keep-alive", str(KEEP_ALIVE_S)]
    web += ["--timeout", "120", "--graceful-timeout", "5"]
    web += ["--limit-request-line", "8190"]  # a search beside a hundred chosen files names them all
    return [*web, "--log-level", "warning"]


def _worker(name: str, queue: str, slots: int) -> Program:
    command = [sys.executable, "manage.py", "worker", "--queues", queue, "--slots", str(slots)]
    return Program(name, command, 20, stop_signal="QUIT")


def write_configuration(folder: Path, parts: list[Program]) -> Path:
    """Write the configuration of supervisord into ``folder`` and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    place = str(folder).replace("%", "%%")
    head = (
        f"[supervisord]\nnodaemon=true\nsilent=true\nlogfile={place}/supervisord.log\n"
        f"pidfile={place}/supervisord.pid\nchildlogdir={place}\n\n"
    )
    # Programs are stopped one after another, those of a group all at once.
    together = [part for part in parts if part.name != "redis"]
    group = f"[group:studio]\nprograms={','.join(part.name for part in together)}\npriority=20\n\n"
    path = folder / "supervisord.conf"
    path.touch(mode=0o600)
    path.write_text(head + group + "\n".join(part.section() for part in parts))
    return path
