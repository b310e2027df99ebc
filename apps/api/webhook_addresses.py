"""Addresses that webhooks may be sent to."""

from threading import BoundedSemaphore

from django.conf import settings

from apps.api.addresses import AddressRefused, spelled, target_of
from apps.api.errors import ApiError

URL_LIMIT = 2000  # bytes: PostgreSQL keeps no more than 2,700 in an index, and deliveries have one over the address
# A name server that does not answer holds a thread of the web server for seconds, of eight in a process. Beyond these
# an address is taken by its spelling: its host is looked up and checked at each delivery anyway.
places_to_look = BoundedSemaphore(2)


def check_webhook_url(url: str | None, *, look_up: bool = True, field: str = "webhookUrl") -> None:
    """Refuse an address no webhook would ever be sent to. The host is looked up again at each delivery.

    Without ``look_up`` only its spelling is checked: the hundreds of a batch would hold the request too long. So it is
    where others look theirs up in all the places.
    """
    if not url:
        return
    schemes = ("http", "https") if settings.PRIVATE_URLS else ("https",)
    length = len(url.encode("utf-8", "replace"))
    if length > URL_LIMIT:
        raise ApiError(
            "generation_input_validation_failed",
            f"The address has {length} bytes.",
            f"Up to {URL_LIMIT} fit.",
            field=field,
        )
    free = look_up and places_to_look.acquire(blocking=False)
    try:
        (target_of if free else spelled)(url, schemes=schemes)
    except AddressRefused as error:
        raise ApiError(
            "generation_input_validation_failed", str(error), "Send a public https address.", field=field
        ) from error
    finally:
        if free:
            places_to_look.release()
