"""Give older rows what newer ones have: an entry its workspace and time, the first plans their new figures."""

from datetime import date

from django.db import migrations
from django.db.models import OuterRef, Subquery

FIRST_TABLE = date(2026, 1, 1)
NEW_FIGURES = {
    "free": {"included_takes": 3, "prepaid": True},
    "hobbyist": {"auto_invoice_cents": 600},
    "creator": {"auto_invoice_cents": 2000},
    "growth": {"auto_invoice_cents": 5000, "extra_seat_cents": 2500},
    "scale": {"auto_invoice_cents": 25_000, "extra_seat_cents": 2500},
}


def fill(apps, schema_editor):
    Plan, Entry = apps.get_model("billing", "Plan"), apps.get_model("billing", "Entry")
    Transaction = apps.get_model("billing", "Transaction")
    for code, figures in NEW_FIGURES.items():
        Plan.objects.filter(code=code, valid_from=FIRST_TABLE).update(**figures)
    parent = Transaction.objects.filter(pk=OuterRef("transaction_id"))
    Entry.objects.filter(workspace=None).update(
        workspace_id=Subquery(parent.values("workspace_id")[:1]), created_at=Subquery(parent.values("created_at")[:1])
    )


class Migration(migrations.Migration):
    dependencies = [("billing", "0002_money")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
