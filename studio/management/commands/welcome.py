"""The last step of a start: load the demo workspace, wait for the web server, say where to go."""

import time
import urllib.error
import urllib.request

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

START_TIMEOUT_S = 90


class Command(BaseCommand):
    help = "Load the demo workspace and print the address and the demo sign-in."

    def handle(self, *args, **options) -> None:
        wait_for_web(f"http://127.0.0.1:{settings.PORT}/healthz")
        self.stdout.write(f"\n  Lipsync Studio is at {settings.PUBLIC_URL}\n")
        self.stdout.flush()
        if not settings.PRODUCTION:
            call_command("load_demo", stdout=self.stdout)


def wait_for_web(address: str) -> None:
    """Return when the web server answers; asked as the studio's own address, for it answers no other."""
    host = next((name.lstrip(".") for name in settings.ALLOWED_HOSTS if name != "*"), "localhost")
    asked_for = {"Host": host, "X-Forwarded-Proto": "https"}  # production sends everything else to https first
    request = urllib.request.Request(address, headers=asked_for)  # noqa: S310
    deadline = time.monotonic() + START_TIMEOUT_S
    while True:
        try:
            with urllib.request.urlopen(request, timeout=2):  # noqa: S310
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError) as error:
            if time.monotonic() > deadline:
                raise CommandError(f"The web server did not answer within {START_TIMEOUT_S} s: {error}") from error
            time.sleep(0.2)
