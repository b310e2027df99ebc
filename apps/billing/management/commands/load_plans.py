"""Write the plans into the database."""

from typing import Any

from django.core.management.base import BaseCommand

from apps.billing.plans import PLANS, load_plans


class Command(BaseCommand):
    help = "Load the plans of apps/billing/plans.py. Safe to run again: existing rows stay as they are."

    def handle(self, *args: Any, **options: Any) -> None:
        new = load_plans()
        if options["verbosity"]:
            self.stdout.write(f"Plans: {new} new, {len(PLANS)} in the table")
