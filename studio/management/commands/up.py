"""Start the whole studio on this machine: ``manage.py up``, which ``make run`` calls."""

import os
import socket
import sys

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from studio.environment import read
from studio.processes import programs, write_configuration
from studio.redis_server import RedisServer


class Command(BaseCommand):
    help = "Prepare the data folder and run web, workers and clock (and a Redis server) until Ctrl-C."

    def handle(self, *args, **options) -> None:
        # Unless hosts are named, only this machine gets in: the demo account must not face a network.
        interface = "0.0.0.0" if read("STUDIO_HOSTS") else "127.0.0.1"  # noqa: S104
        refuse_taken_port(interface, settings.PORT)
        self.stdout.write("Preparing the data folder.")
        call_command("migrate", verbosity=0)
        call_command("load_plans", verbosity=0)
        call_command("collectstatic", interactive=False, verbosity=0)
        server = None if read("REDIS_URL") else RedisServer(settings.DATA_DIR / "redis")
        if server is not None:
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
        os.chdir(settings.BASE_DIR)
        os.execv(sys.executable, [sys.executable, "-m", "supervisor.supervisord", "-c", str(configuration)])  # noqa: S606


def refuse_taken_port(interface: str, port: int) -> None:
    """Say at once what supervisord could only say by restarting the web process in vain."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((interface, port))
        except OSError as error:
            raise CommandError(f"Port {port} is in use. Choose another: PORT={port + 1} make run") from error


def note_address(url: str) -> None:
    """Leave the address where other commands of this data folder look for it."""
    settings.REDIS_NOTE.parent.mkdir(parents=True, exist_ok=True)
    settings.REDIS_NOTE.touch(mode=0o600)
    settings.REDIS_NOTE.write_text(url)
