"""How long something took, in templates."""

from django import template

from studio.templatetags.measures import NO_BREAK

register = template.Library()


@register.filter
def took(seconds: float | None) -> str:
    """0.4 gives "0.4 s", 8.2 "8.2 s", 41 "41 s", 75 "1 min 15 s"; nothing for None."""
    if seconds is None:
        return ""
    if seconds < 9.95:
        return f"{max(0.0, seconds):.1f}{NO_BREAK}s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}{NO_BREAK}min {rest}{NO_BREAK}s" if minutes else f"{rest}{NO_BREAK}s"
