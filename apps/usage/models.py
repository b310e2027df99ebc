"""What a workspace keeps, looked at once a day."""

from django.db import models


class StoredDay(models.Model):
    """Bytes in a workspace's library on a day (UTC), and the price of that day's plan. A day not looked at is free."""

    workspace = models.ForeignKey("workspaces.Workspace", on_delete=models.CASCADE, related_name="stored_days")
    day = models.DateField()
    bytes = models.BigIntegerField()
    price_micros = models.PositiveIntegerField(help_text="micro-dollars for a gigabyte kept for a month")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["workspace", "day"], name="one_look_at_storage_per_day")]
        indexes = [models.Index(fields=["day"], name="storage_of_a_day")]

    def __str__(self) -> str:
        return f"{self.bytes} bytes on {self.day}"
