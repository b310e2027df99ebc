"""Ways to be paid, behind one protocol. ``STUDIO_PAYMENTS`` chooses one."""

from django.conf import settings

from apps.billing.payments.manual import ManualProvider
from apps.billing.payments.protocol import Provider
from apps.billing.payments.stripe import StripeProvider

__all__ = ["Provider", "provider"]


def provider() -> Provider:
    """The provider this studio is set up with."""
    return StripeProvider() if settings.PAYMENTS == "stripe" else ManualProvider()
