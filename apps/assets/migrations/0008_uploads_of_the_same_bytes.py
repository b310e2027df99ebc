"""Uploads of the same bytes all lead to the asset that the library keeps of them."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("assets", "0007_speaker_names")]
    operations = [
        migrations.AlterField(
            model_name="upload",
            name="asset",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.CASCADE, related_name="uploads", to="assets.asset"
            ),
        ),
    ]
