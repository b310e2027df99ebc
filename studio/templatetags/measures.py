"""Lengths, sizes and rates as people read them: exact figures, units after a no-break space."""

from django import template

register = template.Library()

NO_BREAK = "\N{NO-BREAK SPACE}"
UNITS = (("GB", 10**9), ("MB", 10**6), ("kB", 10**3))


@register.filter
def clock(seconds: float | None, decimals: int = 0) -> str:
    """``48.2`` → ``0:48``, with one decimal ``0:48.2``; from an hour on ``1:02:03``. Nothing for None.

    Whole seconds are rounded down, as a player shows them; decimals are rounded to the nearest.
    """
    if seconds is None:
        return ""
    ticks = 10**decimals
    total = int(seconds) if not decimals else round(seconds * ticks)
    whole, part = divmod(total, ticks) if decimals else (total, 0)
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    text = f"{hours}:{minute:02d}:{second:02d}" if hours else f"{minute}:{second:02d}"
    return f"{text}.{part:0{decimals}d}" if decimals else text


@register.filter
def size(count: int | None) -> str:
    """Bytes in decimal units with two or three figures: ``2.4 MB``, ``214 MB``; under a thousand ``812 bytes``."""
    if count is None:
        return ""
    for unit, step in UNITS:
        if count >= step:
            value = count / step
            return f"{value:.0f}{NO_BREAK}{unit}" if value >= 10 else f"{value:.1f}{NO_BREAK}{unit}"
    return f"{count}{NO_BREAK}bytes"


@register.filter
def rate(fps: float | None) -> str:
    """Frames a second with up to two decimals: ``29.97 fps``, ``25 fps``."""
    return f"{fps:.2f}".rstrip("0").rstrip(".") + f"{NO_BREAK}fps" if fps else ""
