"""Prove that the books balance."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.billing.models import Transaction
from apps.billing.proof import unbalanced, wrong_copies, wrong_holds, wrong_invoices
from apps.generations.models import Generation
from apps.generations.proof import wrong_outcomes


class Command(BaseCommand):
    help = "Read the whole ledger: every transaction adds up to zero, every take has exactly one outcome."

    def handle(self, *args: Any, **options: Any) -> None:
        problems = unbalanced() + wrong_copies() + wrong_holds() + wrong_invoices() + wrong_outcomes()
        for problem in problems:
            self.stderr.write(problem)
        if problems:
            raise CommandError(f"The books do not balance: {len(problems)} problems.", returncode=1)
        counted = f"{Transaction.objects.count()} transactions, {Generation.objects.count()} takes"
        self.stdout.write(f"The books balance: {counted}")
