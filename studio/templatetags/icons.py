"""``{% icon "upload" %}``: an icon of the sprite. ``{% mark %}``: the studio's own sign."""

from functools import cache

from django import template
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from studio import icons

register = template.Library()

# Lips crossed by a playhead: picture and voice meet on one line.
LIPS = "M2 12C6 4.5 18 4.5 22 12C18 19.5 6 19.5 2 12Z"
TICKS = "M7.5 10.3v3.4M16.5 10.3v3.4"
PLAYHEAD = "M12 4v16"


@cache
def sheet() -> str:
    """Address of the sprite, looked up once: a page of the library draws a hundred icons."""
    return reverse("icons", args=[icons.version()])


@register.simple_tag
def icon(name: str, classes: str = "", label: str = "") -> SafeString:
    """Icon of 16 px in the text's colour; ``classes`` may add small, large or solid.

    Hidden from screen readers unless ``label`` gives it a name of its own. Raises ``TemplateSyntaxError`` for a name
    that ``studio/icons.py`` does not list.
    """
    if name not in icons.NAMES:
        raise template.TemplateSyntaxError(f"No icon named {name!r} in studio/icons.py.")
    voice = format_html('role="img" aria-label="{}"', label) if label else mark_safe('aria-hidden="true"')
    return format_html('<svg class="{}" {}><use href="{}#{}"/></svg>', f"i {classes}".strip(), voice, sheet(), name)


@register.simple_tag
def mark(classes: str = "") -> SafeString:
    """The studio's sign, decorative: the name stands beside it or in the link's label."""
    return format_html(
        '<svg class="{}" viewBox="0 0 24 24" aria-hidden="true">'
        '<path class="lips" d="{}"/><path class="line" d="{}"/><path class="lips" d="{}"/></svg>',
        f"mark {classes}".strip(),
        LIPS,
        PLAYHEAD,
        TICKS,
    )
