"""Every entry has its workspace from now on, and rows of the ledger can neither change nor go."""

import django.db.models.deletion
from django.db import migrations, models

from studio.append_only import append_only


class Migration(migrations.Migration):
    dependencies = [("billing", "0003_fill_new_columns"), ("workspaces", "0001_initial")]
    operations = [
        migrations.AlterField(
            model_name="entry",
            name="workspace",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="workspaces.workspace",
            ),
        ),
        append_only("billing_transaction"),
        append_only("billing_entry"),
    ]
