"""``manage.py mcp``: the studio as tools for an assistant, over standard input and output."""

import os
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

KEY = "SYNC_API_KEY"


class Command(BaseCommand):
    help = f"Serve the studio's tools to an assistant (Model Context Protocol). The API key is read from {KEY}."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--studio", default=settings.PUBLIC_URL, help="address of the studio; default: this one's")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            from apps.api.mcp_server import build
        except ModuleNotFoundError as error:
            raise CommandError("Install it first: pip install -r requirements-mcp.txt") from error
        key = os.environ.get(KEY, "")
        if not key:
            raise CommandError(f"Put a key of the studio into {KEY}: manage.py apikey create --help tells how.")
        build(options["studio"], key).run("stdio")
