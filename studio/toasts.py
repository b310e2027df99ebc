"""Short messages at the foot of the page, through Django's message store: shown after a redirect, or with a swap."""

from django.contrib import messages
from django.http import HttpRequest


def toast(request: HttpRequest, text: str, *, level: int = messages.SUCCESS, undo: str = "") -> None:
    """Queue one message. ``undo`` is the address that a POST undoes the deed at; the toast then has an Undo button.

    Pages draw the queue in base.html. A partial answer draws it by including ``parts/toasts_oob.html``.
    """
    messages.add_message(request, level, text, extra_tags=undo)
