"""Invoices note that they were told; those of before were, as far as anybody knows."""

from django.db import migrations, models
from django.db.models import F


def note_old_ones(apps, schema_editor):
    apps.get_model("billing", "Invoice").objects.update(told_at=F("issued_at"))


class Migration(migrations.Migration):
    dependencies = [("billing", "0008_limits_of_the_api")]
    operations = [
        migrations.AddField(
            model_name="invoice",
            name="told_at",
            field=models.DateTimeField(help_text="when its payment was asked for and its mail was sent", null=True),
        ),
        migrations.RunPython(note_old_ones, migrations.RunPython.noop),
    ]
