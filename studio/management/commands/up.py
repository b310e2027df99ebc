"""Start the whole studio on this machine: ``manage.py up``, which ``make run`` calls."""

import os
import socket
import subprocess
import sys

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from studio.environment import name_places_in_full, read
from studio.processes import programs, write_configuration
from studio.redis_server import RedisServer, at_work_in


class Command(BaseCommand):
    help = "Prepare the data folder and run web, workers and clock (and a Redis server) until Ctrl-C."

    def handle(self, *args, **options) -> None:
        # Unless hosts are named, only this machine gets in: the demo account must not face a network.
        interface = "0.0.0.0" if read("STUDIO_HOSTS") else "127.0.0.1"  # noqa: S104
        refuse_second_studio()
        refuse_taken_port(interface, settings.PORT)
        self.stdout.write("Preparing the data folder.")
        call_command("migrate", verbosity=0)
        call_command("load_plans", verbosity=0)
        call_command("collectstatic", interactive=False, verbosity=0)
        server = None if read("REDIS_URL") else RedisServer(settings.DATA_DIR / "redis")
        if server is not None:
            server.mend()
            note_address(server.url)
            os.environ["REDIS_URL"] = server.url
        workers = read("STUDIO_WORKERS") or os.cpu_count() or 1
        parts = programs(
            bind=f"{interface}:{settings.PORT}",
            workers=workers,
            redis_command=server.command if server else None,
            remote="remote" in settings.INFERENCE_BACKENDS.values(),
        )
        configuration = write_configuration(settings.DATA_DIR / "run", parts)
        name_places_in_full()
        os.chdir(settings.BASE_DIR)
        make_output_openable()
        os.execv(sys.executable, [sys.executable, "-m", "supervisor.supervisord", "-c", str(configuration)])  # noqa: S606


def refuse_taken_port(interface: str, port: int) -> None:
    """Say at once what supervisord could only say by restarting the web process in vain."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((interface, port))
        except OSError as error:
            raise CommandError(f"Port {port} is in use. Choose another: PORT={port + 1} make run") from error


def refuse_second_studio() -> None:
    """Two studios in one folder would write into one file of Redis, each without the other's knowledge."""
    if not settings.REDIS_NOTE.exists():
        return
    process = at_work_in(settings.DATA_DIR / "redis", settings.REDIS_NOTE.read_text().strip())
    if process is not None:
        raise CommandError(
            f"A studio runs in {settings.DATA_DIR} already; its Redis is process {process}. "
            "Stop that one first, or give this one a folder of its own by STUDIO_DATA."
        )


def make_output_openable() -> None:
    """supervisord opens the place of the log anew for each part. A socket, which is what systemd gives a service, and
    another person's terminal cannot be opened: then what is written goes there through a pipe.
    """
    try:
        os.close(os.open("/dev/fd/1", os.O_WRONLY | os.O_APPEND))
    except OSError:
        # In a session of its own, so that Ctrl-C leaves it there for the last words; it ends when nobody writes more.
        relay = subprocess.Popen(["cat"], stdin=subprocess.PIPE, start_new_session=True)  # noqa: S607
        assert relay.stdin is not None
        os.dup2(relay.stdin.fileno(), 1)


def note_address(url: str) -> None:
    """Leave the address where other commands of this data folder look for it."""
    settings.REDIS_NOTE.parent.mkdir(parents=True, exist_ok=True)
    settings.REDIS_NOTE.touch(mode=0o600)
    settings.REDIS_NOTE.write_text(url)
