from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("assets", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="asset",
            name="visibility",
            field=models.CharField(
                choices=[
                    ("workspace", "Everyone in the workspace"),
                    ("private", "Only its maker, administrators and the owner"),
                ],
                default="workspace",
                max_length=9,
            ),
        ),
    ]
