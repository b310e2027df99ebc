"""API keys from the command line: ``apikey create`` prints one for scripts."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.api.keys import make_key
from apps.api.models import Scope
from apps.workspaces.models import Membership, Role
from studio.errors import StudioError


class Command(BaseCommand):
    help = "Make an API key and print it. It is shown this once: only its hash is kept."

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        create = actions.add_parser("create", help="make a key and print it")
        create.add_argument("--workspace", required=True, help="slug, as in the address /w/<slug>/")
        create.add_argument("--name", required=True, help="what will use the key")
        create.add_argument("--scope", choices=Scope.values, default=Scope.MANAGE.value)
        create.add_argument("--user", help="e-mail of the person it acts as; default: the first owner")

    def handle(self, *args: Any, **options: Any) -> None:
        members = Membership.objects.select_related("workspace", "user").filter(workspace__slug=options["workspace"])
        wanted = {"user__email": options["user"].lower()} if options["user"] else {"role": Role.OWNER}
        membership = members.filter(**wanted).order_by("joined_at").first()
        if membership is None:
            raise CommandError(f"No such person in a workspace with the slug “{options['workspace']}”.")
        try:
            _, key = make_key(membership=membership, name=options["name"], scope=options["scope"])
        except (StudioError, PermissionDenied) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(key)
