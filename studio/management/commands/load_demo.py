"""Load the demo workspace."""

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from apps.inference.engine import EngineError
from studio.demo import load_demo
from studio.errors import StudioError


class Command(BaseCommand):
    help = "Make the demo person, workspace, project and first take where they are missing; print the sign-in."

    def handle(self, *args, **options) -> None:
        if settings.PRODUCTION:
            raise CommandError("The demo account is for a studio on one's own machine, not for production.")
        try:
            demo = load_demo()
        except (EngineError, StudioError) as error:
            raise CommandError(f"The demo could not be loaded: {error}") from error
        password = f"password {demo.password}" if demo.password else "the password you chose"
        self.stdout.write(f"  Sign in as {demo.email}, {password}\n")
