"""What changes a generation. Views, the API and tasks come through here."""

from apps.generations.estimate import Estimate, estimate

__all__ = ["Estimate", "estimate"]
