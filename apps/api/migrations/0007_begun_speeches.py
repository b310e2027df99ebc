"""Which texts a call has paid. Of earlier calls the one that came first with a text has."""

from django.db import migrations, models


def fill(apps, schema_editor):
    Call = apps.get_model("api", "Call")
    seen = set()
    for call in Call.objects.exclude(speeches={}).order_by("created_at").only("speeches").iterator():
        call.begun = [job for job in dict.fromkeys(call.speeches.values()) if job not in seen]
        seen.update(call.begun)
        call.save(update_fields=["begun"])


class Migration(migrations.Migration):
    dependencies = [("api", "0006_announcing_and_log")]
    operations = [
        migrations.AddField(
            model_name="call",
            name="begun",
            field=models.JSONField(
                default=list, help_text="those of its speeches that were begun for it: it has paid them"
            ),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
