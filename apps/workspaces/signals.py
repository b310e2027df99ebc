"""What rooms above may want to know or to forbid; they connect to these instead of being imported from here."""

from django.dispatch import Signal

# Sent with ``workspace`` before it is closed; a receiver that raises StudioError stops that.
workspace_closing = Signal()

# Sent with ``user`` before an account is emptied, so that keys and the like end with it; may refuse likewise.
account_closing = Signal()
